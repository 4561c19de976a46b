/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_digest - a carrier that wants credentials with every request of the sbe (RFC 3261 22, RFC 7616).
 *
 * Its nonces last for some requests, then it asks again and says that the old one was stale. Whoever has the nonce must
 * have the password and a count that was not used before; requests may overtake each other.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_check.h"
#include "tests/sim/sim_peer.h"

#define NONCES_MAX 512U /* the oldest is forgotten */
#define COUNTS_MAX 64U

struct nonce {
	char text[17];
	unsigned taken, lasts; /* requests with it; so many it is good for */
	uint64_t counts;       /* used, a bit for each */
};
static struct nonce nonces[NONCES_MAX];
static unsigned nnonces; /* ever */

static struct nonce *new_nonce(void)
{
	struct nonce *n = &nonces[nnonces++ % NONCES_MAX];

	*n = (struct nonce){.lasts = sim.plan.clean ? COUNTS_MAX - 1 : sim_between(1, 12)};
	sim_print(n->text, sizeof(n->text), "%08x%08x", sim_pick(UINT32_MAX), nnonces);
	return n;
}

static struct nonce *find_nonce(const char *text)
{
	for (unsigned i = 0; i < NONCES_MAX; i++) {
		if (text[0] && !strcmp(nonces[i].text, text))
			return &nonces[i];
	}
	return NULL;
}

void sim_digest_up(void)
{
	memset(nonces, 0, sizeof(nonces));
	nnonces = 0;
}

static void sha256(const char *text, char hex[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_Digest(text, strlen(text), md, &n, EVP_sha256(), NULL))
		abort();
	for (unsigned i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
}

/* A parameter of credentials, without its quotes; "" = not there. */
static void parameter(const char *value, const char *name, char *buf, size_t size)
{
	char with_comma[40];
	const char *p;
	size_t n;

	sim_print(with_comma, sizeof(with_comma), "%s=", name);
	p = value;
	while ((p = strstr(p, with_comma)) && p > value && p[-1] != ' ' && p[-1] != ',')
		p++;
	buf[0] = '\0';
	if (!p)
		return;
	p += strlen(with_comma);
	n = *p == '"' ? strcspn(++p, "\"") : strcspn(p, ", ");
	if (n < size)
		sim_print(buf, size, "%.*s", (int)n, p);
}

/* The response RFC 7616 3.4.1 asks for, worked out by itself. */
static void must_be_right(const struct sim_msg *m, const char *value, struct nonce *nonce)
{
	char nc[16], cnonce[80], uri[512], response[80], a1[65], a2[65], want[65], text[900];
	unsigned long count;

	parameter(value, "nc", nc, sizeof(nc));
	parameter(value, "cnonce", cnonce, sizeof(cnonce));
	parameter(value, "uri", uri, sizeof(uri));
	parameter(value, "response", response, sizeof(response));
	sha256("us:b.example:" SIM_PASSWORD, a1);
	sim_print(text, sizeof(text), "%s:%s", m->method, uri);
	sha256(text, a2);
	sim_print(text, sizeof(text), "%s:%s:%s:%s:auth:%s", a1, nonce->text, nc, cnonce, a2);
	sha256(text, want);
	if (strcmp(response, want))
		sim_breach("wrong credentials in\n%s", m->text);
	count = strtoul(nc, NULL, 16);
	if (!count || count >= COUNTS_MAX || nonce->counts & (1ULL << count))
		sim_breach("the count %lu of a nonce is used twice:\n%s", count, m->text);
	nonce->counts |= 1ULL << count;
}

bool sim_digest_refuses(struct sim_server *s)
{
	char value[1200], text[40], line[256];
	struct nonce *nonce;

	if (!sim.plan.digest || s->host->core || s->host == &sim_hosts[CNET])
		return false;
	sim_header(s->request, "Authorization", value, sizeof(value));
	parameter(value, "nonce", text, sizeof(text));
	nonce = find_nonce(text);
	if (nonce)
		must_be_right(&s->msg, value, nonce);
	else if (text[0])
		sim_breach("a nonce of nobody:\n%s", s->request);
	if (nonce && nonce->taken < nonce->lasts) {
		nonce->taken++;
		sim_count(COVER_CREDENTIALS);
		return false;
	}
	sim_count(COVER_ASKED);
	sim_print(line, sizeof(line),
		  "WWW-Authenticate: Digest realm=\"b.example\", nonce=\"%s\", algorithm=SHA-256, "
		  "qop=\"auth\"%s\r\n",
		  new_nonce()->text, nonce ? ", stale=true" : "");
	sim_server_reply(s, &(struct sim_reply){.status = 401, .tag = "asks", .headers = line});
	return true;
}
