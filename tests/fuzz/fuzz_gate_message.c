/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken can be written again and means the same; what is refused has a code and words. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "proto/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct gate_message *m)
{
	const struct gate_action *a = &m->action;
	size_t i, k;

	assert(gate_name_valid(m->sender) && m->version && m->epoch);
	if (m->body == GATE_BODY_REQUEST)
		assert(m->transaction);
	assert(a->ncommands <= GATE_COMMANDS_MAX && a->ncontexts <= GATE_CONTEXTS_PER_AUDIT);
	assert(!a->has_record || a->record_bytes <= GATE_RECORD_MAX_BYTES);
	for (i = 0; i < a->ncommands; i++) {
		const struct gate_command *c = &a->commands[i];

		assert(c->type && c->type < GATE_COMMAND_TYPES && c->ref <= GATE_REF_ROOT);
		assert(memchr(c->termination, 0, GATE_NAME_BYTES) &&
		       memchr(c->realm, 0, GATE_NAME_BYTES));
		assert(c->nstreams <= GATE_STREAMS_MAX);
		if (c->type == GATE_SERVICE_CHANGE)
			assert(c->change.nrealms <= GATE_REALMS_MAX);
		for (k = 0; k < c->nstreams; k++) {
			const struct gate_stream *s = &c->streams[k];

			assert(s->id && s->id <= 65535 && s->mode < GATE_MODES &&
			       s->source < GATE_SOURCES);
			assert(s->dscp <= 63 && s->source_prefix.bits <= 128);
			if (m->body == GATE_BODY_REQUEST && (s->has & GATE_HAS_REMOTE))
				assert(s->remote_rtp.port && s->remote_rtp.family);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gate_message m, again;
	static uint8_t wire[65536], wire_again[65536];
	size_t n, n_again;
	uint16_t code = 0;
	char text[GATE_TEXT_BYTES];
	int err;

	/* What is not set must not be read: the sanitizer sees it as rubbish, the asserts as nonsense. */
	memset(&m, 0xa5, sizeof(m));
	err = gate_message_decode(data, size, &m, &code, text);
	assert(memchr(text, 0, sizeof(text)));
	if (err) {
		assert(err == -EINVAL && code >= 400 && code < 600 && text[0]);
		return 0;
	}
	check(&m);
	/* A reply can grow when a short spelling becomes ours, never beyond a frame by what we can receive. */
	err = gate_message_encode(&m, wire, sizeof(wire), &n);
	assert(err == 0);
	assert(gate_message_decode(wire, n, &again, &code, text) == 0);
	assert(gate_message_encode(&again, wire_again, sizeof(wire_again), &n_again) == 0);
	assert(n == n_again && !memcmp(wire, wire_again, n));
	return 0;
}
