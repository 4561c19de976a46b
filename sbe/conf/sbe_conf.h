/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbe_conf - the sbe's configuration file as a snapshot: read, checked as a whole, swapped as a whole.
 *
 * Owner: the app, given back with sbe_conf_retire; each peer keeps a reference, so calls that outlive a
 * reload still have the agreement they were placed under. Thread: loop.
 */
#ifndef SBE_CONF_SBE_CONF_H
#define SBE_CONF_SBE_CONF_H

#include "common/conf.h"
#include "sbe/call/call.h"
#include "sbe/peer/peer.h"
#include "sbe/route/route.h"
#include "sbe/sip/transport.h"

struct sbe_tls_conf { /* name first: key of the map */
	const char *name;
	const char *certificate; /* relative names start at the configuration's directory */
	const char *private_key;
	struct conf_list trust, crl; /* const char * */
	const char *ciphers;         /* NULL = all that are good */
	int min_version, eku;        /* enum tls_version, enum tls_eku */
	uint32_t depth, alarm_days;
	bool require_client_cert;
};
struct sbe_listen_conf { /* "udp:127.0.0.1:5060", taken apart */
	enum transport_proto proto;
	struct addr addr;
};
struct sbe_realm_conf {
	const char *name;
	struct conf_list listen; /* struct sbe_listen_conf */
	const char *media;       /* NULL in the file = the realm's own name; never NULL here */
	struct conf_list
		tls; /* const char *: names in tls; the first is the one shown to who asks for none */
	const char *advertise; /* host in Via and Contact, or NULL */
	uint32_t dscp;         /* of its SIP messages */
	const char *interface; /* network interface its sockets are tied to, or NULL */
	int protected_by;      /* enum sbe_protected: what that interface carries only */
	bool colocated;        /* a network nobody else is on: clear text is no risk */
};
enum sbe_protected { SBE_PROTECTED_NONE, SBE_PROTECTED_IPSEC };
struct sbe_gate_conf {
	struct conf_list listen; /* struct addr */
	struct conf_list dbes;   /* const char * */
	const char *tls;         /* name in tls, or NULL: loopback only */
	uint32_t request_ms, open_ms, heartbeat_ms, hold_s;
};
struct sbe_conf {
	const char *node;
	struct conf_list domains; /* const char * */
	struct {
		const char *socket;
	} control;
	struct {
		struct addr listen;
	} http; /* family 0 = off */
	struct sbe_gate_conf gate;
	struct conf_list tls;          /* struct sbe_tls_conf */
	struct conf_list realms;       /* struct sbe_realm_conf */
	struct conf_list federations;  /* struct peer_federation_conf */
	struct conf_list peers;        /* struct peer_conf */
	struct conf_list policies;     /* struct peer_policy_named */
	struct route_conf_lists route; /* keys routes, lookup, location */
	struct {
		struct conf_list servers; /* struct addr; none = those of this host */
		uint32_t try_ms, tries, stale_s, entries_max;
	} dns;
	struct {
		const char *directory;
		uint32_t rotate_s, rotate_bytes, queue_bytes;
	} cdr;
	struct {
		int level;
	} log; /* enum log_level */
	struct {
		uint32_t calls_max, messages_per_s; /* messages: of one address that is no peer */
		uint32_t cps, delay_ms, gather_ms, shed_percent;
		struct conf_list emergency; /* const char *: users that are emergency numbers */
		struct transport_limits connections;
	} limits;
	struct {
		uint32_t t1_ms, t2_ms, t4_ms;
	} timers;
};

#define SBE_TLS_MAX 16

struct sbe_snapshot {
	struct conf_doc *doc; /* for errors and `config show` */
	void *owner;          /* counted: keeps doc and everything read from it */
	struct sbe_conf conf;
	const json_t
		*notes; /* texts: peers that do not do what a document recommends; may be NULL */
	struct peer_set *peers;
	struct route_set *routes;
	struct call_realm *realms; /* for call */
	struct call_config call;   /* points into all of the above */
};

/** Read and check a file, also that its certificates can be loaded. old (may be NULL): peers of the same name keep
 *  their running state.
 *  @return 0, or -errno with err->text "FILE:LINE: path: what is wrong, what is allowed". */
int sbe_conf_load(const char *path, struct sbe_snapshot *old, struct sbe_snapshot **ret_snapshot,
		  struct conf_error *err);
/* free with mem_unref: peers of running calls stay, and with them what they point to */

/** The table of the whole file, for the schema. */
extern const struct conf_field sbe_conf_fields[];

#endif
