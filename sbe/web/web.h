/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web - short questions to HTTPS services: libcurl on the loop, never blocking, everything bounded.
 *
 * The server must be who its URL says, vouched for by the given authorities and no others; TLS 1.2 at least; no proxy,
 * no redirection, no cookie. Clear text only if the asker says so. Connections are kept and used again.
 * Owner: the app. Thread: loop. Freed handles live until the loop has run once more.
 */
#ifndef SBE_WEB_WEB_H
#define SBE_WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define WEB_BODY_MAX 16384U
#define WEB_URL_MAX 2000U
#define WEB_UNDER_WAY_MAX 2000U /* more fail at once */

struct web;
struct web_get;

struct web_response {
	int err; /* 0 with a status; -ETIMEDOUT, -EACCES (not the server it should be, or TLS failed),
		      * -EMSGSIZE, -ECONNREFUSED, -EREMOTEIO */
	int status;       /* of HTTP */
	const char *body; /* 0-terminated */
	size_t body_bytes;
	const char *why; /* in words, when err is set */
};
/* r is only there during the call. The question is gone when this returns. */
typedef void(web_response_h)(void *arg, const struct web_response *r);

struct web_question {
	const char *url;
	bool clear;                              /* http:// is fine */
	const char *trust_file;                  /* PEM: who may vouch for the server */
	const char *certificate_file, *key_file; /* PEM: what we show; NULL = nothing */
	const char *crl_file;                    /* PEM; NULL = none */
	uint32_t timeout_ms;                     /* for all of it */
	web_response_h *fn;
	void *arg;
};

/** @return 0, -ENOMEM. */
int web_new(uv_loop_t *loop, struct web **ret_web);
/** What is under way is dropped: no handler runs any more. */
void web_free(struct web *w);

/** GET. fn runs once, from the loop, never from inside. @return 0, -EINVAL (URL), -EBUSY, -ENOMEM: fn does not run then. */
int web_get(struct web *w, const struct web_question *q, struct web_get **ret_get);
/** Whoever asked is gone. NULL is fine. */
void web_cancel(struct web_get *g);

size_t web_under_way(const struct web *w);
/** Escape what must not stand in a query (RFC 3986 2.1). @return buf; "" if it has no room. */
const char *web_escape(const char *text, char *buf, size_t size_bytes);

#endif
