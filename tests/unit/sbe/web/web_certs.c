/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as in the tests of common/net: a folder's tests link what lies in it. */
#include "tests/unit/common/net/net_certs.c"
