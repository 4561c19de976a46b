/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_record - one CDR per call attempt of a known peer, whether it was answered, failed or refused.
 * Owner: none, works on the call it is given. Thread: loop.
 */
#ifndef SBE_CALL_CALL_RECORD_H
#define SBE_CALL_CALL_RECORD_H

struct call;
struct call_core;
struct gate_final;
struct peer;
struct wire_msg;

/** The call has ended: its record, once. @param final the dbe's counters; NULL = no media. */
void call_record(struct call *call, const struct gate_final *final);
/** An INVITE was refused before there was a call. @param cause CDR word, static. */
void call_record_refused(struct call_core *core, const struct wire_msg *m, const struct peer *p,
			 int status, const char *cause);

#endif
