/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_dns - the cache and the way to the name servers, put together.
 */
#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "sbe/app_private.h"

static void on_packet(void *arg, uint64_t ticket, int err, const uint8_t *packet, size_t len_bytes)
{
	struct app *a = arg;

	dns_take(a->dns, ticket, err, packet, len_bytes);
}

int app_dns_start(struct app *a)
{
	const struct sbe_conf *c = &a->snapshot->conf;
	struct dns_ares_options way = {.loop = &a->loop,
				       .wheel = a->wheel,
				       .servers = c->dns.servers.items,
				       .nservers = c->dns.servers.n,
				       .try_ms = c->dns.try_ms,
				       .tries = c->dns.tries,
				       .fn = on_packet,
				       .arg = a};
	struct dns_options o = {.wheel = a->wheel,
				.entries_max = c->dns.entries_max,
				.stale_s = c->dns.stale_s ? c->dns.stale_s : UINT32_MAX};
	int err = dns_ares_new(&way, &a->ares);

	if (!err) {
		o.io = (struct dns_io){dns_ares_ask, a->ares};
		err = dns_new(&o, &a->dns);
	}
	if (err)
		LOG_ERROR(APP_LOG, "dns: %s", strerror(-err));
	return err;
}

void app_dns_stop(struct app *a)
{
	dns_ares_free(a->ares);
	dns_free(a->dns);
	a->ares = NULL;
	a->dns = NULL;
}
