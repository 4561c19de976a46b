/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_reload - takes a new configuration while calls run.
 *
 * Everything that can fail is done aside first; then the pointers are swapped. Peers, routes, lookups,
 * certificates and the log level follow at once; sockets, dbes, CDR files and sizes are those of the start,
 * and what has changed there is named, so that nobody believes it is in use.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "sbe/app_private.h"

/* Sections that are read at the start only. */
static const char *const at_start[] = {"node",   "control", "http",   "gate_control",
				       "realms", "cdr",     "limits", "timers"};

/* "realms, cdr" */
static void what_waits(const struct sbe_snapshot *before, const struct sbe_snapshot *next,
		       char *buf, size_t size_bytes)
{
	const json_t *a = conf_json(before->doc), *b = conf_json(next->doc);
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(at_start) / sizeof(at_start[0]) && n < size_bytes; i++) {
		const json_t *x = json_object_get(a, at_start[i]),
			     *y = json_object_get(b, at_start[i]);

		if ((!x && !y) || (x && y && json_equal(x, y)))
			continue;
		n += (size_t)snprintf(buf + n, size_bytes - n, "%s%s", n ? ", " : "", at_start[i]);
	}
}

/* Realms are those of the start; one that got another identity shows it now. */
static void use_tls(struct app *a, const struct sbe_snapshot *next)
{
	const struct sbe_realm_conf *realms = next->conf.realms.items;

	for (size_t i = 0; i < next->conf.realms.n; i++)
		transport_set_tls(a->transport, realms[i].name, a->tls.realms[i]);
	gate_pool_set_tls(a->gates, a->tls.gate);
}

static int refuse(struct sbe_snapshot *next, const char *why, int err)
{
	LOG_ERROR(APP_LOG, "reload refused, the old configuration stays: %s", why);
	mem_unref(next);
	return err;
}

/* Realms are those of the start: what is in the file may say protected of sockets that are not. */
static int check_protected(struct app *a, const struct sbe_snapshot *next, char *why,
			   size_t why_bytes)
{
	const struct peer_conf *p = next->conf.peers.items;

	for (size_t i = 0; i < next->conf.peers.n; i++) {
		for (int proto = 0; proto < TRANSPORT_PROTOS; proto++) {
			const struct transport_listener *l = transport_find(
				a->transport, p[i].realm, (enum transport_proto)proto, ADDR_NONE);

			if (p[i].sec.admission != PEER_ADMIT_IPSEC || !l ||
			    transport_is_protected(l))
				continue;
			snprintf(why, why_bytes,
				 "peer %s is taken over IPsec only, and realm %s becomes protected "
				 "with a restart",
				 p[i].name, p[i].realm);
			return -EINVAL;
		}
	}
	return 0;
}

int app_reload(void *arg, char *why, size_t why_bytes)
{
	struct app *a = arg;
	struct sbe_snapshot *next = NULL, *before = a->snapshot;
	struct conf_error error = {""};
	struct app_tls tls = {0};
	struct event_config events;
	int err = sbe_conf_load(a->conf_path, before, &next, &error);

	if (err) {
		snprintf(why, why_bytes, "%s", error.text[0] ? error.text : strerror(-err));
		return refuse(next, why, err);
	}
	err = check_protected(a, next, why, why_bytes);
	if (!err)
		err = app_tls_new(&next->conf, &tls, why, why_bytes);
	if (err)
		return refuse(next, why, err);
	err = peer_probe_watch(a->probe, next->peers);
	if (!err)
		err = peer_standing_watch(a->standing, next->peers);
	if (err) {
		snprintf(why, why_bytes, "%s", strerror(-err));
		app_tls_clear(&tls);
		return refuse(next, why, err);
	}
	app_tls_clear(&a->tls); /* what is in use has its own reference */
	a->tls = tls;
	a->snapshot = next;
	call_core_configure(a->calls, &next->call);
	events = app_event_config(next);
	event_core_configure(a->events, &events);
	app_overload_reload(a);
	use_tls(a, next);
	app_cert_watch(a);
	log_set_level(NULL, (enum log_level)next->conf.log.level);
	what_waits(before, next, why, why_bytes);
	mem_unref(before); /* peers of running calls stay */
	if (why[0])
		LOG_WARN(APP_LOG,
			 "configuration reloaded from %s; changes of these wait for a restart: %s",
			 a->conf_path, why);
	else
		LOG_NOTICE(APP_LOG, "configuration reloaded from %s", a->conf_path);
	return 0;
}
