/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/policy/policy_known.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct known {
	const char *name;
	enum policy_class class;
};

/* Sorted by first letter; rows of one letter by how often they come. */
static const struct known table[] = {
	{"allow", POLICY_OURS},
	{"accept", POLICY_OURS},
	{"accept-language", POLICY_HARMLESS},
	{"accept-encoding", POLICY_OURS},
	{"accept-contact", POLICY_HARMLESS},
	{"accept-resource-priority", POLICY_HARMLESS},
	{"alert-info", POLICY_TELLING},
	{"allow-events", POLICY_OURS},
	{"answer-mode", POLICY_HARMLESS},
	{"authorization", POLICY_OURS},
	{"authentication-info", POLICY_OURS},
	{"contact", POLICY_OURS},
	{"call-id", POLICY_OURS},
	{"cseq", POLICY_OURS},
	{"content-length", POLICY_OURS},
	{"content-type", POLICY_OURS},
	{"content-disposition", POLICY_HARMLESS},
	{"content-encoding", POLICY_OURS},
	{"content-language", POLICY_HARMLESS},
	{"content-id", POLICY_TELLING},
	{"call-info", POLICY_TELLING},
	{"date", POLICY_HARMLESS},
	{"diversion", POLICY_IDENTITY},
	{"event", POLICY_OURS},
	{"expires", POLICY_OURS},
	{"error-info", POLICY_TELLING},
	{"from", POLICY_OURS},
	{"flow-timer", POLICY_OURS},
	{"feature-caps", POLICY_OURS},
	{"geolocation", POLICY_TELLING},
	{"history-info", POLICY_IDENTITY},
	{"identity", POLICY_SIGNED},
	{"identity-info", POLICY_SIGNED},
	{"in-reply-to", POLICY_TELLING},
	{"info-package", POLICY_OURS},
	{"join", POLICY_OURS},
	{"max-forwards", POLICY_OURS},
	{"min-se", POLICY_OURS},
	{"mime-version", POLICY_HARMLESS},
	{"max-breadth", POLICY_OURS},
	{"min-expires", POLICY_OURS},
	{"organization", POLICY_TELLING},
	{"p-asserted-identity", POLICY_IDENTITY},
	{"privacy", POLICY_IDENTITY},
	{"p-preferred-identity", POLICY_IDENTITY},
	{"p-early-media", POLICY_HARMLESS},
	{"priority", POLICY_HARMLESS},
	{"proxy-require", POLICY_OURS},
	{"proxy-authorization", POLICY_OURS},
	{"proxy-authenticate", POLICY_OURS},
	{"proxy-authentication-info", POLICY_OURS},
	{"path", POLICY_OURS},
	{"priv-answer-mode", POLICY_HARMLESS},
	{"p-charging-vector", POLICY_TELLING},
	{"p-charging-function-addresses", POLICY_TELLING},
	{"p-access-network-info", POLICY_TELLING},
	{"p-visited-network-id", POLICY_TELLING},
	{"p-associated-uri", POLICY_TELLING},
	{"p-called-party-id", POLICY_TELLING},
	{"p-served-user", POLICY_TELLING},
	{"p-profile-key", POLICY_TELLING},
	{"p-user-database", POLICY_TELLING},
	{"record-route", POLICY_OURS},
	{"route", POLICY_OURS},
	{"require", POLICY_OURS},
	{"reason", POLICY_FREE},
	{"rseq", POLICY_OURS},
	{"rack", POLICY_OURS},
	{"retry-after", POLICY_FREE},
	{"refer-to", POLICY_OURS},
	{"referred-by", POLICY_OURS},
	{"refer-sub", POLICY_OURS},
	{"replaces", POLICY_OURS},
	{"remote-party-id", POLICY_IDENTITY},
	{"reply-to", POLICY_TELLING},
	{"resource-priority", POLICY_HARMLESS},
	{"reject-contact", POLICY_HARMLESS},
	{"request-disposition", POLICY_HARMLESS},
	{"recv-info", POLICY_HARMLESS},
	{"supported", POLICY_OURS},
	{"session-expires", POLICY_OURS},
	{"server", POLICY_TELLING},
	{"subject", POLICY_FREE},
	{"session-id", POLICY_HARMLESS},
	{"service-route", POLICY_OURS},
	{"subscription-state", POLICY_OURS},
	{"sip-etag", POLICY_OURS},
	{"sip-if-match", POLICY_OURS},
	{"security-client", POLICY_OURS},
	{"security-server", POLICY_OURS},
	{"security-verify", POLICY_OURS},
	{"to", POLICY_OURS},
	{"timestamp", POLICY_OURS},
	{"target-dialog", POLICY_OURS},
	{"user-agent", POLICY_TELLING},
	{"unsupported", POLICY_OURS},
	{"user-to-user", POLICY_FREE},
	{"via", POLICY_OURS},
	{"warning", POLICY_TELLING},
	{"www-authenticate", POLICY_OURS},
};
#define ROWS (sizeof(table) / sizeof(table[0]))

/* First row of each letter; made at the first use. */
static const struct known *row_of(char letter)
{
	static uint8_t first[26];
	static bool made;

	if (!made) {
		memset(first, ROWS, sizeof(first));
		for (size_t i = ROWS; i-- > 0;)
			first[table[i].name[0] - 'a'] = (uint8_t)i;
		made = true;
	}
	return letter >= 'a' && letter <= 'z' ? &table[first[letter - 'a']] : &table[ROWS];
}

enum policy_class policy_known(const char *canonical)
{
	for (const struct known *k = row_of(canonical[0]);
	     k < table + ROWS && k->name[0] == canonical[0]; k++) {
		if (k->name[1] == canonical[1] && !strcmp(k->name, canonical))
			return k->class;
	}
	return POLICY_UNKNOWN;
}
