/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_session.h"

#include <assert.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "sbe/call/call_bye.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_refresh.h"
#include "sbe/sip/wire_line.h"

#define INTERVAL_MAX_S 604800U /* a week; what a peer wants beyond that is as good as that */
#define GIVE_UP_MAX_S 32U      /* RFC 4028 10 */

/* ---- what messages say ---- */

static uint32_t seconds(struct wire_text value)
{
	struct wire_text digits = wire_trim(value);
	const char *semicolon = digits.s ? memchr(digits.s, ';', digits.n) : NULL;
	uint32_t n;

	if (semicolon)
		digits.n = (size_t)(semicolon - digits.s);
	if (wire_number(digits, UINT32_MAX, &n))
		return 0;
	return n < INTERVAL_MAX_S ? n : INTERVAL_MAX_S;
}

static uint32_t min_se(const struct wire_msg *m)
{
	struct wire_header h;

	return wire_header_find(m, "min-se", &h) ? seconds(h.value) : 0;
}

/* @return seconds, 0 = the header is not there */
static uint32_t session_expires(const struct wire_msg *m, enum call_refresher *ret_who)
{
	struct wire_text value, params;
	struct wire_header h;
	const char *semicolon;

	*ret_who = CALL_REFRESHER_NONE;
	if (!wire_header_find(m, "session-expires", &h))
		return 0;
	semicolon = memchr(h.value.s, ';', h.value.n);
	if (semicolon) {
		params.s = semicolon + 1;
		params.n = h.value.n - (size_t)(params.s - h.value.s);
		if (wire_param(params, "refresher", &value))
			*ret_who = wire_text_is_nocase(value, "uac")   ? CALL_REFRESHER_UAC
				   : wire_text_is_nocase(value, "uas") ? CALL_REFRESHER_UAS
								       : CALL_REFRESHER_NONE;
	}
	return seconds(h.value);
}

static const struct peer_session_conf *conf_of(const struct leg *leg)
{
	return &leg->peer->conf->session;
}

static bool knows_timer(const struct wire_msg *m)
{
	return wire_has_token(m, "supported", "timer") || wire_has_token(m, "require", "timer");
}

/* ---- the clock ---- */

static void due(void *arg);

static void arm(struct leg *leg)
{
	struct call_session *s = &leg->session;
	uint64_t at_ms = s->give_up_ms, now_ms = clock_now_ms();

	timer_stop(&s->timer);
	if (!at_ms)
		return;
	if (s->we_refresh && s->refresh_ms && s->refresh_ms < at_ms)
		at_ms = s->refresh_ms;
	timer_start(leg->call->core->o.wheel, &s->timer, at_ms > now_ms ? at_ms - now_ms : 0, due,
		    leg);
}

static void due(void *arg)
{
	struct leg *leg = arg;
	struct call_session *s = &leg->session;

	LEG_CHECK(leg);
	if (clock_now_ms() >= s->give_up_ms) {
		metric_add(&call_metrics, CALL_SESSION_EXPIRED, 1);
		call_release_us(leg->call, 408, "session_expired",
				"SIP;cause=408;text=\"session expired\"");
		return;
	}
	s->refresh_ms = 0; /* until this one is answered */
	call_refresh_send(leg);
	arm(leg);
}

void call_session_refresh_in(struct leg *leg, uint64_t delay_ms)
{
	leg->session.refresh_ms = clock_now_ms() + delay_ms;
	arm(leg);
}

static void start(struct leg *leg, uint32_t interval_s, bool we_refresh)
{
	struct call_session *s = &leg->session;
	uint64_t now_ms = clock_now_ms();
	uint32_t spare_s = interval_s / 3 < GIVE_UP_MAX_S ? interval_s / 3 : GIVE_UP_MAX_S;

	s->interval_s = interval_s;
	s->we_refresh = we_refresh;
	s->tries = 0;
	s->refresh_ms = now_ms + (uint64_t)interval_s * 500;
	s->give_up_ms = interval_s ? now_ms + (uint64_t)(interval_s - spare_s) * 1000 : 0;
	arm(leg);
}

void call_session_stop(struct leg *leg)
{
	struct call_session *s = &leg->session;

	timer_stop(&s->timer);
	timer_stop(&s->restore);
	s->give_up_ms = 0;
	if (s->update)
		txn_client_detach(s->update);
	s->update = NULL;
}

void call_session_clear(struct leg *leg)
{
	struct call_session *s = &leg->session;

	call_session_stop(leg);
	mem_unref(s->agreed);
	mem_unref(s->written);
	*s = (struct call_session){0};
}

void call_session_move(struct leg *from, struct leg *to)
{
	uint64_t give_up_ms = from->session.give_up_ms;

	call_session_stop(
		from); /* a refresh under way is as good as lost; the next one is not far */
	call_session_clear(to);
	to->session = from->session;
	from->session = (struct call_session){.knows_timer = false};
	to->session.give_up_ms = give_up_ms;
	if (give_up_ms && to->session.we_refresh && !to->session.refresh_ms)
		to->session.refresh_ms = clock_now_ms();
	arm(to);
}

/* ---- they ask, we answer ---- */

int call_session_check(const struct wire_msg *m, const struct peer_conf *c, char *line,
		       size_t size_bytes)
{
	enum call_refresher who;
	struct wire_party to;
	uint32_t asked_s;
	struct text_out t;

	if (c->session.mode == PEER_TIMER_OFF)
		return 0;
	text_start(&t, line, size_bytes);
	if (!knows_timer(m)) {
		wire_to(m, &to);
		if (c->session.mode != PEER_TIMER_REQUIRE || to.tag.n)
			return 0; /* in a dialog that question has been settled */
		text_add(&t, "Require: timer\r\n");
		return 421;
	}
	asked_s = session_expires(m, &who);
	if (!asked_s || asked_s >= c->session.min_se_s)
		return 0;
	text_add(&t, "Min-SE: ");
	text_add_number(&t, c->session.min_se_s);
	text_add(&t, "\r\n");
	return 422;
}

void call_session_heard(struct leg *leg, const struct wire_msg *m)
{
	struct call_session *s = &leg->session;
	enum call_refresher who;

	s->knows_timer = knows_timer(m);
	s->asked_s = session_expires(m, &who);
	s->asked_min_s = min_se(m);
	s->asked_refresher = (uint8_t)who;
}

static uint32_t granted(const struct call_session *s, const struct peer_session_conf *c)
{
	uint32_t se_s = c->se_s;

	if (c->mode == PEER_TIMER_OFF || (!s->knows_timer && !s->asked_s))
		return 0;
	if (s->asked_s && s->asked_s < se_s)
		se_s = s->asked_s;
	if (se_s < s->asked_min_s)
		se_s = s->asked_min_s;
	/* Below our own minimum only when it is no request of theirs: some proxy between us put it there. */
	return se_s < c->min_se_s ? c->min_se_s : se_s;
}

/* RFC 4028 9, table 2: who cannot, does not; who was named, does; the rest is our choice. */
static bool they_refresh(const struct call_session *s, const struct peer_session_conf *c)
{
	if (!s->knows_timer)
		return false;
	if (s->asked_refresher != CALL_REFRESHER_NONE)
		return s->asked_refresher == CALL_REFRESHER_UAC;
	if (s->interval_s)
		return !s->we_refresh; /* as it was */
	return c->refresher != PEER_REFRESHER_US;
}

static void write_expires(struct wire_out *o, uint32_t se_s, const char *refresher)
{
	char text[CALL_SESSION_LINE_BYTES];
	struct text_out t;

	text_start(&t, text, sizeof(text));
	text_add_number(&t, se_s);
	text_add(&t, refresher);
	wire_out_header_text(o, "Session-Expires", (struct wire_text){text, t.len_bytes});
}

void call_session_grant(struct leg *leg, struct wire_out *o)
{
	struct call_session *s = &leg->session;
	uint32_t se_s = granted(s, conf_of(leg));
	bool they = they_refresh(s, conf_of(leg));

	if (se_s)
		write_expires(o, se_s, they ? ";refresher=uac" : ";refresher=uas");
	if (se_s && they)
		wire_out_header_text(o, "Require", WIRE_TEXT("timer"));
	start(leg, se_s, !they);
}

void call_session_reply(struct leg *leg, const struct txn_server *t, struct wire_out *o)
{
	enum wire_method method = txn_server_method(t);

	if (method == WIRE_INVITE || (method == WIRE_UPDATE && leg->up))
		call_session_grant(leg, o);
}

/* ---- we ask, they answer ---- */

void call_session_ask(const struct leg *leg, struct wire_out *o)
{
	const struct call_session *s = &leg->session;
	const struct peer_session_conf *c = conf_of(leg);
	uint32_t se_s = s->interval_s ? s->interval_s : c->se_s;
	bool we = s->interval_s ? s->we_refresh : c->refresher == PEER_REFRESHER_US;
	bool they = s->interval_s ? !s->we_refresh : c->refresher == PEER_REFRESHER_THEM;
	uint32_t min_s = s->min_s > c->min_se_s ? s->min_s : c->min_se_s;
	char text[CALL_SESSION_LINE_BYTES];
	struct text_out t;

	if (c->mode == PEER_TIMER_OFF)
		return;
	/* Who cannot refresh is not asked to. Before its first answer we do not know. */
	they = they && (s->knows_timer || !s->interval_s);
	write_expires(o, se_s < min_s ? min_s : se_s,
		      they ? ";refresher=uas"
		      : we ? ";refresher=uac"
			   : "");
	if (c->mode == PEER_TIMER_REQUIRE)
		wire_out_header_text(o, "Require", WIRE_TEXT("timer"));
	if (min_s <= PEER_MIN_SE_S)
		return; /* the default of the header */
	text_start(&t, text, sizeof(text));
	text_add_number(&t, min_s);
	wire_out_header_text(o, "Min-SE", (struct wire_text){text, t.len_bytes});
}

void call_session_granted(struct leg *leg, const struct wire_msg *m)
{
	struct call_session *s = &leg->session;
	const struct peer_session_conf *c = conf_of(leg);
	enum call_refresher who;
	uint32_t se_s = session_expires(m, &who);

	if (c->mode == PEER_TIMER_OFF) {
		start(leg, 0, false);
		return;
	}
	if (!se_s) {
		/* Nobody there knows timers. Where one was agreed the call has it all the same: we refresh. */
		s->knows_timer = false;
		start(leg, c->mode == PEER_TIMER_REQUIRE ? c->se_s : 0, true);
		return;
	}
	s->knows_timer = true;
	start(leg, se_s < PEER_MIN_SE_S ? PEER_MIN_SE_S : se_s, who != CALL_REFRESHER_UAS);
}

bool call_session_again(struct leg *leg, const struct wire_msg *m)
{
	struct call_session *s = &leg->session;
	uint32_t told_s = min_se(m);

	if (wire_status(m) != 422 || conf_of(leg)->mode == PEER_TIMER_OFF ||
	    s->tries >= CALL_SESSION_TRIES || told_s <= s->min_s)
		return false;
	s->tries++;
	s->min_s = told_s;
	return true;
}
