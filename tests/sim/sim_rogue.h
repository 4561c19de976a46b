/* SPDX-License-Identifier: Apache-2.0 */
/* sim_rogue - one illegal thing at a time. */
#ifndef TESTS_SIM_SIM_ROGUE_H
#define TESTS_SIM_SIM_ROGUE_H

#include "tests/sim/sim.h"

/** Somebody does something that may not be done. */
void sim_rogue_act(void);

#endif
