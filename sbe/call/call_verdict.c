/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_verdict - says in words how a call's media is doing, and why one direction is silent.
 *
 * Follows a packet's way from one side to the other and stops where packets stop: far end, network,
 * source filter, checks, the other side's gate, its address. Words are those of the dbe's gate show.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "sbe/call/call_media.h"
#include "sbe/call/call_object.h"
#include "sbe/call/call_verdict.h"
#include "sbe/sdp/body_sdp.h"

/* Longer than any pause of a live stream without silence suppression. */
#define SILENT_MS 3000U
#define LOSS_PERCENT 5U /* from here on speech suffers audibly */

enum way_state {
	WAY_FLOWS,
	WAY_POOR,   /* flows, with much lost or dropped */
	WAY_CLOSED, /* not meant to carry media now */
	WAY_YET,    /* nothing so far, but it is too early to say more */
	WAY_SILENT, /* nothing comes in */
	WAY_STUCK   /* comes in and does not go out */
};

/* One direction of one stream. */
struct way {
	const struct call *call;
	const struct call_stream *stream;
	const struct gate_stream *in, *out;
	int from;
	uint64_t age_ms, quiet_ms; /* since it was opened, since the last packet */
};

struct text {
	char *buf;
	size_t size_bytes, len_bytes;
};

static const char *const side_names[] = {"caller", "callee"};

static const char *const drop_causes[GATE_DROPS] = {
	[GATE_DROP_MODE] = "the gate was closed: hold, or signalling had not opened it",
	[GATE_DROP_SOURCE] = "the peer sends from an address it did not signal: NAT without "
			     "latching, or a stranger",
	[GATE_DROP_PAYLOAD] = "its payload types were not negotiated",
	[GATE_DROP_MALFORMED] = "it is not well-formed RTP: another protocol, or a broken sender",
	[GATE_DROP_RATE] = "it is far above the policed rate",
	[GATE_DROP_NO_REMOTE] = "the other side's address is not known, or has not latched yet",
	[GATE_DROP_SEND] = "the dbe's kernel refuses to send it: no route, or a firewall there",
};

static void say(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->buf + t->len_bytes, t->size_bytes - t->len_bytes, format, ap);
	va_end(ap);
	if (n > 0)
		t->len_bytes += (size_t)n;
	if (t->len_bytes >= t->size_bytes)
		t->len_bytes = t->size_bytes - 1;
}

static const struct gate_stream *find(const struct gate_final *f, int side, size_t i)
{
	for (size_t k = 0; k < f->terminations[side].nstreams; k++) {
		if (f->terminations[side].streams[k].id == i + 1)
			return &f->terminations[side].streams[k];
	}
	return NULL;
}

const struct gate_stream *call_verdict_stream(const struct gate_final *final, int side, size_t i)
{
	return final && final->nterminations == 2 ? find(final, side, i) : NULL;
}

static unsigned long long count(uint64_t n)
{
	return n;
}

static double seconds(uint64_t ms)
{
	return (double)ms / 1000;
}

static uint64_t dropped(const struct gate_statistics *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < GATE_DROPS; i++)
		sum += s->drops[i];
	return sum;
}

static int worst(const struct gate_statistics *s)
{
	int at = 0;

	for (int i = 1; i < GATE_DROPS; i++) {
		if (s->drops[i] > s->drops[at])
			at = i;
	}
	return at;
}

/* ---- closed by mode ---- */

/* A termination's mode is seen from outside: what receives takes what its side sends. */
static bool is_open(const struct way *w)
{
	return (w->in->mode == GATE_RECVONLY || w->in->mode == GATE_SENDRECV) &&
	       (w->out->mode == GATE_SENDONLY || w->out->mode == GATE_SENDRECV);
}

static const char *direction_name(uint8_t d)
{
	static const char *const names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

	return names[d & 3];
}

static void say_closed(const struct way *w, struct text *t)
{
	const struct call_stream *s = w->stream;
	const uint64_t drops = w->in->statistics.drops[GATE_DROP_MODE];
	int by = s->direction[w->from] & BODY_SENDONLY ? 1 - w->from : w->from;

	if (!(s->direction[w->from] & BODY_SENDONLY) ||
	    !(s->direction[1 - w->from] & BODY_RECVONLY))
		say(t, "closed, not meant to carry media now: the %s said %s (hold)",
		    side_names[by], direction_name(s->direction[by]));
	else
		say(t, "closed: signalling has not opened it");
	if (drops)
		say(t, "; %llu packets that came all the same were dropped (mode)", count(drops));
	say(t, ".");
}

/* ---- open, and nothing gets through ---- */

static void say_where_from(const struct way *w, struct text *t)
{
	const struct addr *a = &w->stream->remote_rtp[w->from];
	char text[ADDR_TEXT_BYTES];

	/* Who latches may send from anywhere in its prefix. */
	if (!a->family || w->in->source == GATE_SOURCE_LATCH || w->in->source == GATE_SOURCE_ANY)
		say(t, "the %s", side_names[w->from]);
	else
		say(t, "%s", addr_print(a, text, sizeof(text)));
}

static void say_strays(const struct way *w, struct text *t)
{
	const struct addr *a = &w->stream->stray[w->from];
	const uint64_t n = w->in->statistics.drops[GATE_DROP_SOURCE];
	char text[ADDR_TEXT_BYTES];

	say(t, "%llu packets came from another address", count(n));
	if (a->family)
		say(t, ", %s,", addr_print(a, text, sizeof(text)));
	say(t, " (dropped as source)");
}

static void say_refused(const struct way *w, struct text *t)
{
	const struct gate_statistics *s = &w->in->statistics;
	int why = worst(s);

	if (why == GATE_DROP_SOURCE)
		say_strays(w, t);
	else
		say(t, "%llu packets were dropped as %s", count(s->drops[why]),
		    gate_drop_name(why));
	say(t, ": %s.", drop_causes[why]);
}

static enum way_state say_nothing_in(const struct way *w, struct text *t)
{
	const uint64_t answered_ms = w->call->answer_ms ? clock_now_ms() - w->call->answer_ms : 0;
	const struct gate_statistics *s = &w->in->statistics;
	bool refused = dropped(s) > 0;

	if (dropped(s) == s->drops[GATE_DROP_MODE] && answered_ms < SILENT_MS) {
		say(t, "nothing has arrived yet.");
		return WAY_YET;
	}
	say(t, "nothing %s from ",
	    refused && worst(s) != GATE_DROP_SOURCE ? "acceptable arrives" : "arrives");
	say_where_from(w, t);
	say(t, " since the call began (%.1f s)", seconds(w->age_ms));
	if (refused) {
		say(t, "; ");
		say_refused(w, t);
	} else {
		say(t, ": it does not send, sends elsewhere, or a firewall is between.");
	}
	return WAY_SILENT;
}

static enum way_state say_stopped(const struct way *w, struct text *t)
{
	const struct gate_statistics *s = &w->in->statistics;

	say(t, "silent for %.1f s: media came (%llu packets) and stopped; ", seconds(w->quiet_ms),
	    count(s->packets_in));
	if (s->drops[GATE_DROP_SOURCE] && worst(s) == GATE_DROP_SOURCE)
		say_refused(w, t);
	else
		say(t, "the far end holds, moved, or is gone.");
	return WAY_SILENT;
}

static enum way_state say_flows(const struct way *w, struct text *t)
{
	const struct gate_statistics *s = &w->in->statistics;
	uint64_t expected = s->packets_in + s->lost, others = 0;
	enum way_state state = WAY_FLOWS;
	int why = worst(s);

	/* What came before the gate was opened, or from strangers, is no fault of the stream. */
	if (why != GATE_DROP_MODE && why != GATE_DROP_SOURCE)
		others = s->drops[why];
	say(t, "%llu packets", count(s->packets_in));
	if (s->lost * 100 > expected * LOSS_PERCENT) {
		say(t, ", but %.1f %% were lost on the way to the dbe",
		    (double)s->lost * 100 / (double)expected);
		state = WAY_POOR;
	}
	if (others * 100 > expected * LOSS_PERCENT) {
		say(t, ", but %llu more were dropped as %s: %s", count(others), gate_drop_name(why),
		    drop_causes[why]);
		state = WAY_POOR;
	}
	if (state == WAY_FLOWS)
		say(t, ", ok");
	if (s->drops[GATE_DROP_SOURCE]) {
		say(t, "; ");
		say_strays(w, t);
	}
	say(t, ".");
	return state;
}

/* ---- one direction, and all ---- */

static enum way_state say_way(const struct way *w, struct text *t)
{
	const struct gate_statistics *s = &w->in->statistics;

	if (!is_open(w)) {
		say_closed(w, t);
		return WAY_CLOSED;
	}
	if (!s->packets_in)
		return say_nothing_in(w, t);
	if (w->quiet_ms >= SILENT_MS)
		return say_stopped(w, t);
	if (w->out->statistics.packets_out)
		return say_flows(w, t);
	say(t, "%llu packets come in but do not go out; ", count(s->packets_in));
	if (dropped(s))
		say(t, "they are dropped as %s: %s.", gate_drop_name(worst(s)),
		    drop_causes[worst(s)]);
	else
		say(t, "the dbe does not say why.");
	return WAY_STUCK;
}

/* What all streams together are for each direction, the best of them. */
struct summary {
	unsigned flows[2], silent[2], stuck[2];
};

static void say_summary(const struct summary *m, struct text *t)
{
	bool dead[2];

	for (int from = 0; from < 2; from++)
		dead[from] = !m->flows[from] && (m->silent[from] || m->stuck[from]);
	if (dead[0] && dead[1] && !m->stuck[0] && !m->stuck[1])
		say(t, "No media arrives from either side.\n");
	else if (dead[0] && dead[1])
		say(t, "No media gets through in either direction.\n");
	for (int from = 0; from < 2 && !(dead[0] && dead[1]); from++) {
		if (!dead[from])
			continue;
		/* On hold one direction is all there is. */
		say(t, "%s", m->flows[1 - from] ? "One-way audio: " : "");
		if (m->silent[from])
			say(t, "%s media arrives from the %s.\n", m->flows[1 - from] ? "no" : "No",
			    side_names[from]);
		else
			say(t, "%s media of the %s does not go on to the %s.\n",
			    m->flows[1 - from] ? "the" : "The", side_names[from],
			    side_names[1 - from]);
	}
}

static void take_way(struct summary *m, enum way_state state, int from)
{
	m->flows[from] += state == WAY_FLOWS || state == WAY_POOR;
	m->silent[from] += state == WAY_SILENT;
	m->stuck[from] += state == WAY_STUCK;
}

static void say_stream(const struct call *call, size_t i, const struct gate_final *final,
		       struct summary *m, struct text *t)
{
	const struct call_stream *s = &call->streams[i];
	const uint64_t age_ms = s->opened_ms ? clock_now_ms() - s->opened_ms : 0;

	if (!s->active) {
		say(t, "Stream %zu is not in use.\n", i + 1);
		return;
	}
	for (int from = 0; from < 2; from++) {
		struct way w = {.call = call, .stream = s, .from = from, .age_ms = age_ms};

		w.in = find(final, from, i);
		w.out = find(final, 1 - from, i);
		if (!w.in || !w.out)
			continue;
		if (w.age_ms > w.in->statistics.last_ms)
			w.quiet_ms = w.age_ms - w.in->statistics.last_ms;
		if (call->nstreams > 1)
			say(t, "Stream %zu, %s to %s: ", i + 1, side_names[from],
			    side_names[1 - from]);
		else
			say(t, "%s to %s: ", from ? "Callee" : "Caller", side_names[1 - from]);
		take_way(m, say_way(&w, t), from);
		say(t, "\n");
	}
}

static void finish_text(struct text *t)
{
	while (t->len_bytes && t->buf[t->len_bytes - 1] == '\n')
		t->buf[--t->len_bytes] = '\0';
}

void call_verdict(const struct call *call, const struct gate_final *final, char *buf,
		  size_t size_bytes)
{
	struct text t = {buf, size_bytes, 0}, ways;
	struct summary m = {{0, 0}, {0, 0}, {0, 0}};
	char lines[CALL_VERDICT_BYTES];

	buf[0] = '\0';
	if (!final || final->nterminations != 2) {
		/* The dbe has told of silence before, even if it says nothing now. */
		for (int side = 0; side < 2; side++)
			take_way(&m, (call->silent >> side) & 1 ? WAY_SILENT : WAY_FLOWS, side);
		say_summary(&m, &t);
		finish_text(&t);
		return;
	}
	lines[0] = '\0';
	ways = (struct text){lines, sizeof(lines), 0};
	for (size_t i = 0; i < call->nstreams; i++)
		say_stream(call, i, final, &m, &ways);
	say_summary(&m, &t);
	say(&t, "%s", lines);
	finish_text(&t);
}
