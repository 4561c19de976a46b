/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_private - inside of a TLS identity, for tls.c and stream_tls.c only.
 */
#ifndef COMMON_NET_TLS_PRIVATE_H
#define COMMON_NET_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "common/net/tls.h"

struct tls_context {
	SSL_CTX *ctx;
	bool has_trust; /* without it a server asks for no client certificate: it could verify none */
	bool require_peer;
	struct tls_info info;
};

#endif
