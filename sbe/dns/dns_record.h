/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_record - a DNS response (RFC 1035) read into checked records of one type.
 *
 * Everything in a response is hostile: sizes, counts, loops of CNAMEs, names with odd bytes. What does
 * not belong to the question or is malformed is left out; one bad record does not spoil the others.
 * Owner: an answer is counted and never changes; the cache keeps it. Thread: loop.
 */
#ifndef SBE_DNS_DNS_RECORD_H
#define SBE_DNS_DNS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

#define DNS_NAME_BYTES 256 /* presentation form with the 0 */
#define DNS_RECORDS_MAX 32 /* of one answer; more are left out: nobody tries so many */
#define DNS_ALIASES_MAX 8  /* CNAMEs followed inside one response */
#define DNS_TTL_MAX_S 86400U
#define DNS_TTL_NEGATIVE_MAX_S                                                                     \
	300U /* RFC 2308 5 says hours; a new number should not wait so long */

enum dns_type { DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR, DNS_TYPES };

struct dns_srv {
	uint16_t priority, weight, port;
	const char *target; /* "." = the service is decidedly not there */
};
struct dns_naptr {
	uint16_t order, preference;
	const char *flags, *services, *regexp; /* "" when empty */
	const char *replacement;               /* "." = none */
};
struct dns_record {
	union {
		struct addr addr; /* A, AAAA; port 0 */
		struct dns_srv srv;
		struct dns_naptr naptr;
	} u;
};
struct dns_answer {
	int err; /* 0; -ENOENT no such name or no such record; -ETIMEDOUT; -EREMOTEIO the server failed or refused;
		  * -EBADMSG no DNS response; -EBUSY too many questions at once; -ENOMEM */
	uint32_t ttl_s; /* how long this may be believed; 0 = only now */
	bool stale;     /* its time is over, but nobody could be asked (RFC 8767) */
	size_t n;
	const struct dns_record *records;
	char *texts; /* what the records point into */
};

const char *dns_type_name(int type); /* "NAPTR" */
/** Host or service name as we ask for it: letters, digits, - and _, labels of 1 to 63, 253 in all; no final dot. */
bool dns_name_valid(const char *name);

/**
 * Read a response to a question for name and type.
 * @return 0 with an answer whose err says what it is; -ENOMEM.
 */
int dns_answer_read(const uint8_t *packet, size_t len_bytes, const char *name, int type,
		    const struct dns_answer **ret_answer);
/** An answer that is only an error. @return it, NULL without memory. */
const struct dns_answer *dns_answer_error(int err, uint32_t ttl_s);

#endif
