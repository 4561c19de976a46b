/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_conf_table - the table of the sbe's whole configuration file, and the values only it has.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "common/net/device.h"
#include "sbe/conf/sbe_conf_peering.h"
#include "sbe/conf/sbe_conf_private.h"
#include "sbe/conf/sbe_conf_tls.h"
#include "sbe/dns/dns_ares.h"
#include "sbe/sip/txn.h"

#define LISTEN_MAX 64
#define GATE_LISTEN_MAX 16
#define GATE_PORT 2944
#define SIP_PORT 5060
#define SIPS_PORT 5061
#define SOCKET_PATH_MAX 107 /* sun_path */

#define FIELD(struct_name, member, name) .key = name, .offset = offsetof(struct struct_name, member)

/* ---- values of our own */

/* "udp:127.0.0.1:5060" */
int sbe_conf_listen_parse(const char *text, struct sbe_listen_conf *out)
{
	static const char *const words[] = {"udp:", "tcp:", "tls:"}; /* as enum transport_proto */

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strncmp(text, words[i], 4))
			continue;
		if (addr_parse(text + 4, &out->addr) || addr_is_multicast(&out->addr) ||
		    addr_is_any(
			    &out->addr)) /* our address is what others answer to: it must be one */
			return -EINVAL;
		out->proto = (enum transport_proto)i;
		if (!out->addr.port)
			out->addr.port = i == TRANSPORT_TLS ? SIPS_PORT : SIP_PORT;
		return 0;
	}
	return -EINVAL;
}

static int read_listen_item(struct conf_reader *r, const json_t *item, size_t nth, void *out)
{
	const char *text = json_string_value(item);
	char at[16];

	if (text && !sbe_conf_listen_parse(text, out))
		return 0;
	snprintf(at, sizeof(at), "[%zu]", nth);
	return conf_fail(r, at,
			 "must be udp:, tcp: or tls: with one address of this host, "
			 "as in udp:192.0.2.1:5060, not %.80s",
			 text ? text : "something else than text");
}

static int read_gate_item(struct conf_reader *r, const json_t *item, size_t nth, void *out)
{
	const char *text = json_string_value(item);
	struct addr *a = out;
	char at[16];

	if (text && !addr_parse(text, a) && !addr_is_multicast(a)) {
		if (!a->port)
			a->port = GATE_PORT;
		return 0;
	}
	snprintf(at, sizeof(at), "[%zu]", nth);
	return conf_fail(r, at, "must be IP[:port] with IPv6 in brackets, not %.80s",
			 text ? text : "something else than text");
}

static int read_dns_item(struct conf_reader *r, const json_t *item, size_t nth, void *out)
{
	const char *text = json_string_value(item);
	struct addr *a = out;
	char at[16];

	if (text && !addr_parse(text, a) && !addr_is_multicast(a) && !addr_is_any(a)) {
		if (!a->port)
			a->port = DNS_PORT;
		return 0;
	}
	snprintf(at, sizeof(at), "[%zu]", nth);
	return conf_fail(r, at, "must be IP[:port] with IPv6 in brackets, not %.80s",
			 text ? text : "something else than text");
}

struct item_kind {
	size_t bytes, max;
	int (*read)(struct conf_reader *r, const json_t *item, size_t nth, void *out);
};

static int read_items(struct conf_reader *r, const json_t *value, const struct item_kind *kind,
		      void *out)
{
	struct conf_list list = {.n = json_array_size(value)};
	int err = 0;

	if (!json_is_array(value) || !list.n || list.n > kind->max)
		return conf_fail(r, NULL, "must be a list of 1 to %zu addresses", kind->max);
	list.items = conf_alloc(r, list.n * kind->bytes);
	if (!list.items)
		return -ENOMEM;
	for (size_t i = 0; !err && i < list.n; i++)
		err = kind->read(r, json_array_get(value, i), i,
				 (char *)list.items + i * kind->bytes);
	if (!err)
		*(struct conf_list *)out = list;
	return err;
}

static int read_sip_listen(struct conf_reader *r, const json_t *value, void *out)
{
	static const struct item_kind kind = {sizeof(struct sbe_listen_conf), LISTEN_MAX,
					      read_listen_item};

	return read_items(r, value, &kind, out);
}

static int read_gate_listen(struct conf_reader *r, const json_t *value, void *out)
{
	static const struct item_kind kind = {sizeof(struct addr), GATE_LISTEN_MAX, read_gate_item};

	return read_items(r, value, &kind, out);
}

static int read_dns_servers(struct conf_reader *r, const json_t *value, void *out)
{
	static const struct item_kind kind = {sizeof(struct addr), DNS_SERVERS_MAX, read_dns_item};

	return read_items(r, value, &kind, out);
}

/* An address with its port, or "off". */
static int read_http_listen(struct conf_reader *r, const json_t *value, void *out)
{
	const char *text = json_string_value(value);
	struct addr a = {0};

	if (!text || (strcmp(text, "off") && (addr_parse(text, &a) || !a.port)))
		return conf_fail(r, NULL, "must be IP:port or \"off\"");
	*(struct addr *)out = a;
	return 0;
}

static int realm_check(struct conf_reader *r, void *object)
{
	struct sbe_realm_conf *realm = object;

	(void)r;
	if (!realm->media)
		realm->media = realm->name;
	return 0;
}

/* ---- tables */

static const char *const level_words[] = {"error", "warn",  "notice",
					  "info",  "debug", NULL}; /* as enum log_level */

static const struct conf_field control_fields[] = {
	{.key = "socket",
	 .type = CONF_STRING,
	 .min = 1,
	 .max = SOCKET_PATH_MAX,
	 .def = "/run/speermint/sbe.sock",
	 .text = "Unix socket that speerctl talks to."},
	CONF_END,
};
static const struct conf_field http_fields[] = {
	{.key = "listen",
	 .type = CONF_CUSTOM,
	 .custom = read_http_listen,
	 .item_bytes = sizeof(struct addr),
	 .def = "\"127.0.0.1:9090\"",
	 .text = "IP:port of /metrics, /healthz and /ready, or \"off\"."},
	CONF_END,
};
static const struct conf_field gate_fields[] = {
	{FIELD(sbe_gate_conf, listen, "listen"), .type = CONF_CUSTOM, .custom = read_gate_listen,
	 .item_bytes = sizeof(struct conf_list), .def = "[\"127.0.0.1:2944\"]",
	 .text = "Addresses the dbes dial, IP[:port]; default port 2944."},
	{FIELD(sbe_gate_conf, tls, "tls"), .type = CONF_NAME,
	 .text = "Identity from tls; only loopback addresses may do without."},
	{FIELD(sbe_gate_conf, dbes, "dbes"), .type = CONF_STRINGS, .max = 256,
	 .text = "Names of the dbes that may join, as in their certificates."},
	{FIELD(sbe_gate_conf, request_ms, "request_ms"), .type = CONF_UINT, .min = 50, .max = 10000,
	 .def = "500", .text = "How long a dbe may take for one request."},
	{FIELD(sbe_gate_conf, open_ms, "open_ms"), .type = CONF_UINT, .min = 50, .max = 30000,
	 .def = "2000",
	 .text = "How long a call may wait for its media relay, all dbes tried included."},
	{FIELD(sbe_gate_conf, heartbeat_ms, "heartbeat_ms"), .type = CONF_UINT, .min = 50,
	 .max = 60000, .def = "300",
	 .text = "Interval of signs of life; three missed and a dbe is out."},
	{FIELD(sbe_gate_conf, hold_s, "hold_s"), .type = CONF_UINT, .max = 86400, .def = "30",
	 .text = "How long calls of a lost dbe wait for it to come back."},
	CONF_END,
};
static const char *const protected_words[] = {"none", "ipsec", NULL}; /* as enum sbe_protected */
static const struct conf_field realm_fields[] = {
	{FIELD(sbe_realm_conf, listen, "listen"), .type = CONF_CUSTOM, .custom = read_sip_listen,
	 .required = true, .item_bytes = sizeof(struct conf_list),
	 .text = "SIP listeners: udp:, tcp: or tls: before IP[:port]; default ports 5060, for tls 5061."},
	{FIELD(sbe_realm_conf, media, "media"), .type = CONF_NAME,
	 .text = "Media realm on the dbes; absent = the name of this realm."},
	{FIELD(sbe_realm_conf, tls, "tls"), .type = CONF_CUSTOM, .custom = sbe_conf_tls_read_names,
	 .item_bytes = sizeof(struct conf_list),
	 .text = "Identity from tls for its tls listeners and for connections we open; of a list the one whose "
		 "certificate has the name a client asks for, else the first."},
	{FIELD(sbe_realm_conf, advertise, "advertise"), .type = CONF_STRING, .min = 1,
	 .text = "Host to show in Via and Contact instead of the listener's address."},
	{FIELD(sbe_realm_conf, dscp, "dscp"), .type = CONF_UINT, .max = 63, .def = "0",
	 .text = "DSCP of the SIP messages sent in this realm."},
	{FIELD(sbe_realm_conf, interface, "interface"), .type = CONF_STRING, .min = 1,
	 .max = DEVICE_NAME_BYTES - 1,
	 .text = "Network interface that its sockets are tied to: what comes by another one is not heard."},
	{FIELD(sbe_realm_conf, protected_by, "protected"), .type = CONF_ENUM,
	 .words = protected_words, .def = "none",
	 .text = "ipsec: interface carries packets of IPsec only, as an xfrm or vti interface does; peers that "
		 "demand IPsec are taken here."},
	{FIELD(sbe_realm_conf, colocated, "colocated"), .type = CONF_BOOL, .def = "false",
	 .text = "Nobody else can reach this network, so clear text is no risk; each peer still needs its sources."},
	CONF_END,
};
static const struct conf_field dns_fields[] = {
	{FIELD(sbe_conf, dns.servers, "servers"), .type = CONF_CUSTOM, .custom = read_dns_servers,
	 .item_bytes = sizeof(struct conf_list),
	 .text = "Name servers, IP[:port], in the order they are asked; absent = those of this host."},
	{FIELD(sbe_conf, dns.try_ms, "try_ms"), .type = CONF_UINT, .min = 50, .max = 5000,
	 .def = "500", .text = "How long one server may take before the next one is asked."},
	{FIELD(sbe_conf, dns.tries, "tries"), .type = CONF_UINT, .min = 1, .max = 5, .def = "2",
	 .text = "How often the list of servers is gone through."},
	{FIELD(sbe_conf, dns.stale_s, "stale_s"), .type = CONF_UINT, .max = 86400, .def = "3600",
	 .text = "How long an answer whose time is over serves on while no server answers."},
	{FIELD(sbe_conf, dns.entries_max, "entries_max"), .type = CONF_UINT, .min = 100,
	 .max = 1000000, .def = "10000", .text = "Answers kept."},
	CONF_END,
};
static const struct conf_field cdr_fields[] = {
	{FIELD(sbe_conf, cdr.directory, "directory"), .type = CONF_STRING, .min = 1, .max = 4095,
	 .def = "/var/spool/speermint/cdr", .text = "Where call detail records are written."},
	{FIELD(sbe_conf, cdr.rotate_s, "rotate_s"), .type = CONF_UINT, .min = 1, .max = 86400,
	 .def = "300", .text = "Age at which a file is completed."},
	{FIELD(sbe_conf, cdr.rotate_bytes, "rotate_bytes"), .type = CONF_UINT, .min = 4096,
	 .def = "67108864", .text = "Size at which a file is completed."},
	{FIELD(sbe_conf, cdr.queue_bytes, "queue_bytes"), .type = CONF_UINT, .min = 65536,
	 .def = "67108864", .text = "Records kept in memory while the disk does not take them."},
	CONF_END,
};
static const struct conf_field log_fields[] = {
	{FIELD(sbe_conf, log.level, "level"), .type = CONF_ENUM, .words = level_words,
	 .def = "info", .text = "How much is logged."},
	CONF_END,
};
/* clang-format off */
#define LIMIT(member, low, high, value, about) \
	{FIELD(transport_limits, member, #member), .type = CONF_UINT, .min = low, .max = high, .def = value, .text = about}
/* clang-format on */
static const struct conf_field connections_fields[] = {
	LIMIT(max, 1, 1000000, "4096",
	      "Accepted at the same time, by each listener; more are closed."),
	LIMIT(per_address, 1, 1000000, "64", "Of these from one address."),
	LIMIT(accepts_per_s, 0, 1000000, "1000",
	      "Accepted each second, by each listener; more wait in the kernel. 0 = as they come."),
	LIMIT(opened_max, 1, 1000000, "4096", "Opened by us at the same time."),
	LIMIT(connect_ms, 100, 60000, "3000", "How long opening one may take, TLS included."),
	LIMIT(handshake_ms, 100, 60000, "5000",
	      "How long the TLS handshake of an accepted one may take."),
	LIMIT(message_ms, 1000, 60000, "10000",
	      "How long a message may take from its first byte to its last, and how long a far end may not read."),
	LIMIT(stranger_ms, 1000, 3600000, "10000",
	      "How long a far end that is no peer may go without a message."),
	LIMIT(idle_ms, 10000, 86400000, "600000", "How long a peer may go without a byte."),
	LIMIT(ping_ms, 0, 3600000, "30000",
	      "Keep-alive (RFC 5626) on connections that are kept up, after so long without sending; 0 = none."),
	LIMIT(queue_bytes, 65536, 16777216, "262144",
	      "Unsent bytes at which a far end that does not read is closed."),
	CONF_END,
};
static const struct conf_field limits_fields[] = {
	{FIELD(sbe_conf, limits.connections, "connections"), .type = CONF_OBJECT,
	 .fields = connections_fields, .item_bytes = sizeof(struct transport_limits),
	 .text = "SIP over TCP and TLS."},
	{FIELD(sbe_conf, limits.calls_max, "calls_max"), .type = CONF_UINT, .min = 1,
	 .max = 10000000, .def = "100000",
	 .text = "Calls at the same time; more are answered 503."},
	{FIELD(sbe_conf, limits.messages_per_s, "messages_per_s"), .type = CONF_UINT, .min = 1,
	 .max = 100000, .def = "100",
	 .text = "SIP messages a second from one address that is no peer; more are dropped unread."},
	{FIELD(sbe_conf, limits.cps, "cps"), .type = CONF_UINT, .max = 1000000, .def = "0",
	 .text = "New calls per second of the whole node; a burst of one second's worth passes; 0 = no limit."},
	{FIELD(sbe_conf, limits.delay_ms, "delay_ms"), .type = CONF_UINT, .min = 5, .max = 1000,
	 .def = "30",
	 .text = "New calls are shed so that messages wait about so long for the busy node, and no longer."},
	{FIELD(sbe_conf, limits.gather_ms, "gather_ms"), .type = CONF_UINT, .max = 20, .def = "15",
	 .text = "Longest that a message waits on a busy node to be handled together with others, which costs less; 0 = never."},
	{FIELD(sbe_conf, limits.shed_percent, "shed_percent"), .type = CONF_UINT, .max = 100,
	 .def = "0",
	 .text = "Share of new calls to shed always, for tests and to spare a node; emergency and priority calls pass."},
	{FIELD(sbe_conf, limits.emergency, "emergency"), .type = CONF_STRINGS, .max = 64,
	 .def = "[\"112\", \"911\"]",
	 .text = "User parts that are emergency numbers, beside urn:service:sos: their calls are shed last."},
	CONF_END,
};

#define TIMER_KEY_TXN_T1 "t1_ms"
#define TIMER_KEY_TXN_T2 "t2_ms"
#define TIMER_KEY_TXN_T4 "t4_ms"
#define TIMER_MEMBER_TXN_T1 timers.t1_ms
#define TIMER_MEMBER_TXN_T2 timers.t2_ms
#define TIMER_MEMBER_TXN_T4 timers.t4_ms
#define TIMER_TEXT(n) #n
#define TIMER_FIELD(id, name, clause, def_ms, min_ms, max_ms, about)                               \
	{.key = TIMER_KEY_##id,                                                                    \
	 .offset = offsetof(struct sbe_conf, TIMER_MEMBER_##id),                                   \
	 .type = CONF_UINT,                                                                        \
	 .min = min_ms,                                                                            \
	 .max = max_ms,                                                                            \
	 .def = TIMER_TEXT(def_ms),                                                                \
	 .text = "SIP timer " name " (" clause "): " about "."},
static const struct conf_field timers_fields[] = {TXN_TIMERS(TIMER_FIELD) CONF_END};

const struct conf_field sbe_conf_fields[] = {
	{FIELD(sbe_conf, node, "node"), .type = CONF_NAME, .required = true,
	 .text = "Name of this node: in CDRs, towards the dbes."},
	{FIELD(sbe_conf, domains, "domains"), .type = CONF_STRINGS, .max = 256,
	 .text = "Domains that are ours to route."},
	{FIELD(sbe_conf, control, "control"), .type = CONF_OBJECT, .fields = control_fields,
	 .text = "The operators' socket."},
	{FIELD(sbe_conf, http, "http"), .type = CONF_OBJECT, .fields = http_fields,
	 .text = "Metrics and health."},
	{FIELD(sbe_conf, gate, "gate_control"), .type = CONF_OBJECT, .fields = gate_fields,
	 .text = "The dbes and how they are reached."},
	{FIELD(sbe_conf, tls, "tls"), .type = CONF_MAP, .fields = sbe_conf_tls_fields,
	 .max = SBE_TLS_MAX, .item_bytes = sizeof(struct sbe_tls_conf),
	 .text = "TLS identities by name."},
	{FIELD(sbe_conf, realms, "realms"), .type = CONF_MAP, .fields = realm_fields,
	 .check = realm_check, .required = true, .min = 1, .max = 64,
	 .item_bytes = sizeof(struct sbe_realm_conf),
	 .text = "Network sides with their SIP listeners."},
	{FIELD(sbe_conf, policies, "policies"), .type = CONF_MAP, .max = 256,
	 .fields = peer_policy_named_fields, .item_bytes = sizeof(struct peer_policy_named),
	 .text = "Rules for headers, identities, numbers, causes and bodies that peers use by name."},
	{FIELD(sbe_conf, federations, "federations"), .type = CONF_MAP, .max = 64,
	 .fields = peer_federation_fields, .item_bytes = sizeof(struct peer_federation_conf),
	 .text = "Rules that several peers share, and how much they may use together."},
	{FIELD(sbe_conf, peers, "peers"), .type = CONF_MAP, .fields = peer_conf_fields,
	 .item_bytes = sizeof(struct peer_conf), .text = "Who we exchange calls with."},
	{FIELD(sbe_conf, route.routes, "routes"), .type = CONF_ARRAY, .fields = route_conf_fields,
	 .check = route_conf_check, .item_bytes = sizeof(struct route_conf),
	 .text = "Where calls go."},
	{FIELD(sbe_conf, route.lookup, "lookup"), .type = CONF_ARRAY, .fields = lookup_conf_fields,
	 .check = lookup_conf_check, .max = 16, .item_bytes = sizeof(struct route_step_conf),
	 .def = "[{\"type\":\"table\"}]",
	 .text = "How a request that no route names finds its target domain, in order."},
	{FIELD(sbe_conf, route.location, "location"), .type = CONF_ARRAY,
	 .fields = location_conf_fields, .check = location_conf_check, .max = 16,
	 .item_bytes = sizeof(struct route_step_conf),
	 .text = "How a target domain finds its next hops, in order; absent = not at all."},
	{.key = "dns", .type = CONF_OBJECT, .fields = dns_fields, .text = "Looking names up."},
	{.key = "cdr", .type = CONF_OBJECT, .fields = cdr_fields, .text = "Call detail records."},
	{.key = "log", .type = CONF_OBJECT, .fields = log_fields, .text = "The log."},
	{.key = "limits",
	 .type = CONF_OBJECT,
	 .fields = limits_fields,
	 .text = "Limits of the whole node."},
	{.key = "timers", .type = CONF_OBJECT, .fields = timers_fields, .text = "SIP timers."},
	CONF_END,
};
