/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URIs, name-addr values, their parameters and the number in them. What is taken apart lies inside the text, in order,
 * and put together again it is the text; what is cut out of it reads the same by itself.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbe/route/route.h"
#include "sbe/sip/wire_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct wire_text part, struct wire_text whole)
{
	return part.n == 0 || (part.s >= whole.s && part.s + part.n <= whole.s + whole.n);
}

static bool equal(struct wire_text a, struct wire_text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
}

static void check_number(struct wire_text user)
{
	char text[256], number[ROUTE_NUMBER_BYTES], small[4];
	wire_text_copy(user, text, sizeof(text));
	assert(route_number(text, number, sizeof(number)) == number);
	assert(strlen(number) < sizeof(number) && strlen(number) <= strlen(text));
	assert(strlen(route_number(text, small, sizeof(small))) < sizeof(small));
	for (const char *c = number; *c; c++) /* nothing that could do harm in a log or a query */
		assert((unsigned char)*c > ' ' && *c != 0x7f);
}

static void check_uri(struct wire_text t)
{
	struct wire_uri u, again;
	char host[300];
	if (wire_uri_parse(t, &u))
		return;
	assert(equal(u.text, t) && u.scheme.n > 0);
	assert(inside(u.scheme, t) && inside(u.user, t) && inside(u.host, t) &&
	       inside(u.params, t) && inside(u.headers, t));
	assert(!u.is_sip || u.host.n > 0);
	assert(!(u.is_sip && u.is_tel) && (!u.sips || u.is_sip));
	assert(!memchr(t.s, ' ', t.n) && !memchr(t.s, '>', t.n) && !memchr(t.s, '\n', t.n));
	/* in order: what is behind must not be read as what is in front */
	assert(!u.user.n || !u.host.n || u.user.s + u.user.n < u.host.s);
	assert(!u.params.n || !u.host.n || u.host.s + u.host.n < u.params.s);
	assert(!u.headers.n || !u.params.n || u.params.s + u.params.n < u.headers.s);
	check_number(u.user);
	/* without what stands behind "?" it is a URI of the same host and user */
	if (u.headers.s) {
		struct wire_text cut = {t.s, (size_t)(u.headers.s - 1 - t.s)};
		assert(wire_uri_parse(cut, &again) == 0);
		assert(equal(again.host, u.host) && equal(again.user, u.user) &&
		       again.port == u.port && !again.headers.s);
	}
	if (!u.is_sip || u.host.n > 250)
		return;
	/* scheme, user and host alone mean the same host */
	bool v6 = memchr(u.host.s, ':', u.host.n) != NULL;
	int n = snprintf(host, sizeof(host), "sip:%s%.*s%s", v6 ? "[" : "", (int)u.host.n, u.host.s,
			 v6 ? "]" : "");
	struct wire_text alone = {host, (size_t)n};
	assert(wire_uri_parse(alone, &again) == 0 && equal(again.host, u.host) &&
	       again.user.n == 0 && again.port == 0);
}

static void check_params(struct wire_text params, struct wire_text whole)
{
	static const char *const names[] = {"tag", "lr", "transport", "maddr", "user", ""};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct wire_text value = {NULL, 0};
		if (wire_param(params, names[i], &value))
			assert(inside(value, whole));
	}
}

static void check_party(struct wire_text t)
{
	struct wire_party p, again;
	if (wire_party_parse(t, &p))
		return;
	assert(inside(p.value, t) && inside(p.display, t) && inside(p.uri.text, t) &&
	       inside(p.tag, t) && inside(p.params, t));
	assert(wire_party_parse(p.value, &again) == 0);
	assert(equal(again.uri.text, p.uri.text) && equal(again.tag, p.tag) &&
	       equal(again.display, p.display));
	if (p.uri.scheme.n > 0)
		check_uri(p.uri.text);
	check_params(p.params, t);
	check_params(p.uri.params, t);
	/* a tag of ours behind it is its tag, if it has none */
	struct wire_text value;
	if (!wire_param(p.params, "tag", &value) && t.n < 4000 && p.uri.scheme.n > 0) {
		char tagged[4200];
		int n = snprintf(tagged, sizeof(tagged), "%.*s;tag=ours", (int)p.value.n,
				 p.value.s);
		if (memchr(p.value.s, 0, p.value.n) == NULL) {
			assert(wire_party_parse((struct wire_text){tagged, (size_t)n}, &again) ==
			       0);
			assert(wire_text_is(again.tag, "ours"));
			assert(equal(again.uri.text, p.uri.text));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_text t = {(const char *)data, size}, rest = t, one;
	check_uri(t);
	check_party(t);
	while (wire_list_next(&rest, &one)) {
		assert(inside(one, t));
		check_party(one);
	}
	return 0;
}
