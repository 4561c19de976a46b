/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_cert - how long our certificates and the revocation lists still hold: looked at every hour, told in the log and in metrics.
 *
 * Owner: static storage. Thread: loop.
 */
#ifndef SBE_APP_CERT_H
#define SBE_APP_CERT_H

#include "common/metric.h"

#define APP_CERT_METRICS(X)                                                                        \
	X(APP_CERT_DAYS, GAUGE, "sbe_certificate_days_left",                                       \
	  "days until the first of our certificates ends; negative = it has")                      \
	X(APP_CERT_EXPIRING, GAUGE, "sbe_certificates_expiring",                                   \
	  "our certificates that end within their alarm_days")                                     \
	X(APP_CERT_CRL_DAYS, GAUGE, "sbe_crl_days_left",                                           \
	  "days until the first revocation list is stale and its far ends are refused")
METRIC_ENUM(app_cert_metrics, APP_CERT_METRICS)

struct app;

/** Look now, and again every hour. Called at the start and after each reload. */
void app_cert_watch(struct app *a);

#endif
