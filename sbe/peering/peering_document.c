/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peering_document - what we tell a peer of us, in the schema that we read its own in (H, B1-B3).
 */
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/peering/peering_able.h"
#include "sbe/peering/peering_leaf.h"
#include "sbe/peering/peering_view.h"

static const char *const proto_words[] = {"udp", "tcp", "tls"}; /* as enum transport_proto */

static json_t *strings(const struct conf_list *list)
{
	json_t *out = json_array();

	for (size_t i = 0; out && i < list->n; i++)
		json_array_append_new(out, json_string(((const char *const *)list->items)[i]));
	return out;
}

static json_t *ingress(const struct peering_view *v)
{
	char at[ADDR_TEXT_BYTES], uri[400];
	json_t *list = json_array();

	for (size_t i = 0; list && i < v->ningress; i++) {
		const struct peering_listen *l = &v->ingress[i];

		if (v->advertise)
			snprintf(uri, sizeof(uri), "sip:%s%.253s%s:%u;transport=%s",
				 strchr(v->advertise, ':') ? "[" : "", v->advertise,
				 strchr(v->advertise, ':') ? "]" : "", l->addr.port,
				 proto_words[l->proto]);
		else
			snprintf(uri, sizeof(uri), "sip:%s;transport=%s",
				 addr_print(&l->addr, at, sizeof(at)), proto_words[l->proto]);
		json_array_append_new(list, json_string(uri));
	}
	return list;
}

/* UDP leaves from the listener itself, connections from its address with a port of the kernel's. */
static json_t *egress(const struct peering_view *v)
{
	char ip[ADDR_TEXT_BYTES];
	json_t *list = json_array(), *o;

	for (size_t i = 0; list && i < v->negress; i++) {
		const struct peering_listen *l = &v->egress[i];

		o = json_pack("{s:s,s:s}", "address",
			      addr_print_ip(&l->addr, false, ip, sizeof(ip)), "transport",
			      proto_words[l->proto]);
		if (l->proto == TRANSPORT_UDP)
			json_object_set_new(o, "port", json_integer(l->addr.port));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *media(const struct peering_view *v)
{
	json_t *list = json_array(), *item, *o;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)v->media, i, item) {
		o = json_copy(item);
		json_object_del(o, "dbe"); /* a name of the inside */
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *words(const char *const *all, const bool *have, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++) {
		if (have[i])
			json_array_append_new(list, json_string(all[i]));
	}
	return list;
}

static int put_net(json_t *d, const struct peering_view *v)
{
	static const char *const families[] = {"ipv4", "ipv6"};
	bool family[2] = {false, false}, proto[TRANSPORT_PROTOS] = {false};
	int err = 0;

	for (size_t i = 0; i < v->negress; i++)
		family[v->egress[i].addr.family == ADDR_V6] = true;
	for (size_t i = 0; i < v->ningress; i++)
		proto[v->ingress[i].proto] = true;
	err |= peering_leaf_put(d, "net.family", words(families, family, 2));
	err |= peering_leaf_put(d, "net.ingress_sbe", ingress(v));
	err |= peering_leaf_put(d, "net.egress_sbe", egress(v));
	err |= peering_leaf_put(d, "net.ingress_dbe", media(v));
	err |= peering_leaf_put(d, "net.egress_dbe", media(v));
	err |= peering_leaf_put(d, "sip.transport", words(proto_words, proto, TRANSPORT_PROTOS));
	return err;
}

static int put_caps(json_t *d, const struct peer_limits *l)
{
	const struct {
		const char *key;
		uint32_t value;
	} caps[] = {{"cap.max_sessions", l->sessions},
		    {"cap.max_sessions_in", l->sessions_in},
		    {"cap.max_sessions_out", l->sessions_out},
		    {"cap.cps", l->cps},
		    {"cap.max_tps", l->messages_per_s}};
	int err = 0;

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (caps[i].value)
			err |= peering_leaf_put(d, caps[i].key, json_integer(caps[i].value));
	}
	return err;
}

/* The names of our certificate, which the peer is to expect (B2). */
static json_t *names(const char *text)
{
	json_t *list = json_array();

	while (list && *text) {
		size_t n;

		text += strspn(text, " ");
		n = strcspn(text, " ");
		if (n)
			json_array_append_new(list, json_stringn(text, n));
		text += n;
	}
	return list;
}

static int put_sec(json_t *d, const struct peering_view *v)
{
	const struct peer_conf *c = v->peer;
	bool tls = peer_tls_only(c);
	int err = peering_leaf_put(d, "sec.admission",
				   json_string(v->ipsec ? "ipsec-only"
					       : tls    ? "tls"
							: "any"));

	err |= peering_leaf_put(d, "sec.tls.required", json_boolean(tls));
	if (tls && *v->tls_names)
		err |= peering_leaf_put(d, "sec.tls.names", names(v->tls_names));
	return err;
}

static int put_media(json_t *d, const struct peer_conf *c)
{
	static const char *const relays[] = {"always", "if-needed", "never"}; /* enum peer_relay */
	int err = peering_leaf_put(d, "media.relay", json_string(relays[c->media.relay]));

	if (c->media.codecs.n)
		err |= peering_leaf_put(d, "media.codecs", strings(&c->media.codecs));
	err |= peering_leaf_put(d, "media.dscp", json_integer(c->media.dscp));
	return err;
}

json_t *peering_document(const struct peering_view *v)
{
	const struct peer_conf *c = v->peer;
	json_t *d = json_pack("{s:i}", "peering", 1), *domains = json_array();
	int err = d && domains ? 0 : -1;

	for (size_t i = 0; !err && i < v->ndomains; i++)
		err = json_array_append_new(domains, json_string(v->domains[i]));
	err |= peering_leaf_put(d, "peer.id", json_string(v->node));
	err |= peering_leaf_put(d, "peer.domains", domains);
	if (c->federations.names.n)
		err |= peering_leaf_put(d, "peer.federations", strings(&c->federations.names));
	err |= put_net(d, v);
	err |= put_media(d, c);
	err |= peering_leaf_put(d, "sip.rfcs", peering_able_list_rfcs());
	err |= peering_leaf_put(d, "sip.methods", peering_able_list_methods(c));
	err |= peering_leaf_put(d, "sip.option_tags", peering_able_list_options(c));
	err |= put_caps(d, &c->limits);
	err |= put_sec(d, v);
	if (!err)
		return d;
	json_decref(d);
	return NULL;
}
