/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sbe/dns/zone.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

static const int wire_types[DNS_TYPES] = {ns_t_a, ns_t_aaaa, ns_t_srv, ns_t_naptr};

static int ask(void *ctx, const char *name, int type, uint64_t ticket)
{
	struct zone *z = ctx;
	struct zone_question *q;

	if (z->err)
		return z->err;
	assert_true(z->nasked < ZONE_ASKED_MAX);
	q = &z->asked[z->nasked++];
	snprintf(q->name, sizeof(q->name), "%s", name);
	q->type = type;
	q->ticket = ticket;
	return 0;
}

void zone_init(struct zone *z, struct dns_options *o)
{
	memset(z, 0, sizeof(*z));
	z->ttl_s = 60;
	o->io = (struct dns_io){ask, z};
}

void zone_add(struct zone *z, const char *line)
{
	assert_true(z->nlines < ZONE_LINES_MAX);
	z->lines[z->nlines++] = line;
}

/* ---- packets */

static uint8_t *put16(uint8_t *p, unsigned v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

static uint8_t *put_name(uint8_t *p, const char *name)
{
	if (strcmp(name, ".") != 0) {
		while (*name) {
			size_t n = strcspn(name, ".");

			*p++ = (uint8_t)n;
			memcpy(p, name, n);
			p += n;
			name += n + (name[n] == '.');
		}
	}
	*p++ = 0;
	return p;
}

static uint8_t *put_string(uint8_t *p, const char *text)
{
	size_t n = strcmp(text, "-") ? strlen(text) : 0;

	*p++ = (uint8_t)n;
	memcpy(p, text, n);
	return p + n;
}

/* The data behind the type word. */
static uint8_t *put_data(uint8_t *p, const char *type, const char *data)
{
	char w[6][256] = {{0}};
	int n = sscanf(data, "%255s %255s %255s %255s %255s %255s", w[0], w[1], w[2], w[3], w[4],
		       w[5]);

	if (!strcmp(type, "A") || !strcmp(type, "AAAA")) {
		int family = type[1] ? AF_INET6 : AF_INET;

		assert_int_equal(inet_pton(family, w[0], p), 1);
		return p + (family == AF_INET6 ? 16 : 4);
	}
	if (!strcmp(type, "CNAME"))
		return put_name(p, w[0]);
	if (!strcmp(type, "SRV")) {
		assert_int_equal(n, 4);
		for (int i = 0; i < 3; i++)
			p = put16(p, (unsigned)atoi(w[i]));
		return put_name(p, w[3]);
	}
	assert_string_equal(type, "NAPTR");
	assert_int_equal(n, 6);
	p = put16(put16(p, (unsigned)atoi(w[0])), (unsigned)atoi(w[1]));
	p = put_string(put_string(put_string(p, w[2]), w[3]), w[4]);
	return put_name(p, w[5]);
}

static uint8_t *put_record(const struct zone *z, uint8_t *p, const char *line, const char *name)
{
	char type[16];
	const char *data = strchr(line, ' ') + 1;
	uint8_t *length;
	unsigned wire;

	assert_int_equal(sscanf(data, "%15s", type), 1);
	data += strlen(type) + 1;
	wire = !strcmp(type, "A")       ? ns_t_a
	       : !strcmp(type, "AAAA")  ? ns_t_aaaa
	       : !strcmp(type, "SRV")   ? ns_t_srv
	       : !strcmp(type, "CNAME") ? ns_t_cname
					: ns_t_naptr;
	p = put16(put16(put_name(p, name), wire), ns_c_in);
	p = put16(put16(p, z->ttl_s >> 16), z->ttl_s & 0xffff);
	length = p;
	p = put_data(p + 2, type, data);
	put16(length, (unsigned)(p - length - 2));
	return p;
}

/* @return the line's type word matches and its name is this one */
static bool line_is(const char *line, const char *name, const char *type)
{
	size_t n = strlen(name), t = strlen(type);

	return !strncasecmp(line, name, n) && line[n] == ' ' && !strncmp(line + n + 1, type, t) &&
	       line[n + 1 + t] == ' ';
}

size_t zone_packet(const struct zone *z, const char *name, int type, uint8_t *packet)
{
	uint8_t *p = packet;
	char at[DNS_NAME_BYTES];
	unsigned answers = 0;
	bool more = true;

	p = put16(put16(p, 1), 0x8180U | (unsigned)z->rcode);
	p = put16(put16(put16(put16(p, 1), 0), 1), 0);
	p = put16(put16(put_name(p, name), (unsigned)wire_types[type]), ns_c_in);
	snprintf(at, sizeof(at), "%s", name);
	for (int hop = 0; more && hop < 12; hop++) {
		more = false;
		for (size_t i = 0; i < z->nlines; i++) {
			if (line_is(z->lines[i], at, dns_type_name(type))) {
				p = put_record(z, p, z->lines[i], at);
				answers++;
			}
		}
		for (size_t i = 0; i < z->nlines && !more; i++) {
			if (!line_is(z->lines[i], at, "CNAME"))
				continue;
			p = put_record(z, p, z->lines[i], at);
			answers++;
			snprintf(at, sizeof(at), "%s", strstr(z->lines[i], "CNAME ") + 6);
			more = true;
		}
	}
	put16(packet + 6, answers);
	if (!answers)
		packet[3] = (uint8_t)(packet[3] | (z->rcode ? 0 : ns_r_nxdomain));
	/* SOA: negative answers last as long as positive ones */
	p = put16(put16(put_name(p, "example"), ns_t_soa), ns_c_in);
	p = put16(put16(p, z->ttl_s >> 16), z->ttl_s & 0xffff);
	p = put16(p, 22);
	p = put_name(put_name(p, "."), ".");
	for (int i = 0; i < 4; i++)
		p = put16(put16(p, 0), 1);
	return (size_t)(put16(put16(p, z->ttl_s >> 16), z->ttl_s & 0xffff) - packet);
}

void zone_run(struct zone *z)
{
	static uint8_t packet[ZONE_PACKET_BYTES];

	while (!z->mute && z->nanswered < z->nasked) {
		struct zone_question *q = &z->asked[z->nanswered++];
		size_t n = zone_packet(z, q->name, q->type, packet);

		dns_take(z->dns, q->ticket, 0, packet, n);
	}
}

size_t zone_count(const struct zone *z, const char *name, int type)
{
	size_t n = 0;

	for (size_t i = 0; i < z->nasked; i++)
		n += (!name || !strcasecmp(z->asked[i].name, name)) &&
		     (type < 0 || z->asked[i].type == type);
	return n;
}
