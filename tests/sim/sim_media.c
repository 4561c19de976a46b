/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_media - session descriptions of the peers (RFC 3264): offers that change this and that, answers that fit.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim_peer.h"

static size_t head(const struct sim_ua *ua, const char *ip, char *buf, size_t size)
{
	return sim_print(buf, size, "v=0\r\no=- %u %u IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n",
			 1000 + ua->call->index, ua->media.version, ua->host->media_ip, ip);
}

static const char *media_ip(const struct sim_ua *ua)
{
	if (ua->media.old_hold)
		return "0.0.0.0";
	return ua->host->media_ip;
}

static size_t audio(const struct sim_ua *ua, unsigned line, const char *direction, char *buf,
		    size_t size)
{
	return sim_print(buf, size,
			 "m=audio %u RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n%s%s",
			 ua->media.port + 2 * line, direction[0] ? "a=" : "", direction) +
	       (direction[0] ? sim_print(buf + strlen(buf), size - strlen(buf), "\r\n") : 0);
}

const char *sim_media_offer(struct sim_ua *ua)
{
	struct sim_media *m = &ua->media;
	char *sdp = m->sdp;
	size_t n;

	if (!m->port)
		m->port = (uint16_t)(20000 + sim_pick(10000) * 2);
	if (!m->nlines) {
		m->nlines = 1 + sim_chance(15);
		m->direction = "";
	}
	m->version++;
	m->answers = false;
	n = head(ua, media_ip(ua), sdp, sizeof(m->sdp));
	for (unsigned i = 0; i < m->nlines; i++) {
		if (i == 0)
			n += audio(ua, 0, m->direction, sdp + n, sizeof(m->sdp) - n);
		else
			n += sim_print(sdp + n, sizeof(m->sdp) - n, "m=video %u RTP/AVP 31\r\n",
				       m->port + 2 * i);
	}
	return sdp;
}

void sim_media_agree(struct sim_ua *ua, const char *far)
{
	struct sim_media *m = &ua->media;

	if (!far[0])
		return;
	snprintf(m->own, sizeof(m->own), "%s", m->sdp);
	snprintf(m->far, sizeof(m->far), "%s", far);
}

bool sim_media_line(const char *sdp, unsigned nth, struct sim_line *line)
{
	static const char *const directions[] = {"sendonly", "recvonly", "inactive"};
	const char *at = sdp, *end, *c;
	char host[64] = "";
	unsigned port = 0;

	memset(line, 0, sizeof(*line));
	for (unsigned i = 0; i <= nth; i++) {
		at = strstr(at, "\r\nm=");
		if (!at)
			return false;
		at += 4;
	}
	end = strstr(at, "\r\nm=");
	end = end ? end : at + strlen(at);
	sscanf(at, "%15s %u RTP/AVP %u", line->kind, &port, &line->payload);
	c = strstr(at, "\r\nc=IN IP4 ");
	if (!c || c > end)
		c = strstr(sdp, "\r\nc=IN IP4 ");
	if (c)
		sscanf(c + 11, "%63s", host);
	if (addr_parse(host, &line->rtp))
		return false;
	line->rtp.port = (uint16_t)port;
	strcpy(line->direction, "sendrecv");
	for (int i = 0; i < 3; i++) {
		const char *d = strstr(at, directions[i]);

		if (d && d < end)
			strcpy(line->direction, directions[i]);
	}
	return true;
}

/* RFC 3264 6.1 */
static const char *opposite(const char *line)
{
	const char *end = strstr(line, "\r\nm="), *at;

	if (!end)
		end = line + strlen(line);
	at = strstr(line, "a=sendonly");
	if (at && at < end)
		return "recvonly";
	at = strstr(line, "a=recvonly");
	if (at && at < end)
		return "sendonly";
	at = strstr(line, "a=inactive");
	return at && at < end ? "inactive" : "";
}

/* Whatever its version is. */
static bool same_session(const char *a, const char *b)
{
	a = strstr(a, "\r\ns=");
	b = strstr(b, "\r\ns=");
	return a && b && !strcmp(a, b);
}

const char *sim_media_answer(struct sim_ua *ua, const char *offer)
{
	struct sim_media *m = &ua->media;
	char *sdp = m->sdp;
	const char *line = offer;
	bool same = m->own[0] && same_session(m->far, offer);
	struct sim_line own;
	unsigned i = 0;
	size_t n;

	/* a refresh changes nobody's mind */
	if (same && m->answers && !strcmp(m->own, sdp))
		return sdp;
	if (!m->port)
		m->port = (uint16_t)(20000 + sim_pick(10000) * 2);
	m->version++;
	m->old_hold = false;
	n = head(ua, media_ip(ua), sdp, sizeof(m->sdp));
	while ((line = strstr(line, "\r\nm="))) {
		char kind[16] = "", format[16] = "";
		unsigned port = 0;
		bool takes = same && sim_media_line(m->own, i, &own) ? own.rtp.port != 0
								     : sim_chance(50);

		line += 4;
		sscanf(line, "%15s %u RTP/AVP %15s", kind, &port, format);
		if (!strcmp(kind, "audio") && port)
			n += audio(ua, i, opposite(line), sdp + n, sizeof(m->sdp) - n);
		else
			n += sim_print(sdp + n, sizeof(m->sdp) - n, "m=%s %u RTP/AVP %s\r\n", kind,
				       port && takes ? m->port + 2 * i : 0,
				       format[0] ? format : "0");
		i++;
	}
	m->nlines = i;
	m->direction = "";
	m->answers = true;
	return sdp;
}
