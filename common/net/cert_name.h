/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_name - the identities an X.509 certificate speaks for, by RFC 5922 7.1.
 *
 * SIP URIs in the SAN (without a user part) come first; only if there is none the DNS names of the
 * SAN count; only if there is no SAN at all the common name does. Comparison is of the whole name,
 * case-insensitive, and '*' is an ordinary byte that matches nothing else (RFC 5922 7.2).
 * Owner: names are valid during the callback. Thread: any one.
 */
#ifndef COMMON_NET_CERT_NAME_H
#define COMMON_NET_CERT_NAME_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

typedef void(cert_name_each_h)(const char *name, size_t len_bytes, void *arg);

/** Walk the identities of a certificate. Names with a zero byte or longer than 253 bytes are left out. */
void cert_name_each(X509 *cert, cert_name_each_h *fn, void *arg);

/** A name, or an IP address as text, which then may also stand in the SAN as an address. */
bool cert_name_has(X509 *cert, const char *name);

/** All identities, separated by a blank; what does not fit is left out. @return buf. */
const char *cert_name_print(X509 *cert, char *buf, size_t size_bytes);

#endif
