/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_scan - finds places in JSON text. jansson forgets where a value stood, so when an error is to
 * be reported the text is walked once more along the path. It has been parsed by jansson before:
 * nothing here has to cope with wrong JSON, only not to run past its end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_private.h"

struct conf_scan {
	const char *p, *end;
	unsigned line;
};

/* @return the next character that is no space, 0 at the end. */
static char conf_scan_peek(struct conf_scan *s)
{
	for (; s->p < s->end; s->p++) {
		if (*s->p == '\n')
			s->line++;
		else if (*s->p != ' ' && *s->p != '\t' && *s->p != '\r')
			return *s->p;
	}
	return '\0';
}

/* From a quote to behind the one that ends the string. */
static void conf_scan_skip_string(struct conf_scan *s)
{
	for (s->p++; s->p < s->end && *s->p != '"'; s->p++) {
		if (*s->p == '\\')
			s->p++;
	}
	s->p = s->end - s->p > 1 ? s->p + 1 : s->end;
}

/* Behind the value that starts here, and behind the comma after it. */
static void conf_scan_skip_value(struct conf_scan *s)
{
	int open = 0;
	char c;

	while ((c = conf_scan_peek(s))) {
		if (c == '"') {
			conf_scan_skip_string(s);
			continue;
		}
		if (open == 0 && (c == '}' || c == ']')) /* of the container we are in */
			return;
		s->p++;
		if (c == '{' || c == '[')
			open++;
		else if (c == '}' || c == ']')
			open--;
		else if (c == ',' && open == 0)
			return;
	}
}

/* The key that starts here; goes to its value. @return new reference, NULL when out of memory. */
static json_t *conf_scan_key(struct conf_scan *s)
{
	const char *start = s->p;
	json_t *key;

	conf_scan_skip_string(s);
	if (memchr(start, '\\', (size_t)(s->p - start))) /* jansson knows all the escapes */
		key = json_loadb(start, (size_t)(s->p - start), JSON_DECODE_ANY, NULL);
	else
		key = json_stringn(start + 1, (size_t)(s->p - start - 2));
	if (conf_scan_peek(s) == ':')
		s->p++;
	return key;
}

/* Does the path go on with this key? @return what follows it, or NULL. */
static const char *conf_scan_match(const char *path, const char *key)
{
	size_t n = strlen(key);

	path += *path == '.';
	if (strncmp(path, key, n) != 0 || !strchr(".[", path[n])) /* finds the ending 0, too */
		return NULL;
	return path + n;
}

static bool conf_scan_find(struct conf_scan s, const char *path, int depth, unsigned *line);

static bool conf_scan_find_member(struct conf_scan *s, const char *path, int depth, unsigned *line)
{
	for (s->p++; conf_scan_peek(s) == '"'; conf_scan_skip_value(s)) {
		unsigned key_line = s->line;
		json_t *key = conf_scan_key(s);
		const char *rest = key ? conf_scan_match(path, json_string_value(key)) : NULL;

		json_decref(key);
		if (!rest)
			continue;
		*line = key_line;
		/* A key may contain dots, so a match may lead nowhere: go on then. */
		if (conf_scan_find(*s, rest, depth + 1, line))
			return true;
	}
	return false;
}

static bool conf_scan_find_item(struct conf_scan *s, const char *path, int depth, unsigned *line)
{
	char *rest;
	unsigned long want;

	if (*path != '[')
		return false;
	want = strtoul(path + 1, &rest, 10);
	if (*rest != ']')
		return false;
	s->p++;
	for (unsigned long i = 0; i < want; i++) {
		char c = conf_scan_peek(s);

		if (c == ']' || c == '\0')
			return false;
		conf_scan_skip_value(s);
	}
	if (conf_scan_peek(s) == ']')
		return false;
	*line = s->line;
	return conf_scan_find(*s, rest + 1, depth + 1, line);
}

/* Search from a value on. line: of the last part of the path that was found. */
static bool conf_scan_find(struct conf_scan s, const char *path, int depth, unsigned *line)
{
	char c = conf_scan_peek(&s);

	if (*path == '\0')
		return true;
	if (depth > CONF_DEPTH_MAX)
		return false;
	if (c == '{')
		return conf_scan_find_member(&s, path, depth, line);
	if (c == '[')
		return conf_scan_find_item(&s, path, depth, line);
	return false;
}

unsigned conf_scan_line(const char *text, size_t len_bytes, const char *path)
{
	unsigned line = 1;

	conf_scan_find((struct conf_scan){text, text + len_bytes, 1}, path, 0, &line);
	return line;
}

static int conf_scan_check_value(struct conf_scan *s, int depth, struct conf_path *path);

/* One member of an object; seen holds the keys before it. */
static int conf_scan_check_member(struct conf_scan *s, int depth, struct conf_path *path,
				  json_t *seen)
{
	unsigned line = s->line;
	json_t *key = conf_scan_key(s);
	const char *name = key ? json_string_value(key) : NULL;
	size_t outer;
	int err = 0;

	if (!name) {
		err = -ENOMEM;
	} else if (*name == '#') { /* a comment may be there often, and hold anything */
		conf_scan_skip_value(s);
	} else {
		outer = conf_path_key(path, name);
		if (json_object_get(seen, name)) {
			s->line = line;
			err = -EEXIST;
		} else if (json_object_set_new(seen, name, json_true())) {
			err = -ENOMEM;
		} else {
			err = conf_scan_check_value(s, depth, path);
		}
		if (!err)
			conf_path_cut(path, outer);
	}
	json_decref(key);
	return err;
}

static int conf_scan_check_object(struct conf_scan *s, int depth, struct conf_path *path)
{
	json_t *seen = json_object();
	int err = seen ? 0 : -ENOMEM;

	s->p++;
	while (!err && conf_scan_peek(s) == '"')
		err = conf_scan_check_member(s, depth, path, seen);
	json_decref(seen);
	s->p += !err && s->p < s->end; /* the bracket */
	return err;
}

static int conf_scan_check_list(struct conf_scan *s, int depth, struct conf_path *path)
{
	int err = 0;
	char c;

	s->p++;
	for (size_t i = 0; !err && (c = conf_scan_peek(s)) && c != ']'; i++) {
		size_t outer = conf_path_index(path, i);
		const char *before = s->p;

		err = conf_scan_check_value(s, depth, path);
		if (!err)
			conf_path_cut(path, outer);
		if (s->p == before) /* not JSON after all: never go on for ever */
			break;
	}
	s->p += !err && s->p < s->end;
	return err;
}

/* Goes behind the value and the comma after it; after an error it stands where that is. */
static int conf_scan_check_value(struct conf_scan *s, int depth, struct conf_path *path)
{
	char c = conf_scan_peek(s);
	int err;

	if (c != '{' && c != '[') {
		conf_scan_skip_value(s);
		return 0;
	}
	if (depth >= CONF_DEPTH_MAX)
		return -ELOOP;
	err = c == '{' ? conf_scan_check_object(s, depth + 1, path)
		       : conf_scan_check_list(s, depth + 1, path);
	if (!err && conf_scan_peek(s) == ',')
		s->p++;
	return err;
}

int conf_scan_check(const char *text, size_t len_bytes, struct conf_path *ret_path,
		    unsigned *ret_line)
{
	struct conf_scan s = {text, text + len_bytes, 1};
	int err;

	*ret_path = (struct conf_path){.len_bytes = 0};
	err = conf_scan_check_value(&s, 0, ret_path);
	if (err)
		*ret_line = s.line;
	return err;
}
