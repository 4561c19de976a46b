/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_target - from the host of a SIP URI to addresses in the order they are tried (RFC 3263 4).
 *
 * Number, port and transport in the URI cut the procedure short; else NAPTR, SRV, A and AAAA. All questions of a step
 * are asked at once; how many there are is bounded whatever the answers say. One bad record spoils no other.
 * Owner: the caller until its handler ran or dns_target_cancel. Thread: loop.
 */
#ifndef SBE_DNS_DNS_TARGET_H
#define SBE_DNS_DNS_TARGET_H

#include "sbe/dns/dns.h"

#define DNS_TARGETS_MAX 16
#define DNS_SERVICES_MAX 6 /* NAPTR or SRV sets followed */
#define DNS_HOSTS_MAX 8    /* names whose addresses are asked for */

/* Numbered as the transports of SIP are everywhere here. */
enum dns_proto { DNS_UDP, DNS_TCP, DNS_TLS, DNS_PROTOS };
#define DNS_PROTO_BIT(p) (1U << (p))
#define DNS_FAMILY_V4 1U
#define DNS_FAMILY_V6 2U

struct dns_wish {
	const char *host;
	uint16_t port;        /* 0 = none in the URI */
	int proto;            /* enum dns_proto of the URI's transport parameter; -1 = none */
	bool secure;          /* a sips URI, or TLS by policy: nothing else is looked for */
	unsigned protos;      /* DNS_PROTO_BIT of what we can send over */
	unsigned families;    /* DNS_FAMILY_ we can send from */
	bool public_only;     /* addresses of private and local networks are refused (A25) */
	uint32_t deadline_ms; /* for all of it */
	/* Each answer as it comes, for those who want to know why. May be NULL. */
	void (*told)(void *arg, const char *name, int type, const struct dns_answer *a,
		     uint64_t took_ms);
};
struct dns_target {
	uint8_t proto; /* enum dns_proto */
	struct addr addr;
	char name[DNS_NAME_BYTES]; /* host the address is of */
};
struct dns_located {
	int err; /* 0 with n > 0; -ENOENT nothing there; -ETIMEDOUT; -EREMOTEIO; -EBUSY; -EACCES only refused addresses */
	size_t n;
	struct dns_target targets[DNS_TARGETS_MAX];
	uint32_t ttl_s; /* how long this holds */
	bool stale;
};
struct dns_locating;
typedef void(dns_located_h)(void *arg, const struct dns_located *found);

/**
 * Find. fn runs once, perhaps before this returns (then *ret_locating is NULL).
 * @param random  for the weights of SRV (RFC 2782), never 0
 * @return 0, -EINVAL (no host), -ENOMEM: fn does not run then.
 */
int dns_target_find(struct dns *dns, const struct dns_wish *wish, uint64_t random,
		    dns_located_h *fn, void *arg, struct dns_locating **ret_locating);
/** NULL is fine. */
void dns_target_cancel(struct dns_locating *l);

#endif
