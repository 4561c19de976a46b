/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_oc - the overload parameters of a Via: oc, oc-algo, oc-validity, oc-seq (RFC 7339 4).
 *
 * Read from and written to text, since a request is also answered before it is parsed. Owner: the caller's
 * buffers. Thread: any (pure).
 */
#ifndef SBE_SIP_WIRE_OC_H
#define SBE_SIP_WIRE_OC_H

#include "sbe/sip/wire.h"

/* What a client puts into its Via: it takes part, and can do this. */
#define WIRE_OC_OFFER ";oc;oc-algo=\"loss\""
#define WIRE_OC_TEXT_BYTES 96
#define WIRE_OC_VALIDITY_MS 500U /* when there is no oc-validity (RFC 7339 4.3) */
#define WIRE_OC_VALIDITY_MAX_MS 600000U

struct wire_oc {
	bool offered;   /* oc is there, with or without a value */
	bool has_value; /* oc=N: feedback of a server */
	bool loss;      /* oc-algo names loss; true without oc-algo */
	bool has_seq;
	uint32_t percent;     /* of oc, 0..100 */
	uint32_t validity_ms; /* 0 = control ends */
	uint64_t seq;         /* in hundred-thousandths */
};

/** @param via one Via value. @return 0, -EINVAL (a parameter is there twice, or has a value it cannot have). */
int wire_oc_parse(struct wire_text via, struct wire_oc *ret_oc);
/** Of the top Via. @return 0, -EINVAL, -ENOENT (no Via). */
int wire_oc_read(const struct wire_msg *m, struct wire_oc *ret_oc);
/** Copy a Via value without these parameters. @return 0, -EMSGSIZE. */
int wire_oc_strip(struct wire_text via, char *buf, size_t size_bytes, size_t *ret_bytes);
/** Is this parameter of a Via (name, or name=value) one of the four? */
bool wire_oc_is_param(struct wire_text param);
/** What a server answers, ";oc=20;oc-algo=..." with the 0. @param seq_ms wall clock, which rises. @return buf. */
const char *wire_oc_print(uint32_t percent, uint32_t validity_ms, uint64_t seq_ms, char *buf,
			  size_t size_bytes);

#endif
