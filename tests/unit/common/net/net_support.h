/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_support - what the tests of common/net share: waiting on a loop, raw sockets, certificates.
 *
 * Every wait has a deadline and no test sleeps: a value is watched while the loop runs.
 * Thread: that of the test.
 */
#ifndef TESTS_UNIT_COMMON_NET_NET_SUPPORT_H
#define TESTS_UNIT_COMMON_NET_NET_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdbool.h>
#include <uv.h>

#include "common/addr.h"

/** Run the loop until *value >= want. @return false if that did not happen within 10 s. */
bool net_wait(uv_loop_t *loop, const int *value, int want);
/** Run the loop for some turns without waiting for anything (what is due now happens). */
void net_turns(uv_loop_t *loop, int turns);
/** Run the loop until all handles are closed, close it, and check that no block of mem.h is left over. */
void net_finish(uv_loop_t *loop, size_t live_before);

struct addr net_addr(const char *text);

/** Blocking client sockets, with 5 s time-outs. @return descriptor. */
int net_connect_tcp(const struct addr *to);
int net_connect_unix(const char *path);

/** A directory of its own in $TMPDIR, removed with all in it. */
char *net_temp_dir(void); /* free with net_remove_dir */
void net_remove_dir(char *dir);

/* ---- certificates, made anew for each run */
struct net_cert {
	const char *name;        /* file names: NAME.pem, NAME.key */
	const char *common_name; /* NULL = none */
	const char *dns[3];      /* SAN */
	const char *uri;         /* SAN */
	const char *issuer;      /* name of an earlier one; NULL = self-signed */
	bool ca;
	long from_s, to_s; /* validity, relative to now; to_s 0 = one hour */
	const char *ext_key_usage;
};
/** Make it in dir. The PEM holds the leaf and, for one issued by an intermediate, that too. */
void net_cert_make(const char *dir, const struct net_cert *c);
/** A revocation list of issuer that names cert (or nobody if NULL), as DIR/NAME.pem. */
void net_crl_make(const char *dir, const char *name, const char *issuer, const char *revoked);

#endif
