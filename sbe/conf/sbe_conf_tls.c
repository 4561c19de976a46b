/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/conf/sbe_conf_tls.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define AT_BYTES 256
#define FILES_MAX 64
#define NAME_MAX_BYTES 63

/* ---- values */

static const char *const version_words[] = {"1.2", "1.3", NULL}; /* enum tls_version */
static const char *const eku_words[] = {"off", "if-present", "required", NULL}; /* enum tls_eku */

int sbe_conf_tls_read_names(struct conf_reader *r, const json_t *value, void *out)
{
	bool one = json_is_string(value);
	struct conf_list list = {.n = one ? 1 : json_array_size(value)};
	const char **names;

	if ((!one && !json_is_array(value)) || !list.n || list.n > SBE_TLS_MAX)
		return conf_fail(r, NULL,
				 "must be a name from the section tls, or a list of 1 to %d",
				 SBE_TLS_MAX);
	list.items = names = conf_alloc(r, list.n * sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < list.n; i++) {
		names[i] = json_string_value(one ? value : json_array_get(value, i));
		if (!names[i] || !names[i][0] || strlen(names[i]) > NAME_MAX_BYTES)
			return conf_fail(r, NULL, "must be names from the section tls");
	}
	*(struct conf_list *)out = list;
	return 0;
}

#define FIELD(member, name) .key = name, .offset = offsetof(struct sbe_tls_conf, member)

const struct conf_field sbe_conf_tls_fields[] = {
	{FIELD(certificate, "certificate"), .type = CONF_STRING, .required = true, .min = 1,
	 .max = 4095, .text = "PEM file with our certificate and its chain."},
	{FIELD(private_key, "private_key"), .type = CONF_STRING, .required = true, .min = 1,
	 .max = 4095, .text = "PEM file with its key."},
	{FIELD(trust, "trust"), .type = CONF_STRINGS, .required = true, .min = 1, .max = FILES_MAX,
	 .text = "PEM files of the authorities that are trusted, and no others."},
	{FIELD(crl, "crl"), .type = CONF_STRINGS, .max = FILES_MAX,
	 .text = "PEM files with revocation lists; with one, each certificate needs a fresh list of its issuer."},
	{FIELD(min_version, "min_version"), .type = CONF_ENUM, .words = version_words, .def = "1.2",
	 .text = "Oldest TLS version that is spoken."},
	{FIELD(ciphers, "ciphers"), .type = CONF_STRING, .min = 1, .max = 1023,
	 .text = "Ciphers of TLS 1.2 in OpenSSL's notation, forward secrecy and AEAD only; absent = all of those."},
	{FIELD(depth, "depth"), .type = CONF_UINT, .min = 1, .max = 32, .def = "8",
	 .text = "Certificates that may stand between a far end's and its authority."},
	{FIELD(eku, "eku"), .type = CONF_ENUM, .words = eku_words, .def = "off",
	 .text = "Whether certificates must be meant for SIP domains (RFC 5924)."},
	{FIELD(require_client_cert, "require_client_cert"), .type = CONF_BOOL, .def = "true",
	 .text = "Close TLS connections whose certificate is not that of a peer; false = their requests get 403."},
	{FIELD(alarm_days, "alarm_days"), .type = CONF_UINT, .max = 3650, .def = "30",
	 .text = "Days before its end from which the certificate is warned of."},
	CONF_END,
};

/* ---- options */

const struct sbe_tls_conf *sbe_conf_tls_find(const struct sbe_conf *c, const char *name)
{
	const struct sbe_tls_conf *t = c->tls.items;

	for (size_t i = 0; name && i < c->tls.n; i++) {
		if (!strcmp(t[i].name, name))
			return &t[i];
	}
	return NULL;
}

const struct sbe_tls_conf *sbe_conf_tls_of_realm(const struct sbe_conf *c, const char *realm)
{
	const struct sbe_realm_conf *r = c->realms.items;

	for (size_t i = 0; i < c->realms.n; i++) {
		if (!strcmp(r[i].name, realm))
			return r[i].tls.n ? sbe_conf_tls_find(
						    c, ((const char *const *)r[i].tls.items)[0])
					  : NULL;
	}
	return NULL;
}

void sbe_conf_tls_options(const struct sbe_tls_conf *t, struct tls_options *ret_options)
{
	*ret_options = (struct tls_options){.certificate_file = t->certificate,
					    .private_key_file = t->private_key,
					    .trust_files = t->trust.items,
					    .ntrust = t->trust.n,
					    .crl_files = t->crl.items,
					    .ncrls = t->crl.n,
					    .eku = (enum tls_eku)t->eku,
					    .depth = t->depth,
					    .min_version = (enum tls_version)t->min_version,
					    .ciphers = t->ciphers,
					    .require_peer = t->require_client_cert};
}

bool sbe_conf_tls_peer(const struct sbe_conf *c, const struct peer_conf *p,
		       struct tls_trust_options *ret_options)
{
	const struct sbe_tls_conf *t = p->tls.identity ? sbe_conf_tls_find(c, p->tls.identity)
						       : sbe_conf_tls_of_realm(c, p->realm);
	struct tls_trust_options o = {.files = p->tls.trust.items,
				      .nfiles = p->tls.trust.n,
				      .crl_files = p->tls.crl.items,
				      .ncrls = p->tls.crl.n};

	if (!peer_tls_own_rules(p))
		return false;
	if (t && !o.nfiles) {
		o.files = t->trust.items;
		o.nfiles = t->trust.n;
	}
	if (t && !o.ncrls) {
		o.crl_files = t->crl.items;
		o.ncrls = t->crl.n;
	}
	o.depth = t ? t->depth : 0;
	o.eku = t ? (enum tls_eku)t->eku : TLS_EKU_OFF;
	if (p->tls.eku != PEER_EKU_IDENTITY)
		o.eku = (enum tls_eku)(p->tls.eku - PEER_EKU_OFF);
	*ret_options = o;
	return true;
}

/* ---- files */

static int each_file(const struct conf_list *list, sbe_conf_file_h *fn, void *arg)
{
	const char **names = list->items;
	int err = 0;

	for (size_t i = 0; !err && i < list->n; i++)
		err = fn(arg, &names[i]);
	return err;
}

int sbe_conf_tls_files(const struct sbe_conf *c, sbe_conf_file_h *fn, void *arg)
{
	struct sbe_tls_conf *t = c->tls.items;
	struct peer_conf *p = c->peers.items;
	int err = 0;

	for (size_t i = 0; !err && i < c->tls.n; i++) {
		err = fn(arg, &t[i].certificate);
		if (!err)
			err = fn(arg, &t[i].private_key);
		if (!err)
			err = each_file(&t[i].trust, fn, arg);
		if (!err)
			err = each_file(&t[i].crl, fn, arg);
	}
	for (size_t i = 0; !err && i < c->peers.n; i++) {
		err = each_file(&p[i].tls.trust, fn, arg);
		if (!err)
			err = each_file(&p[i].tls.crl, fn, arg);
	}
	return err;
}

int sbe_conf_tls_load(const struct conf_doc *doc, const struct sbe_conf *c, struct conf_error *err)
{
	const struct sbe_tls_conf *tls = c->tls.items;
	const struct peer_conf *p = c->peers.items;
	char why[256] = "", at[AT_BYTES];
	int e = 0;

	for (size_t i = 0; !e && i < c->tls.n; i++) {
		struct tls_context *context = NULL;
		struct tls_options o;

		sbe_conf_tls_options(&tls[i], &o);
		e = tlsid_new(&o, &context, why);
		mem_unref(context);
		snprintf(at, sizeof(at), "tls.%s", tls[i].name);
	}
	for (size_t i = 0; !e && i < c->peers.n; i++) {
		struct tls_trust_options o;
		struct tls_trust *trust = NULL;

		if (!sbe_conf_tls_peer(c, &p[i], &o))
			continue;
		e = tlstrust_new(&o, &trust, why);
		mem_unref(trust);
		snprintf(at, sizeof(at), "peers.%s.tls", p[i].name);
	}
	return e && e != -ENOMEM ? conf_fail_at(doc, at, err, "%s", why) : e;
}

/* ---- lookup servers */

int sbe_conf_tls_lookup(const struct conf_doc *doc, struct sbe_conf *c, struct conf_error *err)
{
	struct route_step_conf *steps = c->route.lookup.items;
	char at[AT_BYTES];

	for (size_t i = 0; i < c->route.lookup.n; i++) {
		const struct sbe_tls_conf *t = sbe_conf_tls_find(c, steps[i].tls);

		if (!steps[i].tls)
			continue;
		snprintf(at, sizeof(at), "lookup[%zu].tls", i);
		if (!t)
			return conf_fail_at(doc, at, err, "there is no \"%.64s\" in tls",
					    steps[i].tls);
		if (t->trust.n != 1 || t->crl.n > 1)
			return conf_fail_at(
				doc, at, err,
				"identity %s must name one trust file and at most one crl",
				t->name);
		steps[i].trust_file = ((const char *const *)t->trust.items)[0];
		steps[i].certificate_file = t->certificate;
		steps[i].key_file = t->private_key;
		if (t->crl.n)
			steps[i].crl_file = ((const char *const *)t->crl.items)[0];
	}
	return 0;
}

/* ---- names */

struct check {
	const struct conf_doc *doc;
	const struct sbe_conf *c;
	struct conf_error *err;
};

static int check_name(const struct check *k, const char *at, const char *name)
{
	if (!name || sbe_conf_tls_find(k->c, name))
		return 0;
	return conf_fail_at(k->doc, at, k->err, "there is no \"%s\" in tls", name);
}

static int check_realm(const struct check *k, const struct sbe_realm_conf *r)
{
	const char *const *names = r->tls.items;
	const struct sbe_listen_conf *l = r->listen.items;
	char at[AT_BYTES];
	int err = 0;

	snprintf(at, sizeof(at), "realms.%s.tls", r->name);
	for (size_t i = 0; !err && i < r->tls.n; i++)
		err = check_name(k, at, names[i]);
	for (size_t i = 0; !err && i < r->listen.n; i++) {
		snprintf(at, sizeof(at), "realms.%s.listen[%zu]", r->name, i);
		if (l[i].proto == TRANSPORT_TLS && !r->tls.n)
			err = conf_fail_at(
				k->doc, at, k->err,
				"a tls listener needs \"tls\" in its realm: a name from the "
				"section tls");
	}
	return err;
}

int sbe_conf_tls_check(const struct conf_doc *doc, const struct sbe_conf *c, struct conf_error *err)
{
	const struct check k = {doc, c, err};
	const struct sbe_realm_conf *realms = c->realms.items;
	const struct peer_conf *peers = c->peers.items;
	char at[AT_BYTES];
	int e = check_name(&k, "gate_control.tls", c->gate.tls);

	for (size_t i = 0; !e && i < c->realms.n; i++)
		e = check_realm(&k, &realms[i]);
	for (size_t i = 0; !e && i < c->peers.n; i++) {
		snprintf(at, sizeof(at), "peers.%s.tls.identity", peers[i].name);
		e = check_name(&k, at, peers[i].tls.identity);
	}
	return e;
}
