/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keylog - loaded before the daemons by tests only: writes the secrets of their TLS connections to $SPEER_KEYLOG, so that a test
 * can read what it captured. The daemons themselves have no such thing. Thread: any.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef void (*keylog_cb)(const SSL *ssl, const char *line);
extern void SSL_CTX_set_keylog_callback(SSL_CTX *ctx, keylog_cb cb);
SSL *SSL_new(SSL_CTX *ctx);

static void write_line(const SSL *ssl, const char *line)
{
	struct iovec v[2] = {{.iov_base = (void *)line, .iov_len = strlen(line)},
			     {.iov_base = "\n", .iov_len = 1}};
	int fd = open(getenv("SPEER_KEYLOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	(void)ssl;
	if (fd < 0)
		return;
	if (writev(fd, v, 2) < 0)
		abort();
	close(fd);
}

SSL *SSL_new(SSL_CTX *ctx)
{
	SSL *(*real)(SSL_CTX *) = (SSL * (*)(SSL_CTX *)) dlsym(RTLD_NEXT, "SSL_new");

	if (getenv("SPEER_KEYLOG"))
		SSL_CTX_set_keylog_callback(ctx, write_line);
	return real(ctx);
}
