/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main - the sbe's command line. Exit status: 0 orderly stop, 1 failure, 2 usage or configuration error.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/log.h"
#include "sbe/app.h"
#include "sbe/conf/sbe_conf_lint.h"
#include "version.h"

#define CONF_DEFAULT "/etc/speermint/sbe.json"

enum { EXIT_USAGE = 2 };

static int usage(FILE *out, int code)
{
	fputs("usage: sbe [-t] [-c FILE]\n"
	      "  -c FILE     configuration, default " CONF_DEFAULT "\n"
	      "  -t          check the configuration and exit\n"
	      "  --schema    print the JSON Schema of the configuration\n"
	      "  --version   print the version\n",
	      out);
	return code;
}

static int print_schema(void)
{
	json_t *schema = conf_schema(sbe_conf_fields, "Speermint sbe configuration");

	if (!schema)
		return EXIT_FAILURE;
	json_dumpf(schema, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(schema);
	return EXIT_SUCCESS;
}

/* Connections and gate control need descriptors; the soft limit is for programs that use select(). */
static void raise_files(void)
{
	struct rlimit r;

	if (!getrlimit(RLIMIT_NOFILE, &r)) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static void print_warning(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "warning: %s\n", text);
}

static int run(const char *path, bool check_only)
{
	struct sbe_snapshot *snapshot = NULL;
	struct conf_error error = {""};
	struct app *app = NULL;
	int err = sbe_conf_load(path, NULL, &snapshot, &error);

	if (err) {
		fprintf(stderr, "%s\n", error.text[0] ? error.text : strerror(-err));
		return EXIT_USAGE;
	}
	if (check_only) {
		(void)sbe_conf_lint(snapshot, print_warning, NULL);
		printf("%s: ok\n", path);
		mem_unref(snapshot);
		return EXIT_SUCCESS;
	}
	raise_files();
	err = log_start("sbe");
	log_set_level(NULL, (enum log_level)snapshot->conf.log.level);
	if (!err)
		err = app_new(path, snapshot, &app);
	if (err)
		mem_unref(snapshot);
	else
		err = app_run(app);
	app_free(app);
	log_stop();
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"schema", no_argument, NULL, 'S'},
					      {"version", no_argument, NULL, 'V'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	const char *path = CONF_DEFAULT;
	bool check_only = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:th", longs, NULL)) != -1) {
		switch (opt) {
		case 'c':
			path = optarg;
			break;
		case 't':
			check_only = true;
			break;
		case 'S':
			return print_schema();
		case 'V':
			printf("sbe %s\n", SPEERMINT_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			return usage(stdout, EXIT_SUCCESS);
		default:
			return usage(stderr, EXIT_USAGE);
		}
	}
	if (optind != argc)
		return usage(stderr, EXIT_USAGE);
	return run(path, check_only);
}
