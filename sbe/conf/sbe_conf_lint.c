/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/conf/sbe_conf_lint.h"

#include <stdio.h>
#include <string.h>

#define AT_BYTES 256

struct lint {
	const struct sbe_snapshot *s;
	sbe_conf_warn_h *fn;
	void *arg;
	size_t n;
	struct conf_error text;
};

static void warn(struct lint *l)
{
	l->n++;
	l->fn(l->arg, l->text.text);
}

/* G16: an insecure network wants TLS or IPsec; where the cable is in our hands a filter by address may do. */
static void lint_listeners(struct lint *l, const struct sbe_realm_conf *r)
{
	const struct sbe_listen_conf *listens = r->listen.items;
	char at[AT_BYTES];

	for (size_t i = 0; i < r->listen.n; i++) {
		if (listens[i].proto == TRANSPORT_TLS || r->colocated ||
		    r->protected_by != SBE_PROTECTED_NONE || addr_is_loopback(&listens[i].addr))
			continue;
		snprintf(at, sizeof(at), "realms.%s.listen[%zu]", r->name, i);
		conf_fail_at(
			l->s->doc, at, &l->text,
			"clear text in a realm that is neither colocated nor protected: who can "
			"send there can pretend to be a peer; use tls: or IPsec, or say "
			"\"colocated\": true if nobody else can reach it");
		warn(l);
	}
}

static void lint_peer(struct lint *l, const struct peer_conf *p)
{
	char at[AT_BYTES];

	/* A11: whoever comes is let in, so at least let it be known who it was. */
	if (p->mode == PEER_ON_DEMAND && !peer_tls_only(p) && p->sec.admission == PEER_ADMIT_ANY) {
		snprintf(at, sizeof(at), "peers.%s.mode", p->name);
		conf_fail_at(
			l->s->doc, at, &l->text,
			"takes anybody in clear: nothing proves who calls; say sec.admission tls");
		warn(l);
	}
}

size_t sbe_conf_lint(const struct sbe_snapshot *s, sbe_conf_warn_h *fn, void *arg)
{
	struct lint l = {.s = s, .fn = fn, .arg = arg};
	const struct sbe_realm_conf *realms = s->conf.realms.items;
	const struct peer_conf *peers = s->conf.peers.items;

	const json_t *note;
	size_t nth;

	json_array_foreach(s->notes, nth, note) {
		snprintf(l.text.text, sizeof(l.text.text), "%s", json_string_value(note));
		warn(&l);
	}
	for (size_t i = 0; i < s->conf.realms.n; i++)
		lint_listeners(&l, &realms[i]);
	for (size_t i = 0; i < s->conf.peers.n; i++)
		lint_peer(&l, &peers[i]);
	return l.n;
}
