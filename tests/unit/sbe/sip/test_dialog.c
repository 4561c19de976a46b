/* SPDX-License-Identifier: Apache-2.0 */
/* dialog: RFC 3261 12 - identifiers, route set, target, CSeq. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "sbe/sip/dialog.h"
#include "sbe/sip/transport_private.h"

#define VIA "Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
#define THREE_ROUTES                                                                               \
	"Record-Route: <sip:p1.example;lr>, <sip:192.0.2.2:5062;lr;x=1>\r\nRecord-Route: <sip:p3;lr>\r\n"

static struct transport_target target(const char *to, enum transport_proto proto,
				      uint32_t connection)
{
	struct transport_target t = {.proto = proto, .connection = connection};
	assert_int_equal(addr_parse(to, &t.to), 0);
	return t;
}

static void assert_to(const struct dialog *d, const char *want)
{
	char buf[ADDR_TEXT_BYTES];
	assert_string_equal(addr_print(&d->target.to, buf, sizeof(buf)), want);
}

static struct wire_msg *message(const char *start, const char *from, const char *to,
				const char *cseq, const char *more)
{
	static char text[32768];
	struct wire_msg *m = NULL;
	const char *why = "";
	int n = snprintf(text, sizeof(text),
			 "%s\r\n" VIA "From: %s\r\nTo: %s\r\nCall-ID: call\r\nCSeq: %s\r\n%s\r\n",
			 start, from, to, cseq, more);
	if (wire_parse((const uint8_t *)text, (size_t)n, &m, &why))
		fail_msg("%s: %s", why, text);
	return m;
}

static struct wire_msg *invite(const char *more)
{
	return message("INVITE sip:us SIP/2.0", "\"A\" <sip:a@x>;x=1;tag=their;y", "<sip:b@y>",
		       "7 INVITE", more);
}

static struct wire_msg *response(int status, const char *to, const char *more)
{
	char start[64];
	snprintf(start, sizeof(start), "SIP/2.0 %d X", status);
	return message(start, "<sip:us>;tag=ours", to, "1 INVITE", more);
}

static struct wire_msg *in_dialog(const char *method, const char *from_tag, const char *to_tag,
				  unsigned cseq, const char *more)
{
	char start[64], from[128], to[128], number[64];
	snprintf(start, sizeof(start), "%s sip:us SIP/2.0", method);
	snprintf(from, sizeof(from), "<sip:a@x>%s%s", *from_tag ? ";tag=" : "", from_tag);
	snprintf(to, sizeof(to), "<sip:b@y>%s%s", *to_tag ? ";tag=" : "", to_tag);
	snprintf(number, sizeof(number), "%u %s", cseq, method);
	return message(start, from, to, number, more);
}

static void write_is(struct dialog *d, const char *method, uint32_t cseq, const char *want,
		     uint32_t want_cseq)
{
	char buf[8192];
	struct wire_out o;
	size_t n = 0;
	wire_out_init(&o, buf, sizeof(buf));
	assert_int_equal(dialog_write(d, method, cseq, 70, &o), want_cseq);
	assert_int_equal(wire_out_end(&o, &n), 0);
	buf[n < sizeof(buf) ? n : 0] = 0;
	assert_string_equal(buf, want);
}

/* RFC 3261 12.1.1 */
static void a_uas_dialog_mirrors_the_invite(void **state)
{
	(void)state;
	struct dialog d = {0};
	struct transport_target from = target("192.0.2.77:5099", TRANSPORT_UDP, 0);
	struct wire_msg *m = invite(THREE_ROUTES "Contact: <sip:a@192.0.2.9:5071;p>\r\n");
	assert_int_equal(dialog_init_uas(&d, m, &from, "ours"), 0);
	mem_unref(m);
	assert_string_equal(d.call_id, "call");
	assert_string_equal(d.local_tag, "ours");
	assert_string_equal(d.remote_tag, "their");
	assert_string_equal(d.local_party, "<sip:b@y>");
	assert_string_equal(d.remote_party, "\"A\" <sip:a@x>;x=1;y");
	assert_string_equal(d.remote_target, "sip:a@192.0.2.9:5071;p");
	assert_int_equal(d.remote_cseq, 7);
	assert_to(&d, "192.0.2.77:5099"); /* the first route is a name: stay with the source */
	static const char routes[] =
		"Route: <sip:p1.example;lr>, <sip:192.0.2.2:5062;lr;x=1>, <sip:p3;lr>\r\n";
	char want[512];
	snprintf(
		want, sizeof(want),
		"From: <sip:b@y>;tag=ours\r\nTo: \"A\" <sip:a@x>;x=1;y;tag=their\r\nCall-ID: call\r\n"
		"CSeq: 1 BYE\r\nMax-Forwards: 70\r\n%s",
		routes);
	write_is(&d, "BYE", 0, want, 1);
	dialog_clear(&d);
	dialog_clear(&d);
}

/* RFC 3261 12.1.2, 13.2.2.4, 12.2.1.1 */
static void a_uac_dialog_grows_with_the_responses(void **state)
{
	(void)state;
	struct dialog d = {0}, other = {0};
	struct transport_target to = target("192.0.2.50:5060", TRANSPORT_UDP, 0);
	assert_int_equal(
		dialog_init_uac(&d, "<sip:us>", "\"B\" <sip:b@y>", "sip:b@y;user=phone", &to), 0);
	assert_int_equal(dialog_init_uac(&other, "<sip:us>", "<sip:b>", "sip:b", &to), 0);
	assert_int_equal(strlen(d.call_id), 32);
	assert_int_equal(strlen(d.local_tag), 18);
	assert_string_not_equal(d.call_id, other.call_id);
	assert_string_not_equal(d.local_tag, other.local_tag);
	dialog_clear(&other);
	assert_string_equal(d.remote_target, "sip:b@y;user=phone");
	char want[512], tag[DIALOG_TAG_BYTES], call_id[DIALOG_CALL_ID_BYTES];
	strcpy(tag, d.local_tag);
	strcpy(call_id, d.call_id);
	snprintf(
		want, sizeof(want),
		"From: <sip:us>;tag=%s\r\nTo: \"B\" <sip:b@y>\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n",
		tag, call_id);
	write_is(&d, "INVITE", 0, want, 1);

	struct wire_msg *m =
		response(183, "<sip:b@y>;tag=e", "Record-Route: <sip:192.0.2.8;lr>\r\n");
	assert_int_equal(dialog_establish_uac(&d, m), 0);
	mem_unref(m);
	assert_string_equal(d.remote_tag, "e");
	assert_string_equal(d.remote_target, "sip:b@y;user=phone"); /* no Contact yet */
	assert_to(&d, "192.0.2.8:5060");

	/* the 2xx decides the route set anew, in reverse order */
	m = response(200, "<sip:b@y>;tag=e", THREE_ROUTES "Contact: <sip:b@192.0.2.51>\r\n");
	assert_int_equal(dialog_establish_uac(&d, m), 0);
	mem_unref(m);
	assert_string_equal(
		d.routes,
		"Route: <sip:p3;lr>, <sip:192.0.2.2:5062;lr;x=1>, <sip:p1.example;lr>\r\n");
	assert_string_equal(d.remote_target, "sip:b@192.0.2.51");
	assert_string_equal(d.call_id, call_id);
	assert_string_equal(d.local_tag, tag);
	m = response(200, "<sip:b@y>;tag=e", "Contact: <sip:b@192.0.2.51>\r\n");
	assert_int_equal(dialog_establish_uac(&d, m), 0);
	mem_unref(m);
	assert_string_equal(d.routes, "");
	assert_to(&d, "192.0.2.51:5060");

	/* 13.2.2.4: the ACK has the INVITE's number, and does not use one up */
	snprintf(
		want, sizeof(want),
		"From: <sip:us>;tag=%s\r\nTo: \"B\" <sip:b@y>;tag=e\r\nCall-ID: %s\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\n",
		tag, call_id);
	write_is(&d, "ACK", 1, want, 1);
	snprintf(
		want, sizeof(want),
		"From: <sip:us>;tag=%s\r\nTo: \"B\" <sip:b@y>;tag=e\r\nCall-ID: %s\r\nCSeq: 2 BYE\r\nMax-Forwards: 70\r\n",
		tag, call_id);
	write_is(&d, "BYE", 0, want, 2);
	dialog_clear(&d);
}

static void numeric_next_hops_are_followed(void **state)
{
	(void)state;
	static const struct {
		const char *headers, *source;
		enum transport_proto proto;
		const char *to;
	} cases[] = {
		{"Contact: <sip:a@192.0.2.9>\r\n", "192.0.2.1:40000", TRANSPORT_UDP,
		 "192.0.2.9:5060"},
		{"Contact: <sip:a@192.0.2.9:5099>\r\n", "192.0.2.1:40000", TRANSPORT_TCP,
		 "192.0.2.9:5099"},
		{"Contact: <sips:a@192.0.2.9>\r\n", "192.0.2.1:40000", TRANSPORT_TLS,
		 "192.0.2.9:5061"},
		{"Contact: <sip:a@[2001:db8::9]:5070>\r\n", "[2001:db8::1]:5060", TRANSPORT_UDP,
		 "[2001:db8::9]:5070"},
		{"Record-Route: <sip:192.0.2.8:5070;lr>\r\nContact: <sip:a@192.0.2.9>\r\n",
		 "192.0.2.1:5060", TRANSPORT_UDP, "192.0.2.8:5070"},
		/* and what is none: name, other family, no scheme of ours, no host at all */
		{"Contact: <sip:a@host.example:5080>\r\n", "192.0.2.1:40000", TRANSPORT_UDP,
		 "192.0.2.1:40000"},
		{"Contact: <sip:a@[2001:db8::9]>\r\n", "192.0.2.1:40000", TRANSPORT_UDP,
		 "192.0.2.1:40000"},
		{"Contact: <tel:+44123>\r\n", "192.0.2.1:40000", TRANSPORT_UDP, "192.0.2.1:40000"},
		{"Contact: <sip:a@0.0.0.0>\r\n", "192.0.2.1:40000", TRANSPORT_UDP,
		 "192.0.2.1:40000"},
		{"Contact: <sip:a@224.0.0.1>\r\n", "192.0.2.1:40000", TRANSPORT_UDP,
		 "192.0.2.1:40000"},
		{"Contact: *\r\n", "192.0.2.1:40000", TRANSPORT_UDP, "192.0.2.1:40000"},
		{"", "192.0.2.1:40000", TRANSPORT_UDP, "192.0.2.1:40000"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dialog d = {0};
		struct transport_target from = target(cases[i].source, cases[i].proto, 5);
		struct wire_msg *m = invite(cases[i].headers);
		assert_int_equal(dialog_init_uas(&d, m, &from, "t"), 0);
		assert_to(&d, cases[i].to);
		assert_int_equal(d.target.proto, cases[i].proto);
		assert_int_equal(d.target.connection, 5); /* an open connection is used again */
		mem_unref(m);
		dialog_clear(&d);
	}
}

/* RFC 3261 19.1.1: what stands behind "?" must not come into a Request-URI. */
static void headers_of_a_contact_are_left_out(void **state)
{
	(void)state;
	struct dialog d = {0};
	struct transport_target from = target("192.0.2.1:5060", TRANSPORT_UDP, 0);
	struct wire_msg *m = invite("Contact: <sip:a@host;p?Route=%3Csip:x%3E&X=y>\r\n");
	assert_int_equal(dialog_init_uas(&d, m, &from, "ours"), 0);
	assert_string_equal(d.remote_target, "sip:a@host;p");
	mem_unref(m);
	m = invite("Contact: <sip:b@host?X=y>\r\n");
	assert_int_equal(dialog_refresh_target(&d, m, NULL), 0);
	assert_string_equal(d.remote_target, "sip:b@host");
	mem_unref(m);
	dialog_clear(&d);
}

/* RFC 3261 12.1.1: only a SIP URI can be a target; found by the fuzzer. */
static void other_contacts_are_none(void **state)
{
	(void)state;
	struct dialog d = {0};
	struct transport_target from = target("192.0.2.1:5060", TRANSPORT_UDP, 0);
	struct wire_msg *m = invite("Contact: <mailto:a@host>\r\n");
	assert_int_equal(dialog_init_uas(&d, m, &from, "ours"), 0);
	assert_string_equal(d.remote_target, "sip:a@x");
	mem_unref(m);
	m = invite("Contact: <http://host>\r\n");
	assert_int_equal(dialog_refresh_target(&d, m, NULL), 0);
	assert_string_equal(d.remote_target, "sip:a@x");
	mem_unref(m);
	dialog_clear(&d);
	m = message("INVITE sip:us SIP/2.0", "<isbn:2983792873>;tag=t", "<sip:b@y>", "7 INVITE",
		    "");
	assert_int_equal(dialog_init_uas(&d, m, &from, "ours"), -EINVAL);
	mem_unref(m);
}

/* A4: a Contact from outside does not aim us at this host, its wire, or everybody. */
static void hostile_next_hops_are_not_followed(void **state)
{
	static const char *const bad[] = {"127.0.0.1", "169.254.1.1", "0.0.0.0", "224.0.1.75"};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct dialog d = {0};
		struct transport_target from = target("192.0.2.1:5060", TRANSPORT_UDP, 0);
		char contact[64];
		snprintf(contact, sizeof(contact), "Contact: <sip:a@%s>\r\n", bad[i]);
		struct wire_msg *m = invite(contact);
		assert_int_equal(dialog_init_uas(&d, m, &from, "ours"), 0);
		assert_to(&d, "192.0.2.1:5060");
		mem_unref(m);
		dialog_clear(&d);
	}
}

/* RFC 3261 12.2: Contact changes the target, never the route set or the parties. */
static bool only_nine(void *arg, const struct transport_target *there, const struct addr *to)
{
	(void)arg;
	assert_int_equal(there->to.ip[3], 77);
	return to->ip[3] == 9;
}

/* U7: a peer does not make us talk to somebody else. */
static void agreed_next_hops_are_followed(void **state)
{
	(void)state;
	struct transport t = {.h = {.may_go = only_nine}};
	struct transport_listener l = {.transport = &t};
	struct transport_target from = target("192.0.2.77:5099", TRANSPORT_UDP, 0);
	static const struct {
		const char *contact, *to;
	} rows[] = {{"Contact: <sip:a@192.0.2.9:5071>\r\n", "192.0.2.9:5071"},
		    {"Contact: <sip:a@192.0.2.10:5071>\r\n", "192.0.2.77:5099"}};
	from.listener = &l;
	for (size_t i = 0; i < 2; i++) {
		struct dialog d = {0};
		struct wire_msg *m = invite(rows[i].contact);
		assert_int_equal(dialog_init_uas(&d, m, &from, "ours"), 0);
		mem_unref(m);
		assert_to(&d, rows[i].to);
		dialog_clear(&d);
	}
}

static void the_target_is_refreshed(void **state)
{
	(void)state;
	struct dialog d = {0};
	struct transport_target from = target("192.0.2.1:5060", TRANSPORT_TCP, 5);
	struct transport_target moved = target("192.0.2.2:6000", TRANSPORT_TCP, 6);
	struct wire_msg *m = invite("Contact: <sip:a@host>\r\n");
	assert_int_equal(dialog_init_uas(&d, m, &from, "t"), 0);
	mem_unref(m);
	m = in_dialog("UPDATE", "their", "t", 8, "");
	assert_int_equal(dialog_refresh_target(&d, m, &moved), 0);
	mem_unref(m);
	assert_string_equal(d.remote_target, "sip:a@host");
	assert_to(&d, "192.0.2.1:5060"); /* no Contact, no change */
	m = in_dialog("INVITE", "their", "t", 9,
		      "Contact: <sip:new@192.0.2.3>\r\nRecord-Route: <sip:evil;lr>\r\n");
	assert_int_equal(dialog_refresh_target(&d, m, &moved), 0);
	assert_string_equal(d.remote_target, "sip:new@192.0.2.3");
	assert_string_equal(d.routes, "");
	assert_to(&d, "192.0.2.3:5060");
	assert_int_equal(d.target.connection, 6);
	const char *block = d.block;
	assert_int_equal(dialog_refresh_target(&d, m, NULL), 0);
	assert_ptr_equal(d.block, block); /* the usual session refresh allocates nothing */
	mem_unref(m);
	dialog_clear(&d);

	/* with a route set the next hop is the route's, whatever the new Contact says */
	m = invite("Record-Route: <sip:192.0.2.8;lr>\r\nContact: <sip:a@192.0.2.9>\r\n");
	assert_int_equal(dialog_init_uas(&d, m, &from, "t"), 0);
	mem_unref(m);
	m = in_dialog("INVITE", "their", "t", 9, "Contact: <sip:new@192.0.2.3>\r\n");
	assert_int_equal(dialog_refresh_target(&d, m, &moved), 0);
	assert_to(&d, "192.0.2.8:5060");
	assert_string_equal(d.remote_target, "sip:new@192.0.2.3");
	mem_unref(m);
	dialog_clear(&d);
}

/* RFC 3261 12.2.2 */
static void requests_come_in_order(void **state)
{
	(void)state;
	static const struct {
		const char *method;
		unsigned cseq;
		int want;
	} steps[] = {{"INFO", 6, -ESTALE},  {"INFO", 8, 0},         {"INFO", 7, -ESTALE},
		     {"ACK", 7, 0},         {"CANCEL", 7, 0},       {"INFO", 20, 0},
		     {"INFO", 19, -ESTALE}, {"BYE", 2147483647, 0}, {"BYE", 21, -ESTALE}};
	struct dialog d = {0};
	struct transport_target from = target("192.0.2.1:5060", TRANSPORT_UDP, 0);
	struct wire_msg *m = invite("");
	assert_int_equal(dialog_init_uas(&d, m, &from, "t"), 0);
	mem_unref(m);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		m = in_dialog(steps[i].method, "their", "t", steps[i].cseq, "");
		if (dialog_check_cseq(&d, m) != steps[i].want)
			fail_msg("step %zu", i);
		mem_unref(m);
	}
	assert_int_equal(d.remote_cseq, 2147483647);
	dialog_clear(&d);
	/* in a dialog we started the first request of theirs may have any number */
	assert_int_equal(dialog_init_uac(&d, "<sip:a>", "<sip:b>", "sip:b", &from), 0);
	m = in_dialog("INFO", "x", d.local_tag, 3, "");
	assert_int_equal(dialog_check_cseq(&d, m), 0);
	mem_unref(m);
	m = in_dialog("INFO", "x", d.local_tag, 2, "");
	assert_int_equal(dialog_check_cseq(&d, m), -ESTALE);
	mem_unref(m);
	dialog_clear(&d);
}

static void *find(struct table *t, const char *from_tag, const char *to_tag)
{
	struct wire_msg *m = in_dialog("BYE", from_tag, to_tag, 9, "");
	void *leg = dialog_find(t, m);
	mem_unref(m);
	return leg;
}

/* A16: only all three identifiers together find a dialog. */
static void a_dialog_is_found_by_a_response(void **state)
{
	(void)state;
	struct table *t = NULL;
	struct dialog d = {0};
	struct dialog saved = {.call_id = "call",
			       .local_tag = "ours",
			       .remote_tag = "their",
			       .local_party = "<sip:us>",
			       .remote_party = "<sip:b>",
			       .remote_target = "sip:b",
			       .target = target("192.0.2.1:5060", TRANSPORT_UDP, 0)};
	int leg;
	assert_int_equal(table_new(10, &t), 0);
	assert_int_equal(dialog_restore(&d, &saved), 0);
	struct wire_msg *m = response(200, "<sip:b>;tag=their", "");
	assert_null(dialog_find_response(t, m));
	assert_int_equal(dialog_register(t, &d, &leg), 0);
	assert_ptr_equal(dialog_find_response(t, m), &leg);
	mem_unref(m);
	m = response(200, "<sip:b>;tag=fork", "");
	assert_null(dialog_find_response(t, m));
	mem_unref(m);
	m = response(200, "<sip:b>", "");
	assert_null(dialog_find_response(t, m));
	mem_unref(m);
	dialog_clear(&d);
	table_free(t);
}

static void a_dialog_is_found_by_its_identifiers(void **state)
{
	(void)state;
	struct table *t = NULL;
	struct dialog d = {0}, early = {0}, twin = {0};
	struct transport_target from = target("192.0.2.1:5060", TRANSPORT_UDP, 0);
	int leg, early_leg;
	assert_int_equal(table_new(10, &t), 0);
	struct wire_msg *m = invite("");
	assert_int_equal(dialog_init_uas(&d, m, &from, "mine"), 0);
	assert_int_equal(dialog_init_uas(&twin, m, &from, "mine"), 0);
	mem_unref(m);
	assert_int_equal(dialog_register(t, &d, &leg), 0);
	assert_int_equal(dialog_register(t, &twin, &leg), -EEXIST);
	assert_ptr_equal(find(t, "their", "mine"), &leg);
	assert_null(find(t, "other", "mine"));
	assert_null(find(t, "", "mine"));
	assert_null(find(t, "their", "min"));
	assert_null(find(t, "their", "MINE"));
	assert_null(find(t, "their", ""));
	assert_null(find(t, "their", "mine-and-much-longer-than-a-tag-of-ours"));
	m = message("BYE sip:us SIP/2.0", "<sip:a@x>;tag=their", "<sip:b>;tag=mine", "9 BYE", "");
	assert_ptr_equal(dialog_find(t, m), &leg);
	mem_unref(m);
	static const char foreign[] =
		"BYE sip:us SIP/2.0\r\n" VIA "From: <sip:a>;tag=their\r\nTo: <sip:b>;tag=mine\r\n"
		"Call-ID: Call\r\nCSeq: 9 BYE\r\n\r\n";
	const char *why;
	assert_int_equal(wire_parse((const uint8_t *)foreign, sizeof(foreign) - 1, &m, &why), 0);
	assert_null(dialog_find(t, m));
	mem_unref(m);

	/* an early dialog of ours knows no remote tag yet */
	struct dialog saved = {.call_id = "call",
			       .local_tag = "early",
			       .local_party = "<sip:b>",
			       .remote_party = "<sip:a>",
			       .remote_target = "sip:a",
			       .target = from};
	assert_int_equal(dialog_restore(&early, &saved), 0);
	assert_int_equal(dialog_register(t, &early, &early_leg), 0);
	assert_ptr_equal(find(t, "any", "early"), &early_leg);
	m = response(200, "<sip:b>;tag=known", "");
	assert_int_equal(dialog_establish_uac(&early, m), 0); /* the block moves, the key stays */
	mem_unref(m);
	assert_ptr_equal(find(t, "known", "early"), &early_leg);
	assert_null(find(t, "any", "early"));
	dialog_clear(&early);
	assert_null(find(t, "known", "early"));
	dialog_unregister(&d);
	assert_null(find(t, "their", "mine"));
	assert_int_equal(table_count(t), 0);
	dialog_clear(&d);
	dialog_clear(&twin);
	table_free(t);
}

/* What a call was saved with makes the same dialog again. */
static void a_saved_dialog_is_restored(void **state)
{
	(void)state;
	struct dialog d = {0}, copy = {0};
	struct transport_target from = target("192.0.2.1:5060", TRANSPORT_UDP, 0);
	struct wire_msg *m = invite(THREE_ROUTES "Contact: <sip:a@192.0.2.9>\r\n");
	char a[2048], b[2048];
	struct wire_out o;
	size_t na = 0, nb = 0;
	assert_int_equal(dialog_init_uas(&d, m, &from, "t"), 0);
	mem_unref(m);
	d.local_cseq = 41;
	assert_int_equal(dialog_restore(&copy, &d), 0);
	assert_int_equal(copy.remote_cseq, 7);
	assert_true(copy.has_remote_cseq);
	assert_true(addr_equal(&copy.target.to, &d.target.to));
	assert_string_equal(copy.remote_target, d.remote_target);
	wire_out_init(&o, a, sizeof(a));
	assert_int_equal(dialog_write(&d, "BYE", 0, 70, &o), 42);
	assert_int_equal(wire_out_end(&o, &na), 0);
	dialog_clear(&d);
	wire_out_init(&o, b, sizeof(b));
	assert_int_equal(dialog_write(&copy, "BYE", 0, 70, &o), 42);
	assert_int_equal(wire_out_end(&o, &nb), 0);
	assert_int_equal(na, nb);
	assert_memory_equal(a, b, na);
	dialog_clear(&copy);
}

static void add_routes(char *buf, unsigned count, size_t each)
{
	*buf = 0;
	for (unsigned i = 0; i < count; i++) {
		char *at = buf + strlen(buf);
		int n = sprintf(at, "Record-Route: <sip:");
		memset(at + n, 'p', each);
		strcpy(at + n + each, ";lr>\r\n");
	}
}

static void what_peers_send_is_bounded(void **state)
{
	(void)state;
	static char more[20000];
	struct transport_target from = target("192.0.2.1:5060", TRANSPORT_UDP, 0);
	static const struct {
		unsigned count;
		size_t each;
		int want;
	} cases[] = {{DIALOG_ROUTES_MAX, 10, 0},
		     {DIALOG_ROUTES_MAX + 1, 10, -EMSGSIZE},
		     {1, 4000, 0},
		     {1, 4096, -EMSGSIZE},
		     {4, 1100, -EMSGSIZE}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dialog d = {0};
		add_routes(more, cases[i].count, cases[i].each);
		struct wire_msg *m = invite(more);
		assert_int_equal(dialog_init_uas(&d, m, &from, "t"), cases[i].want);
		assert_true((d.block != NULL) == (cases[i].want == 0));
		dialog_clear(&d);
		mem_unref(m);
	}
	struct dialog d = {0};
	memset(more, 'a', 5000);
	memcpy(more, "sip:", 4);
	more[5000] = 0;
	assert_int_equal(dialog_init_uac(&d, "<sip:a>", "<sip:b>", more, &from), -EMSGSIZE);
	struct wire_msg *m = invite("");
	assert_int_equal(dialog_init_uas(&d, m, &from, "a-tag-of-20-charactr"), -EMSGSIZE);
	assert_int_equal(dialog_init_uas(&d, m, &from, "a-tag-of-19-charact"), 0);
	mem_unref(m);

	/* a failed change leaves the dialog as it was */
	add_routes(more, DIALOG_ROUTES_MAX + 1, 3);
	m = response(200, "<sip:b>;tag=new", more);
	assert_int_equal(dialog_establish_uac(&d, m), -EMSGSIZE);
	mem_unref(m);
	m = response(200, "<sip:b>;tag=new", "Contact: <sip:c@192.0.2.3>\r\n");
	mem_fail_at(1);
	assert_int_equal(dialog_establish_uac(&d, m), -ENOMEM);
	mem_fail_at(1);
	assert_int_equal(dialog_refresh_target(&d, m, NULL), -ENOMEM);
	mem_fail_at(0);
	mem_unref(m);
	assert_string_equal(d.remote_tag, "their");
	assert_string_equal(d.remote_target, "sip:a@x");
	assert_to(&d, "192.0.2.1:5060");
	dialog_clear(&d);
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uas_dialog_mirrors_the_invite),
		cmocka_unit_test(a_uac_dialog_grows_with_the_responses),
		cmocka_unit_test(numeric_next_hops_are_followed),
		cmocka_unit_test(headers_of_a_contact_are_left_out),
		cmocka_unit_test(other_contacts_are_none),
		cmocka_unit_test(hostile_next_hops_are_not_followed),
		cmocka_unit_test(agreed_next_hops_are_followed),
		cmocka_unit_test(the_target_is_refreshed),
		cmocka_unit_test(requests_come_in_order),
		cmocka_unit_test(a_dialog_is_found_by_its_identifiers),
		cmocka_unit_test(a_dialog_is_found_by_a_response),
		cmocka_unit_test(a_saved_dialog_is_restored),
		cmocka_unit_test(what_peers_send_is_bounded),
	};
	wire_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
