/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTPS server of the tests of sbe/web, here too: a folder's tests link what lies in it. */
#include "tests/unit/sbe/web/web_server.c"
