/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_sbe - the sbe of this repository, wired as sbe/app.c does, on the simulated clock and network.
 *
 * Its configuration is a file as an operator writes it, read by sbe/conf. CDRs end in sim_audit.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/call/call_object.h"
#include "sbe/conf/sbe_conf.h"
#include "sbe/gate/gate_pool.h"
#include "sbe/peer/peer_identify.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_audit.h"
#include "tests/sim/sim_peer.h"
#include "tests/sim/sim_sbe.h"

struct sim_sbe sim_sbe;

static char conf_path[128], password_path[160];
static uv_loop_t loop;
static bool loop_ready;

/* ---- configuration */

static int put(char *buf, size_t size, size_t at, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(buf + at, size - at, format, ap);
	va_end(ap);
	if (n < 0 || at + (size_t)n >= size)
		abort();
	return n;
}

static void write_password(void)
{
	int fd = open(password_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, SIM_PASSWORD, strlen(SIM_PASSWORD)) < 0 || close(fd))
		sim_breach("cannot write %s: %s", password_path, strerror(errno));
}

static void write_conf(unsigned version)
{
	const struct sim_plan *p = &sim.plan;
	char json[4096], sip[400], media[120], auth[300] = "";
	size_t n = 0;
	FILE *f;

	put(sip, sizeof(sip), 0,
	    "'sip':{'try_ms':%u,'ring_s':%u,'prack':'%s','refer':'%s','replaces':'%s','session_timer':{'mode':'%s','se_s':%u,"
	    "'refresher':'%s'}}",
	    p->try_ms, p->ring_s, p->prack_required ? "required" : "supported",
	    p->refer ? p->refer : "refuse", p->refer ? p->refer : "refuse",
	    p->timers ? "accept" : "off", p->se_s, p->refresher);
	put(media, sizeof(media), 0, "'redirect':'%s','media':{'silence_s':%u,'dscp':%u}",
	    p->follow ? "follow" : "refuse", p->silence_s, version % 64);
	if (p->digest)
		put(auth, sizeof(auth), 0,
		    "'auth':{'realm':'b.example','user':'us','password_file':'%s','clear':true},",
		    password_path);
	n += (size_t)put(
		json, sizeof(json), n,
		"{'node':'sbe1','domains':['a.example'],'http':{'listen':'off'},"
		"'timers':{'t1_ms':%u,'t2_ms':%u,'t4_ms':%u},"
		"'gate_control':{'listen':['127.0.0.1:2944'],'dbes':['dbe1','dbe2'],'heartbeat_ms':%u,"
		"'hold_s':%u},"
		"'realms':{'core':{'listen':['udp:10.0.0.1:5060']},"
		"'peering':{'listen':['udp:203.0.113.1:5060']}},",
		p->t1_ms, p->t2_ms, p->t4_ms, p->heartbeat_ms, p->hold_s);
	n += (size_t)put(
		json, sizeof(json), n,
		"'peers':{'pbx':{'realm':'core','sources':['10.0.0.10'],'next_hops':['sip:10.0.0.10'],%s,%s},"
		"'bnet':{'realm':'peering','sources':['198.51.100.20/31'],'domains':['b.example'],"
		"'next_hops':['sip:198.51.100.20','sip:198.51.100.21'],%s%s,%s},"
		"'cnet':{'realm':'peering','sources':['198.51.100.30'],'domains':['c.example'],"
		"'next_hops':['sip:198.51.100.30'],%s,%s}},",
		sip, media, auth, sip, media, sip, media);
	put(json, sizeof(json), n,
	    "'routes':[{'name':'c','from':['pbx'],'number':'+4430','to':[{'peer':'cnet'}]},"
	    "{'name':'out','from':['pbx'],'to':[{'peer':'bnet'}]},"
	    "{'name':'in','from':['bnet','cnet'],'to':[{'peer':'pbx'}]}]}");
	for (char *c = json; *c; c++)
		*c = (char)(*c == '\'' ? '"' : *c);
	write_password();
	f = fopen(conf_path, "w");
	if (!f || fputs(json, f) < 0 || fclose(f))
		sim_breach("cannot write %s: %s", conf_path, strerror(errno));
}

static struct sbe_snapshot *load(struct sbe_snapshot *old)
{
	struct sbe_snapshot *next = NULL;
	struct conf_error err = {""};

	if (sbe_conf_load(conf_path, old, &next, &err))
		sim_breach("configuration: %s", err.text);
	return next;
}

/* ---- what layers tell each other, as in sbe/app.c */

static void on_message(void *arg, struct wire_msg *m, const struct transport_target *from)
{
	(void)arg;
	txn_receive(sim_sbe.txns, m, from);
}

static void on_send_failed(void *arg, const struct transport_target *to, int err)
{
	(void)arg;
	txn_transport_failed(sim_sbe.txns, to, err);
}

static uint32_t on_known(void *arg, const struct transport_target *from)
{
	const struct peer *p = peer_identify(sim_sbe.snapshot->peers, from);

	(void)arg;
	return p && p->conf->mode == PEER_STATIC ? p->state->number : 0;
}

static bool on_may_go(void *arg, const struct transport_target *there, const struct addr *to)
{
	(void)arg;
	return peer_may_be_at(sim_sbe.snapshot->peers, there, to);
}

static int on_send(void *arg, const struct transport_target *to, const void *data, size_t len_bytes)
{
	(void)arg;
	return transport_send(sim_sbe.transport, to, data, len_bytes);
}

static void on_request(void *arg, struct txn_server *s, const struct wire_msg *m)
{
	(void)arg;
	call_on_request(sim_sbe.calls, s, m);
}

static void on_ack(void *arg, const struct wire_msg *m, const struct transport_target *from)
{
	(void)arg;
	call_on_ack(sim_sbe.calls, m, from);
}

static void on_stray_2xx(void *arg, const struct wire_msg *m, const struct transport_target *from,
			 bool again)
{
	(void)arg;
	call_on_stray_2xx(sim_sbe.calls, m, from, again);
}

/* ---- life */

static int start_sip(void)
{
	static const struct transport_handlers transport_handlers = {.message = on_message,
								     .failed = on_send_failed,
								     .known = on_known,
								     .may_go = on_may_go};
	static const struct txn_layer_handlers txn_handlers = {
		.send = on_send, .request = on_request, .ack = on_ack, .stray_2xx = on_stray_2xx};
	const struct sbe_conf *c = &sim_sbe.snapshot->conf;
	const struct sbe_realm_conf *realms = c->realms.items;
	struct txn_options o = {
		.t1_ms = c->timers.t1_ms, .t2_ms = c->timers.t2_ms, .t4_ms = c->timers.t4_ms};
	int err = txn_layer_new(sim.core_wheel, &o, &txn_handlers, NULL, &sim_sbe.txns);

	if (!err)
		err = transport_new(&loop, &transport_handlers, NULL, &sim_sbe.transport);
	if (!err)
		err = transport_set_stranger_rate(sim_sbe.transport, c->limits.messages_per_s);
	for (size_t i = 0; !err && i < c->realms.n; i++) {
		const struct sbe_listen_conf *listen = realms[i].listen.items;
		struct transport_listen l = {
			.realm = realms[i].name, .proto = listen->proto, .local = listen->addr};

		err = transport_listen(sim_sbe.transport, &l);
	}
	return err;
}

static int start_gates(void)
{
	const struct sbe_gate_conf *g = &sim_sbe.snapshot->conf.gate;
	struct gate_pool_options o = {.node = sim_sbe.snapshot->conf.node,
				      .dbes = g->dbes.items,
				      .ndbes = g->dbes.n,
				      .request_ms = g->request_ms,
				      .open_ms = g->open_ms,
				      .heartbeat_ms = g->heartbeat_ms,
				      .hold_s = g->hold_s};
	int err = gate_pool_new(&o, sim.gate_wheel, &sim_sbe.gates);

	return err ? err : gate_pool_listen(sim_sbe.gates, &loop, g->listen.items, NULL);
}

static int start_calls(void)
{
	const struct sbe_conf *c = &sim_sbe.snapshot->conf;
	struct call_options o = {.wheel = sim.core_wheel,
				 .transport = sim_sbe.transport,
				 .txns = sim_sbe.txns,
				 .gates = sim_sbe.gates,
				 .cdr = (struct cdr_writer *)&sim_sbe, /* sim_audit has cdr_write */
				 .calls_max = c->limits.calls_max};

	return call_core_new(&o, &sim_sbe.snapshot->call, &sim_sbe.calls);
}

void sim_sbe_up(void)
{
	int err = 0;

	if (!loop_ready) {
		const char *dir = getenv("TMPDIR");

		snprintf(conf_path, sizeof(conf_path), "%s/speermint-sim-%d.json",
			 dir ? dir : "/tmp", (int)getpid());
		snprintf(password_path, sizeof(password_path), "%s.password", conf_path);
		err = uv_loop_init(&loop);
		loop_ready = true;
	}
	memset(&sim_sbe, 0, sizeof(sim_sbe));
	wire_setup();
	write_conf(0);
	sim_sbe.snapshot = load(NULL);
	if (!err)
		err = start_gates();
	if (!err)
		err = start_sip();
	if (!err)
		err = start_calls();
	if (err)
		sim_breach("the sbe does not start: %s", strerror(-err));
}

void sim_sbe_down(void)
{
	call_core_free(sim_sbe.calls);
	gate_pool_free(sim_sbe.gates);
	txn_layer_free(sim_sbe.txns);
	transport_free(sim_sbe.transport);
	uv_run(&loop, UV_RUN_NOWAIT); /* the transport's timer is closed */
	mem_unref(sim_sbe.snapshot);
	memset(&sim_sbe, 0, sizeof(sim_sbe));
	unlink(conf_path);
	unlink(password_path);
}

void sim_sbe_reload(void)
{
	struct sbe_snapshot *before = sim_sbe.snapshot;

	write_conf(++sim_sbe.versions);
	sim_sbe.snapshot = load(before);
	call_core_configure(sim_sbe.calls, &sim_sbe.snapshot->call);
	mem_unref(before);
	if (call_count(sim_sbe.calls))
		sim_count(COVER_RELOADS);
	sim_trace("-- reload");
}

static void shut(void *arg)
{
	*(bool *)arg = true;
}

void sim_sbe_shutdown(bool *ret_done)
{
	*ret_done = false;
	if (call_count(sim_sbe.calls))
		sim_count(COVER_SHUTDOWNS);
	call_shutdown(sim_sbe.calls, shut, ret_done);
}

static int first_up(void *obj, void *arg)
{
	const struct call *call = obj;

	if (call->fsm.state != CALL_UP)
		return 0;
	snprintf(arg, CALL_TOKEN_BYTES, "%s", call->token);
	return 1;
}

bool sim_sbe_kill_one(void)
{
	char token[CALL_TOKEN_BYTES] = "";

	table_each(sim_sbe.calls->calls, first_up, token);
	if (!token[0])
		return false;
	sim_count(COVER_KILLS);
	sim_trace("-- the operator releases %s", token);
	if (call_kill(sim_sbe.calls, token, NULL))
		sim_breach("call kill %s fails", token);
	return true;
}

bool sim_sbe_is_core(const struct addr *local)
{
	return local->family == ADDR_V4 && local->ip[0] == 10;
}
