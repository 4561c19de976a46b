/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples - session descriptions that the tests of this folder share, and how they parse them.
 *
 * Texts are constants with CRLF line ends unless their name says otherwise. Include after cmocka.h.
 */
#ifndef TESTS_UNIT_SBE_SDP_EXAMPLES_H
#define TESTS_UNIT_SBE_SDP_EXAMPLES_H

#include <stddef.h>
#include "sbe/sdp/body_edit.h"
#include "sbe/sdp/body_sdp.h"

#define AUDIO_HEAD "v=0\r\no=alice 2890844526 2890844526 IN IP4 10.1.1.1\r\ns=-\r\n"
#define AUDIO_TIME "t=0 0\r\n"

struct example {
	const char *name, *text;
};

extern const struct example examples[];
extern const size_t n_examples;

/** Text of the example; fails the test when there is none. */
const char *example(const char *name);

/** Parse; fails the test when it is refused. The caller unrefs. */
struct body_sdp *parsed(const char *text);

/** The reason for which it is refused; fails the test when it is accepted or the error is another. */
const char *refused(const char *text, int error);

/** Compare a piece of text with a string. */
void assert_text(struct body_text t, const char *expected);

struct addr ip(const char *text);
struct addr ip_port(const char *text, uint16_t port);

#endif
