/* SPDX-License-Identifier: Apache-2.0 */
/* Audit, recovery record, events, size of a call: J3 audits, J7 mgcinfo and adid, J9, S11. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "dbe/path/path_socket.h"
#include "proto/result.h"
#include "tests/unit/dbe/context/rig.h"

static void test_audit_of_a_context(void **state)
{
	char core[GATE_NAME_BYTES], peering[GATE_NAME_BYTES];
	struct addr local[2];
	uint32_t id = rig_call(core, peering, local);
	const struct gate_stream *s;
	struct gate_stream *m;

	(void)state;
	rig_begin(GATE_REF_ID, id);
	rig.request.has_record = true;
	rig.request.record = (const uint8_t *)"blob\0blob";
	rig.request.record_bytes = 9;
	m = rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, core), 1);
	m->has = GATE_HAS_DSCP | GATE_HAS_PAYLOADS | GATE_HAS_SILENCE | GATE_HAS_RTCP_MUX;
	m->dscp = 46;
	m->rtp = true;
	m->payloads[0] = 0x101;
	m->silence_ms = 3000;
	m->rtcp_mux = true;
	assert_int_equal(rig_run(), 0);
	rig_send(&local[0], "192.0.2.1:4000");
	rig_begin(GATE_REF_ID, id);
	rig_command(GATE_AUDIT_VALUE, GATE_REF_ALL, "");
	assert_int_equal(rig_run(), 0);
	assert_int_equal(rig.reply.ncommands, 2);
	assert_string_equal(rig.reply.commands[0].termination, core);
	assert_string_equal(rig.reply.commands[1].termination, peering);
	assert_true(rig.reply.has_record);
	assert_int_equal(rig.reply.record_bytes, 9);
	assert_memory_equal(rig.reply.record, "blob\0blob", 9);
	s = &rig.reply.commands[0].streams[0];
	assert_int_equal(s->mode, GATE_SENDRECV);
	assert_true(addr_equal(&s->local_rtp, &local[0]));
	assert_int_equal(s->remote_rtp.port, 4000);
	assert_int_equal(s->dscp, 46);
	assert_int_equal(s->payloads[0], 0x101);
	assert_int_equal(s->silence_ms, 3000);
	assert_true(s->rtcp_mux);
	assert_int_equal(s->statistics.packets_in, 1);
	assert_int_equal(s->has, 0x3ff);
}

static void test_record_alone_and_not_with_a_failure(void **state)
{
	uint32_t id = rig_call(NULL, NULL, NULL);

	(void)state;
	rig_begin(GATE_REF_ID, id);
	rig.request.has_record = true;
	rig.request.record = (const uint8_t *)"one";
	rig.request.record_bytes = 3;
	assert_int_equal(rig_run(), 0);
	rig.request.record = (const uint8_t *)"two";
	rig_command(GATE_SUBTRACT, GATE_REF_ID, "core/none");
	assert_int_equal(rig_run(), GATE_ERR_TERMINATION);
	rig_begin(GATE_REF_ID, id);
	rig_command(GATE_AUDIT_VALUE, GATE_REF_ALL, "");
	rig_run();
	assert_memory_equal(rig.reply.record, "one", 3);
}

static void test_audit_pages_through_all_ids(void **state)
{
	struct context_options o = {.host = &rig.host};
	uint32_t seen = 0, last = 0, pages = 0;

	(void)state;
	/* 600 contexts with one port each need more than the rig has */
	struct pool_address big = {.bind = rig_addr("127.0.0.5"), .low = 10000, .high = 11999};
	char why[256];

	assert_int_equal(pool_add_realm(rig.host.pool, "big", &big, 1, why), 0);
	context_store_free(rig.store);
	assert_int_equal(context_store_new(&o, &rig.store), 0);
	for (int i = 0; i < 600; i++) {
		rig_begin(GATE_REF_CHOOSE, 0);
		rig_add("big", NULL);
		assert_int_equal(rig_run(), 0);
	}
	do {
		rig_begin(GATE_REF_ALL, last);
		rig_command(GATE_AUDIT_VALUE, GATE_REF_ROOT, "");
		assert_int_equal(rig_run(), 0);
		for (size_t i = 0; i < rig.reply.ncontexts; i++) {
			assert_true(rig.reply.contexts[i] > last);
			last = rig.reply.contexts[i];
			seen++;
		}
		pages++;
	} while (rig.reply.more);
	assert_int_equal(seen, 600);
	assert_int_equal(pages, 3);
	rig_begin(GATE_REF_ALL, 0);
	rig_command(GATE_AUDIT_VALUE, GATE_REF_ROOT, "");
	assert_int_equal(rig_run_as("sbe2"), 0);
	assert_int_equal(rig.reply.ncontexts, 0);
	assert_false(rig.reply.more);
}

static void test_capabilities_list_the_realms(void **state)
{
	const struct gate_service_change *c = &rig.reply.commands[0].change;

	(void)state;
	rig_call(NULL, NULL, NULL);
	rig_begin(GATE_REF_ROOT, 0);
	rig_command(GATE_AUDIT_CAPABILITIES, GATE_REF_ROOT, "");
	assert_int_equal(rig_run(), 0);
	assert_int_equal(c->nrealms, 3);
	assert_string_equal(c->realms[0].name, "core");
	assert_int_equal(c->realms[0].ports_total, 100);
	assert_int_equal(c->realms[0].ports_free, 99);
	assert_true(c->realms[0].ipv4 && !c->realms[0].ipv6 && c->realms[0].up);
	assert_true(c->realms[1].ipv6);
	assert_int_equal(c->contexts_max, 40);
	assert_int_equal(c->contexts_now, 1);
}

static void test_events_name_controller_and_termination(void **state)
{
	char core[GATE_NAME_BYTES], peering[GATE_NAME_BYTES];
	struct addr local[2];
	uint32_t id = rig_call(core, peering, local);
	struct gate_stream *s;

	(void)state;
	rig_begin(GATE_REF_ID, id);
	s = rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, peering), 1);
	s->has = GATE_HAS_SILENCE | GATE_HAS_SOURCE | GATE_HAS_RATE;
	s->silence_ms = 1000;
	s->source = GATE_SOURCE_LATCH;
	s->rate_bytes_per_s = 1;
	s->burst_bytes = 200;
	assert_int_equal(rig_run(), 0);
	rig_send(&local[1], "192.0.2.9:1");
	assert_int_equal(rig.last.type, GATE_EVENT_SOURCE);
	assert_int_equal(rig.last.addr.port, 1);
	assert_int_equal(rig.last.value, 1);
	rig_send(&local[1], "192.0.2.9:1"); /* limited */
	rig_send(&local[1], "192.0.2.2:777");
	assert_int_equal(rig.last.addr.port, 777);
	rig_send(&local[1], "192.0.2.2:777");
	rig_pass_ms(1200);
	assert_int_equal(rig.last.stream_id, 1);
	assert_true(rig.last.at_wall_ms > 1700000000000);
	assert_string_equal(
		rig.events,
		"sbe1:peer:source;sbe1:peer:latched;sbe1:peer:policed;sbe1:peer:silence;");
	/* S11: the latch holds until the far end is changed by command */
	assert_true(rig_send(&local[0], "192.0.2.1:4000"));
	assert_int_equal(rig_out.to.port, 777);
	rig_begin(GATE_REF_ID, id);
	rig_set_remote(rig_stream(rig_command(GATE_MODIFY, GATE_REF_ID, peering), 1),
		       "192.0.2.2:6000");
	assert_int_equal(rig_run(), 0);
	assert_false(rig_send(&local[0], "192.0.2.1:4000"));
}

static void test_pool_events_go_to_all_controllers(void **state)
{
	(void)state;
	rig_begin(GATE_REF_CHOOSE, 0);
	rig_add("tiny", NULL);
	assert_int_equal(rig_run(), 0);
	assert_int_equal(rig_run(), 0);
	assert_string_equal(rig.events, "::pool_low;");
	assert_string_equal(rig.last.realm, "tiny");
	assert_int_equal(rig.last.value, 0);
}

static void count_stream(const char *termination, uint32_t stream_id, const struct flow_view *view,
			 void *arg)
{
	(void)termination;
	assert_int_equal(stream_id, 1);
	assert_string_equal(view->path, "fake");
	++*(int *)arg;
}

static int see_context(const struct context_view *view, void *arg)
{
	assert_string_equal(view->controller, "sbe1");
	assert_int_equal(view->nterminations, 2);
	*(uint32_t *)arg = view->id;
	return 0;
}

static void test_operators_views(void **state)
{
	uint32_t id = rig_call(NULL, NULL, NULL), seen = 0;
	struct context_view v;
	int n = 0;

	(void)state;
	context_each(rig.store, see_context, &seen);
	assert_int_equal(seen, id);
	assert_int_equal(context_each_stream(rig.store, id, count_stream, &n), 0);
	assert_int_equal(n, 2);
	rig_pass_ms(2000);
	assert_int_equal(context_view_of(rig.store, id, &v), 0);
	assert_int_equal(v.age_ms, 2000);
	assert_true(context_view_of(rig.store, id + 1, &v) < 0);
}

/* At most 3 KiB of user space for a call of two terminations with four sockets. The sanitizers' own
 * allocator does not tell. */
static void test_memory_of_a_call(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)state;
	puts("skip: the sanitizer's allocator does not tell what memory a call takes");
	skip();
#else
	struct flow_host host = rig.host;
	struct context_options o = {.host = &host};
	struct path_options po = {0};
	struct context_store *store = NULL;
	struct mallinfo2 before = {0}, after;
	uv_loop_t loop;

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(path_socket.create(&loop, &po, &host.path), 0);
	assert_int_equal(context_store_new(&o, &store), 0);
	for (int i = 0; i < 42; i++) {
		if (i == 2)
			before = mallinfo2();
		rig_begin(GATE_REF_CHOOSE, 0);
		rig_add("core", "192.0.2.1:4000");
		rig_add("peering", "192.0.2.2:5000");
		assert_int_equal(context_execute(store, "sbe1", &rig.request, &rig.reply), 0);
		assert_int_equal(rig.reply.commands[1].code, 0);
	}
	after = mallinfo2();
	print_message("a call takes %zu bytes\n", (after.uordblks - before.uordblks) / 40);
	assert_in_range((after.uordblks - before.uordblks) / 40, 1, 3072);
	context_store_free(store);
	path_socket.destroy(host.path);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
#endif
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_audit_of_a_context),
		TEST(test_record_alone_and_not_with_a_failure),
		TEST(test_audit_pages_through_all_ids),
		TEST(test_capabilities_list_the_realms),
		TEST(test_events_name_controller_and_termination),
		TEST(test_pool_events_go_to_all_controllers),
		TEST(test_operators_views),
		TEST(test_memory_of_a_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
