/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_stray - a 2xx that nobody waits for (of a fork that lost, behind a CANCEL, late): ACK, and once BYE.
 *
 * The far end repeats its 2xx until our ACK is there; each copy is ACKed, but a dialog is ended only once. What was ended
 * lately is remembered here, as many as there is room for. A BYE to a peer that may want credentials is kept until it is
 * answered.
 * Owner: embedded in struct call_core. Thread: loop.
 */
#ifndef SBE_CALL_CALL_STRAY_H
#define SBE_CALL_CALL_STRAY_H

#include <stdint.h>
#include <sys/queue.h>

#define CALL_STRAYS 256
#define CALL_STRAY_BYES 64 /* that wait for an answer; more are sent all the same */

struct call_stray {
	uint64_t key, until_ms;
};
struct call_stray_bye;
struct call_strays {
	struct call_stray all[CALL_STRAYS];
	unsigned next;
	LIST_HEAD(, call_stray_bye) byes;
	unsigned nbyes;
};

struct call_core;
struct dialog;
struct transport_target;
struct wire_msg;

/** This dialog is ended by us now, and a 2xx of it may still come again: then nothing but its ACK is sent. */
void call_stray_expect(struct call_core *core, const struct dialog *d);
/** ACK, and BYE unless this 2xx has come before. @param cseq the highest one used in that dialog. */
void call_hang_up_2xx(struct call_core *core, const struct wire_msg *m,
		      const struct transport_target *to, uint32_t cseq);
/** Only the ACK, from the response alone. */
void call_ack_2xx(struct call_core *core, const struct wire_msg *m,
		  const struct transport_target *to);
/** Whoever has not answered its BYE is not waited for any more. */
void call_stray_end(struct call_core *core);

#endif
