/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_doc - loads documents, says what is wrong and where, and owns the memory of what was read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/conf_private.h"
#include "common/jtext.h"
#include "common/log_text.h"
#include "common/mem.h"

struct conf_block {
	struct conf_block *next;
	alignas(max_align_t) unsigned char bytes[];
};

/* ---- paths */

static size_t conf_path_add(struct conf_path *p, const char *between, const char *part)
{
	size_t before = p->len_bytes;
	int n = snprintf(p->text + before, sizeof(p->text) - before, "%s%s", between, part);

	p->len_bytes += n > 0 ? (size_t)n : 0;
	if (p->len_bytes >= sizeof(p->text))
		p->len_bytes = sizeof(p->text) - 1;
	return before;
}

size_t conf_path_key(struct conf_path *p, const char *key)
{
	return conf_path_add(p, p->len_bytes > 0 && *key != '[' ? "." : "", key);
}

size_t conf_path_index(struct conf_path *p, size_t i)
{
	char part[24];

	snprintf(part, sizeof(part), "[%zu]", i);
	return conf_path_add(p, "", part);
}

void conf_path_cut(struct conf_path *p, size_t len_bytes)
{
	p->len_bytes = len_bytes;
	p->text[len_bytes] = '\0';
}

/* ---- errors */

void conf_set_error(struct conf_error *err, const char *name, unsigned line, const char *path,
		    const char *text)
{
	char where[16] = "";
	const char *const parts[] = {name, where, ": ", path, *path ? ": " : "", text};
	size_t used = 0;

	if (err->text[0]) /* the first one counts */
		return;
	if (line > 0)
		snprintf(where, sizeof(where), ":%u", line);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		used = log_text_append(err->text, sizeof(err->text) - 1, used, parts[i],
				       strlen(parts[i]));
	err->text[used] = '\0';
}

static int conf_vfail(const struct conf_doc *d, const char *path, struct conf_error *err,
		      const char *fmt, va_list ap)
{
	char text[sizeof(err->text)];
	struct conf_path at;

	vsnprintf(text, sizeof(text), fmt, ap);
	conf_mix_origin(d, path, &at);
	conf_set_error(err, d->name, conf_scan_line(d->text, d->len_bytes, at.text), at.text, text);
	return -EINVAL;
}

int conf_fail(struct conf_reader *r, const char *key, const char *fmt, ...)
{
	size_t outer = r->path.len_bytes;
	va_list ap;
	int err;

	if (key)
		conf_path_key(&r->path, key);
	va_start(ap, fmt);
	err = conf_vfail(r->doc, r->path.text, r->err, fmt, ap);
	va_end(ap);
	conf_path_cut(&r->path, outer);
	return err;
}

int conf_fail_at(const struct conf_doc *d, const char *path, struct conf_error *err,
		 const char *fmt, ...)
{
	va_list ap;
	int result;

	err->text[0] = '\0';
	va_start(ap, fmt);
	result = conf_vfail(d, path, err, fmt, ap);
	va_end(ap);
	return result;
}

/* ---- documents */

void *conf_alloc(struct conf_reader *r, size_t size_bytes)
{
	struct conf_block *b;

	if (size_bytes > SIZE_MAX - sizeof(*b))
		return NULL;
	b = mem_buffer(sizeof(*b) + size_bytes);
	if (!b)
		return NULL;
	memset(b, 0, sizeof(*b) + size_bytes);
	b->next = r->doc->blocks;
	r->doc->blocks = b;
	return b->bytes;
}

static void conf_doc_destroy(void *obj)
{
	struct conf_doc *d = obj;
	struct conf_block *b;

	while ((b = d->blocks)) {
		d->blocks = b->next;
		mem_free(b);
	}
	json_decref(d->json);
	json_decref(d->defaults);
	json_decref(d->origins);
	mem_unref(d->name);
	mem_unref(d->text);
}

void conf_doc_free(struct conf_doc *d)
{
	mem_unref(d);
}

static void conf_drop_comments(json_t *value)
{
	const char *key;
	json_t *member;
	void *next;
	size_t i;

	json_object_foreach_safe(value, next, key, member) {
		if (*key == '#')
			json_object_del(value, key);
		else
			conf_drop_comments(member);
	}
	json_array_foreach(value, i, member) {
		conf_drop_comments(member);
	}
}

static int conf_parse_text(struct conf_doc *d, struct conf_error *err)
{
	struct conf_path path;
	json_error_t error;
	unsigned line = 0;
	int result;

	result = jtext_load(d->text, d->len_bytes, 0, &d->json, &error);
	if (result == -EINVAL)
		conf_set_error(err, d->name, error.line > 0 ? (unsigned)error.line : 1,
			       "not valid JSON", error.text);
	else if (result)
		conf_set_error(err, d->name, 0, "", "out of memory");
	if (result)
		return result;
	if (!json_is_object(d->json)) {
		conf_set_error(err, d->name, 1, "", "must be an object { ... }");
		return -EINVAL;
	}
	/* Not jansson's own check, which would not let a comment be there twice. */
	result = conf_scan_check(d->text, d->len_bytes, &path, &line);
	if (result == -EEXIST)
		conf_set_error(err, d->name, line, path.text, "is there twice");
	else if (result == -ELOOP)
		conf_set_error(err, d->name, line, path.text, "nested more than 16 deep");
	else if (result)
		conf_set_error(err, d->name, 0, "", "out of memory");
	else
		conf_drop_comments(d->json);
	return result == -ENOMEM ? -ENOMEM : result ? -EINVAL : 0;
}

int conf_parse(const char *name, const char *text, size_t len_bytes, struct conf_doc **ret_doc,
	       struct conf_error *err)
{
	struct conf_doc *d;
	int result;

	err->text[0] = '\0';
	if (len_bytes > CONF_FILE_MAX_BYTES) {
		conf_set_error(err, name, 0, "", "more than 16 MiB");
		return -EFBIG;
	}
	d = mem_zalloc(sizeof(*d), conf_doc_destroy);
	if (!d || mem_dup(name, strlen(name), &d->name) || mem_dup(text, len_bytes, &d->text)) {
		conf_set_error(err, name, 0, "", "out of memory");
		mem_unref(d);
		return -ENOMEM;
	}
	d->len_bytes = len_bytes;
	result = conf_parse_text(d, err);
	if (result) {
		mem_unref(d);
		return result;
	}
	*ret_doc = d;
	return 0;
}

/* Read to the end, or to one byte more than is allowed. @return 0 or -errno. */
static int conf_read_file(int fd, char **ret_text, size_t *ret_len_bytes)
{
	size_t have = 0, size = 0;
	char *text = NULL, *more;

	for (;;) {
		ssize_t n;

		if (have == size) {
			size = size > 0 ? size * 2 : 16384;
			more = mem_resize(text, size);
			if (!more) {
				mem_free(text);
				return -ENOMEM;
			}
			text = more;
		}
		n = read(fd, text + have, size - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = -errno;

			mem_free(text);
			return err;
		}
		have += (size_t)n;
		if (n == 0 || have > CONF_FILE_MAX_BYTES)
			break;
	}
	*ret_text = text;
	*ret_len_bytes = have;
	return 0;
}

int conf_load(const char *path, struct conf_doc **ret_doc, struct conf_error *err)
{
	char *text = NULL;
	size_t len = 0;
	int fd, result;

	err->text[0] = '\0';
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	result = fd < 0 ? -errno : conf_read_file(fd, &text, &len);
	if (fd >= 0)
		close(fd);
	if (result) {
		conf_set_error(err, path, 0, "", strerror(-result));
		return result;
	}
	result = conf_parse(path, text, len, ret_doc, err);
	mem_free(text);
	return result;
}

const json_t *conf_json(const struct conf_doc *d)
{
	return d->json;
}
