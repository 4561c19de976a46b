/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_tls - our certificates and whom we believe, made from the configuration as a whole.
 *
 * What a peer's "tls" says is looked up for each handshake: who it is, by its number or its address, then names, trust
 * and the identity that we show. So a reload counts for the next handshake, and no connection is dropped for it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/app_private.h"
#include "sbe/conf/sbe_conf_tls.h"

static int find(const struct sbe_conf *c, const char *name)
{
	const struct sbe_tls_conf *first = c->tls.items, *t = sbe_conf_tls_find(c, name);

	return t ? (int)(t - first) : -1;
}

static int make(const struct sbe_tls_conf *t, bool gate, struct tls_context **ret_context,
		char *why, size_t why_bytes)
{
	struct tls_options o;
	char text[256] = "";
	int err;

	sbe_conf_tls_options(t, &o);
	if (gate) {
		/* Gate control is between our own hosts: nothing old has to be let in, and a dbe is who its certificate says. */
		o.min_version = TLS_MIN_1_3;
		o.require_peer = true;
	}
	err = tlsid_new(&o, ret_context, text);
	if (err)
		snprintf(why, why_bytes, "tls %s: %s", t->name, text);
	return err;
}

/* Several identities: an object of its own for the realm, since others may use the same ones in another order. */
static int make_realm(const struct app_tls *tls, const struct sbe_conf *c,
		      const struct sbe_realm_conf *realm, struct tls_context **ret_context,
		      struct conf_error *why)
{
	const struct sbe_tls_conf *t = c->tls.items;
	const char *const *names = realm->tls.items;
	int err;

	if (!realm->tls.n)
		return 0;
	if (realm->tls.n == 1) {
		*ret_context = mem_ref(tls->sip[find(c, names[0])]);
		return 0;
	}
	err = make(&t[find(c, names[0])], false, ret_context, why->text, sizeof(why->text));
	for (size_t i = 1; !err && i < realm->tls.n; i++)
		err = tlsid_serve_also(*ret_context, tls->sip[find(c, names[i])]);
	return err;
}

static int make_peers(struct app_tls *tls, const struct sbe_conf *c, struct conf_error *why)
{
	const struct peer_conf *p = c->peers.items;
	char text[256] = "";
	int err = 0;

	for (; !err && tls->npeers < c->peers.n; tls->npeers++) {
		struct tls_trust_options o;

		tls->peers[tls->npeers] = NULL;
		if (sbe_conf_tls_peer(c, &p[tls->npeers], &o))
			err = tlstrust_new(&o, &tls->peers[tls->npeers], text);
		if (err)
			snprintf(why->text, sizeof(why->text), "peer %s: %s", p[tls->npeers].name,
				 text);
	}
	return err;
}

static int make_all(struct app_tls *tls, const struct sbe_conf *c, struct conf_error *why)
{
	const struct sbe_tls_conf *t = c->tls.items;
	const struct sbe_realm_conf *realms = c->realms.items;
	int gate = find(c, c->gate.tls), err = 0;

	tls->realms = mem_buffer((c->realms.n + 1) * sizeof(struct tls_context *));
	tls->peers = mem_buffer((c->peers.n + 1) * sizeof(struct tls_trust *));
	if (!tls->realms || !tls->peers)
		return -ENOMEM;
	for (size_t i = 0; !err && i < c->tls.n && i < SBE_TLS_MAX; i++)
		err = make(&t[i], false, &tls->sip[i], why->text, sizeof(why->text));
	if (!err && gate >= 0)
		err = make(&t[gate], true, &tls->gate, why->text, sizeof(why->text));
	for (; !err && tls->nrealms < c->realms.n; tls->nrealms++) {
		tls->realms[tls->nrealms] = NULL;
		err = make_realm(tls, c, &realms[tls->nrealms], &tls->realms[tls->nrealms], why);
	}
	return err ? err : make_peers(tls, c, why);
}

int app_tls_new(const struct sbe_conf *c, struct app_tls *ret_tls, char *why, size_t why_bytes)
{
	struct app_tls tls = {0};
	struct conf_error text = {""};
	int err = make_all(&tls, c, &text);

	if (err) {
		snprintf(why, why_bytes, "%s", text.text[0] ? text.text : strerror(-err));
		app_tls_clear(&tls);
		return err;
	}
	*ret_tls = tls;
	return 0;
}

void app_tls_clear(struct app_tls *t)
{
	for (size_t i = 0; i < SBE_TLS_MAX; i++)
		mem_unref(t->sip[i]);
	mem_unref(t->gate);
	for (size_t i = 0; i < t->nrealms; i++)
		mem_unref(t->realms[i]);
	for (size_t i = 0; i < t->npeers; i++)
		mem_unref(t->peers[i]);
	mem_free(t->realms);
	mem_free(t->peers);
	*t = (struct app_tls){.gate = NULL};
}

static const struct peer *whose(const struct app *a, const struct transport_target *far,
				bool accepted)
{
	const struct peer_set *peers = a->snapshot->peers;
	const char *realm = transport_realm(far->listener);

	if (accepted)
		return peer_find_source(peers, realm, &far->to);
	return far->peer ? peer_find_number(peers, far->peer)
			 : peer_find_hop(peers, realm, &far->to);
}

bool app_tls_agreed(const struct app *a, const struct transport_target *far, bool accepted,
		    struct transport_tls *ret)
{
	const struct sbe_conf *c = &a->snapshot->conf;
	const struct peer_conf *first = c->peers.items;
	const struct peer *p = whose(a, far, accepted);
	int identity;

	if (!p) /* a stranger may come, and is judged by his certificate; nobody goes to one */
		return accepted;
	ret->peer = p->state->number;
	ret->trust = a->tls.peers[p->conf - first];
	identity = find(c, p->conf->tls.identity);
	ret->identity = identity >= 0 ? a->tls.sip[identity] : NULL;
	if (accepted)
		ret->need_certificate = ret->need_certificate && p->conf->tls.mutual;
	else
		ret->nnames = peer_tls_names(p->conf, &ret->names);
	return true;
}
