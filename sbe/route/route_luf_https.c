/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_luf_https - a lookup by HTTPS: GET URL?user=...&host=..., answered with a small JSON object.
 *
 * 200 with {"target": "sip:user@host", "route": ["sip:..."], "next_hop": "domain", "ttl_s": n}; 404 = nobody; 401 and 403 =
 * we may not know. Anything else, and any value that is not what it should be, is no answer.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "sbe/dns/dns_record.h"
#include "sbe/route/route_luf_private.h"

#define TTL_MAX_S 86400
#define DEPTH_FLAGS JSON_REJECT_DUPLICATES

/* ---- what it says ---- */

static struct route_luf_answer *nonsense(const char *why)
{
	return luf_answer_new(ROUTE_LUF_FAILED, ROUTE_LUF_ERROR_TTL_S, why);
}

/* @return NULL = it is as it should be */
static const char *read_routes(struct route_luf_answer *a, const json_t *routes)
{
	const json_t *one;
	size_t i;

	if (!routes)
		return NULL;
	if (!json_is_array(routes) || json_array_size(routes) > ROUTE_SET_MAX)
		return "\"route\" is no list of at most 8 sip URIs";
	json_array_foreach(routes, i, one) {
		if (!json_is_string(one) ||
		    luf_take_route(a, json_string_value(one), json_string_length(one)))
			return "\"route\" has what is no sip URI";
	}
	return NULL;
}

static const char *read_object(struct route_luf_answer *a, const json_t *o)
{
	const json_t *target = json_object_get(o, "target"), *next = json_object_get(o, "next_hop"),
		     *ttl = json_object_get(o, "ttl_s");
	const char *why;

	if (!json_is_string(target) ||
	    luf_take_target(a, json_string_value(target), json_string_length(target)))
		return "\"target\" is no sip URI";
	why = read_routes(a, json_object_get(o, "route"));
	if (why)
		return why;
	if (next && (!json_is_string(next) || !dns_name_valid(json_string_value(next)) ||
		     json_string_length(next) >= sizeof(a->next)))
		return "\"next_hop\" is no domain";
	if (next)
		text_copy(a->next, sizeof(a->next), json_string_value(next));
	if (ttl && (!json_is_integer(ttl) || json_integer_value(ttl) < 0 ||
		    json_integer_value(ttl) > TTL_MAX_S))
		return "\"ttl_s\" is no number of seconds of at most a day";
	if (ttl)
		a->ttl_s = (uint32_t)json_integer_value(ttl);
	return NULL;
}

struct route_luf_answer *route_luf_read_json(int status, const char *body, size_t body_bytes)
{
	struct route_luf_answer *a;
	const char *why;
	char text[64];
	json_t *o;

	if (status == 404)
		return luf_answer_new(ROUTE_LUF_NONE, ROUTE_LUF_NEGATIVE_TTL_S, NULL);
	if (status == 401 || status == 403)
		return luf_answer_new(ROUTE_LUF_DENIED, ROUTE_LUF_NEGATIVE_TTL_S, NULL);
	if (status != 200) {
		snprintf(text, sizeof(text), "it answered %d", status);
		return nonsense(text);
	}
	o = json_loadb(body, body_bytes, DEPTH_FLAGS, NULL);
	if (!json_is_object(o)) {
		json_decref(o);
		return nonsense("its answer is no JSON object");
	}
	a = luf_answer_new(ROUTE_LUF_FOUND, ROUTE_LUF_TTL_S, NULL);
	why = a ? read_object(a, o) : NULL;
	json_decref(o);
	if (!why)
		return a;
	mem_unref(a);
	return nonsense(why);
}

/* ---- asking ---- */

static void on_response(void *arg, const struct web_response *r)
{
	struct luf_entry *e = arg;

	e->get = NULL;
	luf_answered(e, r->err ? nonsense(r->why)
			       : route_luf_read_json(r->status, r->body, r->body_bytes));
}

int luf_https_start(struct luf_entry *e, const struct route_luf_question *q)
{
	const struct route_step_conf *s = q->step;
	char url[WEB_URL_MAX + 1], user[3 * ROUTE_USER_BYTES + 4], host[3 * ROUTE_HOST_BYTES + 4];
	struct web_question w = {.url = url,
				 .clear = !s->secure,
				 .trust_file = s->trust_file,
				 .certificate_file = s->certificate_file,
				 .key_file = s->key_file,
				 .crl_file = s->crl_file,
				 .timeout_ms = q->deadline_ms,
				 .fn = on_response,
				 .arg = e};
	int n;

	if (!e->luf->o.web)
		return -ENOTSUP;
	n = snprintf(url, sizeof(url), "%s%cuser=%s&host=%s", s->url,
		     strchr(s->url, '?') ? '&' : '?', web_escape(q->user, user, sizeof(user)),
		     web_escape(q->host, host, sizeof(host)));
	if (n < 0 || (size_t)n >= sizeof(url))
		return -EINVAL;
	return web_get(e->luf->o.web, &w, &e->get);
}
