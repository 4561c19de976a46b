/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/net/net_support.c"
