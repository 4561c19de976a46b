/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/web/web.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "common/mem.h"

#define CONNECTIONS_PER_HOST 8L
#define CONNECTIONS_MAX 64L

struct web_get {
	struct web *web;
	CURL *easy;
	web_response_h *fn;
	void *arg;
	bool too_large;
	char why[CURL_ERROR_SIZE];
	size_t body_bytes;
	char body[WEB_BODY_MAX + 1];
	LIST_ENTRY(web_get) link;
};
struct web {
	uv_loop_t *loop;
	uv_timer_t timer;
	CURLM *multi;
	LIST_HEAD(, web_get) under_way;
	size_t nunder_way;
};
struct poll {
	uv_poll_t uv;
	struct web *web; /* NULL = it is over */
	curl_socket_t fd;
};

/* ---- results ---- */

static void get_free(struct web_get *g)
{
	LIST_REMOVE(g, link);
	g->web->nunder_way--;
	curl_multi_remove_handle(g->web->multi, g->easy);
	curl_easy_cleanup(g->easy);
	mem_unref(g);
}

void web_cancel(struct web_get *g)
{
	if (g)
		get_free(g);
}

static int error_of(const struct web_get *g, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return -ECONNREFUSED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CRL_BADFILE:
		return -EACCES;
	default:
		return g->too_large ? -EMSGSIZE : -EREMOTEIO;
	}
}

static void tell(struct web_get *g, CURLcode code)
{
	struct web_response r = {.err = error_of(g, code), .body = g->body};
	web_response_h *fn = g->fn;
	void *arg = g->arg;
	long status = 0;

	curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
	r.status = (int)status;
	r.body_bytes = g->body_bytes;
	g->body[g->body_bytes] = '\0';
	r.why = g->too_large ? "the answer is too large"
		: g->why[0]  ? g->why
			     : curl_easy_strerror(code);
	mem_ref(g);
	get_free(g);
	fn(arg, &r);
	mem_unref(g);
}

static void tell_all(struct web *w)
{
	CURLMsg *m;
	int left;

	mem_ref(w);
	while (w->multi && (m = curl_multi_info_read(w->multi, &left))) {
		struct web_get *g = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&g);
		tell(g, m->data.result);
	}
	mem_unref(w);
}

/* ---- the loop ---- */

static void act(struct web *w, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(w->multi, fd, what, &running);
	tell_all(w);
}

static void on_timer(uv_timer_t *t)
{
	act(t->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
	struct poll *p = uv->data;
	int what = status < 0 ? CURL_CSELECT_ERR : 0;

	if (!p->web)
		return;
	what |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
	what |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
	act(p->web, p->fd, what);
}

static int want_timer(CURLM *multi, long ms, void *arg)
{
	struct web *w = arg;

	(void)multi;
	if (ms < 0)
		uv_timer_stop(&w->timer);
	else
		uv_timer_start(&w->timer, on_timer, (uint64_t)ms, 0);
	return 0;
}

static void poll_closed(uv_handle_t *h)
{
	mem_unref(h->data);
}

static void poll_end(struct poll *p)
{
	p->web = NULL;
	uv_poll_stop(&p->uv);
	uv_close((uv_handle_t *)&p->uv, poll_closed);
}

static struct poll *poll_new(struct web *w, curl_socket_t fd)
{
	struct poll *p = mem_zalloc(sizeof(*p), NULL);

	if (!p)
		return NULL;
	p->web = w;
	p->fd = fd;
	p->uv.data = p;
	if (uv_poll_init_socket(w->loop, &p->uv, fd))
		return mem_unref(p);
	curl_multi_assign(w->multi, fd, p);
	return p;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct poll *p = socket_arg;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (p)
			poll_end(p);
		return 0;
	}
	if (!p)
		p = poll_new(arg, fd);
	if (!p)
		return -1;
	return uv_poll_start(&p->uv,
			     (what & CURL_POLL_IN ? UV_READABLE : 0) |
				     (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
			     on_poll)
		       ? -1
		       : 0;
}

/* ---- life ---- */

static void timer_closed(uv_handle_t *h)
{
	mem_unref(h->data);
}

int web_new(uv_loop_t *loop, struct web **ret_web)
{
	static bool ready;
	struct web *w;

	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	ready = true;
	w = mem_zalloc(sizeof(*w), NULL);
	if (!w)
		return -ENOMEM;
	w->multi = curl_multi_init();
	if (!w->multi) {
		mem_unref(w);
		return -ENOMEM;
	}
	w->loop = loop;
	LIST_INIT(&w->under_way);
	uv_timer_init(loop, &w->timer);
	w->timer.data = w;
	curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
	curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
	curl_multi_setopt(w->multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_PER_HOST);
	curl_multi_setopt(w->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
	*ret_web = w;
	return 0;
}

void web_free(struct web *w)
{
	if (!w)
		return;
	while (!LIST_EMPTY(&w->under_way))
		get_free(LIST_FIRST(&w->under_way));
	curl_multi_cleanup(w->multi); /* closes what is kept open, and with it our polls */
	w->multi = NULL;
	uv_close((uv_handle_t *)&w->timer, timer_closed);
}

size_t web_under_way(const struct web *w)
{
	return w->nunder_way;
}

/* ---- asking ---- */

static size_t take(char *data, size_t one, size_t n, void *arg)
{
	struct web_get *g = arg;

	if (n * one > WEB_BODY_MAX - g->body_bytes) {
		g->too_large = true;
		return 0; /* ends the transfer */
	}
	memcpy(g->body + g->body_bytes, data, n * one);
	g->body_bytes += n * one;
	return n * one;
}

static void set_tls(CURL *e, const struct web_question *q)
{
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL); /* never the system's store */
	curl_easy_setopt(e, CURLOPT_CAINFO, q->trust_file);
	if (q->crl_file)
		curl_easy_setopt(e, CURLOPT_CRLFILE, q->crl_file);
	if (q->certificate_file) {
		curl_easy_setopt(e, CURLOPT_SSLCERT, q->certificate_file);
		curl_easy_setopt(e, CURLOPT_SSLKEY, q->key_file);
	}
}

static void set_all(struct web_get *g, const struct web_question *q)
{
	CURL *e = g->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, g);
	curl_easy_setopt(e, CURLOPT_URL, q->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, q->clear ? "http,https" : "https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* no waiting for a resolver that hangs */
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)q->timeout_ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)q->timeout_ms);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, g);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, g->why);
	set_tls(e, q);
}

int web_get(struct web *w, const struct web_question *q, struct web_get **ret_get)
{
	bool secure = !strncasecmp(q->url, "https://", 8);
	struct web_get *g;

	if (strlen(q->url) > WEB_URL_MAX ||
	    (!secure && (!q->clear || strncasecmp(q->url, "http://", 7) != 0)) ||
	    (secure && !q->trust_file))
		return -EINVAL;
	if (w->nunder_way >= WEB_UNDER_WAY_MAX)
		return -EBUSY;
	g = mem_zalloc(sizeof(*g), NULL);
	if (!g)
		return -ENOMEM;
	g->easy = curl_easy_init();
	if (!g->easy) {
		mem_unref(g);
		return -ENOMEM;
	}
	g->web = w;
	g->fn = q->fn;
	g->arg = q->arg;
	set_all(g, q);
	if (curl_multi_add_handle(w->multi, g->easy)) {
		curl_easy_cleanup(g->easy);
		mem_unref(g);
		return -ENOMEM;
	}
	LIST_INSERT_HEAD(&w->under_way, g, link);
	w->nunder_way++;
	*ret_get = g;
	return 0;
}

const char *web_escape(const char *text, char *buf, size_t size_bytes)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (n + 4 > size_bytes) {
			n = 0;
			break;
		}
		if (strchr(plain, *p)) {
			buf[n++] = *p;
			continue;
		}
		buf[n++] = '%';
		buf[n++] = hex[c >> 4];
		buf[n++] = hex[c & 15];
	}
	buf[n] = '\0';
	return buf;
}
