/* SPDX-License-Identifier: Apache-2.0 */
/* Requests too large for UDP (RFC 3261 18.1.1): by TCP, and back when that is refused, once. */
#include <errno.h>
#include <string.h>

#include "txn_bed.h"

static struct bed bed;

static int up(void **state)
{
	(void)state;
	bed_start(&bed, NULL);
	bed.large_bytes = 100;
	return 0;
}

static int down(void **state)
{
	(void)state;
	bed_stop(&bed);
	return 0;
}

static void invite(void)
{
	struct transport_target to = bed_peer(bed_udp);

	assert_int_equal(bed_client(&bed, "INVITE", 0, &to), 0);
}

static void small_ones_stay(void **state)
{
	(void)state;
	bed.large_bytes = 4000;
	invite();
	assert_int_equal(bed.sent[0].to.proto, TRANSPORT_UDP);
	bed.large_bytes = 0;
	invite();
	assert_int_equal(bed.sent[1].to.proto, TRANSPORT_UDP);
}

static void large_ones_go_by_tcp(void **state)
{
	(void)state;
	struct transport_target to = bed_peer(bed_udp), from = bed_peer(bed_tcp);

	invite();
	assert_int_equal(bed.sent[0].to.proto, TRANSPORT_TCP);
	assert_ptr_equal(bed.sent[0].to.listener, bed_tcp);
	assert_true(addr_equal(&bed.sent[0].to.to, &to.to));
	assert_non_null(strstr(bed_header(&bed, 0, "Via"), "SIP/2.0/TCP 192.0.2.1:5062;branch="));
	bed_run_to(&bed, 3000);
	assert_int_equal(bed.nsent, 1); /* not repeated, as on any stream */
	bed_respond(&bed, "INVITE", 180, "t", &from);
	txn_client_cancel(bed.client, NULL);
	assert_int_equal(bed.sent[1].to.proto, TRANSPORT_TCP);
	bed_respond(&bed, "INVITE", 487, "t", &from);
	assert_string_equal(bed_log(&bed), "3000 response 180; 3000 response 487");
	assert_string_equal(bed_first_line(&bed, 2), "ACK sip:b@198.51.100.7:5070 SIP/2.0");
	assert_int_equal(bed.sent[2].to.proto, TRANSPORT_TCP);
}

static void refused_ones_come_back(void **state)
{
	(void)state;
	struct transport_target from = bed_peer(bed_udp);
	char branch[256];

	invite();
	(void)snprintf(branch, sizeof(branch), "%s", strstr(bed_header(&bed, 0, "Via"), ";branch"));
	bed_run_to(&bed, 1000);
	txn_transport_failed(bed.layer, &bed.sent[0].to, -ECONNREFUSED);
	assert_int_equal(bed.nrefused, 1);
	assert_int_equal(bed.nsent, 2);
	assert_int_equal(bed.sent[1].to.proto, TRANSPORT_UDP);
	assert_non_null(strstr(bed_header(&bed, 1, "Via"), "SIP/2.0/UDP 192.0.2.1:5060;branch="));
	assert_non_null(strstr(bed_header(&bed, 1, "Via"), branch));
	assert_non_null(strstr(bed.sent[1].text, "\r\n\r\nv=0\r\n"));
	/* from here on it is a request over UDP: A, and B with what was left of it */
	bed_run_to(&bed, 5000);
	assert_string_equal(bed_times(&bed, "INVITE", 1), "1000 1500 2500 4500");
	bed_respond(&bed, "INVITE", 200, "t", &from);
	assert_string_equal(bed_log(&bed), "5000 response 200");
}

static void deadline_is_that_of_the_beginning(void **state)
{
	(void)state;
	invite();
	bed_run_to(&bed, 1000);
	txn_transport_failed(bed.layer, &bed.sent[0].to, -ETIMEDOUT);
	bed_run_to(&bed, 60000);
	assert_string_equal(bed_log(&bed), "32000 failed timeout; 32000 ended");
}

static void second_failure_is_one(void **state)
{
	(void)state;
	invite();
	txn_transport_failed(bed.layer, &bed.sent[0].to, -ECONNREFUSED);
	txn_transport_failed(bed.layer, &bed.sent[1].to, -ECONNREFUSED);
	bed_run_to(&bed, 10);
	assert_int_equal(bed.nrefused, 1);
	assert_string_equal(bed_log(&bed), "0 failed refused; 0 ended");
}

static void refused_at_once_without_a_way_back(void **state)
{
	(void)state;
	bed.no_way_back = true;
	bed.send_err = -ECONNREFUSED;
	invite();
	bed_run_to(&bed, 10);
	assert_int_equal(bed.nrefused, 1);
	assert_int_equal(bed.nsent, 1);
	assert_string_equal(bed_log(&bed), "0 failed refused; 0 ended");
}

int main(void)
{
#define BED(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		BED(small_ones_stay),        BED(large_ones_go_by_tcp),
		BED(refused_ones_come_back), BED(deadline_is_that_of_the_beginning),
		BED(second_failure_is_one),  BED(refused_at_once_without_a_way_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
