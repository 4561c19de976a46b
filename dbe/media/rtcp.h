/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtcp - is this datagram a well-formed RTCP compound (RFC 3550 6.1, A.2; reduced size RFC 5506)?
 *
 * Pure: reads the caller's bytes, keeps nothing. Thread: any.
 */
#ifndef DBE_MEDIA_RTCP_H
#define DBE_MEDIA_RTCP_H

#include <stddef.h>
#include <stdint.h>

#define RTCP_SR 200
#define RTCP_RR 201
#define RTCP_SDES 202
#define RTCP_BYE 203
#define RTCP_APP 204

/**
 * Walk the packets of a compound: versions, types, lengths that add up to the datagram, report and
 * source counts that fit, padding only at the end.
 * @return 0, or -EBADMSG.
 */
int rtcp_check(const uint8_t *data, size_t len_bytes);

#endif
