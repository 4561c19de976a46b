/* SPDX-License-Identifier: Apache-2.0 */
/* Peers from configuration text, for the tests of this folder. */
#ifndef TESTS_UNIT_SBE_PEER_BED_H
#define TESTS_UNIT_SBE_PEER_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/conf.h"
#include "sbe/peer/peer.h"

/* {"peers":{...},"federations":{...}} with ' instead of ". A counted object: the owner of what was read from it. */
struct bed_conf {
	struct conf_doc *doc;
	struct conf_list peers, federations;
};

/** Read and check. @return NULL and bed_error when it is refused. */
struct bed_conf *bed_conf(const char *text);
extern struct conf_error bed_error;

/** A set of its own conf; the set's peers hold the conf. */
struct peer_set *bed_set(const char *text, struct peer_set *old);
struct addr bed_addr(const char *text);

#endif
