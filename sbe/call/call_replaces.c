/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/call/call_replaces.h"

#include <errno.h>
#include <string.h>

#include "sbe/call/call_object.h"
#include "sbe/sip/wire_line.h"

/* ---- text ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

int call_replaces_unescape(struct wire_text text, char *buf, size_t size_bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		int c = (unsigned char)text.s[i];

		if (n + 1 >= size_bytes)
			return -EMSGSIZE;
		if (c == '%') {
			int high = i + 2 < text.n ? hex(text.s[i + 1]) : -1;
			int low = high >= 0 ? hex(text.s[i + 2]) : -1;

			if (low < 0)
				return -EINVAL;
			c = high * 16 + low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return -EINVAL;
		buf[n++] = (char)c;
	}
	buf[n] = '\0';
	return 0;
}

void call_replaces_escape(const char *text, struct text_out *t)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char code[3] = {'%', digits[c >> 4], digits[c & 15]};

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    strchr("-_.!~*'()", c))
			text_add_bytes(t, text, 1);
		else
			text_add_bytes(t, code, 3);
	}
}

/* ---- identifiers ---- */

static int take_tag(struct wire_text params, const char *name, char *buf, size_t size)
{
	struct wire_text v;

	if (!wire_param(params, name, &v) || !wire_is_token(v) || v.n >= size)
		return -EINVAL;
	wire_text_copy(v, buf, size);
	return 0;
}

int call_replaces_parse(struct wire_text value, struct call_replaces *ret_replaces)
{
	struct call_replaces r = {.early_only = false};
	struct wire_text id = value, params, flag;
	const char *semicolon = value.n ? memchr(value.s, ';', value.n) : NULL;

	if (!semicolon)
		return -EINVAL;
	id.n = (size_t)(semicolon - value.s);
	id = wire_trim(id);
	params = (struct wire_text){semicolon + 1, value.n - (size_t)(semicolon + 1 - value.s)};
	if (!id.n || id.n >= sizeof(r.call_id))
		return -EINVAL;
	for (size_t i = 0; i < id.n; i++) {
		if (id.s[i] <= ' ' || id.s[i] > '~' || id.s[i] == ',')
			return -EINVAL;
	}
	wire_text_copy(id, r.call_id, sizeof(r.call_id));
	if (take_tag(params, "to-tag", r.to_tag, sizeof(r.to_tag)) ||
	    take_tag(params, "from-tag", r.from_tag, sizeof(r.from_tag)))
		return -EINVAL;
	r.early_only = wire_param(params, "early-only", &flag);
	*ret_replaces = r;
	return 0;
}

static struct wire_text text_of(const char *s)
{
	return (struct wire_text){s, strlen(s)};
}

struct leg *call_replaces_find(struct call_core *core, const struct call_replaces *r,
			       bool *ret_theirs)
{
	struct wire_text id = text_of(r->call_id), to = text_of(r->to_tag),
			 from = text_of(r->from_tag);
	struct leg *leg = dialog_find_ids(core->dialogs, id, to, from);

	*ret_theirs = !leg;
	return leg ? leg : dialog_find_ids(core->dialogs, id, from, to);
}

void call_replaces_name(const struct leg *leg, struct text_out *t)
{
	text_add(t, leg->dialog.call_id);
	text_add(t, ";to-tag=");
	text_add(t, leg->dialog.remote_tag);
	text_add(t, ";from-tag=");
	text_add(t, leg->dialog.local_tag);
}

/* ---- an INVITE with Replaces ---- */

static int refuse(int status, const char *cause, const char **ret_cause)
{
	*ret_cause = cause;
	return status;
}

static int find(struct call_core *core, const struct wire_header *h, const struct peer *p,
		struct leg **ret_kept, const char **ret_cause)
{
	struct call_replaces r;
	struct leg *leg;
	bool theirs;

	if (call_replaces_parse(h->value, &r))
		return refuse(400, "replaces", ret_cause);
	leg = call_replaces_find(core, &r, &theirs);
	/* Somebody else's call is as good as none: nothing is told about it (A16). */
	if (!leg || strcmp(leg->peer->name, p->name) != 0)
		return refuse(481, "replaces_unknown", ret_cause);
	if (leg->call->fsm.state == CALL_ENDING || leg->call->fsm.state == CALL_DEAD)
		return refuse(603, "replaces_ended", ret_cause);
	if (leg->call->fsm.state != CALL_UP || !leg->up || !LEG_OTHER(leg)->up)
		return refuse(481, "replaces_early", ret_cause);
	if (r.early_only)
		return refuse(486, "replaces_confirmed", ret_cause); /* RFC 3891 3 */
	*ret_kept = theirs ? leg : LEG_OTHER(leg);
	return 0;
}

int call_replaces_check(struct call_core *core, const struct wire_msg *m, const struct peer *p,
			struct call_replacing *ret_replacing, const char **ret_cause)
{
	struct wire_header h, more;
	struct text_out t;
	unsigned n = 0;
	int status;

	ret_replacing->kept = NULL;
	ret_replacing->absorb = false;
	ret_replacing->value[0] = '\0';
	if (!wire_header_find(m, "replaces", &h))
		return 0;
	for (void *it = NULL; wire_header_next(m, &it, &more);)
		n += wire_header_is(&more, "replaces");
	if (n > 1)
		return refuse(400, "replaces", ret_cause);
	if (p->conf->replaces == PEER_TRANSFER_REFUSE)
		return refuse(403, "replaces_refused", ret_cause);
	status = find(core, &h, p, &ret_replacing->kept, ret_cause);
	if (status)
		return status;
	ret_replacing->absorb = p->conf->replaces == PEER_TRANSFER_ABSORB;
	text_start(&t, ret_replacing->value, sizeof(ret_replacing->value));
	call_replaces_name(ret_replacing->kept, &t);
	if (t.len_bytes + 1 >= sizeof(ret_replacing->value))
		return refuse(400, "replaces", ret_cause);
	return 0;
}
