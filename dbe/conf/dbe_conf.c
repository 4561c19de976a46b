/* SPDX-License-Identifier: Apache-2.0 */
#include "dbe/conf/dbe_conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define AT(member) offsetof(struct dbe_conf, member)

static const char *const path_words[] = {"auto", "socket", "ebpf", NULL};
static const char *const level_words[] = {"error", "warn", "notice", "info", "debug", NULL};

static int check_address(struct conf_reader *r, void *object)
{
	struct dbe_conf_address *a = object;

	if (!a->bind.family)
		return conf_fail(r, "bind", "is needed, e.g. \"192.0.2.1\"");
	if (addr_is_any(&a->bind))
		return conf_fail(r, "bind", "is a wildcard; allowed: one address of this host");
	if (a->advertise.family && a->advertise.family != a->bind.family)
		return conf_fail(r, "advertise", "is not of bind's family");
	return 0;
}

static int check_relay(struct conf_reader *r, void *object)
{
	const int *path = object; /* the first member of relay */

	if (*path == DBE_PATH_EBPF)
		return conf_fail(r, "path",
				 "\"ebpf\" is not built into this version; allowed: auto, socket");
	return 0;
}

static const struct conf_field address_fields[] = {
	{.key = "bind",
	 .type = CONF_IP,
	 .offset = offsetof(struct dbe_conf_address, bind),
	 .required = true,
	 .text = "Address of this host that media sockets are bound to."},
	{.key = "advertise",
	 .type = CONF_IP,
	 .offset = offsetof(struct dbe_conf_address, advertise),
	 .text = "Address the far end is told, where a static NAT is in front; bind if absent."},
	{.key = "ports",
	 .type = CONF_RANGE,
	 .offset = offsetof(struct dbe_conf_address, ports),
	 .def = "16384-32766",
	 .text = "UDP ports for media; must not overlap the kernel's ephemeral range."},
	CONF_END};

static const struct conf_field realm_fields[] = {
	{.key = "addresses",
	 .type = CONF_ARRAY,
	 .offset = offsetof(struct dbe_conf_realm, addresses),
	 .required = true,
	 .min = 1,
	 .max = POOL_ADDRESSES_MAX,
	 .fields = address_fields,
	 .item_bytes = sizeof(struct dbe_conf_address),
	 .check = check_address,
	 .text = "Media addresses of this side."},
	CONF_END};

static const struct conf_field control_fields[] = {{.key = "socket",
						    .type = CONF_STRING,
						    .offset = AT(control.socket) - AT(control),
						    .max = 107,
						    .def = "/run/speermint/dbe.sock",
						    .text = "Unix socket speerctl talks to."},
						   CONF_END};

static const struct conf_field http_fields[] = {
	{.key = "listen",
	 .type = CONF_ADDR,
	 .offset = AT(http.listen) - AT(http),
	 .min = 1,
	 .def = "127.0.0.1:9091",
	 .text = "Where /metrics, /healthz and /ready are served."},
	CONF_END};

static const struct conf_field tls_fields[] = {
	{.key = "certificate",
	 .type = CONF_STRING,
	 .offset = AT(tls.certificate) - AT(tls),
	 .text = "PEM file: our certificate, then its chain; its name is this node's identity."},
	{.key = "private_key",
	 .type = CONF_STRING,
	 .offset = AT(tls.private_key) - AT(tls),
	 .text = "PEM file: the certificate's key."},
	{.key = "trust",
	 .type = CONF_STRINGS,
	 .offset = AT(tls.trust) - AT(tls),
	 .max = 16,
	 .text = "PEM files of the authorities whose controllers are believed."},
	CONF_END};

static const struct conf_field relay_fields[] = {
	{.key = "path",
	 .type = CONF_ENUM,
	 .offset = AT(relay.path) - AT(relay),
	 .words = path_words,
	 .def = "auto",
	 .text = "Data plane: auto picks the fastest that works here."},
	{.key = "quarantine_ms",
	 .type = CONF_UINT,
	 .offset = AT(relay.quarantine_ms) - AT(relay),
	 .max = 600000,
	 .def = "5000",
	 .text = "How long a port pair rests after use, so that no late packet meets the next call."},
	{.key = "contexts_max",
	 .type = CONF_UINT,
	 .offset = AT(relay.contexts_max) - AT(relay),
	 .max = 1000000,
	 .def = "0",
	 .text = "Calls at once; 0 = as many as there are ports."},
	{.key = "receive_buffer_bytes",
	 .type = CONF_UINT,
	 .offset = AT(relay.receive_buffer_bytes) - AT(relay),
	 .max = 8388608,
	 .def = "65536",
	 .text = "Receive buffer of each media socket; 0 = the kernel's default. Larger means later, not better."},
	{.key = "warm_pairs_max",
	 .type = CONF_UINT,
	 .offset = AT(relay.warm_pairs_max) - AT(relay),
	 .max = 32768,
	 .def = "2048",
	 .text = "Port pairs whose sockets stay open after use, for a later call on the same port; 0 = none. A call costs the dbe a quarter less."},
	{.key = "pool_low_percent",
	 .type = CONF_UINT,
	 .offset = AT(relay.pool_low_percent) - AT(relay),
	 .min = 1,
	 .max = 50,
	 .def = "10",
	 .text = "Controllers are told when fewer port pairs of a realm are free; again at twice that."},
	CONF_END};

static const struct conf_field log_fields[] = {{.key = "level",
						.type = CONF_ENUM,
						.offset = AT(log.level) - AT(log),
						.words = level_words,
						.def = "info",
						.text = "What is logged; read again on SIGHUP."},
					       CONF_END};

static const struct conf_field dbe_fields[] = {
	{.key = "name",
	 .type = CONF_NAME,
	 .offset = AT(name),
	 .required = true,
	 .text = "Name of this node; with TLS it must be in the certificate."},
	{.key = "control",
	 .type = CONF_OBJECT,
	 .offset = AT(control),
	 .fields = control_fields,
	 .text = "Operators' access."},
	{.key = "http",
	 .type = CONF_OBJECT,
	 .offset = AT(http),
	 .fields = http_fields,
	 .text = "Metrics and health."},
	{.key = "controllers",
	 .type = CONF_STRINGS,
	 .offset = AT(controllers),
	 .required = true,
	 .min = 1,
	 .max = DBE_CONTROLLERS_MAX,
	 .text = "The sbes this dbe dials, \"ip:port\"."},
	{.key = "tls",
	 .type = CONF_OBJECT,
	 .offset = AT(tls),
	 .fields = tls_fields,
	 .text = "Identity towards controllers; needed unless all of them are on loopback."},
	{.key = "realms",
	 .type = CONF_MAP,
	 .offset = AT(realms),
	 .required = true,
	 .min = 1,
	 .max = POOL_REALMS_MAX,
	 .fields = realm_fields,
	 .item_bytes = sizeof(struct dbe_conf_realm),
	 .text = "Network sides by name; the sbe's realms name them in \"media\"."},
	{.key = "relay",
	 .type = CONF_OBJECT,
	 .offset = AT(relay),
	 .fields = relay_fields,
	 .check = check_relay,
	 .text = "How media is relayed."},
	{.key = "hold_s",
	 .type = CONF_UINT,
	 .offset = AT(hold_s),
	 .min = 1,
	 .max = 86400,
	 .def = "300",
	 .text = "How long calls keep their media after their controller was lost."},
	{.key = "log",
	 .type = CONF_OBJECT,
	 .offset = AT(log),
	 .fields = log_fields,
	 .text = "Logging."},
	CONF_END};

json_t *dbe_conf_schema(void)
{
	return conf_schema(dbe_fields, "Speermint dbe configuration");
}

static int conf_controllers(struct dbe_conf *c, struct conf_error *err)
{
	const char *const *texts = c->controllers.items;

	for (size_t i = 0; i < c->controllers.n; i++) {
		struct addr *a = &c->controller_addrs[c->ncontrollers];

		if (addr_parse(texts[i], a) < 0 || a->port == 0)
			return conf_fail_at(
				c->doc, "controllers", err,
				"\"%s\" is not an address; allowed: \"ip:port\", \"[ipv6]:port\"",
				texts[i]);
		c->ncontrollers++;
		if (!c->has_tls && !addr_is_loopback(a))
			return conf_fail_at(c->doc, "controllers", err,
					    "%s is not on this host and there is no \"tls\"; "
					    "plain gate control is allowed on loopback only",
					    texts[i]);
	}
	return 0;
}

static int conf_tls(struct dbe_conf *c, struct conf_error *err)
{
	bool any = c->tls.certificate || c->tls.private_key || c->tls.trust.n;

	c->has_tls = c->tls.certificate && c->tls.private_key && c->tls.trust.n;
	if (any && !c->has_tls)
		return conf_fail_at(c->doc, "tls", err,
				    "is incomplete; needed: certificate, private_key and trust");
	return 0;
}

static void conf_directory(struct dbe_conf *c, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash)
		snprintf(c->directory, sizeof(c->directory), "%.*s", (int)(slash - path + 1), path);
}

static void conf_destroy(void *obj)
{
	struct dbe_conf *c = obj;

	conf_doc_free(c->doc);
}

int dbe_conf_load(const char *path, struct dbe_conf **ret_conf, struct conf_error *err)
{
	struct dbe_conf *c = mem_zalloc(sizeof(*c), conf_destroy);
	struct conf_doc *doc = NULL;
	int e;

	if (!c) {
		snprintf(err->text, sizeof(err->text), "%s: out of memory", path);
		return -ENOMEM;
	}
	e = conf_load(path, &doc, err);
	if (!e)
		e = conf_read(doc, dbe_fields, c, err);
	c->doc = doc; /* after conf_read, which clears the struct */
	conf_directory(c, path);
	if (!e)
		e = conf_tls(c, err);
	if (!e)
		e = conf_controllers(c, err);
	if (e) {
		mem_unref(c);
		return e;
	}
	*ret_conf = c;
	return 0;
}

void dbe_conf_free(struct dbe_conf *c)
{
	mem_unref(c);
}

const char *dbe_conf_file(const struct dbe_conf *c, const char *name, char *buf, size_t size_bytes)
{
	snprintf(buf, size_bytes, "%s%s", name[0] == '/' ? "" : c->directory, name);
	return buf;
}

static int conf_add_realm(const struct dbe_conf *c, const struct dbe_conf_realm *realm,
			  struct pool *p, struct conf_error *err)
{
	const struct dbe_conf_address *from = realm->addresses.items;
	struct pool_address to[POOL_ADDRESSES_MAX];
	char why[256], path[POOL_NAME_BYTES + 8];
	int e;

	for (size_t i = 0; i < realm->addresses.n; i++)
		to[i] = (struct pool_address){.bind = from[i].bind,
					      .advertise = from[i].advertise,
					      .low = (uint16_t)from[i].ports.low,
					      .high = (uint16_t)from[i].ports.high};
	e = pool_add_realm(p, realm->name, to, realm->addresses.n, why);
	if (!e)
		return 0;
	snprintf(path, sizeof(path), "realms.%s", realm->name);
	conf_fail_at(c->doc, path, err, "%s", why);
	return e;
}

int dbe_conf_pool(const struct dbe_conf *c, const struct pool_options *o, struct pool **ret_pool,
		  struct conf_error *err)
{
	const struct dbe_conf_realm *realms = c->realms.items;
	struct pool_options options = *o;
	struct pool *p = NULL;
	int e;

	options.quarantine_ms = c->relay.quarantine_ms;
	options.prefer_used = c->relay.warm_pairs_max > 0;
	options.low_percent = c->relay.pool_low_percent;
	e = pool_new(&options, &p);
	if (e)
		snprintf(err->text, sizeof(err->text), "out of memory");
	for (size_t i = 0; i < c->realms.n && !e; i++)
		e = conf_add_realm(c, &realms[i], p, err);
	if (e) {
		pool_free(p);
		return e;
	}
	*ret_pool = p;
	return 0;
}

uint32_t dbe_conf_pairs(const struct dbe_conf *c)
{
	const struct dbe_conf_realm *realms = c->realms.items;
	uint32_t pairs = 0;

	for (size_t i = 0; i < c->realms.n; i++) {
		const struct dbe_conf_address *a = realms[i].addresses.items;

		for (size_t k = 0; k < realms[i].addresses.n; k++)
			pairs += (a[k].ports.high - a[k].ports.low + 1) / 2;
	}
	return pairs;
}
