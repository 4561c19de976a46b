/* SPDX-License-Identifier: Apache-2.0 */
#include "txn_bed.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "sbe/sip/transport_private.h"

#define BED_START_MS 1000000U

static char name_core[] = "core", name_udp[] = "192.0.2.1:5060", name_tcp[] = "192.0.2.1:5062";
static const struct transport_listener listener_udp = {
	.proto = TRANSPORT_UDP, .realm = name_core, .sent_by = name_udp};
static const struct transport_listener listener_tcp = {
	.proto = TRANSPORT_TCP, .realm = name_core, .sent_by = name_tcp};
const struct transport_listener *const bed_udp = &listener_udp, *const bed_tcp = &listener_tcp;

static uint64_t since_ms(const struct bed *b)
{
	return b->now_ms - BED_START_MS;
}

static void note(struct bed *b, const char *what, const char *detail)
{
	if (b->quiet)
		return;
	assert_true(b->nlog < BED_LOG_MAX);
	(void)snprintf(b->log[b->nlog++], sizeof(b->log[0]), "%llu %s%s%s",
		       (unsigned long long)since_ms(b), what, detail[0] ? " " : "", detail);
}

static void note_number(struct bed *b, const char *what, int n)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", n);
	note(b, what, text);
}

static int on_send(void *arg, const struct transport_target *to, const void *data, size_t len_bytes)
{
	struct bed *b = arg;
	struct bed_sent *s = &b->sent[b->nsent];

	assert_true(b->nsent < BED_SENT_MAX);
	assert_true(len_bytes < sizeof(s->text));
	s->at_ms = since_ms(b);
	s->to = *to;
	memcpy(s->text, data, len_bytes);
	s->text[len_bytes] = '\0';
	b->nsent++;
	return b->send_err;
}

static void on_cancel(void *arg, const struct wire_msg *cancel)
{
	(void)cancel;
	note(arg, "cancel", "");
}

static void on_acked(void *arg)
{
	note(arg, "acked", "");
}

static void on_no_ack(void *arg)
{
	note(arg, "no_ack", "");
}

static void on_server_terminated(void *arg)
{
	note(arg, "terminated", "");
}

static const struct txn_server_handlers server_handlers = {on_cancel, on_acked, on_no_ack,
							   on_server_terminated};

static void on_request(void *arg, struct txn_server *s, const struct wire_msg *m)
{
	struct bed *b = arg;
	char method[32];

	note(b, "request", wire_text_copy(wire_method_text(m), method, sizeof(method)));
	b->server = s;
	if (b->bind)
		txn_server_bind(s, &server_handlers, b);
	if (b->answer)
		(void)txn_server_reply(s, b->answer);
}

static void on_ack(void *arg, const struct wire_msg *m, const struct transport_target *from)
{
	(void)m;
	(void)from;
	note(arg, "ack", "");
}

static void on_stray(void *arg, const struct wire_msg *m, const struct transport_target *from,
		     bool again)
{
	(void)from;
	note_number(arg, again ? "stray again" : "stray", wire_status(m));
}

static void on_response(void *arg, const struct wire_msg *m)
{
	struct bed *b = arg;

	note_number(b, "response", wire_status(m));
	if (b->detach_in_response)
		txn_client_detach(b->client);
}

static void on_failed(void *arg, int err)
{
	note(arg, "failed", err == -110 ? "timeout" : err == -111 ? "refused" : "other");
}

static void on_client_terminated(void *arg)
{
	note(arg, "ended", "");
}

static const struct txn_client_handlers client_handlers = {on_response, on_failed,
							   on_client_terminated};

static const struct transport_listener *on_large(void *arg, const struct transport_target *to,
						 size_t len_bytes)
{
	const struct bed *b = arg;

	assert_int_equal(to->proto, TRANSPORT_UDP);
	return b->large_bytes && len_bytes > b->large_bytes ? bed_tcp : NULL;
}

static const struct transport_listener *on_refused(void *arg, const struct transport_target *to)
{
	struct bed *b = arg;

	assert_int_equal(to->proto, TRANSPORT_TCP);
	b->nrefused++;
	return b->no_way_back ? NULL : bed_udp;
}

void bed_start(struct bed *b, const struct txn_options *o)
{
	static const struct txn_layer_handlers h = {.send = on_send,
						    .request = on_request,
						    .ack = on_ack,
						    .stray_2xx = on_stray,
						    .large = on_large,
						    .refused = on_refused};

	wire_setup();
	memset(b, 0, sizeof(*b));
	b->live = mem_live();
	b->now_ms = BED_START_MS;
	b->bind = true;
	assert_int_equal(timer_wheel_new(b->now_ms, &b->wheel), 0);
	assert_int_equal(txn_layer_new(b->wheel, o, &h, b, &b->layer), 0);
}

void bed_stop(struct bed *b)
{
	txn_layer_free(b->layer);
	assert_int_equal(timer_wheel_count(b->wheel), 0);
	timer_wheel_free(b->wheel);
	assert_int_equal(mem_live(), b->live);
}

void bed_run_to(struct bed *b, uint64_t ms)
{
	uint64_t until_ms = BED_START_MS + ms;
	int64_t wait_ms;

	while ((wait_ms = timer_wheel_next_ms(b->wheel, b->now_ms)) >= 0 &&
	       b->now_ms + (uint64_t)wait_ms <= until_ms) {
		b->now_ms += (uint64_t)wait_ms;
		timer_wheel_run(b->wheel, b->now_ms);
	}
	b->now_ms = until_ms;
	timer_wheel_run(b->wheel, b->now_ms);
}

struct transport_target bed_peer(const struct transport_listener *l)
{
	struct transport_target t = {.proto = l->proto, .listener = l, .known = true};

	assert_int_equal(addr_parse("198.51.100.7:5070", &t.to), 0);
	t.connection = l->proto == TRANSPORT_UDP ? 0 : 7;
	return t;
}

int bed_receive(struct bed *b, const char *text, const struct transport_target *from)
{
	char wire[8192];
	const char *why = "";
	struct wire_msg *m = NULL;
	size_t n = 0;
	unsigned long fail_at;
	int err;

	for (; *text; text++) {
		assert_true(n + 2 < sizeof(wire));
		if (*text == '\n')
			wire[n++] = '\r';
		wire[n++] = *text;
	}
	/* Allocations that are made to fail are the layer's, not the parser's. */
	fail_at = mem_fail_left();
	mem_fail_at(0);
	err = wire_parse((const uint8_t *)wire, n, &m, &why);
	mem_fail_at(fail_at);
	if (err == 0)
		txn_receive(b->layer, m, from);
	mem_unref(m);
	return err;
}

void bed_request(struct bed *b, const char *method, const char *branch, const char *to_tag,
		 const struct transport_target *from)
{
	const char *cseq = "1";
	char text[2048];

	(void)snprintf(text, sizeof(text),
		       "%s sip:x@192.0.2.1 SIP/2.0\n"
		       "Via: SIP/2.0/%s 198.51.100.7:5066;branch=%s;rport\n"
		       "Record-Route: <sip:rr.example;lr>\n"
		       "From: \"A\" <sip:a@example.com>;tag=fromtag\n"
		       "To: <sip:x@192.0.2.1>%s%s\n"
		       "Call-ID: call-1\n"
		       "CSeq: %s %s\n"
		       "Timestamp: 54\n"
		       "Max-Forwards: 70\n"
		       "Content-Length: 0\n\n",
		       method, from->proto == TRANSPORT_UDP ? "UDP" : "TCP", branch,
		       to_tag ? ";tag=" : "", to_tag ? to_tag : "", cseq, method);
	assert_int_equal(bed_receive(b, text, from), 0);
}

static int last_sent(struct bed *b, const char *method)
{
	size_t n = strlen(method);

	for (int i = (int)b->nsent - 1; i >= 0; i--)
		if (!strncmp(b->sent[i].text, method, n) && b->sent[i].text[n] == ' ')
			return i;
	fail_msg("no %s was sent", method);
	return -1;
}

void bed_respond(struct bed *b, const char *method, int status, const char *to_tag,
		 const struct transport_target *from)
{
	unsigned i = (unsigned)last_sent(b, method);
	char via[256], to[128], cseq[64], text[2048];

	(void)snprintf(via, sizeof(via), "%s", bed_header(b, i, "Via"));
	(void)snprintf(to, sizeof(to), "%s", bed_header(b, i, "To"));
	(void)snprintf(cseq, sizeof(cseq), "%s", bed_header(b, i, "CSeq"));
	(void)snprintf(text, sizeof(text),
		       "SIP/2.0 %d Text\n"
		       "Via: %s\n"
		       "From: %s\n"
		       "To: %s%s%s\n"
		       "Call-ID: our-call\n"
		       "CSeq: %s\n"
		       "Content-Length: 0\n\n",
		       status, via, bed_header(b, i, "From"), to, to_tag ? ";tag=" : "",
		       to_tag ? to_tag : "", cseq);
	assert_int_equal(bed_receive(b, text, from), 0);
}

int bed_client(struct bed *b, const char *method, uint32_t timeout_ms,
	       const struct transport_target *to)
{
	char headers[512];
	struct txn_request r = {.method = method,
				.uri = "sip:b@198.51.100.7:5070",
				.headers = headers,
				.body = "v=0\r\n",
				.body_bytes = 5,
				.timeout_ms = timeout_ms};

	r.headers_bytes = (size_t)snprintf(headers, sizeof(headers),
					   "From: <sip:us@192.0.2.1>;tag=ours\r\n"
					   "To: <sip:b@example.com>\r\n"
					   "Call-ID: our-call\r\n"
					   "CSeq: 17 %s\r\n"
					   "Max-Forwards: 69\r\n"
					   "Route: <sip:r1.example;lr>\r\n"
					   "Route: <sip:r2.example;lr>\r\n"
					   "Contact: <sip:us@192.0.2.1>\r\n"
					   "Content-Type: application/sdp\r\n",
					   method);
	return txn_client_new(b->layer, to, &r, &client_handlers, b, &b->client);
}

const char *bed_first_line(struct bed *b, unsigned nth)
{
	static char line[256];

	assert_true(nth < b->nsent);
	(void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(b->sent[nth].text, "\r"),
		       b->sent[nth].text);
	return line;
}

const char *bed_header(struct bed *b, unsigned nth, const char *name)
{
	static char values[8][512];
	static unsigned turn;
	char *value = values[turn++ % 8], mark[64];
	const char *at;

	assert_true(nth < b->nsent);
	(void)snprintf(mark, sizeof(mark), "\r\n%s: ", name);
	at = strstr(b->sent[nth].text, mark);
	value[0] = '\0';
	if (at) {
		at += strlen(mark);
		(void)snprintf(value, sizeof(values[0]), "%.*s", (int)strcspn(at, "\r"), at);
	}
	return value;
}

const char *bed_times(struct bed *b, const char *start, unsigned first)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = first; i < b->nsent; i++)
		if (!strncmp(b->sent[i].text, start, strlen(start)))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%llu", n ? " " : "",
					      (unsigned long long)b->sent[i].at_ms);
	return text;
}

const char *bed_log(struct bed *b)
{
	static char text[BED_LOG_MAX * 66];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < b->nlog; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "; " : "", b->log[i]);
	b->nlog = 0;
	return text;
}
