/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_writer - what body_edit.c and body_section.c share while one SDP is written. Private to them.
 *
 * The writer lives on the stack of body_sdp_write; only the output buffer is allocated.
 */
#ifndef SBE_SDP_BODY_WRITER_H
#define SBE_SDP_BODY_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_leak.h"

struct body_writer {
	const struct body_sdp *in;
	const struct body_rewrite *rw;
	struct body_written out;
	char *buf;
	size_t len, cap;
	bool failed; /* out of memory: everything after is ignored */
	size_t origin_at;
	bool any_relay, session_hidden;
	struct body_leak_set *inner;
	struct body_text
		session_c; /* value of the session's c= line that we write; at NULL: none */
	struct body_text received_c; /* the one received */
	char session_buf[BODY_ADDRESS_BYTES];
};

/** Space for so many more bytes and a 0. @return false: out of memory, now or before. */
bool body_room(struct body_writer *w, size_t more);
void body_put(struct body_writer *w, const char *bytes, size_t len);
void body_put_text(struct body_writer *w, struct body_text t);
/** A line as it was received, with our line end. */
void body_put_line(struct body_writer *w, struct body_text line);
void body_put_word(struct body_writer *w, const char *word);
/** In decimal. */
void body_put_number(struct body_writer *w, unsigned number);

/** Must the addresses of this stream stay inside? */
bool body_is_hidden(const struct body_writer *w, unsigned stream);
/** Do we carry its media now: relayed, with a port, not refused? */
bool body_is_carried(const struct body_writer *w, unsigned stream);
/** Our address for a hidden stream's c= line. */
struct addr body_stream_address(const struct body_writer *w, unsigned stream);
/** "IN IP4 ..." in buf of BODY_ADDRESS_BYTES. */
struct body_text body_print_own(const struct addr *a, char *buf);

/** Attributes whose only purpose is to name addresses. */
bool body_names_addresses(struct body_text name);
/** Count a line that names an inner address. @return true: it must go. */
bool body_line_leaks(struct body_writer *w, struct body_text line);
/** Write a line that nobody asked to change, unless it leaks. */
void body_pass_line(struct body_writer *w, struct body_text line);
/** Is the attribute in a strip list? Counts it. */
bool body_is_stripped(struct body_writer *w, struct body_text name, const char *const *list,
		      unsigned n);
/** u=, e= and p= when they shall not be shown. */
bool body_is_personal(const struct body_writer *w, char type);

/** Write media section number index. */
void body_section_write(struct body_writer *w, unsigned index);

#endif
