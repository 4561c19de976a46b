/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_world - one seed: a plan is drawn, everything comes up, calls and faults happen, then the network is well and
 * what is going on may finish; all is looked at; then all calls end, and nothing may be left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "sbe/call/call.h"
#include "sbe/sip/wire_out.h"
#include "tests/sim/sim_audit.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_peer.h"
#include "tests/sim/sim_rogue.h"
#include "tests/sim/sim_sbe.h"

struct sim sim;

static struct timer faults, starts, revive[SIM_DBES], rogues;
static unsigned started;

/* ---- the plan */

static void draw_plan(void)
{
	static const struct {
		unsigned loss, dup, reorder;
	} nets[] = {{0, 0, 0},   {0, 0, 0},    {5, 2, 5},  {5, 20, 20},
		    {20, 5, 10}, {35, 10, 30}, {0, 30, 40}};
	static const char *const refreshers[] = {"auto", "us", "them"};
	static const char *const transfers[] = {"absorb", "absorb", "absorb",
						"relay",  "relay",  "refuse"};
	struct sim_plan *p = &sim.plan;
	unsigned net = sim_pick(7);
	bool slow = sim_chance(10); /* timers of the standard, else five times as fast */

	memset(p, 0, sizeof(*p));
	p->t1_ms = slow ? 500 : 100;
	p->t2_ms = slow ? 4000 : 800;
	p->t4_ms = slow ? 5000 : 1000;
	p->clean = sim_chance(15);
	p->ncalls = sim_between(1, 6);
	p->ndbes = sim_chance(70) ? 1 : 2;
	p->busy_ms = sim_between(20, 250) * p->t1_ms;
	p->delay_ms = sim_between(1, 10);
	p->heartbeat_ms = sim_chance(80) ? 3000 : 300;
	p->hold_s = slow ? 5 : 2;
	p->try_ms = sim_between(4, 20) * p->t1_ms;
	p->ring_s = slow ? 60 : sim_between(5, 20);
	p->silence_s = sim_chance(10) ? sim_between(1, 20) : 0; /* nobody sends media */
	p->prack_required = sim_chance(5);
	p->timers = sim_chance(40);
	p->ages = p->timers && sim_chance(50);
	p->se_s = p->ages ? sim_between(90, 200) : 90;
	p->refresher = refreshers[sim_pick(3)];
	p->follow = sim_chance(30);
	if (sim_chance(30))
		p->refer = transfers[sim_pick(6)];
	p->end = (int)sim_pick(SIM_ENDS);
	if (p->clean) {
		p->try_ms = 20 * p->t1_ms;
		p->ring_s = 150;
		p->prack_required = false;
		return;
	}
	p->loss = nets[net].loss;
	p->dup = nets[net].dup;
	p->reorder = nets[net].reorder;
	p->jitter_ms = sim_chance(50) ? sim_between(1, p->t1_ms) : 0;
	p->partitions = sim_chance(25);
	p->dbe_crashes = sim_chance(20);
	p->gate_cuts = sim_chance(25);
	p->rogue = sim_chance(30);
	p->strangers = sim_chance(30);
	p->reloads = sim_chance(15);
	p->digest = sim_chance(25);
}

/* ---- what happens */

static void bring_back(void *arg)
{
	sim_dbe_up((unsigned)((struct timer *)arg - revive));
}

static void gate_fault(void)
{
	unsigned i = sim_pick(sim.plan.ndbes);

	if (sim.plan.gate_cuts && sim_chance(50)) {
		if (sim_chance(60))
			sim_stream_cut_all();
		else
			sim_stream_stall_all(sim_between(10, 3000));
	} else if (sim.plan.dbe_crashes) {
		if (sim_chance(20)) {
			sim_dbe_drain(i, sim_chance(60));
			return;
		}
		sim_dbe_crash(i, sim_chance(40));
		timer_start(sim.wheel, &revive[i], sim_between(1, 4000), bring_back, &revive[i]);
	}
}

static void fault(void *arg)
{
	struct sim_host *h = &sim_hosts[sim_pick(STRANGER_CORE)];

	(void)arg;
	if (sim.calm)
		return;
	if (sim.plan.partitions && sim_chance(40)) {
		uint32_t ms = sim_between(1, sim_chance(20) ? 100 : 20) * sim.plan.t1_ms;

		if (sim_chance(60))
			sim_net_cut(h, SIM_TO_SBE, ms);
		if (sim_chance(60))
			sim_net_cut(h, SIM_FROM_SBE, ms);
		h->unreachable = sim_chance(20);
	} else if (sim.plan.reloads && sim_chance(40)) {
		sim_sbe_reload();
	} else {
		gate_fault();
	}
	timer_start(sim.wheel, &faults, sim_between(1, 40) * sim.plan.t1_ms, fault, NULL);
}

static void misbehave(void *arg)
{
	(void)arg;
	if (sim.calm)
		return;
	sim_rogue_act();
	timer_start(sim.wheel, &rogues, sim_between(1, 8 * sim.plan.t1_ms), misbehave, NULL);
}

static void start_call(void *arg)
{
	(void)arg;
	sim_call_start(++started);
	if (started < sim.plan.ncalls)
		timer_start(sim.wheel, &starts, sim_pick(sim.plan.busy_ms / sim.plan.ncalls + 1),
			    start_call, NULL);
}

/* ---- time */

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int64_t next_ms(void)
{
	uint64_t now_ms = clock_now_ms();
	int64_t ms = timer_wheel_next_ms(sim.wheel, now_ms);

	ms = sooner(ms, timer_wheel_next_ms(sim.core_wheel, now_ms));
	ms = sooner(ms, timer_wheel_next_ms(sim.gate_wheel, now_ms));
	return sooner(ms, sim_dbe_next_ms());
}

static void turn(void)
{
	uint64_t now_ms = clock_now_ms();

	timer_wheel_run(sim.wheel, now_ms);
	timer_wheel_run(sim.core_wheel, now_ms);
	timer_wheel_run(sim.gate_wheel, now_ms);
	sim_dbe_tick();
}

void sim_run_ms(uint64_t ms)
{
	uint64_t until_ms = clock_now_ms() + ms;
	unsigned long turns = 0;
	int64_t wait_ms;

	while ((wait_ms = next_ms()) >= 0 && clock_now_ms() + (uint64_t)wait_ms <= until_ms) {
		turns = wait_ms ? 0 : turns + 1;
		if (turns > 100000)
			sim_breach("it never settles");
		clock_advance_ms((uint64_t)wait_ms);
		turn();
	}
	clock_advance_ms(until_ms - clock_now_ms());
	sim_cover[COVER_VIRTUAL_S] += ms / 1000;
}

/* ---- life */

static void wheels_up(void)
{
	if (timer_wheel_new(clock_now_ms(), &sim.wheel) ||
	    timer_wheel_new(clock_now_ms(), &sim.core_wheel) ||
	    timer_wheel_new(clock_now_ms(), &sim.gate_wheel))
		abort();
	timer_wheel_set_clock(sim.wheel, clock_now_ms);
	timer_wheel_set_clock(sim.core_wheel, clock_now_ms);
	timer_wheel_set_clock(sim.gate_wheel, clock_now_ms);
}

static void begin(void)
{
	sim.calm = sim.over = sim.aging = sim.mute = false;
	started = 0;
	memset(revive, 0, sizeof(revive));
	memset(&faults, 0, sizeof(faults));
	memset(&rogues, 0, sizeof(rogues));
	memset(&starts, 0, sizeof(starts));
	sim_hosts_up();
	sim_digest_up();
	sim_net_up();
	sim_check_up();
	sim_audit_begin();
	wheels_up();
	sim_sbe_up();
	for (unsigned i = 0; i < sim.plan.ndbes; i++)
		sim_dbe_up(i);
	sim_run_ms(50);
}

/* Nothing new: faults are over, who is gone comes back, what is going on may finish. */
static void calm_down(void)
{
	sim.calm = true;
	sim_trace("-- calm");
	sim_net_heal();
	sim_stream_heal();
	timer_stop(&starts);
	for (unsigned i = 0; i < sim.plan.ndbes; i++) {
		timer_stop(&revive[i]);
		sim_dbe_up(i);
		sim_dbe_drain(i, false);
	}
}

/* All that was begun is finished: no transaction is open on either side, nothing rings. */
static bool quiet(void)
{
	const struct sim_ua *ua;

	if (txn_count_client(sim_sbe.txns) || txn_count_server(sim_sbe.txns) || sim_txn_open())
		return false;
	LIST_FOREACH(ua, &sim_uas, link)
		if (ua->state == UA_CALLING || ua->state == UA_EARLY)
			return false;
	return true;
}

/* At least the one time (gate control needs some to be whole again), at most the other. */
static void run_quiet(uint32_t min_ms, uint32_t max_ms)
{
	uint64_t end_ms = clock_now_ms() + max_ms;

	sim_run_ms(min_ms);
	while (!quiet() && clock_now_ms() < end_ms)
		sim_run_ms(5 * sim.plan.t1_ms);
}

/* Two sessions and more: who is refreshed stays up, who is forgotten ends (A31). */
static void grow_old(void)
{
	if (!sim.plan.ages)
		return;
	sim_trace("-- time passes");
	sim.aging = true;
	sim_run_ms((uint64_t)sim.plan.se_s * 2500);
	sim_audit_aged();
	sim.aging = false;
}

static void end_calls(bool *done)
{
	struct sim_ua *ua;

	sim_trace("-- the end, way %d", sim.plan.end);
	switch (sim.plan.end) {
	case SIM_END_HANG_UP:
		LIST_FOREACH(ua, &sim_uas, link)
			if (ua->state == UA_UP && sim_chance(60))
				sim_ua_bye(ua);
		break;
	case SIM_END_KILL:
		while (sim_sbe_kill_one())
			sim_run_ms(1);
		break;
	case SIM_END_MUTE:
		sim.mute = true;
		for (unsigned i = 0; i < SIM_HOSTS; i++) {
			sim_net_cut(&sim_hosts[i], SIM_TO_SBE, UINT32_MAX);
			sim_net_cut(&sim_hosts[i], SIM_FROM_SBE, UINT32_MAX);
		}
		break;
	default:
		break;
	}
	sim_run_ms(sim_pick(2000));
	sim_sbe_shutdown(done);
}

static void end(size_t live_before)
{
	sim.over = true;
	timer_stop(&faults);
	timer_stop(&rogues);
	sim_sbe_down();
	sim_dbe_down_all();
	sim_ring_down_all();
	sim_ua_down_all();
	sim_txn_down();
	sim_net_down();
	sim_check_down();
	sim_run_ms(1000); /* streams that were closed tell their far ends */
	if (timer_wheel_count(sim.core_wheel) || timer_wheel_count(sim.gate_wheel))
		sim_breach("timers are left when all is down");
	timer_wheel_free(sim.wheel);
	timer_wheel_free(sim.core_wheel);
	timer_wheel_free(sim.gate_wheel);
	if (mem_live() != live_before)
		sim_breach("%zu blocks of memory are left, %zu before", mem_live(), live_before);
}

void sim_world_run(uint64_t seed)
{
	size_t live;
	bool stopped = false;

	sim.seed = seed;
	sim_random_begin(seed);
	clock_fake(1000000000, 1767225600000); /* 2026-01-01 */
	sim_count(COVER_SEEDS);
	live = mem_live();
	draw_plan();
	begin();
	timer_start(sim.wheel, &starts, 0, start_call, NULL);
	if (!sim.plan.clean)
		timer_start(sim.wheel, &faults, 10 * sim.plan.t1_ms, fault, NULL);
	if (sim.plan.rogue || sim.plan.strangers)
		timer_start(sim.wheel, &rogues, 100, misbehave, NULL);
	sim_run_ms(sim.plan.busy_ms);
	calm_down();
	/* those that ring give up or are given up; then two times 64*T1 for what follows from it */
	run_quiet(sim.plan.hold_s * 1000 + 7000,
		  sim.plan.ring_s * 1000 + 290 * sim.plan.t1_ms + sim.plan.hold_s * 1000);
	sim_audit_up();
	grow_old();
	end_calls(&stopped);
	run_quiet(sim.plan.hold_s * 1000 + 1000, 200 * sim.plan.t1_ms + 5000);
	if (!stopped)
		sim_breach("the sbe was told to stop and does not");
	sim_audit_idle();
	end(live);
}
