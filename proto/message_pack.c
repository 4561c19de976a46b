/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_pack - the generated structs to bytes, by their descriptors, from the last field to the first.
 *
 * The library's pack needs the size of each inner message before its bytes, so it walks every level again for every
 * level above it. Written backwards a size is known when it is needed: one walk. The bytes are the same. Only what
 * gate.proto uses is here: optional and repeated fields, one oneof, no groups, floats or signed numbers.
 */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "proto/message_wire.h"

enum { PACK_VARINT = 0, PACK_FIXED64 = 1, PACK_BYTES = 2 };

struct pack {
	uint8_t *start, *at; /* what is written lies behind at */
	bool full;
};

static void pack_bytes(struct pack *p, const void *bytes, size_t n)
{
	if (p->full || n > (size_t)(p->at - p->start)) {
		p->full = true;
		return;
	}
	p->at -= n;
	if (n)
		memcpy(p->at, bytes, n);
}

static void pack_number(struct pack *p, uint64_t v)
{
	uint8_t bytes[10];
	size_t n = 0;

	for (; v > 0x7f; v >>= 7)
		bytes[n++] = (uint8_t)(v | 0x80);
	bytes[n++] = (uint8_t)v;
	pack_bytes(p, bytes, n);
}

static void pack_tag(struct pack *p, const ProtobufCFieldDescriptor *f, unsigned type)
{
	pack_number(p, (uint64_t)f->id << 3 | type);
}

static void pack_struct(struct pack *p, const ProtobufCMessage *m);

/* Tag, length, bytes, or what else a field of this type is. */
static void pack_field(struct pack *p, const ProtobufCFieldDescriptor *f, const void *member)
{
	const ProtobufCBinaryData *data;
	const uint8_t *end = p->at;
	uint64_t fixed;

	switch (f->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		pack_struct(p, *(const ProtobufCMessage *const *)member);
		pack_number(p, (uint64_t)(end - p->at));
		pack_tag(p, f, PACK_BYTES);
		return;
	case PROTOBUF_C_TYPE_STRING:
		pack_bytes(p, *(const char *const *)member, strlen(*(const char *const *)member));
		pack_number(p, (uint64_t)(end - p->at));
		pack_tag(p, f, PACK_BYTES);
		return;
	case PROTOBUF_C_TYPE_BYTES:
		data = member;
		pack_bytes(p, data->data, data->len);
		pack_number(p, data->len);
		pack_tag(p, f, PACK_BYTES);
		return;
	case PROTOBUF_C_TYPE_FIXED64:
		fixed = htole64(*(const uint64_t *)member);
		pack_bytes(p, &fixed, sizeof(fixed));
		pack_tag(p, f, PACK_FIXED64);
		return;
	case PROTOBUF_C_TYPE_UINT64:
		pack_number(p, *(const uint64_t *)member);
		break;
	case PROTOBUF_C_TYPE_ENUM: /* ours are never negative */
	case PROTOBUF_C_TYPE_UINT32:
		pack_number(p, *(const uint32_t *)member);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		pack_number(p, *(const protobuf_c_boolean *)member != 0);
		break;
	default:
		assert(!"a type that gate.proto did not use");
		p->full = true;
		return;
	}
	pack_tag(p, f, PACK_VARINT);
}

/* Numbers without a tag each. */
static void pack_packed(struct pack *p, const ProtobufCFieldDescriptor *f, size_t n,
			const void *items)
{
	const uint8_t *end = p->at;

	while (n-- > 0) {
		if (f->type == PROTOBUF_C_TYPE_UINT64)
			pack_number(p, ((const uint64_t *)items)[n]);
		else
			pack_number(p, ((const uint32_t *)items)[n]);
	}
	pack_number(p, (uint64_t)(end - p->at));
	pack_tag(p, f, PACK_BYTES);
}

static void pack_repeated(struct pack *p, const ProtobufCFieldDescriptor *f, size_t n,
			  const void *items)
{
	if (f->flags & PROTOBUF_C_FIELD_FLAG_PACKED) {
		assert(f->type == PROTOBUF_C_TYPE_UINT64 || f->type == PROTOBUF_C_TYPE_UINT32);
		pack_packed(p, f, n, items);
		return;
	}
	assert(f->type == PROTOBUF_C_TYPE_MESSAGE);
	while (n-- > 0)
		pack_field(p, f, (const ProtobufCMessage *const *)items + n);
}

static bool is_there(const ProtobufCFieldDescriptor *f, const uint8_t *quantifier,
		     const void *member)
{
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)(const void *)quantifier == f->id;
	if (f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_STRING)
		return *(const void *const *)member != NULL;
	return *(const protobuf_c_boolean *)(const void *)quantifier != 0;
}

static void pack_struct(struct pack *p, const ProtobufCMessage *m)
{
	const uint8_t *base = (const uint8_t *)m;

	for (unsigned i = m->descriptor->n_fields; i-- > 0;) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		const void *member = base + f->offset;

		if (f->label == PROTOBUF_C_LABEL_REPEATED) {
			size_t n = *(const size_t *)(const void *)(base + f->quantifier_offset);

			if (n)
				pack_repeated(p, f, n, *(const void *const *)member);
		} else if (is_there(f, base + f->quantifier_offset, member)) {
			pack_field(p, f, member);
		}
	}
}

int gate_pack(const ProtobufCMessage *m, uint8_t *buf, size_t size_bytes, size_t *ret_bytes)
{
	struct pack p = {.start = buf, .at = buf + size_bytes};
	size_t n;

	pack_struct(&p, m);
	if (p.full)
		return -EMSGSIZE;
	n = (size_t)(buf + size_bytes - p.at);
	memmove(buf, p.at, n);
	*ret_bytes = n;
	return 0;
}
