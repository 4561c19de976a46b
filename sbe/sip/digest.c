/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/sip/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"
#include "sbe/sip/wire_line.h"

#define VALUE_MAX_BYTES 8192U
#define PARAMS_MAX 32U

/* ---- algorithms ---- */

static const char *const algorithm_names[DIGEST_ALGORITHMS] = {
	[DIGEST_MD5] = "MD5",
	[DIGEST_SHA256] = "SHA-256",
};

int digest_algorithm_of(struct wire_text name, enum digest_algorithm *ret_algorithm)
{
	if (!name.s) {
		*ret_algorithm = DIGEST_MD5;
		return 0;
	}
	for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
		if (!wire_text_is_nocase(name, algorithm_names[i]))
			continue;
		*ret_algorithm = (enum digest_algorithm)i;
		return 0;
	}
	return -EINVAL;
}

const char *digest_algorithm_name(enum digest_algorithm a)
{
	return algorithm_names[a];
}

/* ---- text ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct wire_text *t)
{
	while (t->n && is_blank(*t->s)) {
		t->s++;
		t->n--;
	}
}

static void skip(struct wire_text *t, size_t n)
{
	t->s += n;
	t->n -= n;
}

/* The characters up to a blank or one that separates. */
static struct wire_text take_word(struct wire_text *t)
{
	struct wire_text word = {t->s, 0};

	while (word.n < t->n && !is_blank(word.s[word.n]) && !strchr(",=\"", word.s[word.n]))
		word.n++;
	skip(t, word.n);
	return word;
}

/* A quoted string, without its quotes. A line end in it would be a fold: nobody hashes that alike. */
static int take_quoted(struct wire_text *t, struct wire_text *ret_value)
{
	size_t n = 1;

	for (; n < t->n && t->s[n] != '"'; n++) {
		n += t->s[n] == '\\';
		if (n >= t->n || t->s[n] == '\r' || t->s[n] == '\n' || !t->s[n])
			return -EBADMSG;
	}
	if (n >= t->n)
		return -EBADMSG;
	*ret_value = (struct wire_text){t->s + 1, n - 1};
	skip(t, n + 1);
	return 0;
}

static int take_param(struct wire_text *t, struct wire_text *ret_name, struct wire_text *ret_value)
{
	struct wire_text name = take_word(t), value;

	skip_blanks(t);
	if (!wire_is_token(name) || !t->n || *t->s != '=')
		return -EBADMSG;
	skip(t, 1);
	skip_blanks(t);
	if (t->n && *t->s == '"') {
		if (take_quoted(t, &value))
			return -EBADMSG;
	} else {
		value = take_word(t);
		/* a token, or it would not mean the same when we give it back between quotes */
		if (!wire_is_token(value))
			return -EBADMSG;
	}
	skip_blanks(t);
	if (t->n && *t->s != ',')
		return -EBADMSG;
	*ret_name = name;
	*ret_value = value;
	return 0;
}

static struct wire_text *field_of(struct digest_fields *f, struct wire_text name)
{
	const struct {
		const char *name;
		struct wire_text *field;
	} all[] = {
		{"realm", &f->realm},       {"nonce", &f->nonce},
		{"opaque", &f->opaque},     {"qop", &f->qop},
		{"stale", &f->stale},       {"algorithm", &f->algorithm},
		{"username", &f->username}, {"uri", &f->uri},
		{"response", &f->response}, {"cnonce", &f->cnonce},
		{"userhash", &f->userhash}, {"nc", &f->nc},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (wire_text_is_nocase(name, all[i].name))
			return all[i].field;
	}
	return NULL;
}

static int put_field(struct digest_fields *f, struct wire_text name, struct wire_text value)
{
	struct wire_text *field = field_of(f, name);

	if (!field)
		return 0;
	if (field->s)
		return -EBADMSG; /* which one would count is anybody's guess */
	if (value.n > DIGEST_FIELD_MAX_BYTES)
		return -EMSGSIZE;
	*field = value;
	return 0;
}

int digest_parse(struct wire_text value, struct digest_fields *ret_fields)
{
	struct digest_fields f = {.realm = {NULL, 0}};
	struct wire_text rest = value, scheme, name, text;
	int err = 0;

	if (!value.s)
		return -EBADMSG;
	if (value.n > VALUE_MAX_BYTES)
		return -EMSGSIZE;
	skip_blanks(&rest);
	scheme = take_word(&rest);
	if (!wire_text_is_nocase(scheme, "Digest"))
		return -ENOTSUP;
	if (!rest.n || !is_blank(*rest.s))
		return -EBADMSG;
	for (unsigned n = 0; !err; n++) {
		skip_blanks(&rest);
		if (!rest.n)
			break;
		if (n == PARAMS_MAX)
			return -EMSGSIZE;
		if (*rest.s == ',') { /* an empty element is none (RFC 9110 5.6.1) */
			skip(&rest, 1);
			continue;
		}
		err = take_param(&rest, &name, &text);
		if (!err)
			err = put_field(&f, name, text);
	}
	if (err)
		return err;
	*ret_fields = f;
	return 0;
}

bool digest_has_qop(struct wire_text qop, const char *word)
{
	struct wire_text value;

	while (qop.s && wire_list_next(&qop, &value)) {
		if (wire_text_is_nocase(value, word))
			return true;
	}
	return false;
}

/* ---- digests ---- */

/* Hash of these texts one behind the other, in hex. */
static int hash(enum digest_algorithm a, const struct wire_text *parts, size_t n,
		char hex[DIGEST_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	const EVP_MD *md = a == DIGEST_SHA256 ? EVP_sha256() : EVP_md5();
	unsigned char out[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned bytes = 0;
	bool ok = c && EVP_DigestInit_ex(c, md, NULL) == 1;

	for (size_t i = 0; ok && i < n; i++)
		ok = !parts[i].n || EVP_DigestUpdate(c, parts[i].s, parts[i].n) == 1;
	ok = ok && EVP_DigestFinal_ex(c, out, &bytes) == 1 && 2 * bytes < DIGEST_HEX_BYTES;
	EVP_MD_CTX_free(c);
	if (!ok)
		return -ENOTSUP;
	for (unsigned i = 0; i < bytes; i++) {
		hex[2 * i] = digits[out[i] >> 4];
		hex[2 * i + 1] = digits[out[i] & 15];
	}
	hex[2 * bytes] = '\0';
	OPENSSL_cleanse(out, sizeof(out));
	return 0;
}

static struct wire_text of(const char *s)
{
	return (struct wire_text){s, strlen(s)};
}

int digest_ha1(enum digest_algorithm a, const char *user, const char *realm, const char *password,
	       char ret_hex[DIGEST_HEX_BYTES])
{
	const struct wire_text parts[] = {of(user), of(":"), of(realm), of(":"), of(password)};

	return hash(a, parts, sizeof(parts) / sizeof(parts[0]), ret_hex);
}

int digest_response(enum digest_algorithm a, const char *ha1, const struct digest_input *in,
		    char ret_hex[DIGEST_HEX_BYTES])
{
	const struct wire_text request[] = {in->method, of(":"), in->uri};
	struct wire_text parts[11];
	char ha2[DIGEST_HEX_BYTES];
	size_t n = 0;
	int err = hash(a, request, 3, ha2);

	if (err)
		return err;
	parts[n++] = of(ha1);
	parts[n++] = of(":");
	parts[n++] = in->nonce;
	parts[n++] = of(":");
	if (in->nc.s) {
		parts[n++] = in->nc;
		parts[n++] = of(":");
		parts[n++] = in->cnonce;
		parts[n++] = of(":auth:");
	}
	parts[n++] = of(ha2);
	return hash(a, parts, n, ret_hex);
}

bool digest_equal(struct wire_text received, const char *hex)
{
	char lower[DIGEST_HEX_BYTES];
	size_t n = strlen(hex);

	if (received.n != n || n >= sizeof(lower))
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = received.s[i];

		lower[i] = (char)(c >= 'A' && c <= 'F' ? c + 32 : c);
	}
	return CRYPTO_memcmp(lower, hex, n) == 0;
}

/* ---- writing ---- */

static void print_nc(uint32_t nc, char text[9])
{
	for (int i = 7; i >= 0; i--, nc >>= 4)
		text[i] = "0123456789abcdef"[nc & 15];
	text[8] = '\0';
}

int digest_write_answer(const struct digest_answer *a, struct wire_out *o)
{
	char cnonce[DIGEST_CNONCE_BYTES], nc[9], response[DIGEST_HEX_BYTES], value[5 * 1024];
	struct digest_input in = {.method = of(a->method), .uri = of(a->uri), .nonce = a->nonce};
	struct text_out t;
	int err;

	wire_random_token(cnonce, sizeof(cnonce), 128);
	print_nc(a->nc, nc);
	if (a->nc) {
		in.nc = of(nc);
		in.cnonce = of(cnonce);
	}
	err = digest_response(a->algorithm, a->ha1, &in, response);
	if (err)
		return err;
	text_start(&t, value, sizeof(value));
	text_add(&t, "Digest username=\"");
	text_add(&t, a->user);
	text_add(&t, "\", realm=\"");
	text_add(&t, a->realm);
	text_add(&t, "\", nonce=\"");
	text_add_bytes(&t, a->nonce.s, a->nonce.n);
	text_add(&t, "\", uri=\"");
	text_add(&t, a->uri);
	text_add(&t, "\", response=\"");
	text_add(&t, response);
	text_add(&t, "\", algorithm=");
	text_add(&t, algorithm_names[a->algorithm]);
	if (a->nc) {
		text_add(&t, ", cnonce=\"");
		text_add(&t, cnonce);
		text_add(&t, "\", qop=auth, nc=");
		text_add(&t, nc);
	}
	if (a->opaque.s) {
		text_add(&t, ", opaque=\"");
		text_add_bytes(&t, a->opaque.s, a->opaque.n);
		text_add(&t, "\"");
	}
	if (t.len_bytes + 1 >= sizeof(value))
		o->err = o->err ? o->err : -EMSGSIZE;
	wire_out_header_text(o, a->header, (struct wire_text){value, t.len_bytes});
	return 0;
}

void digest_write_challenge(enum digest_algorithm a, const char *realm, const char *nonce,
			    bool stale, struct wire_out *o)
{
	wire_out_header(o, "WWW-Authenticate",
			"Digest realm=\"%s\", nonce=\"%s\", qop=\"auth\", algorithm=%s%s", realm,
			nonce, algorithm_names[a], stale ? ", stale=true" : "");
}
