/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_record - the packet is walked with the C library's parser (ns_parserr), which checks every length and
 * every compression pointer; here stands what the records mean.
 */
#include "sbe/dns/dns_record.h"

#include <arpa/nameser.h>
#include <ctype.h>
#include <errno.h>
#include <resolv.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"

#define LABEL_MAX 63U
#define NAME_CHARS_MAX 253U
#define STRING_BYTES 256 /* a character-string of RFC 1035 3.3 with a 0 */

static const struct {
	const char *name;
	int wire;
} types[DNS_TYPES] = {{"A", ns_t_a}, {"AAAA", ns_t_aaaa}, {"SRV", ns_t_srv}, {"NAPTR", ns_t_naptr}};

const char *dns_type_name(int type)
{
	return types[type].name;
}

bool dns_name_valid(const char *name)
{
	size_t label = 0, n = 0;

	for (; name[n]; n++) {
		if (n >= NAME_CHARS_MAX)
			return false;
		if (name[n] == '.') {
			if (!label)
				return false;
			label = 0;
		} else if (!isalnum((unsigned char)name[n]) && name[n] != '-' && name[n] != '_') {
			return false;
		} else if (++label > LABEL_MAX) {
			return false;
		}
	}
	return label > 0;
}

/* ---- one record, first with room for all its texts */

struct draft {
	struct dns_record record;
	char a[DNS_NAME_BYTES], flags[STRING_BYTES], services[STRING_BYTES], regexp[STRING_BYTES];
};
struct reading {
	ns_msg msg;
	int type;
	uint32_t ttl_s;
	size_t n;
	struct draft drafts[DNS_RECORDS_MAX];
};

/* A name inside record data; "." stays, others must be names we could ask for. */
static bool take_name(const ns_msg *msg, const uint8_t *at, const uint8_t *end, char *name)
{
	if (at >= end || ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg), at, name,
					    DNS_NAME_BYTES) != end - at)
		return false;
	if (!name[0])
		strcpy(name, ".");
	return !strcmp(name, ".") || dns_name_valid(name);
}

/* A character-string; control characters would only serve to fool a log or a URI. */
static bool take_string(const uint8_t **at, const uint8_t *end, char *text)
{
	size_t n;

	if (*at >= end || (size_t)(end - *at) < 1U + **at)
		return false;
	n = **at;
	for (size_t i = 0; i < n; i++) {
		if ((*at)[1 + i] < ' ' || (*at)[1 + i] > '~')
			return false;
	}
	memcpy(text, *at + 1, n);
	text[n] = '\0';
	*at += 1 + n;
	return true;
}

static bool take_srv(const ns_msg *msg, const ns_rr *rr, struct draft *d)
{
	const uint8_t *p = ns_rr_rdata(*rr), *end = p + ns_rr_rdlen(*rr);

	if (ns_rr_rdlen(*rr) < 7)
		return false;
	d->record.u.srv = (struct dns_srv){.priority = (uint16_t)ns_get16(p),
					   .weight = (uint16_t)ns_get16(p + 2),
					   .port = (uint16_t)ns_get16(p + 4)};
	return take_name(msg, p + 6, end, d->a);
}

static bool take_naptr(const ns_msg *msg, const ns_rr *rr, struct draft *d)
{
	const uint8_t *p = ns_rr_rdata(*rr), *end = p + ns_rr_rdlen(*rr);

	if (ns_rr_rdlen(*rr) < 8)
		return false;
	d->record.u.naptr = (struct dns_naptr){.order = (uint16_t)ns_get16(p),
					       .preference = (uint16_t)ns_get16(p + 2)};
	p += 4;
	return take_string(&p, end, d->flags) && take_string(&p, end, d->services) &&
	       take_string(&p, end, d->regexp) && take_name(msg, p, end, d->a);
}

static bool take_address(const ns_rr *rr, int type, struct draft *d)
{
	struct addr *a = &d->record.u.addr;
	size_t want = type == DNS_A ? 4 : 16;

	if (ns_rr_rdlen(*rr) != want)
		return false;
	memset(a, 0, sizeof(*a));
	a->family = type == DNS_A ? ADDR_V4 : ADDR_V6;
	memcpy(a->ip, ns_rr_rdata(*rr), want);
	return true;
}

static bool take(struct reading *r, const ns_rr *rr, struct draft *d)
{
	d->a[0] = d->flags[0] = d->services[0] = d->regexp[0] = '\0';
	if (r->type == DNS_SRV)
		return take_srv(&r->msg, rr, d);
	if (r->type == DNS_NAPTR)
		return take_naptr(&r->msg, rr, d);
	return take_address(rr, r->type, d);
}

/* ---- the answer section */

static void lower_ttl(struct reading *r, uint32_t ttl_s)
{
	/* RFC 2181 8: the top bit set means 0 */
	if (ttl_s > 0x7fffffffU)
		ttl_s = 0;
	if (ttl_s < r->ttl_s)
		r->ttl_s = ttl_s;
}

/* Follow an alias of name. @return true: name has changed. */
static bool follow(struct reading *r, char *name)
{
	ns_rr rr;

	for (int i = 0; i < ns_msg_count(r->msg, ns_s_an); i++) {
		char target[DNS_NAME_BYTES];

		if (ns_parserr(&r->msg, ns_s_an, i, &rr))
			return false;
		if (ns_rr_type(rr) != ns_t_cname || ns_rr_class(rr) != ns_c_in ||
		    strcasecmp(ns_rr_name(rr), name))
			continue;
		if (!take_name(&r->msg, ns_rr_rdata(rr), ns_rr_rdata(rr) + ns_rr_rdlen(rr), target))
			return false;
		lower_ttl(r, ns_rr_ttl(rr));
		strcpy(name, target);
		return true;
	}
	return false;
}

static void collect(struct reading *r, const char *name)
{
	ns_rr rr;

	for (int i = 0; i < ns_msg_count(r->msg, ns_s_an) && r->n < DNS_RECORDS_MAX; i++) {
		if (ns_parserr(&r->msg, ns_s_an, i, &rr))
			return;
		if (ns_rr_type(rr) != (ns_type)types[r->type].wire || ns_rr_class(rr) != ns_c_in ||
		    strcasecmp(ns_rr_name(rr), name) || !take(r, &rr, &r->drafts[r->n]))
			continue;
		lower_ttl(r, ns_rr_ttl(rr));
		r->n++;
	}
}

/* RFC 2308 5: how long "no" may be believed is in the SOA. Without one: not at all. */
static uint32_t negative_ttl(struct reading *r)
{
	ns_rr rr;

	for (int i = 0; i < ns_msg_count(r->msg, ns_s_ns); i++) {
		uint32_t ttl_s, minimum_s;

		if (ns_parserr(&r->msg, ns_s_ns, i, &rr))
			break;
		if (ns_rr_type(rr) != ns_t_soa || ns_rr_rdlen(rr) < 22)
			continue;
		ttl_s = ns_rr_ttl(rr);
		minimum_s = (uint32_t)ns_get32(ns_rr_rdata(rr) + ns_rr_rdlen(rr) - 4);
		ttl_s = minimum_s < ttl_s ? minimum_s : ttl_s;
		return ttl_s < DNS_TTL_NEGATIVE_MAX_S ? ttl_s : DNS_TTL_NEGATIVE_MAX_S;
	}
	return 0;
}

/* ---- the answer object */

static void answer_destroy(void *obj)
{
	struct dns_answer *a = obj;

	mem_free((void *)(uintptr_t)a->records);
	mem_free(a->texts);
}

const struct dns_answer *dns_answer_error(int err, uint32_t ttl_s)
{
	struct dns_answer *a = mem_zalloc(sizeof(*a), answer_destroy);

	if (!a)
		return NULL;
	a->err = err;
	a->ttl_s = ttl_s;
	return a;
}

static const char *keep(char **at, const char *text)
{
	char *start = *at;

	strcpy(start, text);
	*at += strlen(text) + 1;
	return start;
}

static int pack(const struct reading *r, const struct dns_answer **ret_answer)
{
	struct dns_answer *a = mem_zalloc(sizeof(*a), answer_destroy);
	struct dns_record *records;
	size_t bytes = 1;
	char *at;

	if (!a)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++)
		bytes += strlen(r->drafts[i].a) + strlen(r->drafts[i].flags) +
			 strlen(r->drafts[i].services) + strlen(r->drafts[i].regexp) + 4;
	a->records = records = mem_buffer(r->n * sizeof(*records));
	a->texts = at = mem_buffer(bytes);
	if (!records || !at) {
		mem_unref(a);
		return -ENOMEM;
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct draft *d = &r->drafts[i];

		records[i] = d->record;
		if (r->type == DNS_SRV)
			records[i].u.srv.target = keep(&at, d->a);
		if (r->type != DNS_NAPTR)
			continue;
		records[i].u.naptr.replacement = keep(&at, d->a);
		records[i].u.naptr.flags = keep(&at, d->flags);
		records[i].u.naptr.services = keep(&at, d->services);
		records[i].u.naptr.regexp = keep(&at, d->regexp);
	}
	a->n = r->n;
	a->ttl_s = r->ttl_s;
	*ret_answer = a;
	return 0;
}

static int error(int err, uint32_t ttl_s, const struct dns_answer **ret_answer)
{
	*ret_answer = dns_answer_error(err, ttl_s);
	return *ret_answer ? 0 : -ENOMEM;
}

int dns_answer_read(const uint8_t *packet, size_t len_bytes, const char *name, int type,
		    const struct dns_answer **ret_answer)
{
	struct reading *r = mem_buffer(sizeof(*r));
	char at[DNS_NAME_BYTES];
	int err, rcode;

	if (!r)
		return -ENOMEM;
	r->type = type;
	r->n = 0;
	r->ttl_s = DNS_TTL_MAX_S;
	if (len_bytes > 65535 || ns_initparse(packet, (int)len_bytes, &r->msg)) {
		err = error(-EBADMSG, 0, ret_answer);
		goto out;
	}
	rcode = ns_msg_getflag(r->msg, ns_f_rcode);
	if (rcode != ns_r_noerror && rcode != ns_r_nxdomain) {
		err = error(-EREMOTEIO, 0, ret_answer);
		goto out;
	}
	strcpy(at, name);
	for (int i = 0; i < DNS_ALIASES_MAX && follow(r, at); i++)
		;
	collect(r, at);
	err = r->n ? pack(r, ret_answer) : error(-ENOENT, negative_ttl(r), ret_answer);
out:
	mem_free(r);
	return err;
}
