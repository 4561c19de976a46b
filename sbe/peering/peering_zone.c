/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peering_zone - our border elements as records of the DNS: what RFC 3263 needs to find them from the domain alone.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/peering/peering_view.h"

#define HOST_BYTES 300
#define TTL_S 300

static const struct {
	unsigned order;
	const char *service, *label;
} protos[TRANSPORT_PROTOS] = {
	/* TLS first: who can starts a secure session (B6) */
	[TRANSPORT_UDP] = {90, "SIP+D2U", "_sip._udp"},
	[TRANSPORT_TCP] = {70, "SIP+D2T", "_sip._tcp"},
	[TRANSPORT_TLS] = {50, "SIPS+D2T", "_sips._tcp"},
};

/* Listeners at one address share a name. */
static size_t host_number(const struct peering_view *v, size_t i)
{
	size_t n = 1;

	for (size_t k = 0; k <= i; k++) {
		size_t j = 0;

		while (j < k && !addr_ip_equal(&v->ingress[j].addr, &v->ingress[k].addr))
			j++;
		if (addr_ip_equal(&v->ingress[k].addr, &v->ingress[i].addr))
			return n;
		n += j == k;
	}
	return n;
}

static bool is_name(const char *host)
{
	struct addr a;

	return host && addr_parse_ip(host, strlen(host), &a) != 0;
}

/* "sbe1-2.a.example." */
static void host_of(const struct peering_view *v, size_t i, const char *domain,
		    char host[HOST_BYTES])
{
	size_t n;

	if (is_name(v->advertise)) {
		snprintf(host, HOST_BYTES, "%.253s.", v->advertise);
		return;
	}
	snprintf(host, HOST_BYTES, "%.30s", v->node);
	for (n = 0; host[n]; n++)
		host[n] = isalnum((unsigned char)host[n]) ? host[n] : '-';
	snprintf(host + n, HOST_BYTES - n, "-%zu.%.250s.", host_number(v, i), domain);
}

static bool is_below(const char *host, const char *domain)
{
	size_t n = strlen(host) - 1, d = strlen(domain); /* without the root's dot */

	return n > d && host[n - d - 1] == '.' && !strncasecmp(host + n - d, domain, d);
}

static void put_addresses(FILE *f, const struct peering_view *v, const char *domain)
{
	char host[HOST_BYTES], ip[ADDR_TEXT_BYTES];
	struct addr told = {.family = ADDR_NONE};

	if (v->advertise && !is_name(v->advertise))
		(void)addr_parse_ip(v->advertise, strlen(v->advertise), &told);
	for (size_t i = 0; i < v->ningress; i++) {
		const struct addr *a =
			told.family == v->ingress[i].addr.family ? &told : &v->ingress[i].addr;
		size_t k = 0;

		while (k < i && !addr_ip_equal(&v->ingress[k].addr, &v->ingress[i].addr))
			k++;
		host_of(v, i, domain, host);
		if (k == i && (!is_name(v->advertise) || is_below(host, domain)))
			fprintf(f, "%s %d IN %s %s\n", host, TTL_S,
				a->family == ADDR_V6 ? "AAAA" : "A",
				addr_print_ip(a, false, ip, sizeof(ip)));
	}
}

static void put_services(FILE *f, const struct peering_view *v, const char *domain)
{
	char host[HOST_BYTES];

	for (int p = TRANSPORT_PROTOS - 1; p >= 0; p--) {
		bool any = false;

		for (size_t i = 0; i < v->ningress; i++)
			any |= v->ingress[i].proto == (enum transport_proto)p;
		if (any)
			fprintf(f, "%s. %d IN NAPTR %u 50 \"s\" \"%s\" \"\" %s.%s.\n", domain,
				TTL_S, protos[p].order, protos[p].service, protos[p].label, domain);
	}
	for (size_t i = 0; i < v->ningress; i++) {
		host_of(v, i, domain, host);
		fprintf(f, "%s.%s. %d IN SRV 10 10 %u %s\n", protos[v->ingress[i].proto].label,
			domain, TTL_S, v->ingress[i].addr.port, host);
	}
}

char *peering_zone(const struct peering_view *v, const char *domain, bool whole)
{
	char *made = NULL, *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&made, &n);

	if (!f)
		return NULL;
	fprintf(f, "; %s, as peer %s shall see it\n", domain, v->peer->name);
	if (whole) {
		fprintf(f, "%s. %d IN SOA ns.%s. hostmaster.%s. %llu 3600 600 86400 60\n", domain,
			TTL_S, domain, domain, (unsigned long long)(clock_wall_ms() / 1000));
		fprintf(f, "%s. %d IN NS ns.%s.\n", domain, TTL_S, domain);
	}
	put_services(f, v, domain);
	put_addresses(f, v, domain);
	if (!fclose(f))
		text = mem_buffer(n + 1);
	if (text)
		memcpy(text, made, n + 1);
	free(made);
	return text;
}
