/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_told - answers of the DNS as steps, in words for operators.
 */
#include <errno.h>
#include <stdio.h>

#include "sbe/route/route_ask_private.h"

#define SUBJECT_BYTES (DNS_NAME_BYTES + 16)

const char *route_told_error(int err)
{
	return err == -ENOENT      ? "there is nothing of that name"
	       : err == -ETIMEDOUT ? "no name server answered in time"
	       : err == -EREMOTEIO ? "the name servers failed"
	       : err == -EACCES    ? "only addresses of private networks, which are not believed"
	       : err == -ELOOP     ? "a chain of records that does not end"
	       : err == -EBUSY     ? "too many questions are under way"
				   : "what came was no answer";
}

static void print_record(const struct dns_record *r, int type, char *buf, size_t size_bytes)
{
	char ip[64];

	if (type == DNS_SRV)
		snprintf(buf, size_bytes, "%u %u %u %.100s", r->u.srv.priority, r->u.srv.weight,
			 r->u.srv.port, r->u.srv.target);
	else if (type == DNS_NAPTR)
		snprintf(buf, size_bytes, "%u %u %.8s %.30s %.100s %.100s", r->u.naptr.order,
			 r->u.naptr.preference, r->u.naptr.flags, r->u.naptr.services,
			 r->u.naptr.regexp, r->u.naptr.replacement);
	else
		snprintf(buf, size_bytes, "%s", addr_print_ip(&r->u.addr, false, ip, sizeof(ip)));
}

void route_told(void *arg, const char *name, int type, const struct dns_answer *answer,
		uint64_t took_ms)
{
	struct route_asking *a = arg;
	char subject[SUBJECT_BYTES], text[400] = "";
	size_t n = 0;

	if (!a->w.why)
		return;
	snprintf(subject, sizeof(subject), "%s %s", dns_type_name(type), name);
	for (size_t i = 0; i < answer->n && i < 4 && n < sizeof(text) - 1; i++) {
		char record[280];

		print_record(&answer->records[i], type, record, sizeof(record));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? "; " : "", record);
	}
	route_why(&a->w, "dns", subject,
		  answer->err     ? "nothing"
		  : answer->stale ? "old"
				  : "found",
		  "%s%s (%lu ms)", answer->err ? route_told_error(answer->err) : text,
		  answer->n > 4 ? "; ..." : "", (unsigned long)took_ms);
}
