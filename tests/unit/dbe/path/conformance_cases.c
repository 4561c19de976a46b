/* SPDX-License-Identifier: Apache-2.0 */
/* The cases. B1 B2 B4 B6 B10 B15, C26 C29 C31, G10, S11, J7 (gm, ipnapt, tman, ds). */
#include <string.h>

#include "tests/unit/dbe/path/conformance.h"

#define DROPPED(why) NOBODY, .drop = PATH_DROP_##why
#define EVENT(type) .event = PATH_EVENT_##type + 1
/* clang-format off */
#define END {.from = NOBODY}
/* clang-format on */

static void a_closed(struct bed *b)
{
	b->rules[0].rtp_in = b->rules[0].rtp_out = b->rules[0].rtcp = false;
}

static void both_closed(struct bed *b)
{
	a_closed(b);
	b->rules[1].rtp_in = b->rules[1].rtp_out = b->rules[1].rtcp = false;
}

static void open_both(struct bed *b)
{
	for (int i = 0; i < 2; i++) {
		b->rules[i].rtp_in = b->rules[i].rtp_out = b->rules[i].rtcp = true;
		bed_change(b, i, false);
	}
}

static void close_b(struct bed *b)
{
	b->rules[1].rtp_in = b->rules[1].rtp_out = b->rules[1].rtcp = false;
	bed_change(b, 1, false);
}

static void a_sendonly(struct bed *b)
{
	b->rules[0].rtp_in = false;
}

static void a_recvonly(struct bed *b)
{
	b->rules[0].rtp_out = false;
}

static void b_no_remote(struct bed *b)
{
	memset(b->rules[1].remote, 0, sizeof(b->rules[1].remote));
}

static void b_remote_known(struct bed *b)
{
	b->rules[1].remote[PATH_RTP] = b->phone[PHONE_B];
	b->rules[1].remote[PATH_RTCP] = b->phone[PHONE_B_RTCP];
	bed_change(b, 1, false);
}

static void a_mux(struct bed *b)
{
	b->rules[0].rtcp_mux = true;
	b->rules[0].remote[PATH_RTCP] = b->rules[0].remote[PATH_RTP];
}

static void both_mux(struct bed *b)
{
	a_mux(b);
	b->rules[1].rtcp_mux = true;
	b->rules[1].remote[PATH_RTCP] = b->rules[1].remote[PATH_RTP];
}

static void a_address(struct bed *b)
{
	b->rules[0].source = PATH_SOURCE_ADDRESS;
}

static void a_any(struct bed *b)
{
	b->rules[0].source = PATH_SOURCE_ANY;
}

/* The signalled port is not the one the far end's NAT uses. */
static void a_latch(struct bed *b)
{
	b->rules[0].source = PATH_SOURCE_LATCH;
	b->rules[0].latch_from.net = b->phone[PHONE_A];
	b->rules[0].latch_from.net.port = 0;
	b->rules[0].latch_from.bits = 32;
	b->rules[0].remote[PATH_RTP].port = 9;
	b->rules[0].remote[PATH_RTCP].port = 10;
}

static void a_rearm(struct bed *b)
{
	bed_change(b, 0, true);
}

static void a_changed_not_rearmed(struct bed *b)
{
	b->rules[0].dscp = 10;
	bed_change(b, 0, false);
}

static void any_payload(struct bed *b)
{
	b->rules[0].payloads[0] = b->rules[0].payloads[1] = 0;
}

static void not_rtp(struct bed *b)
{
	b->rules[0].rtp = b->rules[1].rtp = false;
}

/* Two packets of 172 bytes fit. */
static void a_policed(struct bed *b)
{
	b->rules[0].rate_bytes_per_s = 10;
	b->rules[0].burst_bytes = 400;
}

static void dscp_set(struct bed *b)
{
	b->rules[0].dscp = 34;
	b->rules[1].dscp = 46;
}

static void dscp_changed(struct bed *b)
{
	b->rules[1].dscp = 0;
	bed_change(b, 1, false);
}

static void a_moves(struct bed *b)
{
	b->rules[0].remote[PATH_RTP] = b->phone[PHONE_A_OTHER];
	bed_change(b, 0, true);
}

static void part(struct bed *b)
{
	b->driver->ops->join(b->end[0], NULL);
}

static void join_again(struct bed *b)
{
	b->driver->ops->join(b->end[0], b->end[1]);
}

const struct conformance_case conformance_cases[] = {
	{"relay both ways, byte for byte, RTCP on the odd port (G10)",
	 .steps = {{PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   {PHONE_A, AT_A, SEND_RTP_MARKER, PHONE_B},
		   {PHONE_A, AT_A, SEND_PT101, PHONE_B},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RR, PHONE_B_RTCP},
		   {PHONE_B_RTCP, AT_B_RTCP, SEND_FEEDBACK, PHONE_A_RTCP},
		   {PHONE_A, AT_A, SEND_CSRC_EXTENSION_PADDING, PHONE_B},
		   END}},
	{"IPv4 to IPv6 and back (G10, B15)", .b_is_ipv6 = true,
	 .steps = {{PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RR, PHONE_B_RTCP},
		   {PHONE_B_RTCP, AT_B_RTCP, SEND_RR, PHONE_A_RTCP},
		   {PHONE_B_RTCP, AT_B, SEND_RTP, DROPPED(SOURCE), EVENT(SOURCE)},
		   END}},
	{"closed until opened, closed again at once (J1, B1)", .rules = both_closed,
	 .steps = {{PHONE_A, AT_A, SEND_RTP, DROPPED(MODE)},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RR, DROPPED(MODE)},
		   {PHONE_STRANGER, AT_B, SEND_RTP, DROPPED(MODE)},
		   {PHONE_A, AT_A, SEND_RTP, PHONE_B, .act = open_both},
		   {PHONE_B_RTCP, AT_B_RTCP, SEND_RR, PHONE_A_RTCP},
		   {PHONE_A, AT_A, SEND_RTP, DROPPED(MODE), .far = true, .act = close_b},
		   {PHONE_B, AT_B, SEND_RTP, DROPPED(MODE)},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RR, DROPPED(MODE), .far = true},
		   END}},
	{"sendonly: media to outside only, reports both ways", .rules = a_sendonly,
	 .steps = {{PHONE_A, AT_A, SEND_RTP, DROPPED(MODE)},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RR, PHONE_B_RTCP},
		   {PHONE_B_RTCP, AT_B_RTCP, SEND_RR, PHONE_A_RTCP},
		   END}},
	{"recvonly: media from outside only, reports both ways", .rules = a_recvonly,
	 .steps = {{PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_B, AT_B, SEND_RTP, DROPPED(MODE), .far = true},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RR, PHONE_B_RTCP},
		   {PHONE_B_RTCP, AT_B_RTCP, SEND_RR, PHONE_A_RTCP},
		   END}},
	{"nothing is sent before the far side's address is known", .rules = b_no_remote,
	 .steps = {{PHONE_A, AT_A, SEND_RTP, DROPPED(NO_REMOTE)},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RR, DROPPED(NO_REMOTE)},
		   {PHONE_B, AT_B, SEND_RTP, DROPPED(SOURCE)},
		   {PHONE_A, AT_A, SEND_RTP, PHONE_B, .act = b_remote_known},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   END}},
	{"stray sources: address and port, RTP and RTCP, the other leg's phone (B2, C26)",
	 .steps = {{PHONE_STRANGER, AT_A, SEND_RTP, DROPPED(SOURCE), EVENT(SOURCE)},
		   {PHONE_A_OTHER, AT_A, SEND_RTP, DROPPED(SOURCE)}, /* the event is limited */
		   {PHONE_B, AT_A, SEND_RTP, DROPPED(SOURCE)},
		   {PHONE_A_RTCP, AT_A, SEND_RTP, DROPPED(SOURCE)},
		   {PHONE_A, AT_A_RTCP, SEND_RR, DROPPED(SOURCE)},
		   {PHONE_STRANGER, AT_A_RTCP, SEND_RR, DROPPED(SOURCE)},
		   {PHONE_STRANGER, AT_B, SEND_RTP, DROPPED(SOURCE), EVENT(SOURCE)},
		   {PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   END}},
	{"address filter: any port of the signalled address", .rules = a_address,
	 .steps = {{PHONE_A_OTHER, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_STRANGER, AT_A, SEND_RTP, DROPPED(SOURCE), EVENT(SOURCE)},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A}, /* still to the signalled port */
		   END}},
	{"no filter", .rules = a_any,
	 .steps = {{PHONE_STRANGER, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   END}},
	{"restricted latching: RTP and RTCP apart, foreigners before and after (C31, S11, B1)",
	 .rules = a_latch,
	 .steps = {{PHONE_B, AT_B, SEND_RTP,
		    DROPPED(NO_REMOTE)}, /* nothing goes out before the first packet */
		   {PHONE_STRANGER, AT_A, SEND_RTP, DROPPED(SOURCE), EVENT(SOURCE)},
		   {PHONE_A_OTHER, AT_A, SEND_BAD_VERSION_0,
		    DROPPED(MALFORMED)}, /* must not latch */
		   {PHONE_A_OTHER, AT_A, SEND_PT0, DROPPED(PAYLOAD)},
		   {PHONE_A, AT_A, SEND_RTP, PHONE_B, EVENT(LATCHED)},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   {PHONE_A_OTHER, AT_A, SEND_RTP, DROPPED(SOURCE)},
		   {PHONE_STRANGER, AT_A, SEND_RTP, DROPPED(SOURCE)},
		   {PHONE_B_RTCP, AT_B_RTCP, SEND_RR,
		    DROPPED(NO_REMOTE)}, /* RTCP has not latched */
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RR, PHONE_B_RTCP, EVENT(LATCHED)},
		   {PHONE_B_RTCP, AT_B_RTCP, SEND_RR, PHONE_A_RTCP},
		   {PHONE_A_OTHER, AT_A, SEND_RTP, DROPPED(SOURCE), .act = a_changed_not_rearmed},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   {PHONE_A_OTHER, AT_A, SEND_RTP, PHONE_B, EVENT(LATCHED), .act = a_rearm},
		   {PHONE_A, AT_A, SEND_RTP, DROPPED(SOURCE)},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A_OTHER},
		   END}},
	{"rtcp-mux on both sides (RFC 5761)", .rules = both_mux,
	 .steps = {{PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_A, AT_A, SEND_RR, PHONE_B},
		   {PHONE_B, AT_B, SEND_FEEDBACK, PHONE_A},
		   {PHONE_A, AT_A, SEND_BAD_RTCP_LENGTH, DROPPED(MALFORMED)},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RR, DROPPED(MODE)},
		   {PHONE_STRANGER, AT_A, SEND_RR, DROPPED(SOURCE), EVENT(SOURCE)},
		   END}},
	{"rtcp-mux on one side only", .rules = a_mux,
	 .steps = {{PHONE_A, AT_A, SEND_RR, PHONE_B_RTCP},
		   {PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_B_RTCP, AT_B_RTCP, SEND_RR, PHONE_A},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   END}},
	{"reports on a media port that carries media only",
	 .steps = {{PHONE_A, AT_A, SEND_RR, DROPPED(PAYLOAD)}, END}, .rules = NULL},
	{"payload types (B4)", .steps = {{PHONE_A, AT_A, SEND_PT0, DROPPED(PAYLOAD)},
					 {PHONE_A, AT_A, SEND_PT127, DROPPED(PAYLOAD)},
					 {PHONE_A, AT_A, SEND_PT101, PHONE_B},
					 {PHONE_A, AT_A, SEND_RTP_MARKER, PHONE_B},
					 END}},
	{"no payload types given: any", .rules = any_payload,
	 .steps = {{PHONE_A, AT_A, SEND_PT0, PHONE_B},
		   {PHONE_A, AT_A, SEND_PT127, PHONE_B},
		   {PHONE_A, AT_A, SEND_BAD_VERSION_1, DROPPED(MALFORMED)},
		   {PHONE_B, AT_B, SEND_PT0, DROPPED(PAYLOAD)},
		   END}},
	{"malformed RTP and RTCP (B4, B6, B10, C29)",
	 .steps = {{PHONE_A, AT_A, SEND_BAD_VERSION_0, DROPPED(MALFORMED)},
		   {PHONE_A, AT_A, SEND_BAD_VERSION_1, DROPPED(MALFORMED)},
		   {PHONE_A, AT_A, SEND_BAD_VERSION_3, DROPPED(MALFORMED)},
		   {PHONE_A, AT_A, SEND_BAD_CSRC, DROPPED(MALFORMED)},
		   {PHONE_A, AT_A, SEND_BAD_EXTENSION, DROPPED(MALFORMED)},
		   {PHONE_A, AT_A, SEND_BAD_PADDING, DROPPED(MALFORMED)},
		   {PHONE_A, AT_A, SEND_BAD_PADDING_0, DROPPED(MALFORMED)},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_BAD_RTCP_LENGTH, DROPPED(MALFORMED)},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_BAD_RTCP_COUNT, DROPPED(MALFORMED)},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_BAD_RTCP_TAIL, DROPPED(MALFORMED)},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RTP,
		    DROPPED(MALFORMED)}, /* media on the report port */
		   {PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   END},
	 .shorts = 1},
	{"jumbo packets pass whole (B10)", .steps = {{PHONE_A, AT_A, SEND_JUMBO, PHONE_B},
						     {PHONE_B, AT_B, SEND_JUMBO, PHONE_A},
						     END}},
	{"not RTP: any datagram but an empty one (udptl)", .rules = not_rtp,
	 .steps = {{PHONE_A, AT_A, SEND_UDPTL, PHONE_B},
		   {PHONE_B, AT_B, SEND_UDPTL, PHONE_A},
		   {PHONE_A, AT_A, SEND_SHORT + 1, PHONE_B},
		   {PHONE_A, AT_A, SEND_SHORT, DROPPED(MALFORMED)},
		   {PHONE_STRANGER, AT_A, SEND_UDPTL, DROPPED(SOURCE), EVENT(SOURCE)},
		   END}},
	{"policing drops the surplus of one direction, not its reports, nor the other (B5, C30)",
	 .rules = a_policed,
	 .steps = {{PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_A, AT_A, SEND_RTP, DROPPED(RATE), EVENT(POLICED)},
		   {PHONE_A, AT_A, SEND_RTP, DROPPED(RATE)},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RR, PHONE_B_RTCP},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   END}},
	{"DSCP of what is sent, changed on the way (J7 ds, B15)", .rules = dscp_set,
	 .steps = {{PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A},
		   {PHONE_A_RTCP, AT_A_RTCP, SEND_RR, PHONE_B_RTCP},
		   {PHONE_A, AT_A, SEND_RTP, PHONE_B, .act = dscp_changed},
		   END}},
	{"DSCP on IPv6", .b_is_ipv6 = true, .rules = dscp_set,
	 .steps = {{PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_A, AT_A, SEND_RTP, PHONE_B, .act = dscp_changed},
		   END}},
	{"the far end moves by command (G10): new source and destination, the old one is a stranger",
	 .steps = {{PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_A_OTHER, AT_A, SEND_RTP, DROPPED(SOURCE), EVENT(SOURCE)},
		   {PHONE_A_OTHER, AT_A, SEND_RTP, PHONE_B, .act = a_moves},
		   {PHONE_A, AT_A, SEND_RTP, DROPPED(SOURCE)},
		   {PHONE_B, AT_B, SEND_RTP, PHONE_A_OTHER},
		   END}},
	{"parted ends relay nothing, joined again they do",
	 .steps = {{PHONE_A, AT_A, SEND_RTP, PHONE_B},
		   {PHONE_A, AT_A, SEND_RTP, DROPPED(NO_REMOTE), .act = part},
		   {PHONE_B, AT_B, SEND_RTP, DROPPED(NO_REMOTE)},
		   {PHONE_A, AT_A, SEND_RTP, PHONE_B, .act = join_again},
		   END}},
};

const size_t conformance_ncases = sizeof(conformance_cases) / sizeof(conformance_cases[0]);
