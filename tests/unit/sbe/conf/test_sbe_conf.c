/* SPDX-License-Identifier: Apache-2.0 */
/* The whole sbe.json: examples that must pass, errors with their line, and what a reload keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "sbe/conf/sbe_conf.h"
#include "tests/lib/oom.h"

static char path[64];
static struct conf_error error;

static int up(void **state)
{
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/sbe-conf-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int down(void **state)
{
	(void)state;
	return unlink(path);
}

/* ' for " */
static void write_conf(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (; *text; text++)
		fputc(*text == '\'' ? '"' : *text, f);
	fclose(f);
}

static struct sbe_snapshot *load(const char *text, struct sbe_snapshot *old)
{
	struct sbe_snapshot *s = NULL;

	write_conf(text);
	if (sbe_conf_load(path, old, &s, &error))
		fail_msg("%s", error.text);
	return s;
}

/* expected: what follows the file's name, from its start. */
static void refused(const char *text, const char *expected)
{
	struct sbe_snapshot *s = (void *)path;

	write_conf(text);
	assert_int_equal(sbe_conf_load(path, NULL, &s, &error), -EINVAL);
	assert_ptr_equal(s, path); /* untouched */
	assert_int_equal(strncmp(error.text, path, strlen(path)), 0);
	if (strncmp(error.text + strlen(path), expected, strlen(expected)))
		fail_msg("not \"%s\" but \"%s\"", expected, error.text + strlen(path));
}

#define REALMS                                                                                     \
	"'realms':{'core':{'listen':['udp:127.0.0.1']},'peering':{'listen':['udp:127.0.0.2']}}"
#define CONF(members) "{'node':'sbe1'," REALMS "," members "}"

static void defaults(void **state)
{
	(void)state;
	struct sbe_snapshot *s = load("{'node':'sbe1'," REALMS "}", NULL);
	const struct sbe_conf *c = &s->conf;
	const struct sbe_realm_conf *realm = c->realms.items;
	const struct sbe_listen_conf *listen = realm->listen.items;
	struct addr a;

	assert_string_equal(c->control.socket, "/run/speermint/sbe.sock");
	assert_int_equal(addr_parse("127.0.0.1:9090", &a), 0);
	assert_true(addr_equal(&c->http.listen, &a));
	assert_int_equal(c->gate.listen.n, 1);
	assert_int_equal(addr_parse("127.0.0.1:2944", &a), 0);
	assert_true(addr_equal(c->gate.listen.items, &a));
	assert_int_equal(c->gate.request_ms, 500);
	assert_string_equal(c->cdr.directory, "/var/spool/speermint/cdr");
	assert_int_equal(c->cdr.rotate_s, 300);
	assert_int_equal(c->log.level, LOG_LEVEL_INFO);
	assert_int_equal(c->limits.calls_max, 100000);
	assert_int_equal(c->timers.t1_ms, 500);
	assert_int_equal(c->timers.t4_ms, 5000);
	assert_int_equal(c->route.lookup.n, 1); /* table */
	assert_int_equal(c->route.location.n, 0);
	assert_string_equal(realm->media, "core");
	assert_int_equal(listen->proto, TRANSPORT_UDP);
	assert_int_equal(listen->addr.port, 5060);
	mem_unref(s);
}

static void what_call_gets(void **state)
{
	(void)state;
	struct sbe_snapshot *s =
		load("{'node':'sbe1','domains':['a.example','b.example'],'http':{'listen':'off'},"
		     "'realms':{'core':{'listen':['tcp:[::1]:5070'],'media':'m'},"
		     "'far':{'listen':['udp:127.0.0.2']}},"
		     "'peers':{'p':{'realm':'far','sources':['127.0.0.9']}}}",
		     NULL);

	assert_string_equal(s->call.node, "sbe1");
	assert_int_equal(s->call.ndomains, 2);
	assert_string_equal(s->call.domains[1], "b.example");
	assert_int_equal(s->call.nrealms, 2);
	assert_string_equal(s->call.realms[0].name, "core");
	assert_string_equal(s->call.realms[0].media, "m");
	assert_string_equal(s->call.realms[1].media, "far");
	assert_non_null(peer_find_name(s->call.peers, "p"));
	assert_ptr_equal(s->call.routes, s->routes);
	assert_int_equal(s->conf.http.listen.family, ADDR_NONE);
	mem_unref(s);
}

/* The example of the documentation, but for the kinds of lookup that are not built. */
static void full_example(void **state)
{
	(void)state;
	struct sbe_snapshot *s = load(
		"{ 'node': 'sbe1', 'domains': ['a.example'], '#note': 'comment',\n"
		"'control': {'socket': '/run/speermint/sbe.sock'}, 'http': {'listen': '127.0.0.1:9090'},\n"
		"'gate_control': {'listen': ['127.0.0.1:2944'], 'dbes': ['dbe1', 'dbe2']},\n"
		"'realms': {'core': {'listen': ['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060'], 'media': 'core'},\n"
		"'peering': {'listen': ['udp:127.0.0.2:5060'], 'media': 'peering'}},\n"
		"'peers': {'pbx': {'realm': 'core', 'sources': ['127.0.0.10'], 'next_hops': ['sip:127.0.0.10:5060']},\n"
		"'bnet': {'realm': 'peering', 'sources': ['127.0.0.20/32'], 'domains': ['b.example'],\n"
		"'next_hops': ['sip:127.0.0.20:5060;transport=udp'], 'limits': {'sessions': 500, 'cps': 50},\n"
		"'media': {'relay': 'always', 'codecs': ['PCMA', 'PCMU', 'telephone-event']},\n"
		"'probe': {'interval_s': 10, 'down_after': 3, 'up_after': 1}}},\n"
		"'routes': [{'name': 'b', 'from': ['pbx'], 'number': '+44',\n"
		"'to': [{'peer': 'bnet', 'priority': 1, 'weight': 10}]},\n"
		"{'name': 'in', 'from': ['bnet'], 'domain': 'a.example', 'to': [{'peer': 'pbx'}]}],\n"
		"'lookup': [{'type': 'table'}, {'type': 'uri'}], 'location': [{'type': 'peers'}],\n"
		"'cdr': {'directory': '/var/spool/speermint/cdr'}, 'log': {'level': 'info'} }\n",
		NULL);

	assert_int_equal(peer_set_count(s->peers), 2);
	mem_unref(s);
}

/* What ships must be accepted as it is. */
static void shipped_example(void **state)
{
	(void)state;
	struct sbe_snapshot *s = NULL;

	if (sbe_conf_load("deploy/conf/sbe.json", NULL, &s, &error))
		fail_msg("%s", error.text);
	mem_unref(s);
}

static void names_that_do_not_exist(void **state)
{
	(void)state;
	refused(CONF("\n'peers':{\n'p':{'sources':['127.0.0.9'],\n'realm':'nowhere'}}"),
		":4: peers.p.realm: there is no realm \"nowhere\"");
	refused(CONF("\n'routes':[{'name':'r',\n'to':[{'peer':'p'}]}]"),
		":3: routes[0].to[0].peer: route r: there is no peer \"p\"");
	refused(CONF("'gate_control':{'tls':'gate'}"),
		":1: gate_control.tls: there is no \"gate\" in tls");
	refused("{'node':'n','realms':{'r':{'listen':['udp:127.0.0.1'],\n'tls':'x'}}}",
		":2: realms.r.tls: there is no \"x\" in tls");
}

static void listeners(void **state)
{
	(void)state;
	refused("{'node':'n','realms':{'a':{'listen':['udp:127.0.0.1:5060']},\n"
		"'b':{'listen':['tcp:127.0.0.1:5060',\n'udp:127.0.0.1:5060']}}}",
		":3: realms.b.listen[1]: 127.0.0.1:5060 is taken by realms.a.listen[0] already");
	refused("{'node':'n','realms':{'a':{'listen':['tcp:127.0.0.1:9090']}}}",
		":1: http.listen: 127.0.0.1:9090 is taken by realms.a.listen[0] already");
	refused("{'node':'n','realms':{'a':{'listen':['tcp:127.0.0.1:2944']}}}",
		":1: gate_control.listen[0]: 127.0.0.1:2944 is taken by realms.a.listen[0] already");
	refused("{'node':'n','realms':{'a':{'listen':['tls:127.0.0.1']}}}",
		":1: realms.a.listen[0]: a tls listener needs \"tls\" in its realm");
	refused("{'node':'n','realms':{'a':{'listen':[\n'udp:127.0.0.1',\n'udp:0.0.0.0']}}}",
		":3: realms.a.listen[1]: must be udp:, tcp: or tls: with one address of this host");
	refused("{'node':'n','realms':{'a':{'listen':['sctp:127.0.0.1']}}}",
		":1: realms.a.listen[0]: must be");
	refused("{'node':'n','realms':{'a':{'listen':['udp:host.example']}}}",
		":1: realms.a.listen[0]: must be");
	refused("{'node':'n','realms':{'a':{'listen':[7]}}}", ":1: realms.a.listen[0]: must be");
	refused("{'node':'n','realms':{'a':{'listen':[]}}}",
		":1: realms.a.listen: must be a list of 1 to");
	refused("{'node':'n','realms':{'a':{'listen':['udp:127.0.0.1'],'advertise':'x y'}}}",
		":1: realms.a.advertise: must be a host name");
	refused("{'node':'n','realms':{}}", ":1: realms: must have 1 to");
	refused("{'node':'n'}", ":1: realms: is required");
	refused(CONF("'http':{'listen':'127.0.0.1'}"),
		":1: http.listen: must be IP:port or \"off\"");
}

/* TLS or loopback, nothing between: no foreign host may open gates. */
static void gate_control(void **state)
{
	(void)state;
	refused(CONF("'gate_control':{'listen':['127.0.0.1',\n'192.0.2.1:2944']}"),
		":2: gate_control.listen[1]: gate control without tls is allowed on loopback only");
	refused(CONF("'gate_control':{'listen':['::']}"),
		":1: gate_control.listen[0]: gate control without tls is allowed on loopback only");
	refused(CONF("'gate_control':{'dbes':['d','e','d']}"),
		":1: gate_control.dbes[2]: d is listed twice");
	refused(CONF("'gate_control':{'listen':['gate.example']}"),
		":1: gate_control.listen[0]: must be IP[:port]");
}

static void peers(void **state)
{
	(void)state;
	refused(CONF("'peers':{'p':{'realm':'core','next_hops':['sip:127.0.0.9;transport=tcp']}}"),
		":1: peers.p.next_hops[0]: realm core has no TCP listener of IPv4 to send from");
	refused(CONF("'peers':{'p':{'realm':'core','next_hops':['sip:[::1]']}}"),
		":1: peers.p.next_hops[0]: realm core has no UDP listener of IPv6");
	refused(CONF("'peers':{'p':{'realm':'core','next_hops':['sip:127.0.0.2:5060']}}"),
		":1: peers.p.next_hops[0]: is one of our own listeners");
	refused(CONF("'domains':['A.example'],'peers':{'p':{'realm':'core','sources':['127.0.0.9'],"
		     "'domains':['a.Example']}}"),
		":1: peers.p.domains[0]: a.Example is one of our own domains");
	refused(CONF("'peers':{'p':{'realm':'core','sources':['127.0.0.9']},'q':{'realm':'core',"
		     "'sources':['127.0.0.9']}}"),
		":1: peers.q.sources[0]: source 127.0.0.9/32 belongs to peer p of the same realm core");
}

static void what_is_not_built(void **state)
{
	(void)state;
	refused(CONF("'lookup':[{'type':'table'},\n{'type':'https','url':'https://x'}]"),
		":2: lookup[1].tls: an https service needs it");
	refused(CONF("'location':[{'type':'dns','realm':'mars'}]"),
		":1: location[0].realm: there is no realm \"mars\"");
	refused(CONF("'location':[{'type':'dns','realm':'core'}]"),
		":1: location[0].realm: realm core has no TLS identity");
	refused(CONF("'dns':{'servers':['ns.example']}"),
		":1: dns.servers[0]: must be IP[:port] with IPv6 in brackets, not ns.example");
}

static void unknown_and_broken(void **state)
{
	(void)state;
	refused(CONF("'peer':{}"), ":1: peer: unknown key, allowed: node, domains");
	refused("{'node':'n',", ":1");
	refused(CONF("'node':'x'"), ":1: node: "); /* twice */
	refused(CONF("'timers':{'t1_ms':99}"),
		":1: timers.t1_ms: must be a number from 100 to 5000, not 99");
	refused(CONF("'log':{'level':'loud'}"),
		":1: log.level: must be one of error, warn, notice, info, debug, not \"loud\"");
}

static void no_such_file(void **state)
{
	(void)state;
	struct sbe_snapshot *s = NULL;

	assert_int_equal(sbe_conf_load("/nowhere/sbe.json", NULL, &s, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nowhere/sbe.json"));
}

/* Names of files start where the configuration is, not where the daemon was started. */
static void certificates_beside_the_file(void **state)
{
	(void)state;
	refused(CONF("\n'tls':{'gate':{'certificate':'no-such.pem','private_key':'no-such.key',"
		     "'trust':['no-such-ca.pem']}}"),
		":2: tls.gate: ");
	assert_non_null(strstr(error.text, "/tmp/no-such"));
	refused(CONF("'tls':{'gate':{'certificate':'/x/y.pem','private_key':'k','trust':['t']}}"),
		":1: tls.gate: ");
	assert_non_null(strstr(error.text, "/x/y.pem"));
	refused(CONF("'tls':{'gate':{'certificate':'c','private_key':'k'}}"),
		":1: tls.gate.trust: is required");
}

#define ONE(limit)                                                                                 \
	CONF("'peers':{'p':{'realm':'core','sources':['127.0.0.9'],'limits':{'sessions':" limit    \
	     "}}}")

static void reload_keeps_running_state(void **state)
{
	(void)state;
	size_t before = mem_live();
	struct sbe_snapshot *a = load(ONE("5"), NULL), *b;
	struct peer *p = mem_ref(peer_find_name(a->peers, "p")); /* a call */

	assert_int_equal(peer_take(p, PEER_IN, 1), PEER_LIMIT_NONE);
	peer_block(p, true);
	b = load(ONE("1"), a);
	mem_unref(a);
	peer_block(peer_find_name(b->peers, "p"), false);
	assert_int_equal(peer_take(peer_find_name(b->peers, "p"), PEER_IN, 1), PEER_LIMIT_SESSIONS);
	assert_int_equal(p->conf->limits.sessions, 5); /* what it was placed under */
	peer_give(p, PEER_IN);
	mem_unref(p);
	assert_int_equal(peer_take(peer_find_name(b->peers, "p"), PEER_IN, 1), PEER_LIMIT_NONE);
	mem_unref(b);
	assert_int_equal(mem_live(), before);
}

static void bad_reload_changes_nothing(void **state)
{
	(void)state;
	struct sbe_snapshot *a = load(ONE("5"), NULL), *b = NULL;
	struct peer *p = peer_find_name(a->peers, "p");

	assert_int_equal(peer_take(p, PEER_IN, 1), PEER_LIMIT_NONE);
	write_conf(CONF("'peers':{'p':{'realm':'gone','sources':['127.0.0.9']}}"));
	assert_int_equal(sbe_conf_load(path, a, &b, &error), -EINVAL);
	assert_null(b);
	assert_ptr_equal(peer_find_name(a->peers, "p"), p);
	assert_int_equal(p->state->sessions[PEER_IN], 1);
	mem_unref(a);
}

static int build(void *arg)
{
	struct sbe_snapshot *s;
	int err = sbe_conf_load(arg, NULL, &s, &error);

	if (!err)
		mem_unref(s);
	return err;
}

static void out_of_memory_leaves_nothing(void **state)
{
	(void)state;
	write_conf(ONE("5"));
	assert_true(oom_each(build, path) > 10);
}

static void schema_of_the_table(void **state)
{
	(void)state;
	json_t *schema = conf_schema(sbe_conf_fields, "sbe"), *properties;

	assert_non_null(schema);
	properties = json_object_get(schema, "properties");
	assert_non_null(json_object_get(properties, "gate_control"));
	assert_non_null(json_object_get(properties, "peers"));
	json_decref(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(what_call_gets),
		cmocka_unit_test(full_example),
		cmocka_unit_test(shipped_example),
		cmocka_unit_test(names_that_do_not_exist),
		cmocka_unit_test(listeners),
		cmocka_unit_test(gate_control),
		cmocka_unit_test(peers),
		cmocka_unit_test(what_is_not_built),
		cmocka_unit_test(unknown_and_broken),
		cmocka_unit_test(no_such_file),
		cmocka_unit_test(certificates_beside_the_file),
		cmocka_unit_test(reload_keeps_running_state),
		cmocka_unit_test(bad_reload_changes_nothing),
		cmocka_unit_test(out_of_memory_leaves_nothing),
		cmocka_unit_test(schema_of_the_table),
	};

	return cmocka_run_group_tests_name("sbe/conf", tests, up, down);
}
