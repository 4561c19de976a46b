/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_tls.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sbe/peer/peer.h"
#include "sbe/peer/peer_conf.h"

#define FILES_MAX 64
#define NAME_MAX_BYTES 253

static const char *const eku_words[] = {"identity", "off", "if-present", "required", NULL};

/* One name, or a list of them. */
static int read_names(struct conf_reader *r, const json_t *value, void *out)
{
	bool one = json_is_string(value);
	struct conf_list list = {.n = one ? 1 : json_array_size(value)};
	const char **names;

	if ((!one && !json_is_array(value)) || !list.n || list.n > PEER_TLS_NAMES_MAX)
		return conf_fail(r, NULL, "must be a name, or a list of 1 to %d names",
				 PEER_TLS_NAMES_MAX);
	list.items = names = conf_alloc(r, list.n * sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < list.n; i++) {
		const char *s = json_string_value(one ? value : json_array_get(value, i));
		char at[16] = "";

		if (!one)
			snprintf(at, sizeof(at), "[%zu]", i);
		if (!s || !*s || strlen(s) > NAME_MAX_BYTES || strpbrk(s, " \t@/"))
			return conf_fail(r, one ? NULL : at,
					 "must be a domain or an IP address as a certificate has "
					 "it, at most %d bytes",
					 NAME_MAX_BYTES);
		/* RFC 5922 7.2: nobody's certificate speaks for names that are not in it */
		if (strchr(s, '*'))
			return conf_fail(r, one ? NULL : at, "wildcards match nothing");
		names[i] = s;
	}
	*(struct conf_list *)out = list;
	return 0;
}

#define FIELD(member, name) .key = name, .offset = offsetof(struct peer_tls_conf, member)

const struct conf_field peer_tls_fields[] = {
	{FIELD(names, "name"), .type = CONF_CUSTOM, .custom = read_names,
	 .item_bytes = sizeof(struct conf_list),
	 .text = "Name or names of which its certificate must carry one; absent = its first domain. With a "
		 "name here nothing passes without TLS."},
	{FIELD(identity, "identity"), .type = CONF_NAME,
	 .text = "Identity from the section tls that we show to the peer; absent = that of its realm."},
	{FIELD(trust, "trust"), .type = CONF_STRINGS, .max = FILES_MAX,
	 .text = "PEM files of the only authorities that may vouch for the peer; absent = those of the identity."},
	{FIELD(crl, "crl"), .type = CONF_STRINGS, .max = FILES_MAX,
	 .text = "PEM files with revocation lists for its certificates; then a fresh one of their issuer must be there."},
	{FIELD(eku, "eku"), .type = CONF_ENUM, .words = eku_words, .def = "identity",
	 .text = "Whether its certificate must be meant for SIP domains (RFC 5924); \"identity\" = as the identity says."},
	{FIELD(required, "required"), .type = CONF_BOOL, .def = "false",
	 .text = "Take nothing from the peer and send nothing to it without TLS."},
	{FIELD(mutual, "mutual"), .type = CONF_BOOL, .def = "true",
	 .text = "TLS connections from the peer must show a certificate with its name; false = its source address is "
		 "enough."},
	CONF_END,
};

bool peer_tls_only(const struct peer_conf *c)
{
	return c->tls.required || c->tls.names.n > 0 || c->sec.admission == PEER_ADMIT_TLS;
}

bool peer_tls_own_rules(const struct peer_conf *c)
{
	return c->tls.trust.n || c->tls.crl.n || c->tls.eku != PEER_EKU_IDENTITY;
}

size_t peer_tls_names(const struct peer_conf *c, const char *const **ret_names)
{
	if (c->tls.names.n) {
		*ret_names = c->tls.names.items;
		return c->tls.names.n;
	}
	*ret_names = c->domains.items;
	return c->domains.n ? 1 : 0;
}

const char *peer_tls_name(const struct peer *p)
{
	const char *const *names = NULL;

	return peer_tls_names(p->conf, &names) ? names[0] : NULL;
}

int peer_tls_check(const struct conf_doc *doc, const char *path, const struct peer_conf *c,
		   struct conf_error *err)
{
	const char *const *texts = c->next_hops.items;
	char at[256];

	snprintf(at, sizeof(at), "%s.%s.tls", path, c->name);
	if (!c->sources.n && !c->tls.names.n && !c->next_hops.n && c->mode == PEER_STATIC)
		return conf_fail_at(
			doc, at, err,
			"a peer without sources and next_hops needs the name of its certificate");
	/* Before a certificate is believed only the address tells whose authorities count. */
	if (peer_tls_own_rules(c) && !c->sources.n && !c->next_hops.n)
		return conf_fail_at(doc, at, err,
				    "trust, crl and eku of one peer need its sources or next_hops");
	for (size_t i = 0; peer_tls_only(c) && i < c->next_hops.n; i++) {
		struct peer_hop hop;
		const char *why;

		if (peer_hop_parse(texts[i], &hop, &why) || hop.proto == TRANSPORT_TLS)
			continue;
		snprintf(at, sizeof(at), "%s.%s.next_hops[%zu]", path, c->name, i);
		return conf_fail_at(doc, at, err,
				    "must have ;transport=tls: this peer is reached by TLS only");
	}
	return 0;
}
