/* SPDX-License-Identifier: Apache-2.0 */
/* "auth" of a peer: what may stand there, and the file with the password (G13, C11, A18). */
#include "tests/unit/sbe/peer/peer_bed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "sbe/peer/peer_auth.h"

#define PEER(auth) "{'peers':{'p':{'realm':'r','sources':['192.0.2.0/24'],'auth':{" auth "}}}}"
#define FULL "'realm':'b.example','user':'us','password_file':'p.txt'"

static void refused(const char *text, const char *error)
{
	assert_null(bed_conf(text));
	if (!strstr(bed_error.text, error))
		fail_msg("\"%s\" is not in \"%s\"", error, bed_error.text);
}

static void members(void **state)
{
	struct bed_conf *c = bed_conf("{'peers':{'p':{'realm':'r','sources':['192.0.2.0/24']}}}");
	const struct peer_conf *p;

	(void)state;
	assert_non_null(c);
	p = c->peers.items;
	assert_null(p->auth.realm); /* none: nothing is answered, nothing is asked */
	assert_false(p->auth.challenge);
	assert_int_equal(p->redirect, PEER_REDIRECT_REFUSE);
	mem_unref(c);
	c = bed_conf(PEER(FULL));
	assert_non_null(c);
	p = c->peers.items;
	assert_string_equal(p->auth.realm, "b.example");
	assert_false(p->auth.challenge);
	assert_false(p->auth.clear);
	assert_int_equal(p->auth.algorithms.n, 0);
	mem_unref(c);
	c = bed_conf(PEER(FULL ",'challenge':true,'clear':true,'algorithms':['SHA-256','MD5']"));
	assert_non_null(c);
	p = c->peers.items;
	assert_true(p->auth.challenge);
	assert_true(p->auth.clear);
	assert_int_equal(p->auth.algorithms.n, 2);
	mem_unref(c);
	refused(PEER("'user':'us','password_file':'x'"), "realm");
	refused(PEER("'realm':'b','password_file':'x'"), "user");
	refused(PEER("'realm':'b','user':'x'"), "password_file");
	refused(PEER("'realm':'b','user':'x','password':'secret'"), "password");
	refused(PEER("'realm':'b\\\\','user':'x','password_file':'x'"), "backslashes");
	refused(PEER("'realm':'b','user':'x:y','password_file':'x'"), "colons");
	refused(PEER(FULL ",'algorithms':['SHA-1']"), "algorithms[0]: must be \"SHA-256\" or");
	refused(PEER(FULL ",'algorithms':['MD5','md5']"), "algorithms[1]: is listed twice");
	refused("{'peers':{'p':{'realm':'r','sources':['192.0.2.0/24'],'redirect':'yes'}}}",
		"follow");
}

/* ---- the file ---- */

static char directory[] = "/tmp/peer-auth-XXXXXX";
static char conf_path[64], file_path[64];

static int up(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(conf_path, sizeof(conf_path), "%s/sbe.json", directory);
	snprintf(file_path, sizeof(file_path), "%s/p.txt", directory);
	return 0;
}

static int down(void **state)
{
	(void)state;
	unlink(file_path);
	return rmdir(directory);
}

static void write_file(const void *bytes, size_t n, mode_t mode)
{
	int fd;

	unlink(file_path);
	fd = open(file_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int load(struct peer_auth_conf *a, char why[400])
{
	*a = (struct peer_auth_conf){.realm = "b.example", .user = "us", .password_file = "p.txt"};
	return peer_auth_load(a, conf_path, why, 400);
}

static void loaded(void **state)
{
	struct peer_auth_conf a;
	char why[400], ha1[DIGEST_HEX_BYTES];

	(void)state;
	digest_ha1(DIGEST_SHA256, "us", "b.example", "se cret", ha1);
	write_file("se cret\n", 8, 0600);
	assert_int_equal(load(&a, why), 0);
	assert_true(a.ready);
	assert_string_equal(a.ha1[DIGEST_SHA256], ha1);
	assert_true(peer_auth_allows(&a, DIGEST_SHA256));
	assert_false(peer_auth_allows(&a, DIGEST_MD5)); /* no downgrade (C11) */
	assert_string_equal(a.ha1[DIGEST_MD5], "");
	write_file("se cret", 7, 0400);
	assert_int_equal(load(&a, why), 0);
	assert_string_equal(a.ha1[DIGEST_SHA256], ha1);
}

static void bad_file(void **state)
{
	static char big[400];
	struct peer_auth_conf a;
	char why[400];

	(void)state;
	unlink(file_path);
	assert_int_not_equal(load(&a, why), 0);
	assert_non_null(strstr(why, "/p.txt: No such file"));
	write_file("secret\n", 7, 0640);
	assert_int_not_equal(load(&a, why), 0);
	assert_non_null(strstr(why, "0600"));
	write_file("secret\n", 7, 0604);
	assert_int_not_equal(load(&a, why), 0);
	write_file("\n", 1, 0600);
	assert_int_not_equal(load(&a, why), 0);
	assert_non_null(strstr(why, "empty"));
	write_file("sec\nret\n", 8, 0600);
	assert_int_not_equal(load(&a, why), 0);
	assert_null(strstr(why, "sec")); /* it is told nowhere */
	write_file("sec\0ret", 7, 0600);
	assert_int_not_equal(load(&a, why), 0);
	memset(big, 'x', sizeof(big));
	write_file(big, sizeof(big), 0600);
	assert_int_not_equal(load(&a, why), 0);
	assert_non_null(strstr(why, "too long"));
	assert_false(a.ready);
	assert_false(peer_auth_allows(&a, DIGEST_SHA256));
	unlink(file_path);
	assert_int_equal(mkfifo(file_path, 0600), 0);
	assert_int_not_equal(load(&a, why), 0); /* and does not wait for a writer */
	assert_non_null(strstr(why, "regular"));
	a.password_file = directory;
	assert_int_not_equal(peer_auth_load(&a, conf_path, why, sizeof(why)), 0);
	assert_non_null(strstr(why, "regular"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),
		cmocka_unit_test(loaded),
		cmocka_unit_test(bad_file),
	};

	return cmocka_run_group_tests(tests, up, down);
}
