/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dialog's strings change together and rarely (made, confirmed, target refreshed), so they are laid end
 * to end in one block: a change collects all of them, allocates the new block, then swaps. Nothing is
 * touched before that allocation has succeeded.
 */
#include "sbe/sip/dialog.h"

#include <errno.h>
#include <string.h>

#include "common/mem.h"

enum part { CALL_ID, LOCAL_TAG, REMOTE_TAG, LOCAL_PARTY, REMOTE_PARTY, TARGET, ROUTES, PARTS };

struct parts {
	struct wire_text text[PARTS];
	char party[2][DIALOG_TEXT_MAX_BYTES]; /* built ones: local, remote */
	char routes[DIALOG_ROUTES_MAX_BYTES];
};

static struct wire_text text_of(const char *s)
{
	return (struct wire_text){s ? s : "", s ? strlen(s) : 0};
}

static void parts_of(const struct dialog *d, struct parts *p)
{
	p->text[CALL_ID] = text_of(d->call_id);
	p->text[LOCAL_TAG] = text_of(d->local_tag);
	p->text[REMOTE_TAG] = text_of(d->remote_tag);
	p->text[LOCAL_PARTY] = text_of(d->local_party);
	p->text[REMOTE_PARTY] = text_of(d->remote_party);
	p->text[TARGET] = text_of(d->remote_target);
	p->text[ROUTES] = text_of(d->routes);
}

/* Lay the parts out in a new block and give up the old one. */
static int commit(struct dialog *d, const struct parts *p)
{
	const char *at[PARTS];
	size_t total = 0;
	if (p->text[LOCAL_TAG].n >= DIALOG_TAG_BYTES)
		return -EMSGSIZE;
	for (int i = 0; i < PARTS; i++) {
		if (p->text[i].n > DIALOG_TEXT_MAX_BYTES)
			return -EMSGSIZE;
		total += p->text[i].n + 1;
	}
	char *block = mem_buffer(total), *w = block;
	if (!block)
		return -ENOMEM;
	for (int i = 0; i < PARTS; i++) {
		at[i] = w;
		if (p->text[i].n > 0)
			memcpy(w, p->text[i].s, p->text[i].n);
		w += p->text[i].n;
		*w++ = 0;
	}
	mem_free(d->block);
	d->block = block;
	d->call_id = at[CALL_ID];
	d->local_tag = at[LOCAL_TAG];
	d->remote_tag = at[REMOTE_TAG];
	d->local_party = at[LOCAL_PARTY];
	d->remote_party = at[REMOTE_PARTY];
	d->remote_target = at[TARGET];
	d->routes = at[ROUTES];
	return 0;
}

static int append(char *buf, size_t size, size_t *len, struct wire_text t)
{
	if (t.n > size - *len)
		return -EMSGSIZE;
	if (t.n > 0)
		memcpy(buf + *len, t.s, t.n);
	*len += t.n;
	return 0;
}

/* The value of a From or To without its tag parameter. */
static int without_tag(const struct wire_party *party, char *buf, struct wire_text *ret_text)
{
	struct wire_text head = party->value, tail = {NULL, 0};
	size_t n = 0;
	if (party->tag.n > 0) {
		const char *end = head.s + head.n, *cut = party->tag.s;
		tail.s = party->tag.s + party->tag.n;
		tail.n = (size_t)(end - tail.s);
		while (cut > head.s && *cut != ';')
			cut--;
		while (cut > head.s && (cut[-1] == ' ' || cut[-1] == '\t'))
			cut--;
		head.n = (size_t)(cut - head.s);
	}
	if (append(buf, DIALOG_TEXT_MAX_BYTES, &n, head) ||
	    append(buf, DIALOG_TEXT_MAX_BYTES, &n, tail))
		return -EMSGSIZE;
	*ret_text = (struct wire_text){buf, n};
	return 0;
}

/* Record-Route as a Route line: in order for the UAS (12.1.1), in reverse for the UAC (12.1.2). */
static int take_routes(struct parts *p, const struct wire_msg *m, bool reverse)
{
	struct wire_party route;
	unsigned count = 0;
	size_t n = 0;
	int err = 0;
	while (wire_record_route(m, count, &route))
		if (++count > DIALOG_ROUTES_MAX)
			return -EMSGSIZE;
	for (unsigned i = 0; i < count && !err; i++) {
		wire_record_route(m, reverse ? count - 1 - i : i, &route);
		err = append(p->routes, sizeof(p->routes), &n,
			     i ? WIRE_TEXT(", ") : WIRE_TEXT("Route: "));
		if (!err)
			err = append(p->routes, sizeof(p->routes), &n, route.value);
	}
	if (!err && count > 0)
		err = append(p->routes, sizeof(p->routes), &n, WIRE_TEXT("\r\n"));
	if (!err)
		p->text[ROUTES] = (struct wire_text){p->routes, n};
	return err;
}

/* The URI the next request has to reach first. @param target the remote target taken apart, if that is known */
static bool next_uri(const struct dialog *d, const struct wire_uri *target,
		     struct wire_uri *ret_uri)
{
	struct wire_text routes = text_of(d->routes);
	struct wire_party first;
	if (routes.n == 0 && target && target->text.n) {
		*ret_uri = *target;
		return true;
	}
	if (routes.n == 0)
		return wire_uri_parse(text_of(d->remote_target), ret_uri) == 0;
	/* "Route: <..>, <..>\r\n": the first value ends at the ">" that closes it; a quoted ">" is no name of ours */
	const char *open = memchr(routes.s, '<', routes.n);
	const char *close = open ? memchr(open, '>', (size_t)(routes.s + routes.n - open)) : NULL;
	if (!close ||
	    wire_party_parse((struct wire_text){open, (size_t)(close + 1 - open)}, &first))
		return false;
	*ret_uri = first.uri;
	return true;
}

/* Numeric next hop of the same kind as where the dialog lives now: go there. Else stay. */
static void aim(struct transport_target *t, const struct dialog *d, const struct wire_uri *target)
{
	struct wire_uri u;
	struct addr a;
	if (!next_uri(d, target, &u) || !u.is_sip || addr_parse_ip(u.host.s, u.host.n, &a))
		return;
	if ((t->to.family != ADDR_NONE && a.family != t->to.family) || addr_is_any(&a) ||
	    addr_is_multicast(&a))
		return;
	/* nobody from outside makes us talk to this host or to its wire (A4) */
	if ((addr_is_loopback(&a) && !addr_is_loopback(&t->to)) ||
	    (addr_is_link_local(&a) && !addr_is_link_local(&t->to)))
		return;
	/* nor does a peer make us talk to somebody else (U7) */
	if (!transport_may_go(t, &a))
		return;
	a.port = u.port ? u.port : t->proto == TRANSPORT_TLS ? 5061 : 5060;
	t->to = a;
}

/* Without headers: none may stand in a Request-URI (RFC 3261 19.1.1). */
static struct wire_text target_of(const struct wire_uri *u)
{
	struct wire_text t = u->text;
	if (u->headers.s)
		t.n = (size_t)(u->headers.s - 1 - t.s);
	return t;
}

/* The Contact of a dialog, a SIP or SIPS URI (RFC 3261 12.1.1); "*" is for REGISTER and names nothing. */
static bool contact_uri(const struct wire_msg *m, struct wire_uri *ret_uri,
			struct wire_text *ret_target)
{
	struct wire_party contact;
	if (!wire_contact(m, 0, &contact) || !contact.uri.is_sip)
		return false;
	*ret_uri = contact.uri;
	*ret_target = target_of(&contact.uri);
	return true;
}

int dialog_init_uas(struct dialog *d, const struct wire_msg *request,
		    const struct transport_target *from, const char *local_tag)
{
	struct dialog fresh = {
		.target = *from, .remote_cseq = wire_cseq(request), .has_remote_cseq = true};
	struct wire_party local, remote;
	struct wire_uri target;
	struct parts p;
	memset(p.text, 0, sizeof(p.text));
	wire_to(request, &local);
	wire_from(request, &remote);
	p.text[CALL_ID] = wire_call_id(request);
	p.text[LOCAL_TAG] = text_of(local_tag);
	p.text[REMOTE_TAG] = remote.tag;
	/* No Contact (RFC 2543): what is left to send to is who they say they are. */
	if (!contact_uri(request, &target, &p.text[TARGET])) {
		if (!remote.uri.is_sip && !remote.uri.is_tel)
			return -EINVAL;
		target = remote.uri;
		p.text[TARGET] = target_of(&remote.uri);
	}
	int err = without_tag(&local, p.party[0], &p.text[LOCAL_PARTY]);
	if (!err)
		err = without_tag(&remote, p.party[1], &p.text[REMOTE_PARTY]);
	if (!err)
		err = take_routes(&p, request, false);
	if (!err)
		err = commit(&fresh, &p);
	if (err)
		return err;
	aim(&fresh.target, &fresh, &target);
	*d = fresh;
	return 0;
}

int dialog_init_uac(struct dialog *d, const char *local_party, const char *remote_party,
		    const char *request_uri, const struct transport_target *to)
{
	struct dialog fresh = {.target = *to};
	char call_id[DIALOG_CALL_ID_BYTES], tag[DIALOG_TAG_BYTES];
	struct parts p;
	memset(p.text, 0, sizeof(p.text));
	wire_random_token(call_id, sizeof(call_id), 128);
	wire_random_token(tag, sizeof(tag), 72);
	p.text[CALL_ID] = text_of(call_id);
	p.text[LOCAL_TAG] = text_of(tag);
	p.text[LOCAL_PARTY] = text_of(local_party);
	p.text[REMOTE_PARTY] = text_of(remote_party);
	p.text[TARGET] = text_of(request_uri);
	int err = commit(&fresh, &p);
	if (!err)
		*d = fresh;
	return err;
}

int dialog_preload(struct dialog *d, const char *routes)
{
	struct parts p;
	size_t n = 0;
	int err;
	if (!routes[0])
		return 0;
	parts_of(d, &p);
	err = append(p.routes, sizeof(p.routes), &n, WIRE_TEXT("Route: "));
	if (!err)
		err = append(p.routes, sizeof(p.routes), &n, text_of(routes));
	if (!err)
		err = append(p.routes, sizeof(p.routes), &n, WIRE_TEXT("\r\n"));
	if (err)
		return err;
	p.text[ROUTES] = (struct wire_text){p.routes, n};
	return commit(d, &p);
}

int dialog_establish_uac(struct dialog *d, const struct wire_msg *response)
{
	struct wire_party to;
	struct wire_uri target;
	struct parts p;
	bool moved;
	parts_of(d, &p);
	wire_to(response, &to);
	p.text[REMOTE_TAG] = to.tag;
	moved = contact_uri(response, &target, &p.text[TARGET]);
	int err = take_routes(&p, response, true);
	if (!err)
		err = commit(d, &p);
	if (!err)
		aim(&d->target, d, moved ? &target : NULL);
	return err;
}

int dialog_refresh_target(struct dialog *d, const struct wire_msg *m,
			  const struct transport_target *from)
{
	struct transport_target target = from ? *from : d->target;
	target.sips = d->target.sips; /* for as long as it lives */
	struct wire_text uri;
	struct wire_uri taken;
	struct parts p;
	if (!contact_uri(m, &taken, &uri))
		return 0;
	parts_of(d, &p);
	if (!wire_text_is(uri, d->remote_target)) {
		p.text[TARGET] = uri;
		int err = commit(d, &p);
		if (err)
			return err;
	}
	aim(&target, d, &taken);
	d->target = target;
	return 0;
}

int dialog_check_cseq(struct dialog *d, const struct wire_msg *request)
{
	enum wire_method method = wire_method(request);
	uint32_t cseq = wire_cseq(request);
	if (method == WIRE_ACK || method == WIRE_CANCEL)
		return 0;
	if (d->has_remote_cseq && cseq < d->remote_cseq)
		return -ESTALE;
	d->remote_cseq = cseq;
	d->has_remote_cseq = true;
	return 0;
}

static void write_party(struct wire_out *o, const char *name, const char *party, const char *tag)
{
	const struct wire_text parts[] = {text_of(party), WIRE_TEXT(";tag="), text_of(tag)};
	wire_out_header_parts(o, name, parts, *tag ? 3 : 1);
}

uint32_t dialog_write(struct dialog *d, const char *method, uint32_t cseq, int max_forwards,
		      struct wire_out *o)
{
	char number[WIRE_NUMBER_BYTES];
	if (cseq == 0)
		cseq = ++d->local_cseq;
	write_party(o, "From", d->local_party, d->local_tag);
	write_party(o, "To", d->remote_party, d->remote_tag);
	const struct wire_text cseq_parts[] = {wire_number_text(cseq, number), WIRE_TEXT(" "),
					       text_of(method)};
	wire_out_header_text(o, "Call-ID", text_of(d->call_id));
	wire_out_header_parts(o, "CSeq", cseq_parts, 3);
	wire_out_header_text(
		o, "Max-Forwards",
		wire_number_text(max_forwards > 0 ? (uint32_t)max_forwards : 0, number));
	/* "Route: ...\r\n": our own line, checked again by the writer */
	size_t n = strlen(d->routes);
	if (n > 2) {
		struct wire_header route = {.line = {d->routes, n - 2}};
		wire_out_line(o, &route);
	}
	return cseq;
}

int dialog_restore(struct dialog *d, const struct dialog *saved)
{
	struct dialog fresh = {.local_cseq = saved->local_cseq,
			       .remote_cseq = saved->remote_cseq,
			       .has_remote_cseq = saved->has_remote_cseq,
			       .target = saved->target};
	struct parts p;
	parts_of(saved, &p);
	int err = commit(&fresh, &p);
	if (!err)
		*d = fresh;
	return err;
}

void dialog_clear(struct dialog *d)
{
	dialog_unregister(d);
	mem_free(d->block);
	*d = (struct dialog){.block = NULL};
}

int dialog_register(struct table *t, struct dialog *d, void *leg)
{
	size_t n = strlen(d->local_tag);
	/* the key must outlive every rebuild of the block */
	memcpy(d->key_, d->local_tag, n + 1);
	int err = table_add(t, &d->entry, d->key_, n, d);
	if (!err)
		d->leg = leg;
	return err;
}

void dialog_unregister(struct dialog *d)
{
	table_remove(&d->entry);
	d->leg = NULL;
}

static struct dialog *find(struct table *t, struct wire_text tag, const struct wire_msg *m)
{
	struct dialog *d;
	if (tag.n == 0 || tag.n >= DIALOG_TAG_BYTES)
		return NULL;
	d = table_find(t, tag.s, tag.n);
	return d && wire_text_is(wire_call_id(m), d->call_id) ? d : NULL;
}

void *dialog_find(struct table *t, const struct wire_msg *request)
{
	struct wire_party to, from;
	struct dialog *d;
	wire_to(request, &to);
	wire_from(request, &from);
	d = find(t, to.tag, request);
	if (!d || (d->remote_tag[0] && !wire_text_is(from.tag, d->remote_tag)))
		return NULL;
	return d->leg;
}

void *dialog_find_ids(struct table *t, struct wire_text call_id, struct wire_text local_tag,
		      struct wire_text remote_tag)
{
	struct dialog *d;
	if (local_tag.n == 0 || local_tag.n >= DIALOG_TAG_BYTES)
		return NULL;
	d = table_find(t, local_tag.s, local_tag.n);
	if (!d || !wire_text_is(call_id, d->call_id) || !wire_text_is(remote_tag, d->remote_tag))
		return NULL;
	return d->leg;
}

void *dialog_find_response(struct table *t, const struct wire_msg *response)
{
	struct wire_party to, from;
	struct dialog *d;
	wire_to(response, &to);
	wire_from(response, &from);
	d = find(t, from.tag, response);
	return d && wire_text_is(to.tag, d->remote_tag) ? d->leg : NULL;
}

void dialog_write_contact(const struct transport_target *t, struct wire_out *o)
{
	const char *transport = t->proto == TRANSPORT_TCP   ? ";transport=tcp"
				: t->proto == TRANSPORT_TLS ? ";transport=tls"
							    : "";

	/* sips: RFC 5630 5.1.1.1 */
	const struct wire_text parts[] = {t->sips ? WIRE_TEXT("<sips:") : WIRE_TEXT("<sip:"),
					  text_of(transport_sent_by(t->listener)),
					  text_of(t->sips ? "" : transport), WIRE_TEXT(">")};
	wire_out_header_parts(o, "Contact", parts, 4);
}
