/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_conf_table - the keys of sbe.json: name, type, bounds, default and a sentence for each.
 */
#include <stdio.h>
#include <string.h>

#include "sbe/conf/sbe_conf.h"

static const char *const level_words[] = {"error", "warn", "notice", "info", "debug", NULL};

/* clang-format off */
#define IN(type_name, member) .offset = offsetof(struct type_name, member)
#define AT(member) .offset = offsetof(struct sbe_conf, member)
#define SUB(object, member) .offset = offsetof(struct sbe_conf, object.member) - offsetof(struct sbe_conf, object)

/* "udp:127.0.0.1:5060" */
static int read_listen(struct conf_reader *r, const json_t *value, void *out)
{
	static const char *const names[TRANSPORT_PROTOS] = {"udp:", "tcp:", "tls:"};
	struct sbe_listen_conf *items;
	struct conf_list *ret = out;
	size_t i, n = json_array_size(value);
	const json_t *item;

	if (!json_is_array(value) || !n || n > 16)
		return conf_fail(r, NULL, "must be a list of 1 to 16 texts like \"udp:192.0.2.1:5060\"");
	items = conf_alloc(r, n * sizeof(*items));
	if (!items)
		return conf_fail(r, NULL, "out of memory");
	json_array_foreach(value, i, item) {
		const char *text = json_string_value(item);
		int proto = 0;

		while (text && proto < TRANSPORT_PROTOS && strncmp(text, names[proto], 4))
			proto++;
		if (!text || proto == TRANSPORT_PROTOS || addr_parse(text + 4, &items[i].addr) || addr_is_any(&items[i].addr))
			return conf_fail(r, NULL, "entry %zu must be udp:, tcp: or tls: with one numeric address of this host, "
					 "like \"udp:192.0.2.1:5060\"", i + 1);
		items[i].proto = (enum transport_proto)proto;
		if (!items[i].addr.port)
			items[i].addr.port = proto == TRANSPORT_TLS ? 5061 : 5060;
	}
	*ret = (struct conf_list){items, n};
	return 0;
}

static int read_addrs(struct conf_reader *r, const json_t *value, void *out)
{
	struct conf_list *ret = out;
	size_t i, n = json_array_size(value);
	struct addr *items;
	const json_t *item;

	if (!json_is_array(value) || n > 8)
		return conf_fail(r, NULL, "must be a list of at most 8 addresses like \"127.0.0.1:2944\"");
	items = conf_alloc(r, (n ? n : 1) * sizeof(*items));
	if (!items)
		return conf_fail(r, NULL, "out of memory");
	json_array_foreach(value, i, item) {
		const char *text = json_string_value(item);

		if (!text || addr_parse(text, &items[i]) || !items[i].port)
			return conf_fail(r, NULL, "entry %zu must be a numeric address with port, like \"127.0.0.1:2944\"", i + 1);
	}
	*ret = (struct conf_list){items, n};
	return 0;
}

static const struct conf_field realm_fields[] = {
	{.key = "listen", .type = CONF_CUSTOM, IN(sbe_realm_conf, listen), .required = true, .custom = read_listen,
	 .item_bytes = sizeof(struct conf_list), .text = "SIP sockets of this side: udp:IP:port, tcp:IP:port, tls:IP:port."},
	{.key = "media", .type = CONF_NAME, IN(sbe_realm_conf, media),
	 .text = "Name of the dbes' realm that carries this side's media; absent = the same name."},
	{.key = "tls", .type = CONF_NAME, IN(sbe_realm_conf, tls), .text = "Which identity of tls this side shows."},
	{.key = "advertise", .type = CONF_STRING, IN(sbe_realm_conf, advertise), .max = 127,
	 .text = "Host written into Via and Contact in place of the listener's address."},
	CONF_END};

static const struct conf_field tls_fields[] = {
	{.key = "certificate", .type = CONF_STRING, IN(sbe_tls_conf, certificate), .required = true, .max = 1023,
	 .text = "PEM file: the certificate, then its chain."},
	{.key = "private_key", .type = CONF_STRING, IN(sbe_tls_conf, private_key), .required = true, .max = 1023,
	 .text = "PEM file: the certificate's key."},
	{.key = "trust", .type = CONF_STRINGS, IN(sbe_tls_conf, trust), .max = 16,
	 .text = "PEM files of the authorities that are believed; the system's store never counts."},
	CONF_END};

static const struct conf_field gate_fields[] = {
	{.key = "listen", .type = CONF_CUSTOM, IN(sbe_gate_conf, listen), .custom = read_addrs,
	 .item_bytes = sizeof(struct conf_list), .text = "Addresses the dbes dial."},
	{.key = "dbes", .type = CONF_STRINGS, IN(sbe_gate_conf, dbes), .max = 256,
	 .text = "Names of the dbes that may join; under TLS the name in the certificate."},
	{.key = "tls", .type = CONF_NAME, IN(sbe_gate_conf, tls),
	 .text = "Which identity of tls gate control uses; may be absent only when all addresses are loopback."},
	{.key = "request_ms", .type = CONF_UINT, IN(sbe_gate_conf, request_ms), .min = 50, .max = 10000, .def = "500",
	 .text = "How long one dbe may take for an answer before another one is asked."},
	{.key = "open_ms", .type = CONF_UINT, IN(sbe_gate_conf, open_ms), .min = 100, .max = 30000, .def = "2000",
	 .text = "How long opening a call's media may take over all tries."},
	{.key = "heartbeat_ms", .type = CONF_UINT, IN(sbe_gate_conf, heartbeat_ms), .min = 50, .max = 10000, .def = "300",
	 .text = "Interval of heartbeats; three missed and the dbe is out."},
	{.key = "hold_s", .type = CONF_UINT, IN(sbe_gate_conf, hold_s), .min = 1, .max = 3600, .def = "30",
	 .text = "Calls of a dbe that stays away so long are released."},
	CONF_END};

static const struct conf_field control_fields[] = {
	{.key = "socket", .type = CONF_STRING, SUB(control, socket), .max = 107, .def = "/run/speermint/sbe.sock",
	 .text = "Unix socket speerctl talks to."},
	CONF_END};

static const struct conf_field http_fields[] = {
	{.key = "listen", .type = CONF_ADDR, SUB(http, listen), .min = 1, .def = "127.0.0.1:9090",
	 .text = "Where /metrics, /healthz and /ready are served."},
	CONF_END};

static const struct conf_field cdr_fields[] = {
	{.key = "directory", .type = CONF_STRING, SUB(cdr, directory), .max = 1023, .def = "/var/spool/speermint/cdr",
	 .text = "Where call detail records are written, as JSON lines."},
	{.key = "rotate_s", .type = CONF_UINT, SUB(cdr, rotate_s), .min = 1, .max = 86400, .def = "300",
	 .text = "A file is finished after so many seconds."},
	{.key = "rotate_bytes", .type = CONF_UINT, SUB(cdr, rotate_bytes), .min = 4096, .max = 2000000000, .def = "67108864",
	 .text = "A file is finished at this size."},
	CONF_END};

static const struct conf_field log_fields[] = {
	{.key = "level", .type = CONF_ENUM, SUB(log, level), .words = level_words, .def = "info", .text = "How much is logged."},
	CONF_END};

static const struct conf_field limits_fields[] = {
	{.key = "calls_max", .type = CONF_UINT, SUB(limits, calls_max), .min = 1, .max = 1000000, .def = "100000",
	 .text = "Calls at once; more are refused with 503."},
	CONF_END};

static const struct conf_field timers_fields[] = {
	{.key = "t1_ms", .type = CONF_UINT, SUB(timers, t1_ms), .min = 100, .max = 5000, .def = "500",
	 .text = "RFC 3261 T1, the round-trip estimate."},
	{.key = "t2_ms", .type = CONF_UINT, SUB(timers, t2_ms), .min = 500, .max = 32000, .def = "4000",
	 .text = "RFC 3261 T2, the largest retransmission interval."},
	{.key = "t4_ms", .type = CONF_UINT, SUB(timers, t4_ms), .min = 500, .max = 32000, .def = "5000",
	 .text = "RFC 3261 T4, how long a message may stay in the network."},
	CONF_END};

const struct conf_field sbe_conf_fields[] = {
	{.key = "node", .type = CONF_NAME, AT(node), .required = true, .text = "Name of this sbe, for dbes, CDRs and logs."},
	{.key = "domains", .type = CONF_STRINGS, AT(domains), .max = 256,
	 .text = "Our SIP domains; the first one stands in place of inner addresses."},
	{.key = "control", .type = CONF_OBJECT, AT(control), .fields = control_fields, .text = "The operators' socket."},
	{.key = "http", .type = CONF_OBJECT, AT(http), .fields = http_fields, .text = "Metrics and health over HTTP."},
	{.key = "gate_control", .type = CONF_OBJECT, AT(gate), .fields = gate_fields, .required = true,
	 .text = "The dbes and how they join."},
	{.key = "tls", .type = CONF_MAP, AT(tls), .fields = tls_fields, .item_bytes = sizeof(struct sbe_tls_conf), .max = 16,
	 .text = "TLS identities by name."},
	{.key = "realms", .type = CONF_MAP, AT(realms), .fields = realm_fields, .item_bytes = sizeof(struct sbe_realm_conf),
	 .required = true, .min = 1, .max = 32, .text = "Network sides by name."},
	{.key = "peers", .type = CONF_MAP, AT(peers), .fields = peer_conf_fields, .item_bytes = sizeof(struct peer_conf),
	 .text = "Peerings by name; who is none of them gets 403."},
	{.key = "routes", .type = CONF_ARRAY, AT(route.routes), .fields = route_conf_fields,
	 .item_bytes = sizeof(struct route_conf), .check = route_conf_check, .text = "Where calls go, in order."},
	{.key = "lookup", .type = CONF_ARRAY, AT(route.lookup), .fields = lookup_conf_fields,
	 .item_bytes = sizeof(struct route_step_conf), .max = 16, .check = lookup_conf_check,
	 .text = "How a request finds its target domain when no route matches."},
	{.key = "location", .type = CONF_ARRAY, AT(route.location), .fields = location_conf_fields,
	 .item_bytes = sizeof(struct route_step_conf), .max = 16, .check = location_conf_check,
	 .text = "How a target domain finds its next hops."},
	{.key = "cdr", .type = CONF_OBJECT, AT(cdr), .fields = cdr_fields, .text = "Call detail records."},
	{.key = "log", .type = CONF_OBJECT, AT(log), .fields = log_fields, .text = "The log on stderr."},
	{.key = "limits", .type = CONF_OBJECT, AT(limits), .fields = limits_fields, .text = "Bounds of the whole node."},
	{.key = "timers", .type = CONF_OBJECT, AT(timers), .fields = timers_fields, .text = "SIP timers."},
	CONF_END};
/* clang-format on */
