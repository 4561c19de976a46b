/* SPDX-License-Identifier: Apache-2.0 */
/* dbe - the media relay: arguments, configuration, exit codes. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "dbe/app.h"
#include "version.h"

#define DEFAULT_CONF "/etc/speermint/dbe.json"

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] =
	"usage: dbe [-t] [-c FILE]     relay media in the foreground\n"
	"       dbe --schema           print the JSON Schema of the configuration\n"
	"       dbe --version | --help\n"
	"  -c FILE   configuration (" DEFAULT_CONF ")\n"
	"  -t        check the configuration and exit\n";

static int print_schema(void)
{
	json_t *schema = dbe_conf_schema();
	int err = !schema || json_dumpf(schema, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF;

	json_decref(schema);
	return err ? EXIT_FAILED : EXIT_DONE;
}

static int check(const char *path)
{
	struct dbe_conf *conf = NULL;
	struct conf_error error;
	int err = dbe_conf_load(path, &conf, &error);

	if (!err)
		err = dbe_app_check(conf, &error);
	if (err)
		fprintf(stderr, "%s\n", error.text);
	else
		printf("%s: ok\n", path);
	dbe_conf_free(conf);
	return err ? EXIT_USAGE : EXIT_DONE;
}

static int run(const char *path)
{
	struct dbe_conf *conf = NULL;
	struct dbe_app *app = NULL;
	struct conf_error error;
	int err = dbe_conf_load(path, &conf, &error);

	if (err) {
		fprintf(stderr, "%s\n", error.text);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	if (log_start("dbe") < 0) {
		fprintf(stderr, "dbe: cannot start the log\n");
		dbe_conf_free(conf);
		return EXIT_FAILED;
	}
	err = dbe_app_new(path, conf, &app, &error);
	if (!err)
		err = dbe_app_run(app);
	dbe_app_free(app);
	log_stop();
	if (err)
		fprintf(stderr, "%s\n", error.text);
	return err == -EINVAL ? EXIT_USAGE : err ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"version", no_argument, NULL, 'V'},
						{"schema", no_argument, NULL, 'S'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	const char *path = DEFAULT_CONF;
	bool only_check = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:th", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 't':
			only_check = true;
			break;
		case 'V':
			printf("dbe %s\n", SPEERMINT_VERSION);
			return EXIT_DONE;
		case 'S':
			return print_schema();
		case 'h':
			fputs(usage, stdout);
			return EXIT_DONE;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	return only_check ? check(path) : run(path);
}
