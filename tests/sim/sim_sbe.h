/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_sbe - the sbe's objects, for sim_sbe.c and for who looks whether they are in order (sim_audit.c).
 */
#ifndef TESTS_SIM_SIM_SBE_H
#define TESTS_SIM_SIM_SBE_H

#include "sbe/conf/sbe_conf.h"
#include "sbe/gate/gate_pool.h"

struct sim_sbe {
	struct sbe_snapshot *snapshot;
	struct transport *transport;
	struct txn_layer *txns;
	struct gate_pool *gates;
	struct call_core *calls;
	unsigned versions; /* of the configuration */
};
extern struct sim_sbe sim_sbe;

#endif
