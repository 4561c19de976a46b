/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dbe_conf - the dbe's configuration: one field table, a checked struct out of it, and the pool it describes.
 *
 * Owner: the caller; strings and lists live in it until dbe_conf_free. Thread: the loop.
 */
#ifndef DBE_CONF_DBE_CONF_H
#define DBE_CONF_DBE_CONF_H

#include "common/conf.h"
#include "dbe/pool/pool.h"

#define DBE_CONTROLLERS_MAX 16

enum dbe_path_word { DBE_PATH_AUTO, DBE_PATH_SOCKET, DBE_PATH_EBPF };

struct dbe_conf_address {
	struct addr bind, advertise;
	struct conf_range ports;
};
struct dbe_conf_realm {
	const char *name;
	struct conf_list addresses; /* struct dbe_conf_address */
};

struct dbe_conf {
	const char *name;
	struct {
		const char *socket;
	} control;
	struct {
		struct addr listen;
	} http;
	struct conf_list controllers; /* const char *, as written */
	struct {
		const char *certificate, *private_key; /* as written; see dbe_conf_file */
		struct conf_list trust;                /* const char * */
	} tls;
	struct conf_list realms; /* struct dbe_conf_realm */
	struct {
		int path; /* enum dbe_path_word */
		uint32_t quarantine_ms, contexts_max, receive_buffer_bytes, warm_pairs_max,
			pool_low_percent;
	} relay;
	uint32_t hold_s;
	struct {
		int level; /* enum log_level */
	} log;

	/* Made from the fields above */
	struct addr controller_addrs[DBE_CONTROLLERS_MAX];
	size_t ncontrollers;
	bool has_tls;
	struct conf_doc *doc;
	char directory[256]; /* of the file: relative names in it start there */
};

/** Read and check a file. @return 0 or -errno with err->text set. */
int dbe_conf_load(const char *path, struct dbe_conf **ret_conf, struct conf_error *err);
void dbe_conf_free(struct dbe_conf *c);

/** A file name of the configuration; a relative one is taken from the configuration's directory. @return buf. */
const char *dbe_conf_file(const struct dbe_conf *c, const char *name, char *buf, size_t size_bytes);

/**
 * Make the pool of the configured realms. Fails as pool_add_realm does, with FILE:LINE in err.
 * @param o everything but quarantine_ms and low_percent, which the configuration gives.
 */
int dbe_conf_pool(const struct dbe_conf *c, const struct pool_options *o, struct pool **ret_pool,
		  struct conf_error *err);

/** Port pairs that the realms hold together. */
uint32_t dbe_conf_pairs(const struct dbe_conf *c);

/** JSON Schema of the file. Caller owns the reference. */
json_t *dbe_conf_schema(void);

#endif
