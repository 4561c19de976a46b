/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_admin_cert - our certificates for an operator: whose they are, until when, and who shows them.
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/net/tls.h"
#include "sbe/admin/sbe_admin.h"

#define DAY_S 86400

struct used {
	char text[512];
	size_t n;
};

static void add_use(struct used *u, const char *kind, const char *name)
{
	int n;

	if (u->n >= sizeof(u->text))
		return;
	n = snprintf(u->text + u->n, sizeof(u->text) - u->n, "%s%s%s%s", u->n ? ", " : "", kind,
		     *name ? " " : "", name);
	u->n += n > 0 ? (size_t)n : 0;
}

static bool has(const struct conf_list *names, const char *name)
{
	const char *const *n = names->items;

	for (size_t i = 0; i < names->n; i++) {
		if (!strcmp(n[i], name))
			return true;
	}
	return false;
}

static const char *used_by(const struct sbe_conf *c, const char *name, struct used *u)
{
	const struct sbe_realm_conf *realms = c->realms.items;
	const struct peer_conf *peers = c->peers.items;

	for (size_t i = 0; i < c->realms.n; i++) {
		if (has(&realms[i].tls, name))
			add_use(u, "realm", realms[i].name);
	}
	if (c->gate.tls && !strcmp(c->gate.tls, name))
		add_use(u, "gate_control", "");
	for (size_t i = 0; i < c->peers.n; i++) {
		if (peers[i].tls.identity && !strcmp(peers[i].tls.identity, name))
			add_use(u, "peer", peers[i].name);
	}
	return u->text;
}

static int cert_list_cmd(void *arg, struct admin_call *call, json_t **ret_data)
{
	static const char *const columns[] = {"name",    "subject", "names",     "issuer",
					      "from",    "expires", "days_left", "crl_until",
					      "used_by", NULL};
	const struct sbe_admin_app *app = arg;
	const struct sbe_conf *c = &(*app->snapshot)->conf;
	const struct sbe_tls_conf *t = c->tls.items;
	int64_t now_s = (int64_t)(clock_wall_ms() / 1000);

	(void)call;
	*ret_data = admin_table(columns);
	for (size_t i = 0; i < c->tls.n && i < SBE_TLS_MAX && app->identities[i]; i++) {
		char from[32], until[32], crl[32] = "";
		struct used u = {.n = 0};
		struct tls_info info;

		tlsid_info(app->identities[i], &info);
		if (info.crl_until_s)
			clock_print((uint64_t)info.crl_until_s * 1000, crl, sizeof(crl));
		clock_print((uint64_t)info.not_before_s * 1000, from, sizeof(from));
		clock_print((uint64_t)info.not_after_s * 1000, until, sizeof(until));
		admin_row(*ret_data, json_pack("[s,s,s,s,s,s,I,s,s]", t[i].name, info.subject,
					       info.names, info.issuer, from, until,
					       (json_int_t)((info.not_after_s - now_s) / DAY_S),
					       crl, used_by(c, t[i].name, &u)));
	}
	return ADMIN_OK;
}

const struct admin_cmd sbe_admin_cert_cmds[] = {
	{"cert", "list", "", 0, 0,
	 "Our certificates: names, until when they hold, and which realms and peers they are shown to.",
	 cert_list_cmd},
	{.noun = NULL},
};
