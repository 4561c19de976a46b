/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_stray.h"

#include <assert.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/call/call_auth.h"
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

/* ---- a BYE that may be challenged ---- */

/* The leg is no call's: it has what answering a challenge takes. */
struct call_stray_bye {
	struct leg leg;
	struct call_core *core;
	struct txn_client *client;
	LIST_ENTRY(call_stray_bye) link;
};

static void bye_free(struct call_stray_bye *b)
{
	if (b->client)
		txn_client_detach(b->client);
	LIST_REMOVE(b, link);
	b->core->strays.nbyes--;
	call_auth_clear(&b->leg);
	dialog_clear(&b->leg.dialog);
	mem_unref(b->leg.peer);
	mem_free(b);
}

static int bye_send(struct call_stray_bye *b);

static void on_bye_response(void *arg, const struct wire_msg *m)
{
	struct call_stray_bye *b = arg;

	LEG_CHECK(&b->leg);
	if (wire_status(m) < 200)
		return;
	txn_client_detach(b->client);
	b->client = NULL;
	if (!call_auth_again(&b->leg, m) || bye_send(b))
		bye_free(b);
}

static void on_bye_end(void *arg)
{
	struct call_stray_bye *b = arg;

	b->client = NULL;
	bye_free(b);
}
static const struct txn_client_handlers bye_handlers = {.response = on_bye_response,
							.terminated = on_bye_end};

static int bye_send(struct call_stray_bye *b)
{
	struct dialog *d = &b->leg.dialog;
	struct txn_request r = {.method = "BYE", .uri = d->remote_target};
	struct wire_out o;
	int err;

	wire_out_init(&o, b->core->headers, sizeof(b->core->headers));
	dialog_write(d, "BYE", 0, 70, &o);
	call_auth_write(&b->leg, &r, &d->target, &o);
	err = wire_out_end(&o, &r.headers_bytes);
	if (err)
		return err;
	r.headers = b->core->headers;
	return txn_client_new(b->core->o.txns, &d->target, &r, &bye_handlers, b, &b->client);
}

/* Takes over the dialog. @return false: nothing was done. */
static bool bye_with_credentials(struct call_core *core, struct dialog *d,
				 const struct transport_target *to)
{
	struct peer *p = peer_identify(core->c.peers, to);
	struct call_stray_bye *b;

	if (!p || !p->conf->auth.ready || core->strays.nbyes >= CALL_STRAY_BYES)
		return false;
	b = mem_buffer(sizeof(*b));
	if (!b)
		return false;
	memset(b, 0, sizeof(*b));
	b->core = core;
	b->leg.magic = LEG_MAGIC;
	b->leg.side = 1;
	b->leg.peer = mem_ref(p);
	b->leg.dialog = *d;
	*d = (struct dialog){.block = NULL};
	LIST_INSERT_HEAD(&core->strays.byes, b, link);
	core->strays.nbyes++;
	if (bye_send(b))
		bye_free(b);
	return true;
}

void call_stray_end(struct call_core *core)
{
	while (!LIST_EMPTY(&core->strays.byes))
		bye_free(LIST_FIRST(&core->strays.byes));
}

/* ---- 2xx ---- */

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
 * here: identifiers come from the response, nobody but who has credentials waits for the answer to the BYE.
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
	if (!bye_with_credentials(core, &d, to))
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
