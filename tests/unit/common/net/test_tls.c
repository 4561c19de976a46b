/* SPDX-License-Identifier: Apache-2.0 */
/* Loading of identities: every refusal names the file and the cause (D11). */
#include "tests/unit/common/net/net_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/net/tls.h"

static char *dir;

static const char *file(const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *p = paths[next++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(file(name), "w");

	fputs(text, f);
	fclose(f);
}

static int group_setup(void **state)
{
	(void)state;
	dir = net_temp_dir();
	net_cert_make(dir, &(struct net_cert){.name = "ca", .common_name = "ca", .ca = true});
	net_cert_make(dir, &(struct net_cert){.name = "good",
					      .issuer = "ca",
					      .common_name = "gate",
					      .dns = {"sbe1", "sbe1.a.example"}});
	net_cert_make(dir, &(struct net_cert){.name = "other", .issuer = "ca", .dns = {"other"}});
	net_cert_make(dir, &(struct net_cert){.name = "old",
					      .issuer = "ca",
					      .dns = {"sbe1"},
					      .from_s = -7200,
					      .to_s = -3600});
	net_cert_make(dir, &(struct net_cert){.name = "future",
					      .issuer = "ca",
					      .dns = {"sbe1"},
					      .from_s = 3600,
					      .to_s = 7200});
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	net_remove_dir(dir);
	return 0;
}

/* @return result; the reason is checked to hold both parts */
static int load(const char *cert, const char *key, const char *trust, const char *part1,
		const char *part2)
{
	const char *trusts[1] = {trust};
	struct tls_options o = {.certificate_file = cert,
				.private_key_file = key,
				.trust_files = trusts,
				.ntrust = trust ? 1 : 0};
	struct tls_context *c = NULL;
	size_t live = mem_live();
	char why[256];
	int err = tlsid_new(&o, &c, why);

	if (err) {
		assert_null(c);
		if (!strstr(why, part1) || !strstr(why, part2))
			fail_msg("reason is: %s", why);
	} else {
		assert_string_equal(why, "");
		assert_non_null(c);
	}
	mem_unref(c);
	assert_int_equal(mem_live(), live);
	return err;
}

static void test_good_pair(void **state)
{
	(void)state;
	assert_int_equal(load(file("good.pem"), file("good.key"), file("ca.pem"), "", ""), 0);
	assert_int_equal(load(file("good.pem"), file("good.key"), NULL, "", ""), 0);
	assert_int_equal(load(NULL, NULL, file("ca.pem"), "", ""), 0);
}

static void test_info_of_our_certificate(void **state)
{
	struct tls_options o = {.certificate_file = file("good.pem"),
				.private_key_file = file("good.key")};
	struct tls_context *c = NULL;
	struct tls_info info;
	char why[256];
	int64_t now_s = (int64_t)time(NULL);

	(void)state;
	assert_int_equal(tlsid_new(&o, &c, why), 0);
	tlsid_info(c, &info);
	assert_string_equal(info.names, "sbe1 sbe1.a.example");
	assert_non_null(strstr(info.subject, "CN=gate"));
	assert_non_null(strstr(info.issuer, "CN=ca"));
	assert_in_range(info.not_after_s - now_s, 3500, 3600);
	assert_in_range(now_s - info.not_before_s, 60, 120);
	mem_unref(c);
}

static void test_missing_files(void **state)
{
	(void)state;
	assert_int_equal(load(file("no.pem"), file("good.key"), NULL, "no.pem", "No such file"),
			 -ENOENT);
	assert_int_equal(load(file("good.pem"), file("no.key"), NULL, "no.key", "No such file"),
			 -ENOENT);
	assert_int_equal(load(file("good.pem"), file("good.key"), file("no-ca.pem"), "no-ca.pem",
			      "No such file"),
			 -ENOENT);
	assert_int_equal(load(file("good.pem"), NULL, NULL, "private key", "no file"), -EINVAL);
	assert_int_equal(load(NULL, file("good.key"), NULL, "certificate", "no file"), -EINVAL);
}

static void test_key_of_another_certificate(void **state)
{
	(void)state;
	assert_int_equal(load(file("good.pem"), file("other.key"), NULL, "other.key",
			      "does not belong to certificate"),
			 -EINVAL);
}

static void test_dates(void **state)
{
	(void)state;
	assert_int_equal(load(file("old.pem"), file("old.key"), NULL, "old.pem", "expired at 20"),
			 -EINVAL);
	assert_int_equal(load(file("future.pem"), file("future.key"), NULL, "future.pem",
			      "not valid before 20"),
			 -EINVAL);
}

static void test_garbage_and_half_written_files(void **state)
{
	(void)state;
	write_file("empty.pem", "");
	write_file("half.pem", "-----BEGIN CERTIFICATE-----\nMIIB");
	write_file("half.key", "-----BEGIN PRIVATE KEY-----\nMIGH");
	assert_int_equal(load(file("empty.pem"), file("good.key"), NULL, "empty.pem", "read"),
			 -EINVAL);
	assert_int_equal(load(file("half.pem"), file("good.key"), NULL, "half.pem", "read"),
			 -EINVAL);
	assert_int_equal(load(file("good.pem"), file("half.key"), NULL, "half.key", "read"),
			 -EINVAL);
	assert_int_equal(
		load(file("good.pem"), file("good.key"), file("empty.pem"), "empty.pem", "read"),
		-EINVAL);
	assert_int_equal(load(file("good.key"), file("good.key"), NULL, "certificate", "good.key"),
			 -EINVAL);
}

/* A daemon must not ask for a passphrase on its terminal. */
static void test_encrypted_key(void **state)
{
	(void)state;
	write_file("locked.key",
		   "-----BEGIN EC PRIVATE KEY-----\n"
		   "Proc-Type: 4,ENCRYPTED\n"
		   "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
		   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
		   "-----END EC PRIVATE KEY-----\n");
	assert_int_equal(
		load(file("good.pem"), file("locked.key"), NULL, "locked.key", "is encrypted"),
		-EINVAL);
}

static void test_peers_cannot_be_required_without_trust(void **state)
{
	struct tls_options o = {.certificate_file = file("good.pem"),
				.private_key_file = file("good.key"),
				.require_peer = true};
	struct tls_context *c = NULL;
	char why[256];

	(void)state;
	assert_int_equal(tlsid_new(&o, &c, why), -EINVAL);
	assert_non_null(strstr(why, "trust"));
	assert_null(c);
}

static void test_long_file_name_is_cut_in_the_reason(void **state)
{
	char name[600];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(load(name, file("good.key"), NULL, "certificate xxx", ""), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_pair),
		cmocka_unit_test(test_info_of_our_certificate),
		cmocka_unit_test(test_missing_files),
		cmocka_unit_test(test_key_of_another_certificate),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_garbage_and_half_written_files),
		cmocka_unit_test(test_encrypted_key),
		cmocka_unit_test(test_peers_cannot_be_required_without_trust),
		cmocka_unit_test(test_long_file_name_is_cut_in_the_reason),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
