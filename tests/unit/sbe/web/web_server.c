/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sbe/web/web_server.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct connection {
	int fd;
	SSL *ssl; /* NULL = clear text */
};

static int get(const struct connection *c, char *buf, int n)
{
	return c->ssl ? SSL_read(c->ssl, buf, n) : (int)read(c->fd, buf, (size_t)n);
}

static void put(const struct connection *c, const char *buf, size_t n)
{
	while (n > 0) {
		int did = c->ssl ? SSL_write(c->ssl, buf, (int)n) : (int)write(c->fd, buf, n);

		if (did <= 0)
			return;
		buf += did;
		n -= (size_t)did;
	}
}

static void serve(struct web_server *s, const struct connection *c)
{
	char head[512];
	size_t n = 0;

	while (n + 1 < sizeof(s->last)) {
		int got = get(c, s->last + n, (int)(sizeof(s->last) - 1 - n));

		if (got <= 0)
			return;
		n += (size_t)got;
		s->last[n] = '\0';
		if (strstr(s->last, "\r\n\r\n"))
			break;
	}
	atomic_fetch_add(&s->requests, 1);
	while (s->mute && !s->stop)
		usleep(5000);
	if (s->stop)
		return;
	snprintf(head, sizeof(head),
		 "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s"
		 "Connection: close\r\n\r\n",
		 s->status, strlen(s->body), s->more ? s->more : "");
	put(c, head, strlen(head));
	put(c, s->body, strlen(s->body));
}

static void accept_one(struct web_server *s)
{
	struct timeval patience = {.tv_sec = 3};
	struct connection c = {.fd = accept(s->fd, NULL, NULL)};

	if (c.fd < 0)
		return;
	atomic_fetch_add(&s->connections, 1);
	setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (s->ctx) {
		c.ssl = SSL_new(s->ctx);
		SSL_set_fd(c.ssl, c.fd);
	}
	if (!c.ssl || SSL_accept(c.ssl) == 1)
		serve(s, &c);
	if (c.ssl) {
		SSL_shutdown(c.ssl);
		SSL_free(c.ssl);
	}
	close(c.fd);
}

static void *run(void *arg)
{
	struct web_server *s = arg;
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	while (!s->stop) {
		if (poll(&p, 1, 20) > 0)
			accept_one(s);
	}
	return NULL;
}

static void make_context(struct web_server *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	assert_non_null(ctx);
	assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, s->certificate_file), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, s->key_file, SSL_FILETYPE_PEM), 1);
	if (s->client_trust_file) {
		assert_int_equal(SSL_CTX_load_verify_locations(ctx, s->client_trust_file, NULL), 1);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	s->ctx = ctx;
}

void web_server_start(struct web_server *s)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);

	signal(SIGPIPE, SIG_IGN);
	s->ctx = NULL;
	s->stop = false;
	if (s->certificate_file)
		make_context(s);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
}

void web_server_stop(struct web_server *s)
{
	s->stop = true;
	pthread_join(s->thread, NULL);
	close(s->fd);
	SSL_CTX_free(s->ctx);
	s->ctx = NULL;
}
