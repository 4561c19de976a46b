/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_admin_peering - commands on peering documents: what we tell, what we were told, what became of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/net/tls.h"
#include "sbe/admin/sbe_admin.h"
#include "sbe/conf/sbe_conf_peering.h"
#include "sbe/conf/sbe_conf_tls.h"
#include "sbe/peering/peering_import.h"

struct viewed {
	struct peering_view view;
	struct tls_info info;
	json_t *media;
};

static const char *media_realm(const struct sbe_conf *c, const char *realm)
{
	const struct sbe_realm_conf *r = c->realms.items;

	for (size_t i = 0; i < c->realms.n; i++) {
		if (!strcmp(r[i].name, realm))
			return r[i].media;
	}
	return realm;
}

static void look(const struct sbe_admin_app *app, const struct peer_conf *p, struct viewed *v)
{
	const struct sbe_conf *c = &(*app->snapshot)->conf;
	const struct sbe_tls_conf *t = p->tls.identity ? sbe_conf_tls_find(c, p->tls.identity)
						       : sbe_conf_tls_of_realm(c, p->realm);

	sbe_conf_peering_view(*app->snapshot, p, &v->view);
	v->media = gate_pool_media(app->gates, media_realm(c, p->realm));
	v->view.media = v->media;
	if (!t || !app->identities[t - (const struct sbe_tls_conf *)c->tls.items])
		return;
	tlsid_info(app->identities[t - (const struct sbe_tls_conf *)c->tls.items], &v->info);
	v->view.tls_names = v->info.names;
}

/* What the peer gets, added to text. */
static bool add(json_t *lines, char *text)
{
	bool ok = text && !json_array_append_new(lines, json_string(text));

	mem_free(text);
	return ok;
}

static bool export_one(const struct sbe_admin_app *app, const struct admin_call *c,
		       const struct peer_conf *p, json_t *lines)
{
	bool zone = admin_opt(c, "zone") || admin_opt(c, "records"), ok = true;
	struct viewed v = {.media = NULL};
	json_t *document;
	char *text;

	look(app, p, &v);
	for (size_t i = 0; zone && ok && i < v.view.ndomains; i++)
		ok = add(lines, peering_zone(&v.view, v.view.domains[i], !admin_opt(c, "records")));
	document = zone ? NULL : peering_document(&v.view);
	if (!zone) {
		text = document ? json_dumps(document, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;
		ok = text && !json_array_append_new(lines, json_string(text));
		free(text);
	}
	json_decref(document);
	json_decref(v.media);
	return ok;
}

static int export_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	struct sbe_admin_app *app = arg;
	const struct sbe_conf *conf = &(*app->snapshot)->conf;
	const struct peer_conf *p = conf->peers.items;
	bool all = admin_opt(c, "all") != NULL, found = false, ok = true;
	json_t *lines;

	if (all == (c->nargs > 0))
		return admin_error(c, ADMIN_USAGE, "give a peer, or --all");
	lines = json_array();
	for (size_t i = 0; ok && i < conf->peers.n; i++) {
		if (!all && strcmp(p[i].name, c->args[0]) != 0)
			continue;
		found = true;
		if (all && !admin_opt(c, "zone") && !admin_opt(c, "records"))
			json_array_append_new(lines, json_sprintf("# %s", p[i].name));
		ok = export_one(app, c, &p[i], lines);
	}
	if (!ok || (!found && !all)) {
		json_decref(lines);
		return ok ? admin_error(c, ADMIN_NOT_FOUND, "no peer %s (see: peer list)",
					c->args[0])
			  : admin_error(c, ADMIN_FAILED, "out of memory");
	}
	*ret_data = json_pack("{s:o}", "text", lines);
	return ADMIN_OK;
}

static int wrong(struct admin_call *c, int err, const struct peering_why *why)
{
	if (err != -EINVAL)
		return admin_error(c, ADMIN_FAILED, "%s", strerror(-err));
	return admin_error(c, ADMIN_FAILED, "%s%s%.120s", why->at, why->at[0] ? ": " : "",
			   why->text);
}

static int import_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	struct peering_why why = {"", ""};
	json_t *document = NULL, *keys = NULL;
	char *text;
	int err = peering_import_parse(c->args[0], strlen(c->args[0]), &document, &why);

	(void)arg;
	if (!err)
		err = peering_import_keys(document, &keys, &why);
	if (!err)
		err = peering_import_check(document, keys, NULL, NULL, NULL, &why);
	json_decref(document);
	if (err) {
		json_decref(keys);
		return wrong(c, err, &why);
	}
	text = json_dumps(keys, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(keys);
	*ret_data = json_pack("{s:s}", "text", text ? text : "");
	free(text);
	return ADMIN_OK;
}

static int show_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	struct sbe_admin_app *app = arg;
	const json_t *peers = json_object_get(conf_json((*app->snapshot)->doc), "peers");
	struct peer *p = peer_find_name((*app->snapshot)->peers, c->args[0]);
	json_t *federations = json_array();

	if (!p) {
		json_decref(federations);
		return admin_error(c, ADMIN_NOT_FOUND, "no peer %s (see: peer list)", c->args[0]);
	}
	for (size_t i = 0; i < p->member.n; i++)
		json_array_append_new(federations,
				      json_pack("{s:s,s:i,s:i,s:i,s:I}", "federation",
						p->member.of[i]->name, "sessions",
						(int)p->member.of[i]->sessions, "cap_sessions",
						(int)p->conf->federations.of[i]->cap.sessions,
						"cap_cps", (int)p->conf->federations.of[i]->cap.cps,
						"limited", (json_int_t)p->member.of[i]->limited));
	*ret_data =
		json_pack("{s:s,s:s,s:s,s:o,s:s,s:O}", "peer", p->name, "role",
			  p->conf->role == PEER_TRANSIT ? "transit" : "terminal", "mode",
			  p->conf->mode == PEER_ON_DEMAND ? "on-demand" : "static", "federations",
			  federations, "document", p->conf->document ? p->conf->document : "",
			  "counts", json_object_get(peers, p->name));
	return *ret_data ? ADMIN_OK : admin_error(c, ADMIN_FAILED, "out of memory");
}

const struct admin_cmd sbe_admin_peering_cmds[] = {
	{"peering", "export", "[PEER] [--all] [--zone] [--records]", 0, 1,
	 "What a peer needs to know of us: a peering document, or with --zone the DNS zone it shall see; --records: "
	 "without SOA and NS.",
	 export_cmd},
	{"peering", "import", "FILE", 1, 1,
	 "Keys for a peer, made of the peering document it gave us; changes nothing.", import_cmd},
	{"peering", "show", "PEER", 1, 1,
	 "What counts for a peer: its keys with all that documents and federations add, and its federations now.",
	 show_cmd},
	{.noun = NULL},
};
