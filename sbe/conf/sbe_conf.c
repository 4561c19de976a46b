/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_conf - from a file to a snapshot.
 *
 * Two counted objects: the document with all that was read from it, and the snapshot on top with what is
 * made from it. Peers hold the document and the snapshot holds the peers, so neither keeps itself alive.
 */
#include "sbe/conf/sbe_conf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/conf/sbe_conf_private.h"
#include "sbe/conf/sbe_conf_tls.h"
#include "sbe/peering/peering_mix.h"
#include "sbe/policy/policy.h"

struct document {
	struct conf_doc *doc;
	char **paths; /* file names with their directory, counted texts */
	size_t npaths;
	struct conf_list peers; /* their compiled policies */
	json_t *notes;          /* texts: what differs from what was recommended */
};

static void document_destroy(void *obj)
{
	struct document *d = obj;

	for (size_t i = 0; i < d->npaths; i++)
		mem_unref(d->paths[i]);
	mem_free(d->paths);
	policy_free(&d->peers);
	json_decref(d->notes);
	conf_doc_free(d->doc);
}

/* ---- file names: relative to the configuration, wherever the daemon was started */

struct whole { /* names of files that are made whole */
	struct document *d;
	const char *conf_path;
};

static int make_path(void *arg, const char **name)
{
	const struct whole *w = arg;
	const char *slash = strrchr(w->conf_path, '/');
	char path[PATH_MAX];
	int n;

	if (**name == '/' || !slash)
		return 0;
	n = snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - w->conf_path), w->conf_path,
		     *name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	if (mem_strdup(path, sizeof(path), &w->d->paths[w->d->npaths]))
		return -ENOMEM;
	*name = w->d->paths[w->d->npaths++];
	return 0;
}

static int count_path(void *arg, const char **name)
{
	(void)name;
	++*(size_t *)arg;
	return 0;
}

static int make_paths(struct document *d, const char *conf_path, const struct sbe_conf *c)
{
	struct whole w = {d, conf_path};
	size_t n = 0;

	(void)sbe_conf_tls_files(c, count_path, &n);
	d->paths = mem_buffer(n * sizeof(*d->paths));
	return d->paths ? sbe_conf_tls_files(c, make_path, &w) : -ENOMEM;
}

/* ---- the snapshot */

static void snapshot_destroy(void *obj)
{
	struct sbe_snapshot *s = obj;

	route_set_free(s->routes);
	peer_set_free(s->peers);
	mem_free(s->realms);
	mem_unref(s->owner);
}

static int make_call_config(struct sbe_snapshot *s)
{
	const struct sbe_realm_conf *realms = s->conf.realms.items;

	s->realms = mem_buffer(s->conf.realms.n * sizeof(*s->realms));
	if (!s->realms)
		return -ENOMEM;
	for (size_t i = 0; i < s->conf.realms.n; i++)
		s->realms[i] = (struct call_realm){realms[i].name, realms[i].media};
	s->call = (struct call_config){.node = s->conf.node,
				       .domains = s->conf.domains.items,
				       .ndomains = s->conf.domains.n,
				       .realms = s->realms,
				       .nrealms = s->conf.realms.n,
				       .peers = s->peers,
				       .routes = s->routes,
				       .emergency = s->conf.limits.emergency};
	return 0;
}

/* Passwords of peers: read now, so that a file that is not there is an error of the configuration. */
static int load_passwords(const struct conf_doc *doc, const char *conf_path, struct sbe_conf *c,
			  struct conf_error *err)
{
	struct peer_conf *peers = c->peers.items;
	char why[400], at[128];

	for (size_t i = 0; i < c->peers.n; i++) {
		if (!peers[i].auth.realm ||
		    !peer_auth_load(&peers[i].auth, conf_path, why, sizeof(why)))
			continue;
		snprintf(at, sizeof(at), "peers.%s.auth.password_file", peers[i].name);
		return conf_fail_at(doc, at, err, "%s", why);
	}
	return 0;
}

static int read_file(const char *path, struct sbe_snapshot *s, struct conf_error *err)
{
	struct document *d = mem_zalloc(sizeof(*d), document_destroy);
	int e;

	if (!d)
		return -ENOMEM;
	s->owner = d;
	e = conf_load(path, &d->doc, err);
	s->doc = d->doc;
	s->notes = NULL;
	if (!e)
		e = peering_mix(d->doc, path, &d->notes, err);
	if (!e)
		e = conf_read(d->doc, sbe_conf_fields, &s->conf, err);
	s->notes = d->notes;
	if (!e)
		e = peer_federation_bind(d->doc, &s->conf.federations, &s->conf.peers, err);
	if (!e)
		e = sbe_conf_check(d->doc, &s->conf, err);
	if (!e) {
		e = policy_compile(d->doc, &s->conf.policies, &s->conf.peers, err);
		d->peers = s->conf.peers;
	}
	if (!e)
		e = make_paths(d, path, &s->conf);
	if (!e)
		e = sbe_conf_tls_lookup(d->doc, &s->conf, err);
	if (!e)
		e = load_passwords(d->doc, path, &s->conf, err);
	/* Better now than when the operator has gone home: a bad certificate is an error of the configuration. */
	return e ? e : sbe_conf_tls_load(d->doc, &s->conf, err);
}

int sbe_conf_load(const char *path, struct sbe_snapshot *old, struct sbe_snapshot **ret_snapshot,
		  struct conf_error *err)
{
	struct sbe_snapshot *s = mem_zalloc(sizeof(*s), snapshot_destroy);
	int e;

	err->text[0] = '\0';
	e = s ? read_file(path, s, err) : -ENOMEM;
	if (!e)
		e = peer_set_new(&s->conf.peers, s->owner, old ? old->peers : NULL, &s->peers);
	if (!e)
		e = route_set_new(&s->conf.route, s->owner, s->peers, &s->routes);
	if (!e && old)
		route_set_adopt(s->routes, old->routes);
	if (!e)
		e = make_call_config(s);
	if (e) {
		if (!err->text[0])
			snprintf(err->text, sizeof(err->text), "%s: %s", path, strerror(-e));
		mem_unref(s);
		return e;
	}
	*ret_snapshot = s;
	return 0;
}
