/* SPDX-License-Identifier: Apache-2.0 */
#include "transport_bed.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/net/tls.h"
#include "sbe/sip/transport_private.h"

#define TBED_DEADLINE_MS 5000U
#define TBED_TICK_MS 2U /* raw sockets are not the loop's: it wakes to look at them */

static void on_tick(uv_timer_t *t)
{
	(void)t;
}

static void on_message(void *arg, struct wire_msg *m, const struct transport_target *from)
{
	struct tbed *b = arg;
	struct tbed_message *t = &b->messages[b->nmessages];

	assert_true(b->nmessages < TBED_MAX);
	if (wire_is_request(m))
		(void)wire_text_copy(wire_method_text(m), t->first, sizeof(t->first));
	else
		(void)snprintf(t->first, sizeof(t->first), "%d", wire_status(m));
	(void)wire_text_copy(wire_call_id(m), t->call_id, sizeof(t->call_id));
	t->from = *from;
	b->nmessages++;
	if (b->reply) {
		static const char ok[] = "SIP/2.0 200 OK\r\n\r\n";

		(void)transport_send(b->transport, from, ok, sizeof(ok) - 1);
	}
}

static void on_failed(void *arg, const struct transport_target *to, int err)
{
	struct tbed *b = arg;

	assert_true(b->nfailures < TBED_MAX);
	b->failures[b->nfailures].to = *to;
	b->failures[b->nfailures].err = err;
	b->nfailures++;
}

static enum guard_verdict on_gate(void *arg, const struct transport_offer *offer,
				  struct guard_reply *ret_reply, uint16_t *ret_port)
{
	struct tbed *b = arg;

	b->ngated++;
	b->gated = *offer;
	b->gated_known = offer->from->known;
	if (b->gate == GUARD_ANSWER)
		*ret_reply = b->gate_reply;
	*ret_port = b->gate_port;
	return b->gate;
}

static uint32_t on_known(void *arg, const struct transport_target *from)
{
	const struct tbed *b = arg;

	assert_string_equal(transport_realm(from->listener), "core");
	assert_int_equal(from->to.family, ADDR_V4);
	return b->strangers ? 0 : TBED_PEER;
}

static bool on_tls(void *arg, const struct transport_target *far, bool accepted,
		   struct transport_tls *ret)
{
	struct tbed *b = arg;

	ret->peer = TBED_PEER;
	if (!accepted) {
		ret->names = &b->tls_name;
		ret->nnames = b->tls_name ? 1 : 0;
	}
	assert_int_equal(far->proto, TRANSPORT_TLS);
	return !b->tls_nobody;
}

static void on_link(void *arg, const struct transport_target *to, bool is_up, int err)
{
	struct tbed *b = arg;

	(void)to;
	assert_true(is_up ? !err : err < 0);
	b->nlinks[is_up]++;
}

void tbed_start(struct tbed *b)
{
	static const struct transport_handlers h = {.message = on_message,
						    .failed = on_failed,
						    .known = on_known,
						    .gate = on_gate,
						    .tls = on_tls,
						    .link = on_link};

	wire_setup();
	memset(b, 0, sizeof(*b));
	b->live = mem_live();
	assert_int_equal(uv_loop_init(&b->loop), 0);
	assert_int_equal(uv_timer_init(&b->loop, &b->tick), 0);
	assert_int_equal(uv_timer_start(&b->tick, on_tick, TBED_TICK_MS, TBED_TICK_MS), 0);
	assert_int_equal(transport_new(&b->loop, &h, b, &b->transport), 0);
}

void tbed_stop(struct tbed *b)
{
	transport_free(b->transport);
	uv_close((uv_handle_t *)&b->tick, NULL);
	assert_int_equal(uv_run(&b->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	assert_int_equal(mem_live(), b->live);
}

static struct addr ip_port(const char *ip)
{
	struct addr a;

	assert_int_equal(addr_parse(ip, &a), 0);
	return a;
}

const struct transport_listener *tbed_listen(struct tbed *b, enum transport_proto proto,
					     const char *ip, struct tls_context *tls)
{
	struct transport_listen o = {
		.realm = "core", .proto = proto, .local = ip_port(ip), .tls = tls};
	const struct transport_listener *l, *last = NULL;

	assert_int_equal(transport_listen(b->transport, &o), 0);
	STAILQ_FOREACH(l, &b->transport->listeners, next)
		last = l;
	return last;
}

void tbed_wait(struct tbed *b, const int *value, int want)
{
	uint64_t until_ms = uv_now(&b->loop) + TBED_DEADLINE_MS;

	while (*value < want) {
		if (uv_now(&b->loop) > until_ms)
			fail_msg("waited for %d, there are %d", want, *value);
		uv_run(&b->loop, UV_RUN_ONCE);
	}
}

void tbed_turns(struct tbed *b)
{
	for (int i = 0; i < 10; i++)
		uv_run(&b->loop, UV_RUN_NOWAIT);
}

static void learn_local(int fd, struct addr *ret_local)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, ret_local), 0);
}

static int bound(int type, const char *ip, struct addr *ret_local)
{
	struct addr a = ip_port(ip);
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(&a, &sa);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	learn_local(fd, ret_local);
	return fd;
}

int tbed_udp(const char *ip, struct addr *ret_local)
{
	return bound(SOCK_DGRAM, ip, ret_local);
}

int tbed_connect(const struct addr *to, struct addr *ret_local)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(to, &sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	/* The kernel answers for the listener's backlog, so this does not wait for the loop. */
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, n), 0);
	if (ret_local)
		learn_local(fd, ret_local);
	return fd;
}

int tbed_server(const char *ip, struct addr *ret_local)
{
	int fd = bound(SOCK_STREAM, ip, ret_local);

	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

int tbed_accept(struct tbed *b, int server, struct addr *ret_from)
{
	uint64_t until_ms = uv_now(&b->loop) + TBED_DEADLINE_MS;
	struct sockaddr_storage sa;
	socklen_t n;
	int fd;

	do {
		if (uv_now(&b->loop) > until_ms)
			fail_msg("nobody connected");
		uv_run(&b->loop, UV_RUN_ONCE);
		n = sizeof(sa);
		fd = accept4(server, (struct sockaddr *)&sa, &n, SOCK_CLOEXEC);
	} while (fd < 0);
	if (ret_from)
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, ret_from), 0);
	return fd;
}

void tbed_write(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void tbed_send_to(int fd, const struct addr *to, const char *text)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(to, &sa);

	assert_int_equal(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&sa, n),
			 strlen(text));
}

const char *tbed_read(struct tbed *b, int fd, const char *until)
{
	static char text[65536];
	uint64_t until_ms = uv_now(&b->loop) + TBED_DEADLINE_MS;
	size_t n = 0;

	for (text[0] = '\0'; !*until || !strstr(text, until);) {
		ssize_t k = recv(fd, text + n, sizeof(text) - 1 - n, MSG_DONTWAIT);

		if (k == 0 || (k < 0 && errno == ECONNRESET)) {
			if (*until)
				fail_msg("closed before \"%s\" came: \"%s\"", until, text);
			break;
		}
		n += k > 0 ? (size_t)k : 0;
		text[n] = '\0';
		if (uv_now(&b->loop) > until_ms)
			fail_msg("\"%s\" did not come: \"%s\"", until, text);
		if (k < 0)
			uv_run(&b->loop, UV_RUN_ONCE);
	}
	return text;
}

struct addr tbed_local(const struct transport_listener *l)
{
	return l->local;
}

const char *tbed_options(const char *call_id)
{
	static char texts[4][1024];
	static unsigned turn;
	char *text = texts[turn++ % 4];

	(void)snprintf(
		text, sizeof(texts[0]),
		"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bK-%s\r\n"
		"From: <sip:a@example.com>;tag=f\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: %s\r\n"
		"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		call_id, call_id);
	return text;
}

static X509 *make_certificate(EVP_PKEY *key, const char *name)
{
	char alternative[128];
	X509 *x = X509_new();
	X509_EXTENSION *e;

	(void)snprintf(alternative, sizeof(alternative), "DNS:%s", name);
	assert_non_null(x);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

struct tls_context *tbed_tls(const char *name, bool require_peer)
{
	char directory[] = "/tmp/transport_bed.XXXXXX", path[64], key_path[64], why[256] = "";
	const char *trust[] = {path};
	struct tls_options o = {.certificate_file = path,
				.private_key_file = key_path,
				.trust_files = trust,
				.ntrust = 1,
				.require_peer = require_peer};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct tls_context *tls = NULL;
	X509 *x = make_certificate(key, name);
	FILE *f;

	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/cert.pem", directory);
	(void)snprintf(key_path, sizeof(key_path), "%s/key.pem", directory);
	f = fopen(path, "w");
	assert_true(f && PEM_write_X509(f, x));
	(void)fclose(f);
	f = fopen(key_path, "w");
	assert_true(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
	(void)fclose(f);
	if (tlsid_new(&o, &tls, why))
		fail_msg("%s", why);
	(void)unlink(path);
	(void)unlink(key_path);
	(void)rmdir(directory);
	X509_free(x);
	EVP_PKEY_free(key);
	return tls;
}
