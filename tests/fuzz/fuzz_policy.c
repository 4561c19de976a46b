/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header policy: whatever comes in, no host or address of the message's own network goes out, under any rules (A28).
 *
 * The first byte chooses the rules, the rest is a message. What must not get out is looked for here in its own way:
 * hosts behind "@", "sip:" and in Via, and addresses of session descriptions, as they are written.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/peer/peer_conf.h"
#include "sbe/policy/policy.h"
#include "sbe/sdp/body_parts.h"
#include "sbe/sip/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FORBIDDEN_MAX 512

static const char *const confs[] = {
	("{}"),
	("{\"headers\":{\"unknown\":\"pass\"},\"identity\":{\"trust\":true},\"body\":{\"opaque\":\"pass\"}}"),
	("{\"headers\":{\"unknown\":\"pass\",\"rules\":["
	 "{\"direction\":\"in\",\"action\":\"pass\",\"header\":\"X-*\"},"
	 "{\"direction\":\"in\",\"action\":\"pass\",\"header\":\"User-Agent\"},"
	 "{\"direction\":\"in\",\"action\":\"rewrite\",\"header\":\"X-R\",\"pattern\":\"(.*)!(.*)\",\"value\":\"{1}{2}\"},"
	 "{\"direction\":\"in\",\"action\":\"replace\",\"header\":\"Subject\",\"value\":\"{value}\"},"
	 "{\"direction\":\"out\",\"action\":\"add\",\"header\":\"X-Who\",\"value\":\"{caller} {called}\"},"
	 "{\"direction\":\"out\",\"action\":\"rewrite\",\"header\":\"X-S\",\"pattern\":\"\\\\s\",\"value\":\"\"}]},"
	 "\"identity\":{\"trust\":true,\"remote_party_id\":\"both\",\"redirection\":\"history-info\"},"
	 "\"numbers\":{\"country\":\"44\",\"in\":{\"e164\":true},\"out\":{\"format\":\"national\",\"uri\":\"tel\"}}}"),
	("{\"identity\":{\"trust\":false,\"asserted\":\"keep\",\"redirection\":\"diversion\"},"
	 "\"numbers\":{\"owned\":[\"+44\",\"1\"],\"out\":{\"uri\":\"sip\"}},\"causes\":{\"reason\":\"add\"}}"),
};
#define CONFS (sizeof(confs) / sizeof(confs[0]))

static struct {
	struct conf_doc *doc;
	struct conf_list peers;
	struct peer_set *set;
} beds[CONFS];

static const struct conf_field fields[] = {
	{.key = "peers",
	 .type = CONF_MAP,
	 .offset = offsetof(__typeof__(beds[0]), peers),
	 .fields = peer_conf_fields,
	 .item_bytes = sizeof(struct peer_conf)},
	CONF_END,
};

static void set_up(void)
{
	static bool done;
	static char json[8192];
	struct conf_error err = {""};

	if (done)
		return;
	done = true;
	wire_setup();
	for (size_t i = 0; i < CONFS; i++) {
		const struct conf_list none = {NULL, 0};
		int n = snprintf(
			json, sizeof(json),
			"{\"peers\":{\"p\":{\"realm\":\"r\",\"sources\":[\"10.0.0.10\"],"
			"\"policy\":%s},\"q\":{\"realm\":\"s\",\"sources\":[\"198.51.100.20\"],"
			"\"domains\":[\"b.example\"],\"policy\":%s}}}",
			confs[i], confs[i]);

		if (conf_parse("t", json, (size_t)n, &beds[i].doc, &err) ||
		    conf_read(beds[i].doc, fields, &beds[i], &err) ||
		    policy_compile(beds[i].doc, &none, &beds[i].peers, &err)) {
			fprintf(stderr, "%s\n", err.text);
			abort();
		}
		assert(!peer_set_new(&beds[i].peers, NULL, NULL, &beds[i].set));
	}
}

/* ---- what must not get out ---- */

static struct wire_text forbidden[FORBIDDEN_MAX];
static unsigned nforbidden;

static bool contains(struct wire_text t, struct wire_text part)
{
	for (size_t i = 0; part.n && i + part.n <= t.n; i++) {
		if (!strncasecmp(t.s + i, part.s, part.n))
			return true;
	}
	return false;
}

/* Everybody may know these, and so all that is part of them. */
static bool is_public(struct wire_text host)
{
	static const char *const texts[] = {"a.example", "b.example", "anonymous.invalid",
					    "unknown.invalid", "Q.850"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (contains((struct wire_text){texts[i], strlen(texts[i])}, host))
			return true;
	}
	return false;
}

static bool host_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '.' || c == '-';
}

/* Digits at the end are no domain: such a text is an IPv4 address, or no host at all (RFC 1123 2.1). */
static bool may_be_host(struct wire_text t)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr in;
	size_t n = t.n;

	while (n && t.s[n - 1] >= '0' && t.s[n - 1] <= '9')
		n--;
	if (n == t.n || (n && t.s[n - 1] != '.'))
		return true;
	if (t.n >= sizeof(text))
		return false;
	memcpy(text, t.s, t.n);
	text[t.n] = '\0';
	return inet_pton(AF_INET, text, &in) == 1;
}

/* A host, if it looks like one. */
static void forbid(struct wire_text t)
{
	size_t n = 0;

	while (n < t.n && host_char(t.s[n]))
		n++;
	if (n < t.n)
		return;
	while (t.n && t.s[t.n - 1] == '.')
		t.n--;
	if (t.n < 5 || !memchr(t.s, '.', t.n) || !may_be_host(t) || is_public(t) ||
	    nforbidden == FORBIDDEN_MAX)
		return;
	forbidden[nforbidden++] = t;
}

static void forbid_party(struct wire_text value)
{
	struct wire_party p;

	if (!wire_party_parse(value, &p) && p.uri.is_sip && p.uri.host.n)
		forbid(p.uri.host);
}

static void forbid_body(struct wire_text body)
{
	for (size_t i = 0; i + 10 < body.n; i++) {
		if ((!i || body.s[i - 1] == '\n') && !strncmp(body.s + i, "c=IN IP4 ", 9) &&
		    memchr(body.s + i, '\n', body.n - i)) {
			struct wire_text t = {body.s + i + 9, body.n - i - 9};
			size_t n = 0;

			while (n < t.n && host_char(t.s[n]))
				n++;
			if (n < t.n && (t.s[n] == '\r' || t.s[n] == '\n'))
				forbid((struct wire_text){t.s, n});
		}
	}
}

static void collect(const struct wire_msg *m)
{
	struct wire_party p;
	struct wire_via via;

	nforbidden = 0;
	if (wire_top_via(m, &via))
		forbid(via.host);
	for (unsigned i = 0; wire_contact(m, i, &p); i++)
		forbid_party(p.value);
	for (unsigned i = 0; wire_record_route(m, i, &p); i++)
		forbid_party(p.value);
	for (unsigned i = 0; wire_route(m, i, &p); i++)
		forbid_party(p.value);
	forbid_body(wire_body(m));
}

static void check(struct wire_text out)
{
	for (unsigned i = 0; i < nforbidden; i++) {
		if (!contains(out, forbidden[i]))
			continue;
		fprintf(stderr, "%.*s is in %.*s\n", (int)forbidden[i].n, forbidden[i].s,
			(int)out.n, out.s);
		abort();
	}
}

static void check_text(const char *text)
{
	check((struct wire_text){text, strlen(text)});
}

/* Line by line: what is signed is as it was, whatever is in it. */
static void check_headers(const char *text, size_t n)
{
	for (size_t i = 0; i < n;) {
		const char *end = memmem(text + i, n - i, "\r\n", 2);
		size_t bytes = (size_t)(end - text) - i;

		assert(end);
		while (end + 2 < text + n && (end[2] == ' ' || end[2] == '\t')) {
			end = memmem(end + 2, (size_t)(text + n - end - 2), "\r\n", 2);
			assert(end);
			bytes = (size_t)(end - text) - i;
		}
		if (strncasecmp(text + i, "identity", 8) && strncasecmp(text + i, "y", 1) &&
		    strncasecmp(text + i, "n", 1))
			check((struct wire_text){text + i, bytes});
		i += bytes + 2;
	}
}

static void check_body(const struct policy_way *way, const struct wire_msg *m)
{
	struct wire_text type = wire_content_type(m), body = wire_body(m);
	struct policy_body b = {.text = NULL};
	struct body_parts parts;
	struct body_text boundary;
	const char *text;
	size_t n;

	if (!body.n)
		return;
	if (policy_body(way, m, type, body, &b)) {
		if (policy_body_passes(way, m) && !strncasecmp(type.s ? type.s : "", "text/", 5))
			check(body);
		return;
	}
	text = b.text ? b.text : body.s;
	n = b.text ? b.len_bytes : body.n;
	check_text(b.type);
	if (body_multipart_boundary(b.type, &boundary) &&
	    !body_parts_split((struct body_text){.at = text, .len = (uint32_t)n}, boundary,
			      &parts)) {
		for (unsigned i = 0; i < parts.n; i++) {
			struct wire_text head = {parts.part[i].head.at, parts.part[i].head.len};

			check(head);
			if (!contains(head, WIRE_TEXT("application/sdp")) &&
			    !contains(head, WIRE_TEXT("application/pkcs7-mime")))
				continue;
		}
	}
	mem_free(b.text);
}

static void run(const struct policy_way *way, const struct wire_msg *m)
{
	static char buf[GUARD_MESSAGE_MAX_BYTES * 2];
	struct policy_target target = {.host = "b.example"};
	struct policy_parties who;
	struct policy_refusal r;
	struct policy_outcome outcome;
	struct wire_out o;
	char phrase[64];
	const char *text;
	size_t n;

	collect(m);
	wire_out_init(&o, buf, sizeof(buf));
	policy_pass(way, m, &o);
	if (!wire_out_end(&o, &n))
		check_headers(buf, n);
	if (wire_is_request(m)) {
		policy_admit(way, m, &r);
		policy_leave(way, m, &r);
		policy_body_admit(way, m, &r);
		if (!policy_parties(way, m, &target, &who)) {
			check_text(who.local);
			check_text(who.remote);
			check_text(who.uri);
		}
	} else {
		policy_outcome(way, m, wire_status(m), &outcome);
		assert(outcome.status >= 100 && outcome.status < 700);
		text = policy_phrase(way, m, phrase, sizeof(phrase));
		if (text)
			check_text(text);
	}
	text = policy_reason(way, m, NULL, phrase, sizeof(phrase));
	if (text)
		check_text(text);
	check_body(way, m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const domains[] = {"a.example"};
	struct policy_way way = {.domains = domains, .ndomains = 1, .our_host = "a.example"};
	struct guard_result g;
	struct wire_msg *m = NULL;
	const char *why;
	size_t live, which;

	if (size < 2)
		return 0;
	set_up();
	live = mem_live();
	which = data[0] % (2 * CONFS);
	way.from = peer_find_name(beds[which / 2].set, which & 1 ? "q" : "p");
	way.to = peer_find_name(beds[which / 2].set, which & 1 ? "p" : "q");
	guard_check(data + 1, size - 1, false, &g);
	if (g.verdict == GUARD_PASS && !wire_parse(data + 1 + g.skip_bytes, g.len_bytes, &m, &why))
		run(&way, m);
	mem_unref(m);
	assert(mem_live() == live);
	return 0;
}
