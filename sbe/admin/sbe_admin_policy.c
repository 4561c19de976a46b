/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_admin_policy - commands on policies: what counts for a peer, and what would become of a message.
 */
#include <errno.h>
#include <string.h>

#include "sbe/admin/sbe_admin.h"
#include "sbe/policy/policy_preview.h"

static const struct peer *find(struct sbe_admin_app *app, struct admin_call *c, const char *name)
{
	const struct peer *p = peer_find_name((*app->snapshot)->peers, name);

	if (!p)
		admin_error(c, ADMIN_NOT_FOUND, "no peer %s (see: peer list)", name);
	return p;
}

static int policy_show_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	const struct peer *p = find(arg, c, c->args[0]);

	if (!p)
		return ADMIN_NOT_FOUND;
	*ret_data = json_pack("{s:s,s:o}", "peer", p->name, "policy", policy_values(p->conf));
	return *ret_data ? ADMIN_OK : admin_error(c, ADMIN_FAILED, "out of memory");
}

static const char *host_towards(const struct sbe_admin_app *app, const struct peer *to)
{
	const struct call_config *config = &(*app->snapshot)->call;
	const struct transport_listener *l = NULL;

	if (config->ndomains)
		return config->domains[0];
	for (int proto = 0; to && !l && proto < TRANSPORT_PROTOS; proto++)
		l = transport_find(app->transport, to->conf->realm, (enum transport_proto)proto,
				   ADDR_NONE);
	return l ? transport_sent_by(l) : "anonymous.invalid";
}

static int preview(struct sbe_admin_app *app, struct admin_call *c, struct policy_way *way,
		   json_t **ret_data)
{
	const struct call_config *config = &(*app->snapshot)->call;
	const char *why = "";
	int err;

	way->transport = app->transport;
	way->domains = config->domains;
	way->ndomains = config->ndomains;
	way->our_host = host_towards(app, way->to);
	err = policy_preview(way, c->args[0], strlen(c->args[0]), ret_data, &why);
	if (err == -EBADMSG)
		return admin_error(c, ADMIN_FAILED, "the sbe would not take this message: %s", why);
	if (err)
		return admin_error(c, ADMIN_FAILED, "%s", strerror(-err));
	return ADMIN_OK;
}

static int policy_test_cmd(void *arg, struct admin_call *c, json_t **ret_data)
{
	static const char usage[] =
		"usage: policy test --peer PEER --direction in|out [--other PEER] FILE";
	const char *name = admin_opt(c, "peer"), *direction = admin_opt(c, "direction");
	const char *other_name = admin_opt(c, "other");
	const struct peer *peer, *other = NULL;
	struct policy_way way = {.from = NULL};
	bool in;

	if (!name || !direction || (strcmp(direction, "in") && strcmp(direction, "out")))
		return admin_error(c, ADMIN_USAGE, "%s", usage);
	peer = find(arg, c, name);
	if (!peer || (other_name && !(other = find(arg, c, other_name))))
		return ADMIN_NOT_FOUND;
	in = !strcmp(direction, "in");
	way.from = in ? peer : other;
	way.to = in ? other : peer;
	return preview(arg, c, &way, ret_data);
}

const struct admin_cmd sbe_admin_policy_cmds[] = {
	{"policy", "show", "PEER", 1, 1, "What counts for a peer, all that it uses mixed into one.",
	 policy_show_cmd},
	{"policy", "test", "--peer PEER --direction in|out [--other PEER] FILE", 1, 1,
	 "What would become of the SIP message in a file, line by line, and which rule does it.",
	 policy_test_cmd},
	{.noun = NULL},
};
