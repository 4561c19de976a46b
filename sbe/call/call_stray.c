/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_stray.h"

#include <string.h>

#include "common/clock.h"
#include "sbe/call/call_object.h"
#include "sbe/sip/wire_out.h"

/* Nobody remembers what we have sent in a stray's early dialog (PRACK, UPDATE): room for it. */
#define STRAY_CSEQ_GAP 64U

/* A dialog made of nothing but a 2xx of our INVITE. */
static int dialog_of_2xx(struct dialog *d, const struct wire_msg *m,
			 const struct transport_target *to)
{
	struct wire_party from, far;
	char call_id[256], tag[DIALOG_TAG_BYTES], local[512], remote[512], uri[512];
	int err;

	wire_from(m, &from);
	wire_to(m, &far);
	wire_text_copy(wire_call_id(m), call_id, sizeof(call_id));
	wire_text_copy(from.tag, tag, sizeof(tag));
	wire_text_copy(from.uri.text, uri, sizeof(uri));
	snprintf(local, sizeof(local), "<%.500s>", uri);
	wire_text_copy(far.uri.text, uri, sizeof(uri));
	snprintf(remote, sizeof(remote), "<%.500s>", uri);
	err = dialog_init_uac(d, local, remote, uri, to);
	if (err)
		return err;
	d->call_id = call_id; /* establishing copies them into the dialog's own block */
	d->local_tag = tag;
	d->local_cseq = wire_cseq(m);
	err = dialog_establish_uac(d, m);
	if (err)
		dialog_clear(d);
	return err;
}

static void send_2xx_request(struct call_core *core, struct dialog *d, const char *method,
			     uint32_t cseq)
{
	struct txn_request r = {.method = method, .uri = d->remote_target};
	struct txn_client *bye = NULL;
	struct wire_out o;

	wire_out_init(&o, core->headers, sizeof(core->headers));
	dialog_write(d, method, cseq, 70, &o);
	if (wire_out_end(&o, &r.headers_bytes))
		return;
	r.headers = core->headers;
	if (cseq)
		txn_send_ack(core->o.txns, &d->target, &r);
	else if (!txn_client_new(core->o.txns, &d->target, &r, NULL, NULL, &bye))
		txn_client_detach(bye);
}

void call_ack_2xx(struct call_core *core, const struct wire_msg *m,
		  const struct transport_target *to)
{
	struct dialog d = {0};

	if (dialog_of_2xx(&d, m, to))
		return;
	send_2xx_request(core, &d, "ACK", wire_cseq(m));
	dialog_clear(&d);
}

static uint64_t hash_text(struct wire_text t, uint64_t h)
{
	for (size_t i = 0; i < t.n; i++)
		h = (h ^ (uint8_t)t.s[i]) * 1099511628211ULL;
	return h;
}

/* One tag of the two is ours and random, so nobody can choose what collides. */
static uint64_t key_of(struct wire_text ours, struct wire_text theirs)
{
	return hash_text(theirs, hash_text(ours, 1469598103934665603ULL));
}

/* @return true: it was there. */
static bool remember(struct call_core *core, uint64_t key)
{
	struct call_strays *s = &core->strays;
	uint64_t now_ms = clock_now_ms();

	for (unsigned i = 0; i < CALL_STRAYS; i++) {
		if (s->all[i].key == key && s->all[i].until_ms > now_ms)
			return true;
	}
	s->all[s->next++ % CALL_STRAYS] =
		(struct call_stray){key, now_ms + 64 * (uint64_t)txn_t1_ms(core->o.txns)};
	return false;
}

void call_stray_expect(struct call_core *core, const struct dialog *d)
{
	struct wire_text ours = {d->local_tag, strlen(d->local_tag)},
			 theirs = {d->remote_tag, strlen(d->remote_tag)};

	remember(core, key_of(ours, theirs));
}

static bool seen_before(struct call_core *core, const struct wire_msg *m)
{
	struct wire_party from, to;

	wire_from(m, &from);
	wire_to(m, &to);
	return remember(core, key_of(from.tag, to.tag));
}

/*
 * RFC 3261 13.2.2.4: a 2xx we cannot use is ACKed and its dialog ended with BYE. The dialog lives only
 * here: identifiers come from the response, nobody waits for the answer to the BYE.
 */
void call_hang_up_2xx(struct call_core *core, const struct wire_msg *m,
		      const struct transport_target *to, uint32_t cseq)
{
	struct dialog d = {0};

	if (seen_before(core, m)) {
		call_ack_2xx(core, m, to);
		return;
	}
	if (dialog_of_2xx(&d, m, to))
		return;
	metric_add(&call_metrics, CALL_LATE_2XX, 1);
	send_2xx_request(core, &d, "ACK", wire_cseq(m));
	if (cseq > d.local_cseq)
		d.local_cseq = cseq;
	send_2xx_request(core, &d, "BYE", 0);
	dialog_clear(&d);
}

void call_hang_up(struct call_core *core, const struct wire_msg *m,
		  const struct transport_target *to)
{
	call_hang_up_2xx(core, m, to, wire_cseq(m) + STRAY_CSEQ_GAP);
}

void call_on_stray_2xx(struct call_core *core, const struct wire_msg *m,
		       const struct transport_target *from, bool again)
{
	struct wire_party to;

	/* Only what one of our peers sends can be the late answer to an INVITE of ours. */
	if (!peer_identify(core->c.peers, from))
		return;
	wire_to(m, &to);
	if (!to.tag.n)
		return; /* no dialog could be meant (RFC 3261 8.2.6.2) */
	/* Of a dialog that lives: an old 2xx again, whose ACK got lost. A BYE would end the call. */
	if (again || dialog_find_response(core->dialogs, m))
		call_ack_2xx(core, m, from);
	else
		call_hang_up_2xx(core, m, from, wire_cseq(m) + STRAY_CSEQ_GAP);
}
