/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peer/peer_auth.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIELD(member, name) .key = name, .offset = offsetof(struct peer_auth_conf, member)
#define WORD_MAX_BYTES 128

const struct conf_field peer_auth_fields[] = {
	{FIELD(realm, "realm"), .type = CONF_STRING, .required = true, .min = 1,
	 .max = WORD_MAX_BYTES,
	 .text = "Digest realm we have credentials for; a challenge with another one is not answered."},
	{FIELD(user, "user"), .type = CONF_STRING, .required = true, .min = 1,
	 .max = WORD_MAX_BYTES, .text = "User name in that realm, ours and the peer's."},
	{FIELD(password_file, "password_file"), .type = CONF_STRING, .required = true, .min = 1,
	 .max = PATH_MAX - 1,
	 .text = "File whose only line is the password; mode 0600 or stricter, relative to this file."},
	{FIELD(challenge, "challenge"), .type = CONF_BOOL, .def = "false",
	 .text = "Challenge each request of the peer with 401 and take none without credentials."},
	{FIELD(algorithms, "algorithms"), .type = CONF_STRINGS, .max = DIGEST_ALGORITHMS,
	 .text = "Digest algorithms that may be used: SHA-256 and MD5; absent = SHA-256 only."},
	{FIELD(clear, "clear"), .type = CONF_BOOL, .def = "false",
	 .text = "Use Digest over UDP and TCP too, where passwords can be guessed from what is heard."},
	CONF_END,
};

/* It goes between quotes, and into HA1 between colons. */
static bool is_word(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f || *s == '"' || *s == '\\')
			return false;
	}
	return true;
}

int peer_auth_check(struct conf_reader *r, void *object)
{
	const struct peer_auth_conf *a = object;
	const char *const *names = a->algorithms.items;
	enum digest_algorithm algorithm, other;
	char at[40];

	if (!is_word(a->realm))
		return conf_fail(r, "realm", "may not contain quotes or backslashes");
	if (!is_word(a->user) || strchr(a->user, ':'))
		return conf_fail(r, "user", "may not contain quotes, backslashes or colons");
	for (size_t i = 0; i < a->algorithms.n; i++) {
		snprintf(at, sizeof(at), "algorithms[%zu]", i);
		if (digest_algorithm_of((struct wire_text){names[i], strlen(names[i])}, &algorithm))
			return conf_fail(r, at, "must be \"SHA-256\" or \"MD5\", not \"%.40s\"",
					 names[i]);
		for (size_t k = 0; k < i; k++) {
			digest_algorithm_of((struct wire_text){names[k], strlen(names[k])}, &other);
			if (other == algorithm)
				return conf_fail(r, at, "is listed twice");
		}
	}
	return 0;
}

/* ---- the password ---- */

int peer_auth_set(struct peer_auth_conf *a, const char *password)
{
	const char *const *names = a->algorithms.items;
	enum digest_algorithm algorithm;
	int err = 0;

	a->allowed = a->algorithms.n ? 0 : 1U << DIGEST_SHA256;
	for (size_t i = 0; i < a->algorithms.n; i++) {
		if (!digest_algorithm_of((struct wire_text){names[i], strlen(names[i])},
					 &algorithm))
			a->allowed |= (uint8_t)(1U << algorithm);
	}
	for (int i = 0; !err && i < DIGEST_ALGORITHMS; i++) {
		if (a->allowed >> i & 1)
			err = digest_ha1((enum digest_algorithm)i, a->user, a->realm, password,
					 a->ha1[i]);
	}
	a->ready = !err;
	return err;
}

static int say(char *why, size_t why_bytes, const char *path, const char *text)
{
	snprintf(why, why_bytes, "%.200s: %s", path, text);
	return -EINVAL;
}

/* Also told by what it is not: a pipe would hold us up, a directory says nothing. */
static int check_file(int fd, const char *path, char *why, size_t why_bytes)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return say(why, why_bytes, path, "is not a regular file");
	if (st.st_mode & 077)
		return say(why, why_bytes, path,
			   "may be read or written by others than its owner: set mode 0600");
	if (st.st_size > (off_t)PEER_AUTH_PASSWORD_MAX_BYTES)
		return say(why, why_bytes, path, "is too long for a password of 255 bytes");
	return 0;
}

static int read_all(int fd, char *buf, size_t size, size_t *ret_bytes)
{
	size_t n = 0;
	ssize_t k = 1;

	while (k > 0 && n < size) {
		k = read(fd, buf + n, size - n);
		if (k < 0 && errno != EINTR)
			return -errno;
		n += k > 0 ? (size_t)k : 0;
		k = k < 0 ? 1 : k;
	}
	*ret_bytes = n;
	return 0;
}

static int take_password(struct peer_auth_conf *a, char *text, size_t n, const char *path,
			 char *why, size_t why_bytes)
{
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	text[n] = '\0';
	if (!n)
		return say(why, why_bytes, path, "is empty");
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return say(why, why_bytes, path,
				   "must be one line without control characters");
	}
	if (peer_auth_set(a, text))
		return say(why, why_bytes, path, "this OpenSSL refuses one of the algorithms");
	return 0;
}

static int full_path(const char *name, const char *conf_path, char *path, size_t size)
{
	const char *slash = conf_path ? strrchr(conf_path, '/') : NULL;
	int n;

	if (*name == '/' || !slash)
		n = snprintf(path, size, "%s", name);
	else
		n = snprintf(path, size, "%.*s/%s", (int)(slash - conf_path), conf_path, name);
	return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

int peer_auth_load(struct peer_auth_conf *a, const char *conf_path, char *why, size_t why_bytes)
{
	char path[PATH_MAX], text[PEER_AUTH_PASSWORD_MAX_BYTES + 2];
	size_t n = 0;
	int fd, err;

	why[0] = '\0';
	err = full_path(a->password_file, conf_path, path, sizeof(path));
	if (err)
		return say(why, why_bytes, a->password_file, strerror(-err));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return say(why, why_bytes, path, strerror(errno));
	err = check_file(fd, path, why, why_bytes);
	if (!err)
		err = read_all(fd, text, sizeof(text) - 1, &n);
	if (!err)
		err = take_password(a, text, n, path, why, why_bytes);
	if (err && !why[0])
		say(why, why_bytes, path, strerror(-err));
	close(fd);
	OPENSSL_cleanse(text, sizeof(text));
	return err;
}

bool peer_auth_allows(const struct peer_auth_conf *a, enum digest_algorithm algorithm)
{
	return a->ready && a->allowed >> algorithm & 1;
}
