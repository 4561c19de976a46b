/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sbe/policy/policy_bed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/peer/peer_conf.h"

struct bed bed;

static const struct conf_field fields[] = {
	{.key = "peers",
	 .type = CONF_MAP,
	 .offset = offsetof(struct bed, peer_confs),
	 .fields = peer_conf_fields,
	 .item_bytes = sizeof(struct peer_conf)},
	{.key = "policies",
	 .type = CONF_MAP,
	 .offset = offsetof(struct bed, policies),
	 .fields = peer_policy_named_fields,
	 .item_bytes = sizeof(struct peer_policy_named)},
	CONF_END,
};

int bed_load(const char *json, struct conf_error *err)
{
	char *text = strdup(json);
	int rc;

	memset(&bed, 0, sizeof(bed));
	bed.live = mem_live();
	wire_setup();
	for (char *p = text; *p; p++)
		*p = (char)(*p == '\'' ? '"' : *p);
	rc = conf_parse("t.json", text, strlen(text), &bed.doc, err);
	free(text);
	if (!rc)
		rc = conf_read(bed.doc, fields, &bed, err);
	return rc ? rc : policy_compile(bed.doc, &bed.policies, &bed.peer_confs, err);
}

void bed_up(const char *json, const char *from, const char *to)
{
	static const char *const domains[] = {"a.example"};
	struct conf_error err = {""};

	if (bed_load(json, &err))
		fail_msg("%s", err.text);
	assert_int_equal(peer_set_new(&bed.peer_confs, NULL, NULL, &bed.peers), 0);
	bed.way = (struct policy_way){.from = from ? peer_find_name(bed.peers, from) : NULL,
				      .to = to ? peer_find_name(bed.peers, to) : NULL,
				      .domains = domains,
				      .ndomains = 1,
				      .our_host = "a.example"};
	assert_true(!from || bed.way.from);
	assert_true(!to || bed.way.to);
}

void bed_peers(const char *pbx, const char *bnet)
{
	char json[16384];
	int n = snprintf(json, sizeof(json),
			 "{'peers':{'pbx':{'realm':'core','sources':['10.0.0.10'],'policy':%s},"
			 "'bnet':{'realm':'peering','sources':['198.51.100.20'],"
			 "'domains':['b.example'],'policy':%s}}}",
			 pbx ? pbx : "{}", bnet ? bnet : "{}");

	assert_true(n > 0 && (size_t)n < sizeof(json));
	bed_down();
	bed_up(json, "pbx", "bnet");
}

void bed_turn(void)
{
	const struct peer *from = bed.way.from;

	bed.way.from = bed.way.to;
	bed.way.to = from;
}

void bed_down(void)
{
	if (!bed.doc)
		return;
	peer_set_free(bed.peers);
	policy_free(&bed.peer_confs);
	conf_doc_free(bed.doc);
	bed.doc = NULL;
	bed.peers = NULL;
	assert_int_equal(mem_live(), bed.live);
}

int bed_teardown(void **state)
{
	(void)state;
	bed_down();
	return 0;
}

/* ---- messages ---- */

struct wire_msg *bed_parse(const char *text)
{
	char *copy = malloc(2 * strlen(text) + 1);
	struct wire_msg *m = NULL;
	const char *why = "";
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		if (*p == '\n' && (p == text || p[-1] != '\r'))
			copy[n++] = '\r';
		copy[n++] = *p;
	}
	if (wire_parse((const uint8_t *)copy, n, &m, &why))
		fail_msg("%s: %s", why, text);
	free(copy);
	return m;
}

struct wire_msg *bed_invite(const char *from, const char *uri, const char *headers,
			    const char *body)
{
	char text[65536];
	int n = snprintf(text, sizeof(text),
			 "INVITE %s SIP/2.0\nVia: SIP/2.0/UDP pbx.inside:5060;branch=z9hG4bK1\n"
			 "Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bK0;received=10.9.9.8\n"
			 "Record-Route: <sip:proxy7.inside;lr>\nMax-Forwards: 70\n"
			 "From: %s;tag=1\nTo: <sip:x@a.example>\nCall-ID: 77aa@host3.inside\n"
			 "CSeq: 1 INVITE\nContact: <sip:u@10.0.0.10>\n%sContent-Length: %zu\n\n%s",
			 uri ? uri : "sip:+442079460000@a.example",
			 from ? from : "<sip:+15550100@10.0.0.10>", headers,
			 body ? strlen(body) : 0, body ? body : "");

	assert_true(n > 0 && (size_t)n < sizeof(text));
	return bed_parse(text);
}

struct wire_msg *bed_response(int status, const char *headers)
{
	char text[16384];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %d Somehow\nVia: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK1\n"
		 "From: <sip:a@a.example>;tag=1\nTo: <sip:b@b.example>;tag=2\n"
		 "Call-ID: 0123456789\nCSeq: 1 INVITE\nContact: <sip:b@198.51.100.20>\n"
		 "%sContent-Length: 0\n\n",
		 status, headers);
	return bed_parse(text);
}

const char *bed_pass(struct wire_msg *m)
{
	static char bufs[4][65536];
	static unsigned turn;
	char *buf = bufs[turn++ % 4];
	struct wire_out o;
	size_t n = 0;

	wire_out_init(&o, buf, sizeof(bufs[0]) - 1);
	policy_pass(&bed.way, m, &o);
	assert_int_equal(wire_out_end(&o, &n), 0);
	buf[n] = '\0';
	mem_unref(m);
	return buf;
}

const char *bed_lines(const char *headers, const char *name)
{
	static char bufs[4][8192];
	static unsigned turn;
	char *buf = bufs[turn++ % 4];
	size_t length = strlen(name);

	buf[0] = '\0';
	for (const char *p = headers; *p;) {
		size_t n = strcspn(p, "\r");

		if (n > length && !strncasecmp(p, name, length) && p[length] == ':') {
			if (buf[0])
				strcat(buf, "|");
			strncat(buf, p + length + 2, n - length - 2);
		}
		p += n + 2;
	}
	return buf;
}

const char *bed_cross(const char *headers, const char *name)
{
	return bed_lines(bed_pass(bed_invite(NULL, NULL, headers, NULL)), name);
}

const char *bed_from(const char *from, const char *headers)
{
	static struct policy_parties who;
	struct policy_target target = {.host = "b.example"};
	struct wire_msg *m = bed_invite(from, NULL, headers, NULL);

	assert_int_equal(policy_parties(&bed.way, m, &target, &who), 0);
	mem_unref(m);
	return who.local;
}

const char *bed_uri(const char *uri)
{
	static struct policy_parties who;
	struct policy_target target = {.host = "b.example"};
	struct wire_msg *m = bed_invite(NULL, uri, "", NULL);
	int err = policy_parties(&bed.way, m, &target, &who);

	mem_unref(m);
	return err ? "refused" : who.uri;
}

const char *bed_refusal(const char *from, const char *headers)
{
	static char text[128];
	struct wire_msg *m = bed_invite(from, NULL, headers, NULL);
	struct policy_refusal r;

	text[0] = '\0';
	if (!policy_admit(&bed.way, m, &r) || !policy_leave(&bed.way, m, &r))
		snprintf(text, sizeof(text), "%d %s", r.status, r.cause);
	mem_unref(m);
	return text;
}
