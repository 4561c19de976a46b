/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_cover - what has happened in all seeds, counted, so that nobody believes an empty run.
 *
 * Rows marked must be more than 0 in a run of at least SIM_COVER_SEEDS seeds, else the run fails.
 * Owner: memory shared by all processes of a run. Thread: each process adds to its own row.
 */
#ifndef TESTS_SIM_SIM_COVER_H
#define TESTS_SIM_SIM_COVER_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_COVER_SEEDS 400

/* id, must be seen, text */
#define SIM_COVER(X)                                                                               \
	X(SEEDS, 1, "seeds")                                                                       \
	X(VIRTUAL_S, 1, "virtual seconds")                                                         \
	X(CALLS, 1, "calls begun")                                                                 \
	X(CALLS_ANSWERED, 1, "calls answered (caller has the 2xx)")                                \
	X(CALLS_FAILED, 1, "calls with a final refusal")                                           \
	X(CALLS_CANCELLED, 1, "CANCEL sent by a caller")                                           \
	X(CLEAN, 1, "calls that nothing was against: all of them were answered")                   \
	X(CALLS_UP_AT_CHECK, 1, "calls up on both sides when all was checked")                     \
	X(MEDIA, 1, "streams that carry media from one peer to the other then")                    \
	X(MEDIA_HELD, 1, "streams that must not, or need not")                                     \
	X(HANGUPS, 1, "BYE sent by a peer")                                                        \
	X(BYE_CROSSED, 1, "BYE from both sides at once")                                           \
	X(LATE_OFFERS, 1, "INVITE without an offer")                                               \
	X(RINGING, 1, "18x sent by a callee")                                                      \
	X(EARLY_MEDIA, 1, "18x with SDP")                                                          \
	X(FORKS, 1, "18x of a second or later fork")                                               \
	X(FORK_2XX, 1, "2xx of a second fork")                                                     \
	X(RELIABLE, 1, "reliable 18x sent by a callee")                                            \
	X(PRACKS, 1, "PRACK sent by a caller")                                                     \
	X(REFUSALS, 1, "3xx to 6xx sent by a callee")                                              \
	X(REDIRECTS, 1, "3xx among them")                                                          \
	X(FOLLOWED, 1, "3xx followed by the sbe")                                                  \
	X(FOLLOWED_UP, 1, "calls answered by where one led")                                       \
	X(CHALLENGES, 1, "401 and 407 among them")                                                 \
	X(UNAVAILABLE, 1, "503 among them")                                                        \
	X(ASKED, 1, "requests of the sbe refused for want of credentials")                         \
	X(CREDENTIALS, 1, "requests of the sbe with credentials, each checked")                    \
	X(MUTE, 1, "callees that never answer")                                                    \
	X(NO_ACK, 1, "2xx left without ACK by a caller")                                           \
	X(REINVITES, 1, "INVITE in a dialog by a peer")                                            \
	X(HOLDS, 1, "among them hold")                                                             \
	X(UPDATES, 1, "UPDATE by a peer")                                                          \
	X(INFOS, 1, "INFO by a peer")                                                              \
	X(OPTIONS, 1, "OPTIONS by a peer")                                                         \
	X(REFERS, 1, "REFER by a peer")                                                            \
	X(ATTENDED, 1, "REFER to the far end of another call among them")                          \
	X(REPLACES, 1, "INVITE in the place of another call")                                      \
	X(REPLACED, 1, "among them answered")                                                      \
	X(REFERS_TAKEN, 1, "REFER taken")                                                          \
	X(NOTIFIED, 1, "NOTIFY about them to a peer")                                              \
	X(TRANSFERRED, 1, "transfers that came to pass")                                           \
	X(JOINED, 1, "legs of transferred calls that were up when all was checked")                \
	X(GLARE, 1, "491 to or from a peer")                                                       \
	X(SESSION_TIMERS, 1, "INVITE with Session-Expires")                                        \
	X(SESSIONS, 1, "session timers agreed or refreshed")                                       \
	X(REFRESHES, 1, "refreshes by a peer")                                                     \
	X(REFRESHED, 1, "refreshes by the sbe")                                                    \
	X(AGED, 1, "calls that stayed up for some sessions, refreshed")                            \
	X(EXPIRED, 1, "sessions that a peer forgot to refresh, and that ended in time")            \
	X(LOST, 1, "datagrams lost")                                                               \
	X(DUPLICATED, 1, "datagrams doubled")                                                      \
	X(REORDERED, 1, "datagrams overtaken")                                                     \
	X(CUT, 1, "datagrams lost in a partition")                                                 \
	X(PARTITIONS, 1, "partitions")                                                             \
	X(ICMP, 1, "ICMP errors")                                                                  \
	X(GATE_CUTS, 1, "gate control connections cut")                                            \
	X(GATE_STALLS, 1, "gate control stalled")                                                  \
	X(DBE_CRASHES, 1, "dbes crashed")                                                          \
	X(DBE_DRAINS, 1, "dbes drained")                                                           \
	X(RELOADS, 1, "configurations reloaded with calls up")                                     \
	X(KILLS, 1, "calls released by the operator")                                              \
	X(SHUTDOWNS, 1, "shut down with calls up")                                                 \
	X(ROGUE, 1, "illegal messages from peers")                                                 \
	X(STRANGER, 1, "messages from strangers")                                                  \
	X(GARBAGE, 1, "mutated messages and garbage")                                              \
	X(RETRANSMITTED, 1, "retransmissions by peers")                                            \
	X(SBE_MESSAGES, 1, "messages sent by the sbe, each checked")                               \
	X(SBE_AGAIN, 1, "retransmissions by the sbe among them")                                   \
	X(CDRS, 1, "call detail records")

enum sim_cover_id {
#define SIM_COVER_ENUM_(id, must, text) COVER_##id,
	SIM_COVER(SIM_COVER_ENUM_) SIM_COVER_COUNT
};

extern uint64_t *sim_cover; /* this process's row */

static inline void sim_count(enum sim_cover_id id)
{
	sim_cover[id]++;
}

/** Print the sums. @return false: a row that must be seen is 0 (and enough seeds were run). */
bool sim_cover_print(const uint64_t *rows, unsigned nrows, bool demand);

#endif
