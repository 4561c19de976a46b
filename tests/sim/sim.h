/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim - whole calls in virtual time: the sbe and dbes of this repository, a network between them that loses, doubles,
 * reorders and cuts, and SIP peers played by seed, legal and not, all in one thread (docs/simulation.md).
 *
 * A seed makes one world and everything that happens in it: the same seed of the same program is the same run.
 * Parts: sim_main (seeds, processes, summary), sim_world (what happens in a seed), sim_net/_udp/_stream (network),
 * sim_sbe and sim_dbe (what is tested), sim_text/_txn/_ua/_media (SIP peers), sim_rogue (who plays by no rules),
 * sim_check/_audit (what must hold).
 * Owner: one world per process, static. Thread: one.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/timer.h"
#include "tests/sim/sim_cover.h"

#define SIM_MESSAGE_MAX 16384
#define SIM_DBES 2

/* How the world of this seed is made; drawn first. */
struct sim_plan {
	uint32_t t1_ms, t2_ms, t4_ms;
	unsigned ncalls, ndbes;
	uint32_t busy_ms;            /* for so long calls start and faults happen */
	unsigned loss, dup, reorder; /* percent of the datagrams */
	uint32_t delay_ms, jitter_ms;
	bool partitions, dbe_crashes, gate_cuts, rogue, strangers, reloads, clean, tcp;
	bool timers, prack_required; /* of the peers' configuration */
	bool ages;                   /* calls that are up stay so for some sessions */
	bool follow;                 /* the sbe follows 3xx */
	bool digest;                 /* bnet wants credentials */
	const char *refer;           /* NULL = nobody asks for a transfer */
	uint32_t se_s;
	const char *refresher;
	uint32_t heartbeat_ms, hold_s, try_ms, ring_s, silence_s;
	int end; /* enum sim_end */
};
enum sim_end { SIM_END_HANG_UP, SIM_END_SHUTDOWN, SIM_END_KILL, SIM_END_MUTE, SIM_ENDS };

struct sim {
	uint64_t seed;
	uint64_t random[2]; /* of the world; of getrandom */
	bool trace;
	bool calm;        /* nothing new happens, the network is well: peers only finish */
	bool aging, mute; /* time passes over calls that are up; nobody hears anybody any more */
	bool over;        /* the world is being taken down */
	struct sim_plan plan;
	struct timer_wheel *wheel;      /* peers and network */
	struct timer_wheel *core_wheel; /* transactions and calls */
	struct timer_wheel *gate_wheel; /* the sbe's pool of dbes */
	unsigned long sent, received;   /* datagrams of the sbe, for progress */
};
extern struct sim sim;

/* ---- sim_main.c */
/** Something that must not be: tells seed, time and text, and ends the process. */
void sim_breach(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void sim_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Of the ladder: one message on its way; why: "" or what became of it. */
void sim_trace_message(const char *from, const char *to, const char *text, const char *why);
/** All that is random from here on follows from the seed. */
void sim_random_begin(uint64_t seed);
/** 0..n-1 */
unsigned sim_pick(unsigned n);
/** true in percent of the cases */
bool sim_chance(unsigned percent);
/** from..to */
uint32_t sim_between(uint32_t from, uint32_t to);

/* ---- sim_world.c */
void sim_world_run(uint64_t seed);
/** Let virtual time pass. */
void sim_run_ms(uint64_t ms);

/* ---- sim_net.c: datagrams between the sbe and hosts */
struct sim_socket; /* a UDP socket of the sbe (sim_udp.c) */
enum sim_way { SIM_TO_SBE, SIM_FROM_SBE, SIM_WAYS };
struct sim_host;
void sim_net_up(void);
void sim_net_down(void);
void sim_net_send(enum sim_way way, const struct addr *from, const struct addr *to,
		  const void *data, size_t len_bytes);
/** Nothing passes in this direction for so long. */
void sim_net_cut(struct sim_host *h, enum sim_way way, uint32_t ms);
bool sim_net_is_cut(const struct sim_host *h, enum sim_way way);
void sim_net_heal(void);
/** A name for an address in the ladder. */
const char *sim_net_name(const struct addr *a);

/* ---- sim_udp.c, sim_stream.c: what common/net is elsewhere */
/** A datagram for one of the sbe's sockets. @return false: nobody is there. */
bool sim_udp_deliver(const struct addr *from, const struct addr *to, const uint8_t *data,
		     size_t len_bytes);
/** ICMP: this far end cannot be reached. */
void sim_udp_error(const struct addr *local, const struct addr *to, int err);
/** Gate control: all connections break, or stand still for so long. */
void sim_stream_cut_all(void);
void sim_stream_stall_all(uint32_t ms);
void sim_stream_heal(void);
/** Bytes sent by who goes down now are lost without a word to the far end. */
void sim_stream_silent(bool silent);
size_t sim_stream_count(void);

/* ---- sim_sbe.c */
void sim_sbe_up(void);
void sim_sbe_down(void);
void sim_sbe_reload(void);
void sim_sbe_shutdown(bool *ret_done);
/** Release one call that is up as an operator does. @return false: there is none. */
bool sim_sbe_kill_one(void);
/** Is this a listener of ours? */
bool sim_sbe_is_core(const struct addr *local);

/* ---- sim_dbe.c */
void sim_dbe_up(unsigned i);
/** Its process ends; silent: its host too, nobody is told. */
void sim_dbe_crash(unsigned i, bool silent);
bool sim_dbe_is_up(unsigned i);
void sim_dbe_drain(unsigned i, bool drain);
void sim_dbe_down_all(void);
void sim_dbe_tick(void);
int64_t sim_dbe_next_ms(void);
/** An RTP packet comes to a dbe. @return false: nothing was forwarded. */
bool sim_dbe_packet(const struct addr *from, const struct addr *to, unsigned payload,
		    struct addr *ret_from, struct addr *ret_to);
size_t sim_dbe_contexts(void), sim_dbe_ends(void), sim_dbe_ports_used(void), sim_dbe_timers(void);

#endif
