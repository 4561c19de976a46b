/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sbe program and dbes that play by no rules: silent, late, lying, forgetful, doubled. A caller and a
 * callee are two plain UDP sockets, so every message that leaves is looked at.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "proto/result.h"
#include "tests/component/daemon.h"
#include "tests/component/script.h"

#define CORE "127.0.0.42"
#define PEERING "127.0.0.43"
#define CALLER "127.0.0.40"
#define CALLEE "127.0.0.41"
#define MESSAGE_BYTES 8192

static struct daemon sbe;
static struct script dbe1, dbe2;
static unsigned gate_port, core_port, peering_port, caller_port, callee_port, calls;
static int caller = -1, callee = -1;

/* ---------------------------------------------------------------- the two telephones */

static int telephone(const char *ip, unsigned *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, ip, &a.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static void say(int fd, const char *ip, unsigned port, const char *text)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	assert_int_equal(inet_pton(AF_INET, ip, &to.sin_addr), 1);
	assert_true(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to)) > 0);
}

/* The next message that starts so and is of this call. Fails the test when none comes. */
static const char *hear(int fd, const char *start)
{
	static char text[MESSAGE_BYTES];
	uint64_t end_ms = clock_now_ms() + DAEMON_WAIT_MS;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (clock_now_ms() < end_ms) {
		ssize_t n;

		if (poll(&p, 1, 100) <= 0)
			continue;
		n = recv(fd, text, sizeof(text) - 1, 0);
		assert_true(n > 0);
		text[n] = '\0';
		if (!strncmp(text, start, strlen(start)))
			return text;
	}
	fail_msg("no %s came", start);
	return NULL;
}

/* A header line of a message, as received, with its end. */
static const char *line_of(const char *message, const char *name, char *buf, size_t size_bytes)
{
	const char *at = strstr(message, name);
	size_t n;

	assert_non_null(at);
	n = (size_t)(strstr(at, "\r\n") + 2 - at);
	assert_true(n < size_bytes);
	memcpy(buf, at, n);
	buf[n] = '\0';
	return buf;
}

static const char *sdp_of(const char *ip, unsigned port)
{
	static char sdp[256];

	snprintf(
		sdp, sizeof(sdp),
		"v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u RTP/AVP 8\r\n",
		ip, ip, port);
	return sdp;
}

static void invite(void)
{
	char text[MESSAGE_BYTES];
	const char *sdp = sdp_of(CALLER, 30000);

	calls++;
	snprintf(text, sizeof(text),
		 "INVITE sip:4401@" CORE ":%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP " CALLER ":%u;branch=z9hG4bKc%u\r\nMax-Forwards: 70\r\n"
		 "From: <sip:1@" CALLER ">;tag=c%u\r\nTo: <sip:4401@" CORE
		 ">\r\nCall-ID: call%u\r\nCSeq: 1 INVITE\r\n"
		 "Contact: <sip:1@" CALLER
		 ":%u>\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		 core_port, caller_port, calls, calls, calls, caller_port, strlen(sdp), sdp);
	say(caller, CORE, core_port, text);
}

/* ACK of a refusal: the same branch. */
static void acknowledge(const char *response)
{
	char text[MESSAGE_BYTES], to[512];

	snprintf(text, sizeof(text),
		 "ACK sip:4401@" CORE ":%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP " CALLER ":%u;branch=z9hG4bKc%u\r\n"
		 "From: <sip:1@" CALLER ">;tag=c%u\r\n%sCall-ID: call%u\r\nCSeq: 1 ACK\r\n"
		 "Content-Length: 0\r\n\r\n",
		 core_port, caller_port, calls, calls, line_of(response, "To:", to, sizeof(to)),
		 calls);
	say(caller, CORE, core_port, text);
}

static void answer(const char *request, const char *status, const char *sdp)
{
	char text[MESSAGE_BYTES], via[512], from[512], to[512], id[512], cseq[128];

	line_of(request, "To:", to, sizeof(to));
	if (!strstr(to, "tag="))
		snprintf(strstr(to, "\r\n"), 64, ";tag=d%u\r\n", calls);
	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\n%s%s%s%s%sContact: <sip:" CALLEE
		 ":%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
		 status, line_of(request, "Via:", via, sizeof(via)),
		 line_of(request, "From:", from, sizeof(from)), to,
		 line_of(request, "Call-ID:", id, sizeof(id)),
		 line_of(request, "CSeq:", cseq, sizeof(cseq)), callee_port,
		 sdp ? "Content-Type: application/sdp\r\n" : "", sdp ? strlen(sdp) : 0,
		 sdp ? sdp : "");
	say(callee, PEERING, peering_port, text);
}

/* The call is refused with this, and nothing had gone out to the callee. */
static void refused(const char *status)
{
	struct pollfd p = {.fd = callee, .events = POLLIN};

	acknowledge(hear(caller, status));
	assert_int_equal(poll(&p, 1, 0), 0);
}

/* ---------------------------------------------------------------- the dbes */

static void register_as(struct script *d, int method, unsigned free_ports)
{
	struct gate_service_change *c;
	struct gate_command *cmd;

	script_dial(d, gate_port);
	cmd = gate_action_add(&script_compose(d, GATE_BODY_REQUEST, 0)->action, GATE_SERVICE_CHANGE,
			      GATE_REF_ROOT);
	d->out.action.context_ref = GATE_REF_ROOT;
	c = &cmd->change;
	gate_change_clear(c);
	c->method = (uint8_t)method;
	c->reason = method == GATE_RESTART ? GATE_REASON_COLD : GATE_REASON_RESTORED;
	c->version_min = GATE_VERSION_MIN;
	c->version_max = GATE_VERSION_MAX;
	c->contexts_max = 1000;
	c->nrealms = 2;
	for (size_t i = 0; i < 2; i++) {
		memset(&c->realms[i], 0, sizeof(c->realms[i]));
		strcpy(c->realms[i].name, i ? "peering" : "core");
		c->realms[i].ports_total = 1000;
		c->realms[i].ports_free = free_ports;
		c->realms[i].ipv4 = c->realms[i].up = true;
	}
}

/* Wait for a request whose first command is of this type; nothing else may be asked. */
static const struct gate_action *asked(struct script *d, int type)
{
	const struct gate_message *m;

	while ((m = script_next(d, DAEMON_WAIT_MS))) {
		if (m->body != GATE_BODY_REQUEST)
			continue;
		assert_true(m->action.ncommands > 0);
		assert_int_equal(m->action.commands[0].type, type);
		return &m->action;
	}
	fail_msg("%s was not asked for %s", d->node, gate_command_name(type));
	return NULL;
}

/* The sbe asks what is there; these contexts are. */
static void audited(struct script *d, const uint32_t *contexts, size_t n)
{
	struct gate_action *out;

	(void)asked(d, GATE_AUDIT_VALUE);
	out = &script_compose(d, GATE_BODY_REPLY, d->in.transaction)->action;
	out->context_ref = GATE_REF_ALL;
	gate_action_add(out, GATE_AUDIT_VALUE, GATE_REF_ALL);
	out->ncontexts = n;
	for (size_t i = 0; i < n; i++)
		out->contexts[i] = contexts[i];
	script_send(d);
}

static void join(struct script *d, unsigned free_ports)
{
	register_as(d, GATE_RESTART, free_ports);
	assert_int_equal(script_ask(d)->code, 0);
	audited(d, NULL, 0);
}

/* Reply to the Add in d->in as context id; local false: as if the addresses had been forgotten. */
static void compose_added(struct script *d, uint32_t id, bool local)
{
	struct gate_action *out = &script_compose(d, GATE_BODY_REPLY, d->in.transaction)->action;

	out->context_ref = GATE_REF_ID;
	out->context = id;
	for (size_t i = 0; i < 2; i++) {
		struct gate_command *c = gate_action_add(out, GATE_ADD, GATE_REF_ID);
		struct gate_stream *s = &c->streams[0];

		snprintf(c->termination, sizeof(c->termination), "%s/%u", i ? "peering" : "core",
			 id);
		c->nstreams = 1;
		gate_stream_clear(s);
		s->id = 1;
		if (!local)
			continue;
		s->has = GATE_HAS_LOCAL;
		assert_int_equal(
			addr_parse(i ? "127.0.0.45:20000" : "127.0.0.44:20000", &s->local_rtp), 0);
		assert_int_equal(
			addr_parse(i ? "127.0.0.45:20001" : "127.0.0.44:20001", &s->local_rtcp), 0);
	}
}

/* The request in d->in is done: the same commands back, without more. */
static void done(struct script *d)
{
	static struct gate_action asked_for;
	struct gate_action *out;

	asked_for = d->in.action;
	out = &script_compose(d, GATE_BODY_REPLY, d->in.transaction)->action;
	out->context_ref = GATE_REF_ID;
	out->context = asked_for.context;
	for (size_t i = 0; i < asked_for.ncommands; i++)
		strcpy(gate_action_add(out, asked_for.commands[i].type, asked_for.commands[i].ref)
			       ->termination,
		       asked_for.commands[i].termination);
	script_send(d);
}

/* A whole call up through dbe1, as context id. */
static void call_up(uint32_t id)
{
	char text[MESSAGE_BYTES], to[512];
	const char *ok;

	invite();
	asked(&dbe1, GATE_ADD);
	compose_added(&dbe1, id, true);
	script_send(&dbe1);
	answer(hear(callee, "INVITE"), "200 OK", sdp_of(CALLEE, 31000));
	asked(&dbe1, GATE_MODIFY);
	done(&dbe1);
	ok = hear(caller, "SIP/2.0 200");
	assert_non_null(strstr(ok, "c=IN IP4 127.0.0.44"));
	snprintf(text, sizeof(text),
		 "ACK sip:" CORE ":%u SIP/2.0\r\nVia: SIP/2.0/UDP " CALLER
		 ":%u;branch=z9hG4bKa%u\r\n"
		 "From: <sip:1@" CALLER ">;tag=c%u\r\n%sCall-ID: call%u\r\nCSeq: 1 ACK\r\n"
		 "Content-Length: 0\r\n\r\n",
		 core_port, caller_port, calls, calls, line_of(ok, "To:", to, sizeof(to)), calls);
	say(caller, CORE, core_port, text);
	(void)hear(callee, "ACK");
}

static size_t calls_up(void)
{
	return daemon_rows(&sbe, "[\"call\",\"list\"]");
}

static void no_calls_left(void)
{
	uint64_t end_ms = clock_now_ms() + DAEMON_WAIT_MS;

	while (calls_up()) {
		assert_true(clock_now_ms() < end_ms);
		poll(NULL, 0, 10);
	}
}

/* Both telephones are told that it is over. */
static void both_hung_up(void)
{
	const char *bye = hear(callee, "BYE");
	char text[MESSAGE_BYTES], via[512], from[512], to[512], id[512], cseq[128];

	answer(bye, "200 OK", NULL);
	bye = hear(caller, "BYE");
	snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n%s%s%s%s%sContent-Length: 0\r\n\r\n",
		 line_of(bye, "Via:", via, sizeof(via)), line_of(bye, "From:", from, sizeof(from)),
		 line_of(bye, "To:", to, sizeof(to)), line_of(bye, "Call-ID:", id, sizeof(id)),
		 line_of(bye, "CSeq:", cseq, sizeof(cseq)));
	say(caller, CORE, core_port, text);
}

static int setup(void **state)
{
	unsigned spare;

	(void)state;
	calls = 0;
	caller = telephone(CALLER, &caller_port);
	callee = telephone(CALLEE, &callee_port);
	core_port = daemon_free_port(CORE, true);
	peering_port = daemon_free_port(PEERING, true);
	gate_port = daemon_free_port("127.0.0.1", false);
	do
		spare = daemon_free_port("127.0.0.1", false);
	while (spare == gate_port);
	script_init(&dbe1, "dbe1", 1000);
	script_init(&dbe2, "dbe2", 1000);
	daemon_init(&sbe, "sbe");
	daemon_start(&sbe,
		     "{'node':'sbe1','control':{'socket':'%s'},'http':{'listen':'127.0.0.1:%u'},"
		     "'gate_control':{'listen':['127.0.0.1:%u'],'dbes':['dbe1','dbe2'],"
		     "'request_ms':400,'open_ms':900,'heartbeat_ms':60000,'hold_s':1},"
		     "'realms':{'core':{'listen':['udp:" CORE ":%u']},"
		     "'peering':{'listen':['udp:" PEERING ":%u']}},"
		     "'peers':{'a':{'realm':'core','sources':['" CALLER "']},"
		     "'b':{'realm':'peering','sources':['" CALLEE "'],'next_hops':['sip:" CALLEE
		     ":%u']}},"
		     "'routes':[{'name':'r','from':['a'],'to':[{'peer':'b'}]}],"
		     "'cdr':{'directory':'%s'}}",
		     sbe.socket, spare, gate_port, core_port, peering_port, callee_port, sbe.dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	script_close(&dbe1);
	script_close(&dbe2);
	close(caller);
	close(callee);
	daemon_clean(&sbe);
	return 0;
}

/* ---------------------------------------------------------------- tests */

/* What comes before a ServiceChange, or from somebody not on the list, is refused and hung up. */
static void strangers_do_not_join(void **state)
{
	static const uint8_t garbage[] = {0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t huge[] = {0x7f, 0xff, 0xff, 0xff};

	(void)state;
	script_dial(&dbe1, gate_port);
	script_compose(&dbe1, GATE_BODY_REQUEST, 0)->action.context_ref = GATE_REF_ALL;
	gate_action_add(&dbe1.out.action, GATE_AUDIT_VALUE, GATE_REF_ALL);
	assert_int_equal(script_ask(&dbe1)->code, GATE_ERR_BEFORE_CHANGE);
	script_until_closed(&dbe1, 3000);
	dbe1.node = "dbe9";
	register_as(&dbe1, GATE_RESTART, 100);
	assert_int_equal(script_ask(&dbe1)->code, GATE_ERR_UNAUTHORIZED);
	script_until_closed(&dbe1, 3000);
	script_dial(&dbe1, gate_port);
	script_send_bytes(&dbe1, garbage, sizeof(garbage));
	script_until_closed(&dbe1, 3000);
	script_dial(&dbe1, gate_port);
	script_send_bytes(&dbe1, huge, sizeof(huge));
	script_until_closed(&dbe1, 3000);
	invite();
	refused("SIP/2.0 503");
	daemon_stop(&sbe);
}

/* C11: a dbe that answers after the deadline; the call does not wait, the late context is subtracted. */
static void a_late_answer_is_cancelled(void **state)
{
	uint64_t start_ms;
	uint32_t transaction;

	(void)state;
	join(&dbe1, 100);
	start_ms = clock_now_ms();
	invite();
	asked(&dbe1, GATE_ADD);
	transaction = dbe1.in.transaction;
	refused("SIP/2.0 503");
	assert_in_range(clock_now_ms() - start_ms, 300, 3000);
	dbe1.in.transaction = transaction;
	compose_added(&dbe1, 7, true);
	script_send(&dbe1);
	assert_int_equal(asked(&dbe1, GATE_SUBTRACT)->context, 7);
	done(&dbe1);
	no_calls_left();
	daemon_stop(&sbe);
}

/* C11: the second dbe is asked when the first is silent, within the caller's patience. */
static void a_silent_dbe_is_passed_over(void **state)
{
	(void)state;
	join(&dbe1, 1000); /* the emptier one is asked first */
	join(&dbe2, 10);
	invite();
	asked(&dbe1, GATE_ADD);
	asked(&dbe2, GATE_ADD);
	compose_added(&dbe2, 3, true);
	script_send(&dbe2);
	assert_non_null(strstr(hear(callee, "INVITE"), "c=IN IP4 127.0.0.45"));
	daemon_stop(&sbe);
}

/* Answers that do not fit what was asked cost the call at most, and leave nothing behind at the dbe. */
static void answers_that_do_not_fit(void **state)
{
	(void)state;
	join(&dbe1, 100);
	invite();
	asked(&dbe1, GATE_ADD);
	compose_added(&dbe1, 5, false); /* no addresses */
	script_send(&dbe1);
	assert_int_equal(asked(&dbe1, GATE_SUBTRACT)->context, 5);
	done(&dbe1);
	refused("SIP/2.0 503");
	invite();
	asked(&dbe1, GATE_ADD);
	script_compose(&dbe1, GATE_BODY_REPLY, dbe1.in.transaction)->code = GATE_ERR_RESOURCES;
	script_send(&dbe1);
	refused("SIP/2.0 503");
	no_calls_left();
	daemon_stop(&sbe);
}

/* C4: a reply once more, and one to nothing that was asked, change nothing. */
static void doubled_and_stray_replies(void **state)
{
	(void)state;
	join(&dbe1, 100);
	invite();
	asked(&dbe1, GATE_ADD);
	compose_added(&dbe1, 5, true);
	for (int i = 0; i < 100; i++)
		script_send(&dbe1);
	dbe1.in.transaction = 0x7fffffff;
	compose_added(&dbe1, 6, true);
	script_send(&dbe1);
	/* what it never asked for it does not want: the context of the stray reply goes, no other */
	assert_int_equal(asked(&dbe1, GATE_SUBTRACT)->context, 6);
	done(&dbe1);
	answer(hear(callee, "INVITE"), "200 OK", sdp_of(CALLEE, 31000));
	assert_int_equal(asked(&dbe1, GATE_MODIFY)->context, 5);
	done(&dbe1);
	(void)hear(caller, "SIP/2.0 200");
	assert_int_equal(calls_up(), 1);
	daemon_stop(&sbe);
}

/* J9d: back without its contexts: their calls are released on both sides, with one record. */
static void a_forgetful_dbe_ends_its_calls(void **state)
{
	(void)state;
	join(&dbe1, 100);
	call_up(5);
	assert_int_equal(calls_up(), 1);
	script_close(&dbe1);
	dbe1.epoch++;
	dbe1.last = 0;
	register_as(&dbe1, GATE_RESTART, 100);
	assert_int_equal(script_ask(&dbe1)->code, 0);
	audited(&dbe1, NULL, 0);
	both_hung_up();
	no_calls_left();
	daemon_stop(&sbe);
}

/* J9a, J9b: back with them: the call stays; a context that the sbe does not know is subtracted. */
static void an_audit_makes_both_equal(void **state)
{
	(void)state;
	join(&dbe1, 100);
	call_up(5);
	script_close(&dbe1);
	register_as(&dbe1, GATE_DISCONNECTED, 100);
	assert_int_equal(script_ask(&dbe1)->code, 0);
	audited(&dbe1, (const uint32_t[]){5, 99}, 2);
	assert_int_equal(asked(&dbe1, GATE_SUBTRACT)->context, 99);
	done(&dbe1);
	assert_int_equal(calls_up(), 1);
	daemon_stop(&sbe);
}

/* C7, C14: an older life of a dbe that is there, and one who uses its name on a second connection. */
static void older_lives_are_refused(void **state)
{
	(void)state;
	join(&dbe1, 100);
	call_up(5);
	script_init(&dbe2, "dbe1", 999);
	register_as(&dbe2, GATE_RESTART, 100);
	assert_int_equal(script_ask(&dbe2)->code, GATE_ERR_FOREIGN);
	script_until_closed(&dbe2, 3000);
	assert_int_equal(calls_up(), 1);
	assert_null(script_next(&dbe1, 200));
	assert_false(dbe1.closed);
	daemon_stop(&sbe);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(strangers_do_not_join),       TEST(a_late_answer_is_cancelled),
		TEST(a_silent_dbe_is_passed_over), TEST(answers_that_do_not_fit),
		TEST(doubled_and_stray_replies),   TEST(a_forgetful_dbe_ends_its_calls),
		TEST(an_audit_makes_both_equal),   TEST(older_lives_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
