/* SPDX-License-Identifier: Apache-2.0 */
/* What the gate says of messages that are not parsed yet (C22, A22, A24). Loopback sockets. */
#include <string.h>
#include <unistd.h>

#include "transport_bed.h"

#include "sbe/sip/transport_metric.h"

static struct tbed bed;

static int up(void **state)
{
	(void)state;
	tbed_start(&bed);
	return 0;
}

static int down(void **state)
{
	(void)state;
	tbed_stop(&bed);
	return 0;
}

static const char *message(const char *method, const char *to, const char *via)
{
	static char text[1024];

	(void)snprintf(
		text, sizeof(text),
		"%s sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9;%s, SIP/2.0/UDP y\r\n"
		"From: <sip:a@example.com>;tag=f\r\nTo: %s\r\nCall-ID: c\r\n"
		"CSeq: 1 %s\r\nMax-Forwards: 70\r\nSubject: room for the answer to this request\r\n"
		"Content-Length: 0\r\n\r\n",
		method, via, to, method);
	return text;
}

static void what_is_dropped_is_not_parsed(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far;
	int fd = tbed_udp("127.0.0.2:0", &far);
	char text[64];

	bed.gate = GUARD_DROP;
	tbed_send_to(fd, &us, tbed_options("one"));
	tbed_wait(&bed, &bed.ngated, 1);
	assert_non_null(bed.gated.head);
	assert_true(bed.gated_known);
	assert_true(bed.gated.waited_us > 0); /* the kernel said when it came */
	bed.gate = GUARD_PASS;
	bed.strangers = true;
	tbed_send_to(fd, &us, tbed_options("two"));
	tbed_wait(&bed, &bed.nmessages, 1);
	assert_false(bed.gated_known);
	assert_string_equal(bed.messages[0].call_id, "two");
	assert_false(bed.messages[0].from.known);
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
	close(fd);
}

static void what_is_refused_is_answered_from_its_bytes(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far;
	int fd = tbed_udp("127.0.0.2:0", &far);
	const char *answer, *ask;

	bed.gate = GUARD_ANSWER;
	bed.gate_reply = (struct guard_reply){.status = 503,
					      .phrase = "Service Unavailable",
					      .headers = "Retry-After: 7\r\n",
					      .oc = ";oc=20;oc-algo=\"loss\""};
	ask = message("INVITE", "<sip:x@y>", "oc;branch=z9hG4bKb;oc-algo=\"loss\"");
	tbed_send_to(fd, &us, ask);
	answer = tbed_read(&bed, fd, "\r\n\r\n");
	assert_non_null(strstr(answer, "SIP/2.0 503 Service Unavailable\r\n"));
	assert_non_null(strstr(answer, "\r\nRetry-After: 7\r\n"));
	/* what was asked is replaced by what is answered, once */
	assert_non_null(strstr(answer,
			       "Via: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bKb;oc=20;oc-algo=\"loss\", "
			       "SIP/2.0/UDP y\r\n"));
	assert_true(strlen(answer) <= strlen(ask));
	assert_int_equal(bed.nmessages, 0);
	close(fd);
}

static void the_answer_goes_to_the_port_it_should(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far, other;
	int fd = tbed_udp("127.0.0.2:0", &far), at = tbed_udp("127.0.0.2:0", &other);

	bed.gate = GUARD_ANSWER;
	bed.gate_reply = (struct guard_reply){.status = 503, .phrase = "Service Unavailable"};
	bed.gate_port = other.port;
	tbed_send_to(fd, &us, message("INVITE", "<sip:x@y>", "branch=z9hG4bKb"));
	assert_non_null(strstr(tbed_read(&bed, at, "\r\n\r\n"), "SIP/2.0 503 "));
	close(fd);
	close(at);
}

/* Its ACK is known by our tag and costs no parsing; the ACK of anything else passes. */
static void acks_of_stateless_answers_end_here(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far;
	int fd = tbed_udp("127.0.0.2:0", &far);
	int64_t before = metric_get(&transport_metrics, TRANSPORT_ACKS);
	char to[256];
	const char *answer, *at;

	bed.gate = GUARD_ANSWER;
	bed.gate_reply = (struct guard_reply){.status = 503, .phrase = "Service Unavailable"};
	tbed_send_to(fd, &us, message("INVITE", "<sip:x@y>", "branch=z9hG4bKb"));
	answer = tbed_read(&bed, fd, "\r\n\r\n");
	at = strstr(answer, "To: ");
	assert_non_null(at);
	(void)snprintf(to, sizeof(to), "%.*s", (int)strcspn(at + 4, "\r"), at + 4);
	bed.gate = GUARD_PASS;
	tbed_send_to(fd, &us, message("ACK", to, "branch=z9hG4bKb"));
	tbed_send_to(fd, &us, message("ACK", "<sip:x@y>;tag=z", "branch=z9hG4bKb"));
	tbed_wait(&bed, &bed.nmessages, 1);
	assert_string_equal(bed.messages[0].first, "ACK");
	assert_int_equal(metric_get(&transport_metrics, TRANSPORT_ACKS), before + 1);
	assert_int_equal(bed.ngated, 2);
	close(fd);
}

static void the_fill_of_a_buffer_is_seen(void **state)
{
	(void)state;
	const struct transport_listener *l = tbed_listen(&bed, TRANSPORT_UDP, "127.0.0.1:0", NULL);
	struct addr us = tbed_local(l), far;
	int fd = tbed_udp("127.0.0.2:0", &far);
	static char big[60000];

	assert_int_equal(transport_queue_percent(bed.transport), 0);
	memset(big, 'x', sizeof(big) - 1);
	for (int i = 0; i < 200; i++) /* nobody turns the loop meanwhile */
		tbed_send_to(fd, &us, big);
	assert_true(transport_queue_percent(bed.transport) > 50);
	assert_true(transport_queue_percent(bed.transport) <= 101);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_dropped_is_not_parsed, up, down),
		cmocka_unit_test_setup_teardown(what_is_refused_is_answered_from_its_bytes, up,
						down),
		cmocka_unit_test_setup_teardown(the_answer_goes_to_the_port_it_should, up, down),
		cmocka_unit_test_setup_teardown(acks_of_stateless_answers_end_here, up, down),
		cmocka_unit_test_setup_teardown(the_fill_of_a_buffer_is_seen, up, down),
	};

	return cmocka_run_group_tests_name("sbe/sip/transport gate", tests, NULL, NULL);
}
