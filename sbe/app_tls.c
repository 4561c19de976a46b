/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_tls - our certificates, made from the configuration.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/app_private.h"

static int find(const struct sbe_conf *c, const char *name)
{
	const struct sbe_tls_conf *t = c->tls.items;

	for (size_t i = 0; name && i < c->tls.n && i < SBE_TLS_MAX; i++) {
		if (!strcmp(t[i].name, name))
			return (int)i;
	}
	return -1;
}

static int make(const struct sbe_tls_conf *t, bool gate, struct tls_context **ret_context,
		char *why, size_t why_bytes)
{
	struct tls_options o = {
		.certificate_file = t->certificate,
		.private_key_file = t->private_key,
		.trust_files = t->trust.items,
		.ntrust = t->trust.n,
		/* gate control is between our own hosts: nothing old has to be let in, and a dbe is
				 * who its certificate says */
		.min_version = gate ? TLS_MIN_1_3 : TLS_MIN_1_2,
		.require_peer = gate};
	char text[256] = "";
	int err = tlsid_new(&o, ret_context, text);

	if (err)
		snprintf(why, why_bytes, "tls %s: %s", t->name, text);
	return err;
}

int app_tls_new(const struct sbe_conf *c, struct app_tls *ret_tls, char *why, size_t why_bytes)
{
	const struct sbe_tls_conf *t = c->tls.items;
	struct app_tls tls = {0};
	int gate = find(c, c->gate.tls), err = 0;

	for (size_t i = 0; !err && i < c->tls.n && i < SBE_TLS_MAX; i++)
		err = make(&t[i], false, &tls.sip[i], why, why_bytes);
	if (!err && gate >= 0)
		err = make(&t[gate], true, &tls.gate, why, why_bytes);
	if (err) {
		app_tls_clear(&tls);
		return err;
	}
	*ret_tls = tls;
	return 0;
}

void app_tls_clear(struct app_tls *t)
{
	for (size_t i = 0; i < SBE_TLS_MAX; i++)
		t->sip[i] = mem_unref(t->sip[i]);
	t->gate = mem_unref(t->gate);
}

struct tls_context *app_tls_find(const struct app_tls *t, const struct sbe_conf *c,
				 const struct sbe_realm_conf *realm)
{
	int i = find(c, realm->tls);

	return i >= 0 ? t->sip[i] : NULL;
}
