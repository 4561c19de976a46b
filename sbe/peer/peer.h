/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer - one peering: who they are, what was agreed, how they are now.
 *
 * The agreed part (struct peer_conf) comes from a configuration snapshot; the state (sessions, admin
 * block, counters) belongs to the peer's name and survives a reload.
 * Owner: the peer_set; a call holds a reference (mem_ref) on each peer it uses. Thread: loop.
 */
#ifndef SBE_PEER_PEER_H
#define SBE_PEER_PEER_H

#include <stdbool.h>

#include "common/conf.h"
#include "common/metric.h"
#include "common/table.h"
#include "proto/message.h"
#include "sbe/peer/peer_auth.h"
#include "sbe/peer/peer_event.h"
#include "sbe/peer/peer_federation.h"
#include "sbe/peer/peer_in_dialog.h"
#include "sbe/peer/peer_ingress.h"
#include "sbe/peer/peer_limit.h"
#include "sbe/peer/peer_load.h"
#include "sbe/peer/peer_lookup.h"
#include "sbe/peer/peer_media.h"
#include "sbe/peer/peer_net.h"
#include "sbe/peer/peer_overload.h"
#include "sbe/peer/peer_policy.h"
#include "sbe/peer/peer_quality.h"
#include "sbe/peer/peer_sec.h"
#include "sbe/peer/peer_session.h"
#include "sbe/peer/peer_tls.h"
#include "sbe/sip/transport.h"
#include "sbe/sip/txn.h"

#define PEER_HOPS_MAX 8
#define PEER_RETRY_MS 30000 /* how long a failed hop is tried last */

#define PEER_METRICS(X)                                                                            \
	X(PEER_PROBE_OK, COUNTER, "sbe_probes_total{result=\"answered\"}",                         \
	  "OPTIONS sent to next hops, by result")                                                  \
	X(PEER_PROBE_FAILED, COUNTER, "sbe_probes_total{result=\"failed\"}",                       \
	  "OPTIONS sent to next hops, by result")                                                  \
	X(PEER_COUNT, GAUGE, "sbe_peers", "peers configured")                                      \
	X(PEER_DOWN, GAUGE, "sbe_peers_down", "peers whose next hops are all dead")                \
	X(PEER_BLOCKED, GAUGE, "sbe_peers_blocked", "peers blocked by the operator")
METRIC_ENUM(peer_metrics, PEER_METRICS)

/* Reliable provisional responses (RFC 3262) with this peer, in both roles. */
enum peer_prack { PEER_PRACK_OFF, PEER_PRACK_SUPPORTED, PEER_PRACK_REQUIRED };
/* A transfer or replacement that a peer asks for: who does it. */
enum peer_transfer { PEER_TRANSFER_REFUSE, PEER_TRANSFER_RELAY, PEER_TRANSFER_ABSORB };
/* What a 3xx of the peer's is to us: one more refusal, or its word on where the call shall go. */
enum peer_redirect { PEER_REDIRECT_REFUSE, PEER_REDIRECT_FOLLOW };
enum peer_mode {
	PEER_STATIC, /* agreed before the first call */
	PEER_ON_DEMAND /* stands for whoever is no other peer of its realm (RFC 5486), under its limits */
};

/* What lies behind it (A9): the domain itself, or networks that carry the calls of others. */
enum peer_role { PEER_TERMINAL, PEER_TRANSIT };

struct peer_probe_conf {
	uint32_t interval_s, down_after, up_after; /* interval 0 = no probing (default) */
};
struct policy;
struct peer_conf { /* name first: the key of the config map */
	const char *name;
	int mode; /* enum peer_mode */
	int role; /* enum peer_role */
	const char *realm;
	struct peer_membership federations;
	const json_t *peering; /* its peering document as written here; sbe/peering has used it */
	const char *document;  /* file with the one it gave us, likewise */
	struct conf_list sources;   /* struct addr_prefix */
	struct conf_list domains;   /* const char * */
	struct conf_list next_hops; /* const char *: sip URIs with numeric hosts */
	struct peer_limits limits;
	struct peer_lookup_conf lookups;
	struct peer_media_conf media;
	struct peer_ingress_conf ingress;
	struct peer_probe_conf probe;
	struct peer_overload_conf overload;
	uint32_t
		try_ms; /* "sip.try_ms": how long the first response may take before the next hop is tried; default 4000 */
	int prack;                            /* "sip.prack": enum peer_prack */
	struct peer_session_conf session;     /* "sip.session_timer" */
	struct peer_in_dialog_conf in_dialog; /* "sip.in_dialog" */
	int refer, replaces;                  /* enum peer_transfer; "sip.refer", "sip.replaces" */
	int redirect;                         /* enum peer_redirect */
	struct peer_auth_conf auth;
	uint32_t ring_s; /* "sip.ring_s": how long a call may ring (timer C), default 180 */
	struct peer_tls_conf tls;
	struct peer_sec_conf sec;
	struct peer_net_conf net;
	struct peer_im_conf im;
	struct peer_presence_conf presence;
	struct peer_perf_conf perf;
	struct conf_list use;      /* const char *: names in "policies" */
	struct peer_policy policy; /* as written; what counts is compiled */
	struct policy *compiled;   /* by sbe/policy from use and policy; NULL = the defaults */
	bool standing; /* "sip.standing": connections to its next hops are up before a call comes */
	uint32_t
		udp_max_bytes; /* "sip.udp_max_bytes": a larger request goes by TCP instead; 0 = never */
};
extern const struct conf_field peer_conf_fields[];

struct peer_federation_conf { /* name first: the key of the config map */
	const char *name;
	struct peer_federation_cap cap;
	struct peer_conf
		rules; /* read for strictness only: what counts is mixed into the members */
};

struct peer_hop {
	char uri[128]; /* "sip:192.0.2.1:5060;transport=tcp" */
	enum transport_proto proto;
	struct addr addr;
	bool down; /* found dead by probes, until they find it alive; a failed call alone does not do it */
	char why[64];          /* it is down */
	uint64_t down_wall_ms; /* since then */
	uint64_t retry_ms;     /* a failed hop is tried last until then */
	uint64_t tcp_retry_ms; /* it refused TCP: large requests go by UDP until then */
	uint64_t rest_ms;      /* it asked (503, Retry-After) not to be used until then */
};

/* What belongs to the name, not to a configuration: a reload makes new peers, a call keeps its old one, both count here. */
struct peer_state {
	struct txn_account transactions; /* first: server transactions hold references by it */
	uint32_t number;                 /* transport_target.peer; never 0 */
	bool blocked;                    /* admin state */
	uint32_t sessions[2];            /* by enum peer_direction */
	uint32_t subscriptions;          /* it asked for */
	uint64_t kbps;                   /* its calls hold (peer_media.h) */
	uint64_t attempts[2], answered[2], limited, failovers; /* lifetime */
	uint64_t limited_by[PEER_LIMIT_COUNT];
	uint64_t unrecorded[PEER_LIMIT_COUNT]; /* refusals that have no CDR yet */
	struct rate records;                   /* CDRs of refusals */
	struct peer_load load;
	struct peer_controls controls;
	struct peer_quality quality;
	struct peer_lookups lookups;
};

struct peer {
	const struct peer_conf *conf;
	struct peer_state *state; /* counted, shared by all peers of this name */
	char name[64];
	struct peer_hop hops[PEER_HOPS_MAX];
	size_t nhops;
	bool down; /* health: all hops are down */
	struct rate rates[PEER_RATES];
	struct rate pages;   /* its MESSAGE requests */
	struct rate lookups; /* what it makes us ask */
	struct peer_member member;
	void *owner; /* reference that keeps conf alive */
	struct table_entry by_name;
};

struct peer_set;

/**
 * Build from the config list of struct peer_conf (an array), which peer_conf_check (sbe/peer/peer_conf.h) has passed.
 * @param owner counted object the confs live in; each peer keeps a reference, so a call may outlive a reload. NULL = static.
 * @param old   peers of the same name share their state and hops keep their health; it is not changed. May be NULL.
 * @return 0, -EEXIST (a source or domain is there twice), -EINVAL (a next hop is no numeric sip URI), -ENOMEM.
 */
int peer_set_new(const struct conf_list *confs, void *owner, struct peer_set *old,
		 struct peer_set **ret_set);
/** Peers that somebody holds live on. */
void peer_set_free(struct peer_set *s);
size_t peer_set_count(const struct peer_set *s);
/** Bring the gauges sbe_peers, _down and _blocked up to date with this set. */
void peer_set_measure(struct peer_set *s);
/** Longest prefix of the realm's peers. NULL = a stranger. */
struct peer *peer_find_source(const struct peer_set *s, const char *realm, const struct addr *from);
struct peer *peer_find_name(const struct peer_set *s, const char *name);
/** By its number in targets, which it keeps through reloads. */
struct peer *peer_find_number(const struct peer_set *s, uint32_t number);
/** nth (0..) of the peers that are known by their certificate alone, NULL behind the last. */
struct peer *peer_by_name(const struct peer_set *s, size_t nth);
/** The peer that owns this domain (case-insensitive), or NULL. */
struct peer *peer_find_domain(const struct peer_set *s, const char *domain, size_t len_bytes);
/** Is any of them taken over IPsec only? */
bool peer_set_has_ipsec(const struct peer_set *s);
/** The on-demand peer of a realm, or NULL. */
struct peer *peer_find_on_demand(const struct peer_set *s, const char *realm);
typedef int(peer_each_h)(struct peer *p, void *arg);
int peer_each(struct peer_set *s, peer_each_h *fn, void *arg);

/** Lifetime counters: a call was answered; a call went on to another next hop. */
void peer_count_answered(struct peer *p, enum peer_direction d);
void peer_count_failover(struct peer *p);
/** Not blocked and not down. */
bool peer_usable(const struct peer *p);
/** Refuse calls in both directions from now on; calls that are there go on. */
void peer_block(struct peer *p, bool block);
/** A hop failed (timeout, 503, ICMP) or answered: order and health follow. */
void peer_hop_failed(struct peer *p, size_t hop, uint64_t now_ms);
/** It asked not to be used for so long; what is agreed is the bound. */
void peer_hop_rest(struct peer *p, size_t hop, uint32_t retry_after_s, uint64_t now_ms);
bool peer_hop_resting(const struct peer *p, size_t hop, uint64_t now_ms);
void peer_hop_answered(struct peer *p, size_t hop);
/** Result of probing: sets the hop's and the peer's health. @param why it is down, in words; NULL = it is alive. */
void peer_hop_set_down(struct peer *p, size_t hop, const char *why);
/** Shall this hop be tried only when the better ones have failed? */
bool peer_hop_last(const struct peer *p, size_t hop, uint64_t now_ms);
/** The peer of the realm that has a next hop at this address and port, or NULL. */
struct peer *peer_find_hop(const struct peer_set *s, const char *realm, const struct addr *to);
/** What to put as the Request-URI's host towards this peer: first domain, else NULL (then the hop's host). */
const char *peer_domain(const struct peer *p);
#endif
