/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/app_cert.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "sbe/app_private.h"
#include "sbe/conf/sbe_conf_tls.h"

METRIC_TABLE(app_cert_metrics, APP_CERT_METRICS)

#define HOUR_MS (3600U * 1000)
#define DAY_S 86400
#define FAR_DAYS 36500

static int64_t days_until(int64_t s)
{
	int64_t left_s = s - (int64_t)(clock_wall_ms() / 1000);

	return left_s >= 0 ? left_s / DAY_S : -1 - (-left_s - 1) / DAY_S;
}

static const char *print_s(int64_t s, char when[32])
{
	clock_print((uint64_t)s * 1000, when, 32);
	return when;
}

static bool look(const struct sbe_tls_conf *t, const struct tls_context *c, int64_t *days,
		 int64_t *crl_days)
{
	struct tls_info info;
	int64_t d, crl;
	char when[32];

	tlsid_info(c, &info);
	d = days_until(info.not_after_s);
	crl = info.crl_until_s ? days_until(info.crl_until_s) : FAR_DAYS;
	*days = d < *days ? d : *days;
	*crl_days = crl < *crl_days ? crl : *crl_days;
	if (crl < 1)
		LOG_WARN(APP_LOG, "tls %s: a revocation list %s at %s", t->name,
			 crl < 0 ? "has become stale" : "becomes stale",
			 print_s(info.crl_until_s, when));
	if (d >= (int64_t)t->alarm_days)
		return false;
	LOG_WARN(APP_LOG, "tls %s: certificate %s %s at %s, in %lld days", t->name, t->certificate,
		 d < 0 ? "has ended" : "ends", print_s(info.not_after_s, when), (long long)d);
	return true;
}

/* What far ends find in our Via and Contact should be in the certificate they are shown (H10). */
static void check_hosts(const struct app *a)
{
	const struct sbe_conf *c = &a->snapshot->conf;
	const struct sbe_realm_conf *r = c->realms.items;

	for (size_t i = 0; i < c->realms.n && i < a->tls.nrealms; i++) {
		if (a->tls.realms[i] && r[i].advertise &&
		    !tlsid_has_name(a->tls.realms[i], r[i].advertise))
			LOG_WARN(
				APP_LOG,
				"realm %s: \"%s\" is shown in Contact, but its certificate does not "
				"have that name",
				r[i].name, r[i].advertise);
	}
}

static void on_hour(void *arg)
{
	struct app *a = arg;
	const struct sbe_conf *c = &a->snapshot->conf;
	const struct sbe_tls_conf *t = c->tls.items;
	int64_t days = FAR_DAYS, crl_days = FAR_DAYS, expiring = 0;

	for (size_t i = 0; i < c->tls.n && i < SBE_TLS_MAX; i++)
		expiring += look(&t[i], a->tls.sip[i], &days, &crl_days);
	metric_set(&app_cert_metrics, APP_CERT_DAYS, days);
	metric_set(&app_cert_metrics, APP_CERT_CRL_DAYS, crl_days);
	metric_set(&app_cert_metrics, APP_CERT_EXPIRING, expiring);
	timer_start(a->wheel, &a->cert_hour, HOUR_MS, on_hour, a);
}

void app_cert_watch(struct app *a)
{
	metric_register(&app_cert_metrics);
	check_hosts(a);
	on_hour(a);
}
