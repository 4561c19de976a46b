/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_read - the decoder's state and its reading of descriptors (streams, ServiceChange, events).
 * Private to proto/message_decode.c and message_read.c.
 */
#ifndef PROTO_MESSAGE_READ_H
#define PROTO_MESSAGE_READ_H

#include "proto/message_wire.h"
#include "proto/result.h"

struct gate_reading {
	bool strict;   /* a request in a version we speak: unknown fields are errors */
	bool request;  /* else a reply */
	uint16_t code; /* first error */
	char *text;    /* GATE_TEXT_BYTES for its words */
};

/** Note the first error. @return -EINVAL */
int gate_reading_fail(struct gate_reading *r, uint16_t code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** 444 if strict and w has fields this version does not know. @return 0, -EINVAL. */
int gate_reading_known(struct gate_reading *r, const ProtobufCMessage *w, const char *what);
/** Copy a name (absent = ""). Termination ids have a larger set of characters. @return 0, -EINVAL. */
int gate_reading_name(struct gate_reading *r, const char *from, bool termination,
		      char to[GATE_NAME_BYTES]);
/** Copy words for people: cut to fit, control characters become '?'. */
void gate_reading_text(const char *from, char *to, size_t size_bytes);

int gate_reading_stream(struct gate_reading *r, const Gate__Stream *w,
			struct gate_stream *ret_stream);
int gate_reading_change(struct gate_reading *r, const Gate__ServiceChange *w,
			struct gate_service_change *ret_change);
int gate_reading_event(struct gate_reading *r, const Gate__Event *w, struct gate_event *ret_event);

#endif
