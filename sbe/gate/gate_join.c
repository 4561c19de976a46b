/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may come in: the first message of a connection must be the ServiceChange of a dbe on our list,
 * under TLS with its name in the certificate, and not of an older life than one we know.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "proto/frame.h"
#include "proto/result.h"
#include "sbe/gate/gate_metric.h"
#include "sbe/gate/gate_private.h"

static void refuse(struct gate_pool *p, void *conn, uint32_t transaction, uint16_t code)
{
	struct gate_message *m = &p->scratch;
	uint8_t wire[GATE_FRAME_HEAD_BYTES + 512];
	size_t n;

	gate_message_clear(m);
	m->version = GATE_VERSION_MAX;
	strcpy(m->sender, p->node);
	m->epoch = p->epoch;
	m->body = GATE_BODY_ERROR;
	m->transaction = transaction;
	m->code = code;
	snprintf(m->text, sizeof(m->text), "%s", gate_result_text(code));
	if (gate_message_encode(m, wire + GATE_FRAME_HEAD_BYTES,
				sizeof(wire) - GATE_FRAME_HEAD_BYTES, &n))
		return;
	gate_frame_head(wire, n);
	p->io.send(conn, wire, n + GATE_FRAME_HEAD_BYTES);
}

static int check(struct gate_pool *p, void *conn, const char *address, struct gate_dbe **ret_dbe,
		 uint16_t *ret_code)
{
	const struct gate_message *m = &p->scratch;
	struct gate_dbe *d;

	if (m->body != GATE_BODY_REQUEST || !m->action.ncommands ||
	    m->action.commands[0].type != GATE_SERVICE_CHANGE) {
		*ret_code = GATE_ERR_BEFORE_CHANGE;
		return -EPROTO;
	}
	d = gate_pool_find(p, m->sender);
	if (!d || !p->io.has_name(conn, m->sender)) {
		LOG_WARN("gate", "%s: '%s' may not join: %s", address, m->sender,
			 d ? "not the name in its certificate" : "not in the list of dbes");
		*ret_code = GATE_ERR_UNAUTHORIZED;
		return -EACCES;
	}
	/* C7, C14: an older life comes after a newer one. Once nothing of the newer one is left it does not matter:
	 * the clock may have been put back. */
	if (d->known && m->epoch < gate_exchange_peer_epoch(d->exchange)) {
		LOG_WARN("gate", "%s: '%s' may not join: older than the one we know", address,
			 m->sender);
		*ret_code = GATE_ERR_FOREIGN;
		return -ESTALE;
	}
	*ret_dbe = d;
	return 0;
}

int gate_pool_join(struct gate_pool *p, const uint8_t *frame, size_t len_bytes, void *conn,
		   const char *address, struct gate_dbe **ret_dbe)
{
	char text[GATE_TEXT_BYTES];
	uint16_t code = 0;
	struct gate_dbe *d = NULL;
	int err = gate_message_decode(frame, len_bytes, &p->scratch, &code, text);

	if (err)
		err = -EPROTO;
	else
		err = check(p, conn, address, &d, &code);
	if (err) {
		metric_add(&gate_metrics, GATE_M_JOIN_REFUSED, 1);
		refuse(p, conn, p->scratch.transaction, code);
		return err;
	}
	/* A second connection of the same dbe: it knows better than we whether the first is dead. */
	if (d->conn)
		gate_dbe_lost(d, -EALREADY);
	d->conn = conn;
	d->known = true;
	snprintf(d->address, sizeof(d->address), "%s", address);
	gate_exchange_attach(d->exchange);
	gate_exchange_identify(d->exchange, p->scratch.sender, p->scratch.epoch);
	err = gate_exchange_frame(d->exchange, frame, len_bytes);
	if (!d->conn)
		return -EACCES; /* no common version: answered and hung up */
	/* An old ServiceChange once more (C7): the exchange has said again what it said then, and that is all. */
	if (!err && !gate_exchange_associated(d->exchange))
		err = -EPROTO;
	if (err)
		gate_dbe_lost(d, err);
	else
		*ret_dbe = d;
	return err;
}
