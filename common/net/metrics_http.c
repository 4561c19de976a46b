/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_http - three read-only pages.
 *
 * The handler runs on the library's thread. A page comes from malloc, not from mem.h, because the
 * library frees it with free().
 */
#include "common/net/metrics_http.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/metric.h"

#define METRICS_CONNECTIONS_MAX 32
#define METRICS_PER_ADDRESS_MAX 16
#define METRICS_TIMEOUT_S 10
#define METRICS_CONNECTION_BYTES (16U * 1024)
#define METRICS_PAGE_MAX_BYTES (16U * 1024 * 1024)
#define METRICS_PAGE_SPARE_BYTES 1024 /* values may get longer between the two passes */

struct metrics_http {
	struct MHD_Daemon *daemon;
	atomic_bool ready;
	uint16_t port;
};

static enum MHD_Result metrics_http_give(struct MHD_Connection *c, unsigned code, const char *type,
					 struct MHD_Response *r)
{
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_GET);
	result = MHD_queue_response(c, code, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result metrics_http_text(struct MHD_Connection *c, unsigned code, const char *text)
{
	return metrics_http_give(c, code, "text/plain; charset=utf-8",
				 MHD_create_response_from_buffer(strlen(text), (void *)text,
								 MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result metrics_http_page(struct MHD_Connection *c)
{
	struct MHD_Response *r;
	size_t size_bytes = metric_print(NULL, 0) + METRICS_PAGE_SPARE_BYTES, len_bytes;
	char *page = size_bytes <= METRICS_PAGE_MAX_BYTES ? malloc(size_bytes) : NULL;

	if (!page)
		return metrics_http_text(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	len_bytes = metric_print(page, size_bytes);
	if (len_bytes >= size_bytes)
		len_bytes = size_bytes - 1;
	r = MHD_create_response_from_buffer(len_bytes, page, MHD_RESPMEM_MUST_FREE);
	if (!r)
		free(page);
	return metrics_http_give(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", r);
}

static enum MHD_Result metrics_http_on_request(void *arg, struct MHD_Connection *c, const char *url,
					       const char *method, const char *version,
					       const char *body, size_t *body_bytes, void **state)
{
	struct metrics_http *s = arg;

	(void)version;
	(void)body;
	(void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return metrics_http_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	if (*body_bytes)
		return MHD_NO; /* a GET with a body: nobody honest sends that */
	if (strcmp(url, "/metrics") == 0)
		return metrics_http_page(c);
	if (strcmp(url, "/healthz") == 0)
		return metrics_http_text(c, MHD_HTTP_OK, "ok\n");
	if (strcmp(url, "/ready") == 0 && atomic_load(&s->ready))
		return metrics_http_text(c, MHD_HTTP_OK, "ready\n");
	if (strcmp(url, "/ready") == 0)
		return metrics_http_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "not ready\n");
	return metrics_http_text(c, MHD_HTTP_NOT_FOUND, "not found\n");
}

/* We open the socket ourselves: the library does not tell why it could not. */
static int metrics_http_socket(const struct addr *local, int *ret_fd, uint16_t *ret_port)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(local, &sa);
	struct addr bound;
	int fd, on = 1, err;

	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa.ss_family == AF_INET6)
		(void)setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, METRICS_CONNECTIONS_MAX) < 0)
		goto fail;
	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		goto fail;
	err = addr_from_sockaddr((struct sockaddr *)&sa, &bound);
	if (err) {
		close(fd);
		return err;
	}
	*ret_port = bound.port;
	*ret_fd = fd;
	return 0;
fail:
	err = -errno;
	close(fd);
	return err;
}

int metrics_http_start(const struct addr *listen_at, struct metrics_http **ret_server)
{
	struct metrics_http *s;
	int fd = -1, err;

	if (listen_at->family != ADDR_V4 && listen_at->family != ADDR_V6)
		return -EAFNOSUPPORT;
	s = mem_zalloc(sizeof(*s), NULL);
	if (!s)
		return -ENOMEM;
	err = metrics_http_socket(listen_at, &fd, &s->port);
	if (err)
		goto out;
	s->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL |
			(listen_at->family == ADDR_V6 ? MHD_USE_IPv6 : 0),
		0, NULL, NULL, metrics_http_on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)METRICS_CONNECTIONS_MAX,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)METRICS_PER_ADDRESS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)METRICS_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)METRICS_CONNECTION_BYTES,
		MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		err = -ENOMEM;
		goto out;
	}
	*ret_server = s;
	return 0;
out:
	mem_unref(s);
	return err;
}

void metrics_http_set_ready(struct metrics_http *s, bool ready)
{
	atomic_store(&s->ready, ready);
}

uint16_t metrics_http_port(const struct metrics_http *s)
{
	return s->port;
}

struct metrics_http *metrics_http_stop(struct metrics_http *s)
{
	if (!s)
		return NULL;
	MHD_stop_daemon(s->daemon); /* closes the socket, waits for the thread */
	return mem_unref(s);
}
