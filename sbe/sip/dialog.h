/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dialog - one dialog of ours (RFC 3261 12): identifiers, CSeq, route set, remote target. Sans-I/O.
 *
 * Owner: embedded in a leg; dialog_clear frees what it holds. Strings are kept in one block that is
 * built when the dialog is made and once more when it is confirmed. Thread: loop.
 */
#ifndef SBE_SIP_DIALOG_H
#define SBE_SIP_DIALOG_H

#include "common/table.h"
#include "sbe/sip/transport.h"
#include "sbe/sip/wire.h"
#include "sbe/sip/wire_out.h"

#define DIALOG_TAG_BYTES 20     /* 72 random bits in hex, with the 0 */
#define DIALOG_CALL_ID_BYTES 36 /* 128 random bits in hex, with the 0 */
#define DIALOG_ROUTES_MAX 16
#define DIALOG_ROUTES_MAX_BYTES 4096
#define DIALOG_TEXT_MAX_BYTES 4096 /* each of the other strings; more is -EMSGSIZE */

struct dialog {
	char *block; /* all strings below */
	const char *call_id;
	const char *local_tag, *remote_tag; /* remote "" until known */
	const char *local_party;   /* From value of our requests, without tag: "\"x\" <sip:a@b>" */
	const char *remote_party;  /* To value of our requests, without tag */
	const char *remote_target; /* URI for in-dialog requests */
	const char *routes;        /* "Route: <..>, <..>\r\n" or "" */
	uint32_t local_cseq, remote_cseq;
	bool has_remote_cseq;
	struct transport_target
		target; /* where in-dialog requests go: numeric route or target, else where the peer's messages come from */
	struct table_entry entry; /* in a table while registered */
	void *leg;                /* given to dialog_register */
	char key_[DIALOG_TAG_BYTES];
};

/* Where in-dialog requests go: the first Route (a strict router without lr is treated as a loose one), else the
 * remote target, when its host is a numeric address of the same family (default port 5060, TLS 5061) and can be a
 * host, and the peer may be there (transport_may_go); a name is not looked up. Else the dialog stays with the
 * address its messages come from. Protocol, listener
 * and connection stay those of the dialog.
 *
 * All functions return 0, -EMSGSIZE (a bound above, or a local tag of more than DIALOG_TAG_BYTES - 1),
 * -ENOMEM, and leave the dialog as it was when they fail. */

/** Dialog of a received INVITE: their From becomes our remote party. local_tag: what our responses carry in To.
 *  @return also -EINVAL: neither a SIP Contact nor a SIP or tel From, so there is nothing to send requests to. */
int dialog_init_uas(struct dialog *d, const struct wire_msg *request,
		    const struct transport_target *from, const char *local_tag);

/** Dialog we start: new Call-ID and tag from getrandom. first_cseq 1. */
int dialog_init_uac(struct dialog *d, const char *local_party, const char *remote_party,
		    const char *request_uri, const struct transport_target *to);

/** Before its first request: the Route set of that one, "<sip:a;lr>, <sip:b;lr>" or "" (RFC 3261 8.1.1.1, 12.2.1.1). */
int dialog_preload(struct dialog *d, const char *routes);

/** Take remote tag, route set and target from a 18x/2xx to our request (12.1.2; route set is recomputed by the 2xx, 13.2.2.4). */
int dialog_establish_uac(struct dialog *d, const struct wire_msg *response);

/** Target refresh from a re-INVITE/UPDATE or its 2xx (12.2). No Contact = no change. */
int dialog_refresh_target(struct dialog *d, const struct wire_msg *m,
			  const struct transport_target *from);

/** In-dialog request came: CSeq order. @return 0, -ESTALE (answer 500, 12.2.2). An ACK or CANCEL is not checked. */
int dialog_check_cseq(struct dialog *d, const struct wire_msg *request);

/** From, To, Call-ID, CSeq (next number; the same as the INVITE's for ACK when cseq is not 0), Max-Forwards and Route of a request in this dialog.
 *  @return the CSeq number used. */
uint32_t dialog_write(struct dialog *d, const char *method, uint32_t cseq, int max_forwards,
		      struct wire_out *o);

/** Our Contact towards a target: where we are reached there. */
void dialog_write_contact(const struct transport_target *t, struct wire_out *o);

/** Make d from the fields of another one whose strings may be anywhere (recovery): all but block, entry and leg. */
int dialog_restore(struct dialog *d, const struct dialog *saved);

/** Free what it holds, leave its table. Twice is harmless. */
void dialog_clear(struct dialog *d);

/* Confirmed and early dialogs by Call-ID and both tags: in-dialog requests find their leg. The key is our own tag
 * (random, unique); Call-ID and remote tag are compared after that. */
int dialog_register(struct table *t, struct dialog *d, void *leg);
void dialog_unregister(struct dialog *d);
/** @return the leg given to dialog_register, or NULL. For a request the To tag is ours; an early dialog matches any
 *  remote tag it does not know yet. */
void *dialog_find(struct table *t, const struct wire_msg *request);
/** The same for identifiers that stand somewhere else: Replaces (RFC 3891), Target-Dialog. */
void *dialog_find_ids(struct table *t, struct wire_text call_id, struct wire_text local_tag,
		      struct wire_text remote_tag);
/** The same for a response to a request of ours: its From tag is ours, its To tag must be the known one. */
void *dialog_find_response(struct table *t, const struct wire_msg *response);

#endif
