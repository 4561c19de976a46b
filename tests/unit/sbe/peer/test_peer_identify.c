/* SPDX-License-Identifier: Apache-2.0 */
/* Whose message it is, as far as no certificate is needed: scenarios i010 and up show those (E9, H5, H11). */
#include "tests/unit/sbe/peer/peer_bed.h"

#include "common/mem.h"
#include "sbe/peer/peer_identify.h"

static uv_loop_t loop;
static struct transport *transport;
static const struct transport_listener *listener;

static int up(void **state)
{
	struct transport_handlers h = {.message = NULL};
	struct transport_listen l = {
		.realm = "r", .proto = TRANSPORT_UDP, .local = bed_addr("127.0.0.1:0")};

	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(transport_new(&loop, &h, NULL, &transport), 0);
	assert_int_equal(transport_listen(transport, &l), 0);
	listener = transport_find(transport, "r", TRANSPORT_UDP, ADDR_V4);
	return 0;
}

static int down(void **state)
{
	(void)state;
	transport_free(transport);
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static const char *who(const struct peer_set *s, enum transport_proto proto, const char *from)
{
	struct transport_target t = {
		.proto = (uint8_t)proto, .to = bed_addr(from), .listener = listener};
	const struct peer *p = peer_identify(s, &t);

	return p ? p->name : "nobody";
}

static void by_address_and_transport(void **state)
{
	(void)state;
	struct peer_set *s = bed_set(
		"{'peers':{'clear':{'realm':'r','sources':['10.0.0.1'],'domains':['c.example']},"
		"'only':{'realm':'r','sources':['10.0.0.2'],'tls':{'required':true}},"
		"'named':{'realm':'r','sources':['10.0.0.3'],'tls':{'name':'n.example'}},"
		"'oneway':{'realm':'r','sources':['10.0.0.4'],'domains':['o.example'],"
		"'tls':{'required':true,'mutual':false}},"
		"'roaming':{'realm':'r','tls':{'name':'m.example'}}}}",
		NULL);

	assert_string_equal(who(s, TRANSPORT_UDP, "10.0.0.1:5060"), "clear");
	assert_string_equal(who(s, TRANSPORT_TCP, "10.0.0.1:5060"), "clear");
	/* over TLS its name is its domain, and nobody has shown that */
	assert_string_equal(who(s, TRANSPORT_TLS, "10.0.0.1:5060"), "nobody");
	assert_string_equal(who(s, TRANSPORT_UDP, "10.0.0.2:5060"), "nobody");
	assert_string_equal(who(s, TRANSPORT_TLS, "10.0.0.2:5060"), "only"); /* no name agreed */
	assert_string_equal(who(s, TRANSPORT_TCP, "10.0.0.3:5060"), "nobody");
	assert_string_equal(who(s, TRANSPORT_TLS, "10.0.0.3:5060"), "nobody");
	assert_string_equal(who(s, TRANSPORT_UDP, "10.0.0.4:5060"), "nobody");
	assert_string_equal(who(s, TRANSPORT_TLS, "10.0.0.4:5060"), "oneway");
	assert_string_equal(who(s, TRANSPORT_TLS, "10.0.0.5:5060"), "nobody");
	peer_set_free(s);
}

/* The transport asks once; afterwards the number says it, also after a reload. */
static void by_number(void **state)
{
	(void)state;
	const char *text = "{'peers':{'a':{'realm':'r','sources':['10.0.0.1']},"
			   "'b':{'realm':'r','sources':['10.0.0.2']}}}";
	struct peer_set *s = bed_set(text, NULL), *later = bed_set(text, s), *other;
	uint32_t b = peer_find_name(s, "b")->state->number;
	struct transport_target t = {.to = bed_addr("10.0.0.1:5060"), .listener = listener};

	assert_int_not_equal(b, peer_find_name(s, "a")->state->number);
	t.peer = b;
	assert_string_equal(peer_identify(s, &t)->name, "b");
	assert_ptr_equal(peer_identify(later, &t), peer_find_name(later, "b"));
	/* one that is gone says nothing: the address does */
	other = bed_set("{'peers':{'a':{'realm':'r','sources':['10.0.0.1']}}}", s);
	assert_string_equal(peer_identify(other, &t)->name, "a");
	peer_set_free(later);
	/* whatever the order in the file, with new ones among them */
	later = bed_set("{'peers':{'d':{'realm':'r','sources':['10.0.0.4']},"
			"'b':{'realm':'r','sources':['10.0.0.2']},"
			"'c':{'realm':'r','sources':['10.0.0.3']},"
			"'a':{'realm':'r','sources':['10.0.0.1']}}}",
			s);
	for (const char *name = "abcd"; *name; name++) {
		struct peer *p = peer_find_name(later, (const char[]){*name, 0});

		assert_ptr_equal(peer_find_number(later, p->state->number), p);
	}
	assert_null(peer_find_number(later, 0));
	assert_null(peer_find_number(later, UINT32_MAX));
	peer_set_free(s);
	peer_set_free(later);
	peer_set_free(other);
}

/* U7: where requests of a dialog may go that a peer's Contact names. */
static void places_of_a_peer(void **state)
{
	(void)state;
	struct peer_set *s = bed_set(
		"{'peers':{'a':{'realm':'r','sources':['10.0.0.0/30'],'next_hops':['sip:10.0.1.1']},"
		"'b':{'realm':'r','sources':['10.0.0.8']}}}",
		NULL);
	struct transport_target t = {.to = bed_addr("10.9.9.9:5060"), .listener = listener};
	struct addr source = bed_addr("10.0.0.2:5070"), hop = bed_addr("10.0.1.1:5099"),
		    b = bed_addr("10.0.0.8:5060"), other = bed_addr("10.0.2.1:5060"),
		    here = bed_addr("10.9.9.9:7000");

	t.peer = peer_find_name(s, "a")->state->number;
	assert_true(peer_may_be_at(s, &t, &source));
	assert_true(peer_may_be_at(s, &t, &hop));
	assert_true(peer_may_be_at(s, &t, &here));
	assert_false(peer_may_be_at(s, &t, &b));
	assert_false(peer_may_be_at(s, &t, &other));
	t.proto = TRANSPORT_TLS; /* a certificate proves it */
	assert_true(peer_may_be_at(s, &t, &other));
	peer_set_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_address_and_transport),
		cmocka_unit_test(by_number),
		cmocka_unit_test(places_of_a_peer),
	};

	return cmocka_run_group_tests(tests, up, down);
}
