/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone - a name server of a test: answers from lines of text with real packets, when it is told to.
 *
 * "b.example NAPTR 50 10 s SIPS+D2T - _sips._tcp.b.example", "x A 192.0.2.1", "y CNAME z": "-" is an empty string.
 * Owner: caller, static. Thread: the test.
 */
#ifndef TESTS_UNIT_SBE_DNS_ZONE_H
#define TESTS_UNIT_SBE_DNS_ZONE_H

#include "sbe/dns/dns.h"

#define ZONE_LINES_MAX 2048
#define ZONE_ASKED_MAX 4096
#define ZONE_PACKET_BYTES 65535

struct zone_question {
	char name[DNS_NAME_BYTES];
	int type;
	uint64_t ticket;
};
struct zone {
	struct dns *dns;
	const char *lines[ZONE_LINES_MAX]; /* "NAME TYPE DATA" */
	size_t nlines;
	uint32_t ttl_s;
	int rcode; /* not 0: every answer is this */
	bool mute; /* questions are taken and never answered */
	int err;   /* not 0: the servers could not be asked */
	struct zone_question asked[ZONE_ASKED_MAX];
	size_t nasked, nanswered;
};

/** Empty, TTL 60 s. Its io is put into o. */
void zone_init(struct zone *z, struct dns_options *o);
void zone_add(struct zone *z, const char *line);
/** Answer what has been asked, also what the answers make ask. */
void zone_run(struct zone *z);
/** A response to this question from the lines. @return its size. */
size_t zone_packet(const struct zone *z, const char *name, int type, uint8_t *packet);
/** How often this was asked; type -1 = any, name NULL = any. */
size_t zone_count(const struct zone *z, const char *name, int type);

#endif
