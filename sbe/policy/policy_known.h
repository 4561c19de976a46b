/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_known - what we know of a header by its name: who writes it, and whether it may cross without a rule.
 *
 * The one table of header names of the policy. Owner: nothing, it is const. Thread: any.
 */
#ifndef SBE_POLICY_POLICY_KNOWN_H
#define SBE_POLICY_POLICY_KNOWN_H

enum policy_class {
	POLICY_UNKNOWN, /* crosses if a rule or headers.unknown says so, and nothing inner is in it */
	POLICY_OURS,    /* belongs to one leg: written anew there, no rule may touch it */
	POLICY_HARMLESS, /* crosses: meaning end to end, no field for a host */
	POLICY_FREE,     /* likewise, but people write in it what they like */
	POLICY_SIGNED,   /* crosses byte for byte, or its signature breaks (RFC 8224) */
	POLICY_IDENTITY, /* sbe/policy/policy_identity decides */
	POLICY_TELLING,  /* tells of the inside by its nature: only a pass rule lets it cross */
};

/** @param canonical lower-case long name. */
enum policy_class policy_known(const char *canonical);

#endif
