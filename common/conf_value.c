/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_value - reads single values, and says what would have been allowed.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_private.h"
#include "common/jtext.h"
#include "common/log_text.h"

#define CONF_SHOWN_BYTES 60 /* of a wrong value in an error */

bool conf_name_ok(const char *name)
{
	static const char chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	size_t n = strspn(name, chars);

	return n > 0 && n <= CONF_NAME_MAX && !name[n] && !strchr("_.-", name[0]);
}

size_t conf_value_bytes(const struct conf_field *f)
{
	static const size_t bytes[] = {
		[CONF_BOOL] = sizeof(bool),
		[CONF_UINT] = sizeof(uint32_t),
		[CONF_STRING] = sizeof(const char *),
		[CONF_NAME] = sizeof(const char *),
		[CONF_ENUM] = sizeof(int),
		[CONF_ADDR] = sizeof(struct addr),
		[CONF_IP] = sizeof(struct addr),
		[CONF_PREFIX] = sizeof(struct addr_prefix),
		[CONF_RANGE] = sizeof(struct conf_range),
		[CONF_STRINGS] = sizeof(struct conf_list),
		[CONF_PREFIXES] = sizeof(struct conf_list),
		[CONF_ARRAY] = sizeof(struct conf_list),
		[CONF_MAP] = sizeof(struct conf_list),
	};

	/* objects and custom values say their size themselves, if they do */
	return f->type == CONF_OBJECT || f->type == CONF_CUSTOM ? f->item_bytes : bytes[f->type];
}

uint32_t conf_value_max(const struct conf_field *f)
{
	if (f->max > 0)
		return f->max;
	switch (f->type) {
	case CONF_UINT:
		return UINT32_MAX;
	case CONF_STRING:
		return CONF_STRING_MAX;
	case CONF_RANGE:
		return UINT16_MAX;
	default:
		return CONF_LIST_MAX;
	}
}

/* ---- errors */

/* "must be ..." */
static void conf_expected(const struct conf_field *f, char *buf, size_t size_bytes)
{
	uint32_t max = conf_value_max(f);
	size_t n = 0;

	switch (f->type) {
	case CONF_BOOL:
		snprintf(buf, size_bytes, "true or false");
		break;
	case CONF_UINT:
		snprintf(buf, size_bytes, "a number from %u to %u", f->min, max);
		break;
	case CONF_STRING:
		if (f->min > 0)
			snprintf(buf, size_bytes, "text of %u to %u bytes", f->min, max);
		else
			snprintf(buf, size_bytes, "text of at most %u bytes", max);
		break;
	case CONF_NAME:
		snprintf(buf, size_bytes, "a name (" CONF_NAME_RULE ")");
		break;
	case CONF_ENUM:
		for (size_t i = 0; f->words[i] && n < size_bytes; i++)
			n += (size_t)snprintf(buf + n, size_bytes - n, "%s%s",
					      i > 0 ? ", " : "one of ", f->words[i]);
		break;
	case CONF_ADDR:
		snprintf(buf, size_bytes,
			 f->min == 1 ? "an address with port, ip:port or [ip6]:port"
				     : "an address, ip or ip:port or [ip6]:port");
		break;
	case CONF_IP:
		snprintf(buf, size_bytes, "an IP address without port");
		break;
	case CONF_PREFIX:
		snprintf(buf, size_bytes, "an IP prefix such as 192.0.2.0/24 without host bits");
		break;
	case CONF_RANGE:
		snprintf(buf, size_bytes, "a range LOW-HIGH within %u-%u", f->min, max);
		break;
	case CONF_STRINGS:
		snprintf(buf, size_bytes, "a list of texts");
		break;
	case CONF_PREFIXES:
		snprintf(buf, size_bytes, "a list of IP prefixes");
		break;
	case CONF_ARRAY:
		snprintf(buf, size_bytes, "a list of objects");
		break;
	default:
		snprintf(buf, size_bytes, "an object { ... }");
	}
}

/* "not ...": the value itself as far as it is short. */
static void conf_shown(const json_t *value, char *buf, size_t size_bytes)
{
	size_t n = 0;

	if (json_is_object(value) || json_is_array(value)) {
		snprintf(buf, size_bytes, json_is_object(value) ? "an object" : "a list");
		return;
	}
	if (json_is_string(value)) {
		buf[n++] = '"';
		n = log_text_append(buf, size_bytes - 2, n, json_string_value(value),
				    json_string_length(value));
		buf[n++] = '"';
	} else { /* a number or a word: always fits */
		n = json_dumpb(value, buf, size_bytes - 1, JSON_ENCODE_ANY);
	}
	buf[n < size_bytes ? n : 0] = '\0';
}

int conf_expect(struct conf_reader *r, const struct conf_field *f, const json_t *value)
{
	char expected[320], shown[CONF_SHOWN_BYTES] = "";

	conf_expected(f, expected, sizeof(expected));
	conf_shown(value, shown, sizeof(shown));
	return conf_fail(r, NULL, "must be %s, not %s", expected, shown);
}

/* ---- values */

static bool conf_get_uint(const struct conf_field *f, const json_t *value, uint32_t *out)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < f->min || n > conf_value_max(f))
		return false;
	*out = (uint32_t)n;
	return true;
}

static bool conf_get_enum(const struct conf_field *f, const char *text, int *out)
{
	for (int i = 0; text && f->words[i]; i++) {
		if (strcmp(f->words[i], text) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool conf_get_addr(const struct conf_field *f, const char *text, struct addr *out)
{
	struct addr a;

	if (f->type == CONF_IP) {
		if (addr_parse_ip(text, strlen(text), &a))
			return false;
	} else if (addr_parse(text, &a) || (f->min == 1 && a.port == 0)) {
		return false;
	}
	*out = a;
	return true;
}

/* Digits at *text, up to max. Moves on. @return -1: no number, or too great. */
static long conf_get_digits(const char **text, uint32_t max)
{
	long n = 0;

	if (!isdigit((unsigned char)**text))
		return -1;
	for (; isdigit((unsigned char)**text); (*text)++) {
		n = n * 10 + (**text - '0');
		if (n > (long)max)
			return -1;
	}
	return n;
}

static bool conf_get_range(const struct conf_field *f, const char *text, struct conf_range *out)
{
	uint32_t max = conf_value_max(f);
	long low = conf_get_digits(&text, max), high;

	if (low < (long)f->min || *text++ != '-')
		return false;
	high = conf_get_digits(&text, max);
	if (high < low || *text)
		return false;
	*out = (struct conf_range){(uint32_t)low, (uint32_t)high};
	return true;
}

static bool conf_get_text(const struct conf_field *f, const json_t *value, const char **out)
{
	size_t n = json_string_length(value);

	if (!json_is_string(value) || n < f->min || n > conf_value_max(f))
		return false;
	*out = json_string_value(value); /* lives as long as the document */
	return true;
}

int conf_value_read(struct conf_reader *r, const struct conf_field *f, const json_t *value,
		    void *out)
{
	const char *text = json_string_value(value); /* NULL if it is none */
	bool ok = false;

	switch (f->type) {
	case CONF_BOOL:
		ok = json_is_boolean(value);
		if (ok)
			*(bool *)out = json_is_true(value);
		break;
	case CONF_UINT:
		ok = conf_get_uint(f, value, out);
		break;
	case CONF_STRING:
		ok = conf_get_text(f, value, out);
		break;
	case CONF_NAME:
		ok = text && conf_name_ok(text);
		if (ok)
			*(const char **)out = text;
		break;
	case CONF_ENUM:
		ok = conf_get_enum(f, text, out);
		break;
	case CONF_ADDR:
	case CONF_IP:
		ok = text && conf_get_addr(f, text, out);
		break;
	case CONF_PREFIX:
		ok = text && addr_prefix_parse(text, out) == 0;
		break;
	case CONF_RANGE:
		ok = text && conf_get_range(f, text, out);
		break;
	default:
		break;
	}
	return ok ? 0 : conf_expect(r, f, value);
}

json_t *conf_default_json(const struct conf_field *f)
{
	json_t *value = NULL;

	switch (f->type) {
	case CONF_BOOL:
		return json_boolean(strcmp(f->def, "true") == 0);
	case CONF_UINT:
		return json_integer(strtoll(f->def, NULL, 10));
	case CONF_STRINGS:
	case CONF_PREFIXES:
	case CONF_OBJECT:
	case CONF_ARRAY:
	case CONF_MAP:
	case CONF_CUSTOM:
		/* written as JSON; if it is wrong that is our bug, and the same as no memory */
		jtext_load(f->def, strlen(f->def), JSON_DECODE_ANY, &value, NULL);
		return value;
	default:
		return json_string(f->def);
	}
}
