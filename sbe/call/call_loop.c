/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_loop.h"

#include <errno.h>
#include <string.h>

#include "common/table.h"
#include "sbe/sip/wire_line.h"

#define COOKIE "z9hG4bK"
#define COOKIE_BYTES (sizeof(COOKIE) - 1)
#define SALT_BYTES 24U /* characters */
#define MARK_BYTES 16U
#define KEY_TEXT_BYTES 1024U

enum mark { MARK_CAME = 'c', MARK_WENT = 'w' };

struct key_text {
	char s[KEY_TEXT_BYTES];
	size_t n;
};

static void add(struct key_text *t, const char *s, size_t n)
{
	if (n > sizeof(t->s) - t->n)
		n = sizeof(t->s) - t->n;
	if (n)
		memcpy(t->s + t->n, s, n);
	t->n += n;
}

/* The parts that say where it goes; a host is the same in any case, and 5060 is no port. */
static uint64_t hash_uri(const uint64_t secret[2], const char *peer, const struct wire_uri *u)
{
	uint16_t port = u->port && u->port != 5060 ? u->port : 0;
	char host[256];
	struct key_text t = {.n = 0};

	add(&t, peer, strlen(peer) + 1);
	add(&t, u->user.s, u->user.n);
	add(&t, "@", 1);
	wire_text_copy(u->host, host, sizeof(host));
	for (char *c = host; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	add(&t, host, strlen(host));
	add(&t, (const char *)&port, sizeof(port));
	return table_siphash(secret, t.s, t.n);
}

uint64_t call_loop_key(const uint64_t secret[2], const struct wire_msg *m, const struct peer *p)
{
	struct wire_uri uri;

	wire_request_uri(m, &uri);
	return hash_uri(secret, p->name, &uri);
}

/* No peer has an empty name. */
static uint64_t sent_key(const uint64_t secret[2], const struct wire_uri *uri)
{
	return hash_uri(secret, "", uri);
}

static void print_mark(const uint64_t secret[2], enum mark mark, const char *salt, uint64_t key,
		       char out[MARK_BYTES])
{
	char text[1 + SALT_BYTES + sizeof(key)];
	uint64_t v;

	text[0] = (char)mark;
	memcpy(text + 1, salt, SALT_BYTES);
	memcpy(text + 1 + SALT_BYTES, &key, sizeof(key));
	v = table_siphash(secret, text, sizeof(text));
	for (size_t i = 0; i < MARK_BYTES; i++, v <<= 4)
		out[i] = "0123456789abcdef"[v >> 60];
}

void call_loop_branch(const uint64_t secret[2], uint64_t key, const char *uri,
		      char branch[CALL_LOOP_BRANCH_BYTES])
{
	struct wire_uri u = {.port = 0};

	wire_uri_parse((struct wire_text){uri, strlen(uri)}, &u);
	wire_random_token(branch, CALL_LOOP_BRANCH_BYTES, SALT_BYTES * 4);
	print_mark(secret, MARK_CAME, branch, key, branch + SALT_BYTES);
	print_mark(secret, MARK_WENT, branch, sent_key(secret, &u),
		   branch + SALT_BYTES + MARK_BYTES);
	branch[CALL_LOOP_BRANCH_BYTES - 1] = '\0';
}

struct looked_for {
	const uint64_t *secret;
	uint64_t came, went;
};

static bool is_ours(const struct looked_for *f, struct wire_text via)
{
	const char *params = memchr(via.s, ';', via.n), *salt;
	struct wire_text branch;
	char mark[MARK_BYTES];

	if (!params)
		return false;
	params++;
	if (!wire_param((struct wire_text){params, (size_t)(via.s + via.n - params)}, "branch",
			&branch) ||
	    branch.n != COOKIE_BYTES + CALL_LOOP_BRANCH_BYTES - 1 ||
	    memcmp(branch.s, COOKIE, COOKIE_BYTES))
		return false;
	salt = branch.s + COOKIE_BYTES;
	print_mark(f->secret, MARK_CAME, salt, f->came, mark);
	if (!memcmp(mark, salt + SALT_BYTES, MARK_BYTES))
		return true;
	print_mark(f->secret, MARK_WENT, salt, f->went, mark);
	return !memcmp(mark, salt + SALT_BYTES + MARK_BYTES, MARK_BYTES);
}

bool call_loop_found(const uint64_t secret[2], uint64_t key, const struct wire_msg *m)
{
	struct looked_for f = {.secret = secret, .came = key};
	struct wire_text rest, value;
	struct wire_header h;
	struct wire_uri uri;

	if (wire_via_count(m) < 2)
		return false; /* only its sender's: as good as always */
	wire_request_uri(m, &uri);
	f.went = sent_key(secret, &uri);
	for (void *it = NULL; wire_header_next(m, &it, &h);) {
		if (!wire_header_is(&h, "via"))
			continue;
		rest = h.value;
		while (wire_list_next(&rest, &value)) {
			if (is_ours(&f, value))
				return true;
		}
	}
	return false;
}

/* ---- hops and breadth ---- */

int call_hops_left(const struct wire_msg *m)
{
	int hops = wire_max_forwards(m);

	return (hops < 0 ? CALL_HOPS_DEFAULT : hops) - 1;
}

int call_breadth(const struct wire_msg *m)
{
	struct wire_header h;
	uint32_t n;

	if (!wire_header_find(m, "max-breadth", &h))
		return -ENOENT;
	return wire_number(h.value, CALL_BREADTH_MAX, &n) ? -EINVAL : (int)n;
}

void call_breadth_write(const struct wire_msg *m, struct wire_out *o)
{
	struct wire_header h;

	/* Copied as it is: a call is tried in one place after the other, so none of it is used up. */
	if (wire_header_find(m, "max-breadth", &h) && call_breadth(m) >= 0)
		wire_out_header_text(o, "Max-Breadth", wire_trim(h.value));
	else
		wire_out_header_text(o, "Max-Breadth", WIRE_TEXT(CALL_BREADTH_DEFAULT));
}
