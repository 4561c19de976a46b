/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/sip/txn_metric.h"

METRIC_TABLE(txn_metrics, TXN_METRICS)

/* txn_metric_method() leans on the order of both. */
_Static_assert(WIRE_INVITE == TXN_REQUEST_IN_INVITE - TXN_REQUEST_IN_OTHER, "order of methods");
_Static_assert(WIRE_ACK == TXN_REQUEST_IN_ACK - TXN_REQUEST_IN_OTHER, "order of methods");
_Static_assert(WIRE_BYE == TXN_REQUEST_IN_BYE - TXN_REQUEST_IN_OTHER, "order of methods");
_Static_assert(WIRE_CANCEL == TXN_REQUEST_IN_CANCEL - TXN_REQUEST_IN_OTHER, "order of methods");
_Static_assert(WIRE_OPTIONS == TXN_REQUEST_IN_OPTIONS - TXN_REQUEST_IN_OTHER, "order of methods");
_Static_assert(WIRE_OPTIONS == TXN_REQUEST_OUT_OPTIONS - TXN_REQUEST_OUT_OTHER, "order of methods");
