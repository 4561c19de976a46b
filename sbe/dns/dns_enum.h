/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_enum - from a telephone number to SIP URIs by ENUM (RFC 6116, service E2U+sip).
 *
 * Chains of non-terminal records, regular expressions and counts are bounded whatever a zone says; a bad record is
 * passed over, it does not end the question. Owner: the caller until its handler ran or dns_enum_cancel. Thread: loop.
 */
#ifndef SBE_DNS_DNS_ENUM_H
#define SBE_DNS_DNS_ENUM_H

#include "sbe/dns/dns.h"

#define DNS_ENUM_URIS_MAX 8
#define DNS_ENUM_URI_BYTES 256
#define DNS_ENUM_DEPTH_MAX 5      /* zones asked one after the other */
#define DNS_ENUM_QUESTIONS_MAX 10 /* in all */

struct dns_enum_wish {
	const char *number;   /* "+" and 2 to 15 digits: only true E.164 is ever asked for */
	const char *suffix;   /* "e164.arpa", or a private root */
	uint32_t deadline_ms; /* for all of it */
	/* Each answer as it comes. May be NULL. */
	void (*told)(void *arg, const char *name, int type, const struct dns_answer *a,
		     uint64_t took_ms);
};
struct dns_enum_found {
	int err; /* 0 with n > 0; -ENOENT not listed; -ETIMEDOUT, -EREMOTEIO, -EBUSY; -ELOOP a chain too long */
	size_t n;
	char uris[DNS_ENUM_URIS_MAX]
		 [DNS_ENUM_URI_BYTES]; /* sip: or sips:, in the order they are tried */
	uint32_t ttl_s;
	bool stale;
};
struct dns_enum;
typedef void(dns_enum_h)(void *arg, const struct dns_enum_found *found);

bool dns_enum_is_number(const char *number);
/** Find. fn runs once, perhaps before this returns (then *ret_enum is NULL). @return 0, -EINVAL, -ENOMEM: fn does not run then. */
int dns_enum_find(struct dns *dns, const struct dns_enum_wish *wish, dns_enum_h *fn, void *arg,
		  struct dns_enum **ret_enum);
/** NULL is fine. */
void dns_enum_cancel(struct dns_enum *e);

/**
 * Apply a NAPTR's regexp ("!pattern!replacement!", RFC 3402 3.2) to a number.
 * @return 0; -EINVAL (not well-formed, or more than we are willing to compute); -ENOENT no match; -EMSGSIZE.
 */
int dns_enum_apply(const char *regexp, const char *number, char *buf, size_t size_bytes);

#endif
