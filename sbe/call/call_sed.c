/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_sed.h"

#include <assert.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_redirect.h"

#define TRY_MIN_MS 100U

const struct route_sed *call_sed_of(const struct call *call)
{
	return call->plan && call->candidate < call->plan->n
		       ? call->plan->candidates[call->candidate].sed
		       : NULL;
}

/* ---- limits ---- */

const char *call_sed_take(struct call *call)
{
	struct route_sed *sed = call->plan->candidates[call->candidate].sed;
	const char *why = NULL;

	call_sed_give(call);
	if (!sed || (!call->urgent && !route_sed_take(sed, clock_now_us(), &why)))
		return why;
	if (!call->urgent)
		call->sed.taken = mem_ref(sed);
	return NULL;
}

void call_sed_give(struct call *call)
{
	route_sed_give(call->sed.taken);
	call->sed.taken = mem_unref(call->sed.taken);
}

/* ---- the request ---- */

bool call_sed_host(const struct call *call, const struct wire_msg *invite, char *buf,
		   size_t size_bytes)
{
	const struct route_sed *sed = call_sed_of(call);
	struct wire_uri uri;

	if (sed && sed->host[0])
		text_copy(buf, size_bytes, sed->host);
	if (!sed || sed->host[0] || !sed->keep_ruri)
		return sed && sed->host[0];
	wire_request_uri(invite, &uri);
	if (!uri.host.n || uri.host.n >= size_bytes)
		return false; /* a tel URI has none */
	wire_text_copy(uri.host, buf, size_bytes);
	return true;
}

/* ---- time ---- */

static uint64_t left_ms(const struct call *call)
{
	uint64_t used = call->sed.first_ms ? clock_now_ms() - call->sed.first_ms : 0;
	uint32_t total = call->plan ? call->plan->failover.total_ms : 0;

	return used < total ? total - used : 0;
}

bool call_sed_has_time(const struct call *call)
{
	return left_ms(call) >= TRY_MIN_MS;
}

uint32_t call_sed_try_ms(struct call *call)
{
	uint32_t try_ms = call->plan ? call->plan->failover.try_ms : 0;
	uint64_t left;

	if (!try_ms)
		try_ms = call->legs[1].peer->conf->try_ms;
	if (!call->plan)
		return try_ms;
	left = left_ms(call);
	return try_ms && try_ms < left ? try_ms : left > TRY_MIN_MS ? (uint32_t)left : TRY_MIN_MS;
}

static void watch(struct call *call);

/* It has said 100 and nothing more. */
static void no_progress(void *arg)
{
	struct call *call = arg;
	struct call_failure f = {
		.status = 408, .cause = "no_progress", .text = "nothing but 100 Trying"};
	uint64_t waited_ms = clock_now_ms() - call->sed.sent_ms;

	CALL_CHECK(call);
	if (call->fsm.state != CALL_TRYING || !call->plan)
		return;
	f.next_hop = call->candidate + 1 < call->plan->n && call_sed_has_time(call);
	if (!f.next_hop && call_sed_has_time(call)) {
		watch(call); /* there is nobody else: it may have all of the time */
		return;
	}
	if (!f.next_hop || waited_ms < call->plan->failover.progress_ms) {
		call_attempt_note(call, 408, f.cause);
		call_release_us(call, 408, f.cause,
				"SIP;cause=408;text=\"nothing but 100 Trying\"");
		return;
	}
	if (call->legs[1].invite)
		txn_client_cancel(call->legs[1].invite, "SIP;cause=408;text=\"no progress\"");
	fsm_event(&call->fsm, CALL_EV_FAILURE, &f);
}

static void watch(struct call *call)
{
	const struct route_failover *f = &call->plan->failover;
	uint64_t left = left_ms(call), waited = clock_now_ms() - call->sed.sent_ms, ms = left;

	if (waited < f->progress_ms && f->progress_ms - waited < left)
		ms = f->progress_ms - waited;
	timer_start(call->core->o.wheel, &call->sed.deadline, ms ? ms : 1, no_progress, call);
}

void call_sed_watch(struct call *call)
{
	call->sed.sent_ms = clock_now_ms();
	if (!call->sed.first_ms)
		call->sed.first_ms = call->sed.sent_ms;
	if (call->plan)
		watch(call);
}

void call_sed_unwatch(struct call *call)
{
	timer_stop(&call->sed.deadline);
}
