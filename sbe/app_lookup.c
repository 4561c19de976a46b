/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_lookup - what lookup servers need of the rest: the way out by HTTPS, by SIP, and who hangs up.
 */
#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "sbe/app_private.h"

static const struct transport_listener *listener(void *arg, const struct peer *p, size_t hop)
{
	struct app *a = arg;

	return transport_find(a->transport, p->conf->realm, p->hops[hop].proto,
			      p->hops[hop].addr.family);
}

static void hang_up(void *arg, const struct wire_msg *m, const struct transport_target *to)
{
	struct app *a = arg;

	call_hang_up(a->calls, m, to);
}

int app_lookup_start(struct app *a)
{
	uint32_t stale_s = a->snapshot->conf.dns.stale_s;
	struct route_luf_options o = {.wheel = a->wheel,
				      .txns = a->txns,
				      .listener = listener,
				      .hang_up = hang_up,
				      .arg = a,
				      .stale_s = stale_s ? stale_s : UINT32_MAX};
	int err = web_new(&a->loop, &a->web);

	if (!err) {
		o.web = a->web;
		err = route_luf_new(&o, &a->luf);
	}
	if (err)
		LOG_ERROR(APP_LOG, "lookup servers: %s", strerror(-err));
	return err;
}

void app_lookup_stop(struct app *a)
{
	route_luf_free(a->luf);
	web_free(a->web);
	a->luf = NULL;
	a->web = NULL;
}
