/* SPDX-License-Identifier: Apache-2.0 */
/* The name server of the tests of sbe/dns, here too: a folder's tests link what lies in it. */
#include "tests/unit/sbe/dns/zone.c"
