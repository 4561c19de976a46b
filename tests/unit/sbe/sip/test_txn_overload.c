/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions in times of overload: RFC 7339 in the Via of both roles (S10), repeats before they are parsed, accounts,
 * and what strangers are answered (A24). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "txn_bed.h"

#include "common/mem.h"
#include "sbe/sip/guard.h"
#include "sbe/sip/txn_private.h"

static struct bed bed;
static struct transport_target peer;

/* What the layer above says and heard. */
static char params[96];
static bool agreed;
static unsigned nfeedback;
static struct wire_oc heard;
static bool heard_oc;
static int heard_err;

static const char *on_overload(void *arg, const struct transport_target *from)
{
	(void)arg;
	assert_true(addr_equal(&from->to, &peer.to));
	return agreed ? params : NULL;
}

static void on_feedback(void *arg, const struct transport_target *to, const struct wire_oc *oc,
			int err)
{
	(void)arg;
	assert_true(addr_equal(&to->to, &peer.to));
	nfeedback++;
	heard_oc = oc != NULL;
	if (oc)
		heard = *oc;
	heard_err = err;
}

static int up(void **state)
{
	(void)state;
	bed_start(&bed, NULL);
	bed.layer->h.overload = on_overload;
	bed.layer->h.feedback = on_feedback;
	peer = bed_peer(bed_udp);
	agreed = true;
	nfeedback = 0;
	(void)snprintf(params, sizeof(params),
		       ";oc=20;oc-algo=\"loss\";oc-validity=500;oc-seq=1.1");
	return 0;
}

static int down(void **state)
{
	(void)state;
	bed_stop(&bed);
	return 0;
}

/* ---- as server */

static void each_response_tells_what_is_asked_now(void **state)
{
	struct txn_reply ringing = {.status = 180}, ok = {.status = 200};

	(void)state;
	bed_request(&bed, "INVITE", "z9hG4bK1;oc;x=1;oc-algo=\"loss,rate\"", NULL, &peer);
	assert_string_equal(bed_first_line(&bed, 0), "SIP/2.0 100 Trying");
	assert_non_null(strstr(bed_header(&bed, 0, "Via"), ";branch=z9hG4bK1;x=1"));
	assert_non_null(strstr(bed_header(&bed, 0, "Via"),
			       ";oc=20;oc-algo=\"loss\";oc-validity=500;oc-seq=1.1"));
	assert_null(strstr(bed_header(&bed, 0, "Via"), "rate"));
	(void)snprintf(params, sizeof(params),
		       ";oc=30;oc-algo=\"loss\";oc-validity=500;oc-seq=2.1");
	assert_int_equal(txn_server_reply(bed.server, &ringing), 0);
	assert_non_null(strstr(bed_header(&bed, 1, "Via"), ";oc=30;"));
	assert_null(strstr(bed_header(&bed, 1, "Via"), ";oc=20;"));
	assert_int_equal(txn_server_reply(bed.server, &ok), 0);
	assert_non_null(strstr(bed_header(&bed, 2, "Via"), ";oc=30;"));
	txn_server_stop_2xx(bed.server);
}

static void other_vias_stay_as_they_are(void **state)
{
	(void)state;
	bed_request(&bed, "INVITE", "z9hG4bK1;oc, SIP/2.0/UDP far;branch=z9hG4bK2;oc", NULL, &peer);
	assert_non_null(strstr(bed_header(&bed, 0, "Via"),
			       ";oc-seq=1.1, SIP/2.0/UDP far;branch=z9hG4bK2;oc"));
	txn_server_detach(bed.server);
}

/* Not agreed, not offered, or only what we cannot do: the Via comes back as it was. */
static void without_agreement_nothing_is_told(void **state)
{
	static const struct {
		const char *branch;
		bool agreed;
	} cases[] = {{"z9hG4bK1;oc;oc-algo=\"loss\"", false},
		     {"z9hG4bK1", true},
		     {"z9hG4bK1;oc;oc-algo=\"rate\"", true},
		     {"z9hG4bK1;oc;oc", true}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char branch[96];

		(void)snprintf(branch, sizeof(branch), "z9hG4bK-%zu%s", i, cases[i].branch + 8);
		agreed = cases[i].agreed;
		bed.nsent = 0;
		bed_request(&bed, "OPTIONS", branch, "t", &peer);
		assert_int_equal(txn_server_reply(bed.server, &(struct txn_reply){.status = 200}),
				 0);
		assert_non_null(strstr(bed_header(&bed, 0, "Via"), branch));
		assert_null(strstr(bed_header(&bed, 0, "Via"), "oc-seq"));
	}
}

/* ---- as client */

static void the_via_offers_where_it_is_agreed(void **state)
{
	(void)state;
	assert_int_equal(bed_client(&bed, "OPTIONS", 0, &peer), 0);
	assert_null(strstr(bed_header(&bed, 0, "Via"), "oc"));
	txn_client_detach(bed.client);
	peer.overload = true;
	bed.nsent = 0;
	assert_int_equal(bed_client(&bed, "OPTIONS", 0, &peer), 0);
	assert_non_null(strstr(bed_header(&bed, 0, "Via"), ";rport;oc;oc-algo=\"loss\""));
	txn_client_detach(bed.client);
}

static void respond(const char *oc)
{
	char text[1024], via[256];

	(void)snprintf(via, sizeof(via), "%s", bed_header(&bed, bed.nsent - 1, "Via"));
	*strstr(via, ";oc") = '\0';
	(void)snprintf(text, sizeof(text),
		       "SIP/2.0 100 Trying\nVia: %s%s\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: %s\n"
		       "Content-Length: 0\n\n",
		       via, oc, "<sip:us@a.example>;tag=u", "<sip:x@b>", "x", "1 INVITE");
	assert_int_equal(bed_receive(&bed, text, &peer), 0);
}

static void feedback_reaches_who_wants_it(void **state)
{
	(void)state;
	peer.overload = true;
	assert_int_equal(bed_client(&bed, "INVITE", 0, &peer), 0);
	respond(";oc=35;oc-algo=\"loss\";oc-validity=700;oc-seq=7.5");
	assert_int_equal(nfeedback, 1);
	assert_true(heard_oc);
	assert_int_equal(heard.percent, 35);
	assert_int_equal(heard.validity_ms, 700);
	respond(";oc=350;oc-seq=8");
	assert_int_equal(nfeedback, 2);
	assert_false(heard_oc); /* nonsense is none, but it is a sign of life */
	assert_int_equal(heard_err, 0);
	txn_client_detach(bed.client);
}

/* From another address than we sent to, nothing is heard, whatever it carries. */
static void feedback_of_others_is_not_heard(void **state)
{
	struct transport_target ours = peer;

	(void)state;
	ours.overload = true;
	assert_int_equal(bed_client(&bed, "INVITE", 0, &ours), 0);
	peer.to.ip[0] ^= 1;
	respond(";oc=100;oc-algo=\"loss\";oc-validity=5000;oc-seq=9");
	assert_int_equal(nfeedback, 0);
	peer.to.ip[0] ^= 1;
	txn_client_detach(bed.client);
}

static void silence_is_told_too(void **state)
{
	(void)state;
	peer.overload = true;
	assert_int_equal(bed_client(&bed, "INVITE", 0, &peer), 0);
	bed_run_to(&bed, 32000);
	assert_int_equal(nfeedback, 1);
	assert_int_equal(heard_err, -ETIMEDOUT);
	assert_false(heard_oc);
	(void)bed_log(&bed);
}

/* ---- repeats */

static bool repeat(const char *method, const char *via)
{
	char text[512];
	struct guard_head h;

	(void)snprintf(text, sizeof(text),
		       "%s sip:x SIP/2.0\r\nVia: %s\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n"
		       "Call-ID: x\r\nCSeq: 1 %s\r\n\r\n",
		       method, via, method);
	assert_int_equal(guard_head_read((const uint8_t *)text, strlen(text), &h), 0);
	return txn_repeat(bed.layer, &h, &peer);
}

static void a_repeat_is_answered_unparsed(void **state)
{
	char via[128];

	(void)state;
	bed_request(&bed, "INVITE", "z9hG4bKone", NULL, &peer);
	assert_int_equal(bed.nsent, 1);
	(void)snprintf(via, sizeof(via), "%s", bed_header(&bed, 0, "Via"));
	*strstr(via, ";branch") = '\0'; /* as the bed writes it */
	for (int i = 0; i < 3; i++) {
		char text[256];

		(void)snprintf(text, sizeof(text), "%s;x;branch=z9hG4bKone", via);
		assert_true(repeat("INVITE", text));
		assert_int_equal(bed.nsent, 2U + (unsigned)i);
		assert_string_equal(bed_first_line(&bed, bed.nsent - 1), "SIP/2.0 100 Trying");
		/* another method, branch, host or port is another transaction; what is not plain is left to the parser */
		assert_false(repeat("BYE", text));
		assert_false(repeat("ACK", text));
		(void)snprintf(text, sizeof(text), "%s;branch=z9hG4bKtwo", via);
		assert_false(repeat("INVITE", text));
		(void)snprintf(text, sizeof(text), "%s;branch=one", via);
		assert_false(repeat("INVITE", text));
		(void)snprintf(text, sizeof(text), "%s ;branch=z9hG4bKone", via);
		assert_false(repeat("INVITE", text));
		assert_false(repeat("INVITE", "SIP/2.0/UDP other:5070;branch=z9hG4bKone"));
	}
	/* from elsewhere it is not a repeat of this one */
	peer.to.ip[0] ^= 1;
	(void)snprintf(via + strlen(via), sizeof(via) - strlen(via), ";branch=z9hG4bKone");
	assert_false(repeat("INVITE", via));
	txn_server_detach(bed.server);
}

/* Whatever the parser makes of a Via, the raw key is the same or none. */
static void raw_keys_agree_with_parsed_ones(void **state)
{
	static const char *const vias[] = {
		"SIP/2.0/UDP h:5070;branch=z9hG4bKa",
		"SIP/2.0/UDP H.Example;branch=z9hG4bKa;rport",
		"SIP/2.0/TCP [2001:db8::1]:5071;rport;branch=z9hG4bKA",
		"SIP/2.0/UDP [2001:DB8::1];branch=z9hG4bKa.b-c_d",
		"SIP/2.0/UDP 192.0.2.1;BRANCH=Z9HG4BKa;x=\"a;branch=no\"",
		"SIP/2.0/UDP h:0005060;branch=z9hG4bKa",
	};
	unsigned raws = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(vias) / sizeof(vias[0]); i++) {
		char text[512];
		struct wire_msg *m = NULL;
		const char *why;
		struct wire_via v;
		struct guard_head h;
		uint64_t raw;

		(void)snprintf(
			text, sizeof(text),
			"INVITE sip:x SIP/2.0\r\nVia: %s, SIP/2.0/UDP z\r\nFrom: <sip:a>;tag=1\r\n"
			"To: <sip:b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nMax-Forwards: 7\r\n\r\n",
			vias[i]);
		if (guard_head_read((const uint8_t *)text, strlen(text), &h) ||
		    wire_parse((const uint8_t *)text, strlen(text), &m, &why)) {
			mem_unref(m);
			continue;
		}
		assert_true(wire_top_via(m, &v));
		if (!txn_key_raw(&h, &raw)) {
			raws++;
			assert_true(raw == txn_key_request(m, &v));
		}
		mem_unref(m);
	}
	assert_true(raws >= 4);
}

/* ---- accounts */

static void transactions_are_charged_while_they_live(void **state)
{
	struct txn_account *a = mem_zalloc(sizeof(*a), NULL);

	(void)state;
	bed_request(&bed, "OPTIONS", "z9hG4bK1", NULL, &peer);
	txn_server_charge(bed.server, a);
	txn_server_charge(bed.server, a); /* once */
	assert_int_equal(a->open, 1);
	assert_int_equal(txn_server_reply(bed.server, &(struct txn_reply){.status = 200}), 0);
	assert_int_equal(a->open, 1); /* it lingers */
	bed_run_to(&bed, 33000);
	assert_int_equal(a->open, 0);
	(void)bed_log(&bed);
	mem_unref(a);
}

/* ---- strangers (A24) */

static size_t answered(const char *method, const char *more, size_t *ret_asked)
{
	struct transport_target stranger = peer;
	struct txn_reply r = {.status = 403, .reason = "Unsupported Peer", .once = true};
	char text[1024];

	stranger.known = false;
	bed.nsent = 0;
	bed.answer = &r;
	(void)snprintf(
		text, sizeof(text),
		"%s s:x SIP/2.0\nv: SIP/2.0/UDP h;branch=z9hG4bK%u\nf: <s:a>;tag=1\nt: <s:b>\n"
		"i: x\nCSeq: 1 %s\nl: 0\nMax-Forwards: 7\n%s\n",
		method, (unsigned)strlen(more), method, more);
	assert_int_equal(bed_receive(&bed, text, &stranger), 0);
	bed.answer = NULL;
	*ret_asked = strlen(text) + 9; /* at least: line ends */
	return bed.nsent ? strlen(bed.sent[0].text) : 0;
}

static void strangers_get_no_more_than_they_sent(void **state)
{
	char more[256];
	size_t asked, got;
	bool phrase = false, plain = false, none = false;

	(void)state;
	for (size_t n = 0; n < 150; n++) {
		(void)snprintf(
			more, sizeof(more), "X-Y: %.*s\n", (int)n,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxxxxxx");
		got = answered("OPTIONS", more, &asked);
		assert_true(got <= asked + 2);
		(void)bed_log(&bed);
		bed_run_to(&bed, 10 * (n + 1));
		none |= !got;
		plain |= got && strstr(bed.sent[0].text, "SIP/2.0 403 \r\n");
		phrase |= got && strstr(bed.sent[0].text, "SIP/2.0 403 Unsupported Peer\r\n");
	}
	assert_true(none && plain && phrase);
	/* once, and never again: a forged source gets one packet */
	got = answered(
		"INVITE",
		"X-Y: long enough for the whole answer, which has a tag, a length and where it came from\n",
		&asked);
	assert_true(got > 0);
	bed_run_to(&bed, 35000);
	assert_int_equal(bed.nsent, 1);
	(void)bed_log(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_response_tells_what_is_asked_now, up, down),
		cmocka_unit_test_setup_teardown(other_vias_stay_as_they_are, up, down),
		cmocka_unit_test_setup_teardown(without_agreement_nothing_is_told, up, down),
		cmocka_unit_test_setup_teardown(the_via_offers_where_it_is_agreed, up, down),
		cmocka_unit_test_setup_teardown(feedback_reaches_who_wants_it, up, down),
		cmocka_unit_test_setup_teardown(feedback_of_others_is_not_heard, up, down),
		cmocka_unit_test_setup_teardown(silence_is_told_too, up, down),
		cmocka_unit_test_setup_teardown(a_repeat_is_answered_unparsed, up, down),
		cmocka_unit_test_setup_teardown(raw_keys_agree_with_parsed_ones, up, down),
		cmocka_unit_test_setup_teardown(transactions_are_charged_while_they_live, up, down),
		cmocka_unit_test_setup_teardown(strangers_get_no_more_than_they_sent, up, down),
	};

	return cmocka_run_group_tests_name("sbe/sip/txn overload", tests, NULL, NULL);
}
