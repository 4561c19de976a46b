/* SPDX-License-Identifier: Apache-2.0 */
/* sim_text - SIP messages as text, read and written by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_peer.h"

uint64_t sim_hash(const void *bytes, size_t n, uint64_t seed)
{
	const uint8_t *at = bytes;
	uint64_t h = 1469598103934665603ULL ^ seed;

	for (size_t i = 0; i < n; i++)
		h = (h ^ at[i]) * 1099511628211ULL;
	return h ^ h >> 29;
}

uint64_t sim_hash_text(const char *text, uint64_t seed)
{
	return sim_hash(text, strlen(text), seed);
}

size_t sim_print(char *buf, size_t size, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(buf, size, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= size)
		sim_breach("the simulator's own text is too long: %.80s", buf);
	return (size_t)n;
}

/* A line that begins with name and ": ", before the body. */
static const char *find_line(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = strchr(text, '\n'); line; line = strchr(line, '\n')) {
		line++;
		if (*line == '\r' || *line == '\n')
			return NULL;
		if (!strncmp(line, name, n) && line[n] == ':')
			return line + n + 1 + (line[n + 1] == ' ');
	}
	return NULL;
}

const char *sim_header(const char *text, const char *name, char *buf, size_t size)
{
	const char *at = find_line(text, name);

	snprintf(buf, size, "%.*s", at ? (int)strcspn(at, "\r\n") : 0, at ? at : "");
	return buf;
}

bool sim_has_token(const char *text, const char *name, const char *token)
{
	const char *at = find_line(text, name), *hit = at ? strstr(at, token) : NULL;

	return hit && hit < at + strcspn(at, "\r\n");
}

const char *sim_uri(const char *value, char *buf, size_t size)
{
	const char *open = strchr(value, '<');

	if (open)
		snprintf(buf, size, "%.*s", (int)strcspn(open + 1, ">"), open + 1);
	else
		snprintf(buf, size, "%.*s", (int)strcspn(value, ";"), value);
	return buf;
}

static void copy_tag(const char *line, char *buf, size_t size)
{
	const char *at = line, *end = line + strcspn(line, "\r\n");

	buf[0] = '\0';
	while ((at = strstr(at, ";tag=")) && at < end) {
		snprintf(buf, size, "%.*s", (int)strcspn(at + 5, ";\r\n> "), at + 5);
		at += 5;
	}
}

const char *sim_tag(const char *value, char *buf, size_t size)
{
	copy_tag(value, buf, size);
	return buf;
}

static bool read_branch(const char *text, char *buf, size_t size)
{
	const char *via = find_line(text, "Via"), *end, *at;

	if (!via)
		return false;
	end = via + strcspn(via, ",\r\n");
	at = strstr(via, ";branch=");
	if (!at || at > end)
		return false;
	snprintf(buf, size, "%.*s", (int)strcspn(at + 8, ";,\r\n"), at + 8);
	return true;
}

bool sim_msg_read(const char *text, size_t n, struct sim_msg *m)
{
	const char *from = find_line(text, "From"), *to = find_line(text, "To"), *cseq;

	memset(m, 0, offsetof(struct sim_msg, call_id));
	m->text = text;
	m->n = n;
	m->status = strncmp(text, "SIP/2.0 ", 8) ? 0 : atoi(text + 8);
	if (!m->status)
		snprintf(m->start, sizeof(m->start), "%.*s", (int)strcspn(text, " "), text);
	cseq = find_line(text, "CSeq");
	if (!from || !to || !cseq || sscanf(cseq, "%u %15s", &m->cseq, m->method) != 2)
		return false;
	sim_header(text, "Call-ID", m->call_id, sizeof(m->call_id));
	copy_tag(from, m->from_tag, sizeof(m->from_tag));
	copy_tag(to, m->to_tag, sizeof(m->to_tag));
	m->body = strstr(text, "\r\n\r\n");
	m->body = m->body ? m->body + 4 : "";
	return m->call_id[0] && read_branch(text, m->branch, sizeof(m->branch));
}
