/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_party - who calls whom, as the other side may see it: public hosts, normalised numbers, no name of the inside.
 *
 * A URI is taken apart and written anew; what is not copied on purpose (headers behind ?, parameters of the URI, a
 * host that is nobody's business) stays behind.
 */
#include <errno.h>
#include <string.h>

#include "common/text.h"
#include "sbe/policy/policy_private.h"
#include "sbe/sip/wire_line.h"

#define USER_MAX_BYTES 200U
#define DISPLAY_MAX_BYTES 120U
#define HOST_MAX_BYTES 255U
#define USER_STOPS "@<>\" \t\r\n,"

static const char anonymous[] = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";

/* Can it name a host at all? Bare words are left to people. */
static bool is_inner(const struct policy_scene *s, struct wire_text t)
{
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] == '.' || t.s[i] == ':' || t.s[i] == '%' || t.s[i] == '\\')
			return policy_inner_in(s->inner, t, true);
	}
	return false;
}

/* A display name passes as a quoted string, unless it holds what could break out of one. */
static void add_display(const struct policy_scene *s, struct text_out *t, struct wire_text d)
{
	if (d.n >= 2 && d.s[0] == '"' && d.s[d.n - 1] == '"') {
		d.s++;
		d.n -= 2;
	}
	if (!d.n || d.n > DISPLAY_MAX_BYTES || is_inner(s, d))
		return;
	for (size_t i = 0; i < d.n; i++) {
		unsigned char c = (unsigned char)d.s[i];

		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			return;
	}
	text_add(t, "\"");
	text_add_bytes(t, d.s, d.n);
	text_add(t, "\" ");
}

static bool is_phone(const struct wire_uri *u)
{
	struct wire_text v;

	return u->is_tel || (wire_param(u->params, "user", &v) && wire_text_is_nocase(v, "phone"));
}

static struct wire_text until(struct wire_text t, const char *stops)
{
	size_t n = 0;

	while (n < t.n && n < USER_MAX_BYTES && t.s[n] && !strchr(stops, t.s[n]))
		n++;
	t.n = n;
	return t;
}

struct user {
	char number[POLICY_NUMBER_BYTES]; /* what base points to if it was normalised */
	struct wire_text base, params;    /* "+44", ";npdi" */
	bool inner;                       /* there was one that may not be shown */
	bool cut;                         /* there were parameters that may not */
};

/* The part of the user that is one in any URI; parameters of a number stay behind when they name a host. */
static void pick_user(const struct policy_scene *s, enum policy_party party, struct wire_text user,
		      struct user *u)
{
	struct wire_text all = until(user, USER_STOPS);
	size_t n = policy_number_cross(s->way, party, all, u->number, sizeof(u->number));
	bool strip = policy_of(s->way->from)->conf.numbers.in.params ||
		     policy_of(s->way->to)->conf.numbers.out.params;

	u->base = until(all, ";");
	u->params = (struct wire_text){NULL, 0};
	if (all.n > u->base.n)
		u->params = (struct wire_text){all.s + u->base.n, all.n - u->base.n};
	u->inner = false;
	u->cut = u->params.n && !strip && is_inner(s, u->params);
	if (n)
		u->base = (struct wire_text){u->number, n};
	if (strip || u->cut)
		u->params.n = 0;
	if (!is_inner(s, u->base))
		return;
	u->base.n = u->params.n = 0;
	u->inner = true;
}

static const char *host_of(const struct policy_scene *s, const struct policy_name_addr *a,
			   char *buf)
{
	if (a->host)
		return a->host;
	if (a->uri.host.n && a->uri.host.n <= HOST_MAX_BYTES &&
	    policy_host_public(s->way, a->uri.host))
		return wire_text_copy(a->uri.host, buf, HOST_MAX_BYTES + 1);
	return s->way->our_host;
}

/* A number without + is one of somewhere: a tel URI must say where (RFC 3966 5.1.5), and only a name can. */
static bool may_be_tel(const struct user *u, const char *host)
{
	char digits[POLICY_NUMBER_BYTES];
	struct wire_text t = {host, strlen(host)};

	if (!policy_number_is(u->base, digits, sizeof(digits)))
		return false;
	return digits[0] == '+' || (!policy_names_address(t) && !memchr(t.s, ':', t.n));
}

static bool has_context(const struct user *u)
{
	struct wire_text v, p = u->params;

	if (p.n)
		p = (struct wire_text){p.s + 1, p.n - 1}; /* without the first ; */
	return p.n && wire_param(p, "phone-context", &v);
}

static bool wants_tel(const struct policy_scene *s, const struct policy_name_addr *a,
		      const struct user *u, const char *host)
{
	int want = policy_of(s->way->to)->conf.numbers.out.uri;

	if (want == PEER_POLICY_URI_TEL)
		return (is_phone(&a->uri) || (u->base.n && u->base.s[0] == '+')) &&
		       may_be_tel(u, host);
	/* a number of somewhere that does not say where is better off with our host behind it */
	return want == PEER_POLICY_URI_AS_IS && a->keep_tel && a->uri.is_tel && u->base.n &&
	       (u->base.s[0] == '+' || u->base.s[0] == '%' || has_context(u));
}

static void add_uri(const struct policy_scene *s, struct text_out *t,
		    const struct policy_name_addr *a, const struct user *u)
{
	char buf[HOST_MAX_BYTES + 1];
	const char *host = host_of(s, a, buf);

	if (wants_tel(s, a, u, host)) {
		text_add(t, "tel:");
		text_add_bytes(t, u->base.s, u->base.n);
		text_add_bytes(t, u->params.s, u->params.n);
		if (u->base.n && u->base.s[0] != '+' && u->base.s[0] != '%' && !has_context(u)) {
			text_add(t, ";phone-context=");
			text_add(t, host);
		}
		return;
	}
	text_add(t, "sip:");
	text_add_bytes(t, u->base.s, u->base.n);
	text_add_bytes(t, u->params.s, u->params.n);
	text_add(t, u->base.n + u->params.n ? "@" : "");
	text_add(t, host);
	if (is_phone(&a->uri))
		text_add(t, ";user=phone");
}

int policy_party_print(const struct policy_scene *s, const struct policy_name_addr *a, char *buf,
		       size_t size_bytes)
{
	struct text_out t;
	struct user u;

	pick_user(s, a->party, a->uri.user, &u);
	text_start(&t, buf, size_bytes);
	add_display(s, &t, a->display);
	text_add(&t, "<");
	add_uri(s, &t, a, &u);
	text_add(&t, ">");
	if (u.cut && a->keep_tel && a->uri.is_tel && u.base.n && u.base.s[0] != '+')
		return -EPROTO; /* a number of somewhere, and where must not be told */
	return u.inner ? -EPROTO : 0;
}

/* ---- an INVITE that goes out ---- */

static struct policy_scene scene_of(const struct policy_way *way, const struct wire_msg *m,
				    struct policy_inner *inner)
{
	policy_inner_init(inner, way, m);
	return (struct policy_scene){.way = way,
				     .m = m,
				     .inner = inner,
				     .direction = PEER_POLICY_OUT,
				     .p = policy_of(way->to)};
}

static void note_party(const struct policy_way *way, const char *name, struct wire_text before,
		       const char *after)
{
	char was[POLICY_PARTY_BYTES + 16], is[POLICY_PARTY_BYTES + 16];
	struct text_out a, b;

	if (!way->trace)
		return;
	text_start(&a, was, sizeof(was));
	text_add(&a, name);
	text_add_bytes(&a, before.s, before.n);
	text_start(&b, is, sizeof(is));
	text_add(&b, name);
	text_add(&b, after);
	policy_note(way, (struct wire_text){was, a.len_bytes}, (struct wire_text){is, b.len_bytes},
		    "who calls whom: public hosts only, numbers as the peers write them");
}

int policy_parties(const struct policy_way *way, const struct wire_msg *invite,
		   const struct policy_target *target, struct policy_parties *ret_parties)
{
	struct policy_name_addr a = {.party = POLICY_CALLER},
				b = {.party = POLICY_CALLED, .host = target->host};
	struct policy_inner inner;
	struct policy_scene s = scene_of(way, invite, &inner);
	struct wire_party from;
	struct text_out uri;
	int err;

	wire_from(invite, &from);
	a.display = from.display;
	a.uri = from.uri;
	wire_request_uri(invite, &b.uri);
	if (target->user.n)
		b.uri.user = target->user;
	if (policy_hides_user(way, invite))
		text_copy(ret_parties->local, sizeof(ret_parties->local), anonymous);
	else
		policy_party_print(&s, &a, ret_parties->local, sizeof(ret_parties->local));
	err = policy_party_print(&s, &b, ret_parties->remote, sizeof(ret_parties->remote));
	/* The same URI without <> is the Request-URI. */
	text_start(&uri, ret_parties->uri, sizeof(ret_parties->uri));
	text_add_bytes(&uri, ret_parties->remote + 1, strlen(ret_parties->remote) - 2);
	note_party(way, "From: ", from.value, ret_parties->local);
	note_party(way, "Request-URI and To: ", b.uri.text, ret_parties->uri);
	return err;
}

/* ---- for routes ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

/* "%2B44" is "+44" (RFC 3261 19.1.2); what is no escape, or of a character that is none, stays. */
static const char *unescape(struct wire_text t, char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n && n + 1 < size; i++) {
		int high = t.s[i] == '%' && i + 2 < t.n ? hex(t.s[i + 1]) : -1;
		int low = high >= 0 ? hex(t.s[i + 2]) : -1;

		if (low >= 0 && high * 16 + low > 0x20) {
			buf[n++] = (char)(high * 16 + low);
			i += 2;
		} else {
			buf[n++] = t.s[i];
		}
	}
	buf[n] = '\0';
	return buf;
}

const char *policy_called(const struct peer *from, const struct wire_uri *uri, char *buf,
			  size_t size_bytes)
{
	const struct policy *p = policy_of(from);

	if (p->has_numbers[PEER_POLICY_IN] &&
	    policy_number_in(p, POLICY_CALLED, uri->user, buf, size_bytes, NULL))
		return buf;
	return unescape(uri->user, buf, size_bytes);
}
