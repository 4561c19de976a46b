/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpmark - both far ends of many calls: sends marked RTP and RTCP, checks each byte that arrives.
 *
 * It learns calls from log lines of sipp, read from files while sipp writes them:
 *     MEDIA <side A|B> <key> <local ip> <local port> <relay ip> <relay port>
 * A local port "#N" is sipp's [auto_media_port] of call N, counted from -p PORT (sipp's -mp).
 * When both sides of a key are known (the call is answered) it sends `count` packets each way, 20 ms
 * apart, every payload marked with key, side and number. A packet that arrives must carry the other
 * side's mark of the same key with the same payload; anything else is foreign. Exit 0 only if every
 * packet arrived, none twice, none foreign.
 *
 * usage: rtpmark -n CALLS -c COUNT [-p PORT] [-t SECONDS] LOGFILE...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CALLS_MAX 4096
#define PAYLOAD_BYTES 160
#define HEADER_BYTES 12
#define RTCP_BYTES 28
#define TICK_MS 20

struct end {
	bool known;
	int rtp, rtcp;
	struct sockaddr_storage to, to_rtcp;
	socklen_t to_len;
	uint32_t sent, rtcp_sent;
	uint32_t got, rtcp_got, twice;
	uint8_t *seen; /* bit per packet number of the other side */
};
struct call {
	char key[64];
	struct end ends[2];
};

static struct call calls[CALLS_MAX];
static size_t ncalls, want_calls = 1;
static uint32_t count = 50;
static int base_port = 10000;
static uint64_t foreign, malformed;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int address(const char *ip, int port, struct sockaddr_storage *sa, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;

	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*len = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, ip, &v6->sin6_addr) != 1)
		return -EINVAL;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	*len = sizeof(*v6);
	return 0;
}

static int bound(const char *ip, int port)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd, size = 1 << 20;

	if (address(ip, port, &sa, &len))
		return -1;
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len)) {
		fprintf(stderr, "rtpmark: %s:%d: %s\n", ip, port, strerror(errno));
		exit(2);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static struct call *find(const char *key)
{
	for (size_t i = 0; i < ncalls; i++) {
		if (!strcmp(calls[i].key, key))
			return &calls[i];
	}
	if (ncalls == CALLS_MAX)
		exit(2);
	snprintf(calls[ncalls].key, sizeof(calls[0].key), "%s", key);
	return &calls[ncalls++];
}

static void learn(const char *line)
{
	char side, key[64], local[64], port[16], relay[64];
	int local_port, relay_port;
	struct end *e;

	line = strstr(line, "MEDIA ");
	if (!line || sscanf(line, "MEDIA %c %63s %63s %15s %63s %d", &side, key, local, port, relay,
			    &relay_port) != 6)
		return;
	local_port = port[0] == '#' ? base_port + 4 * (atoi(port + 1) - 1) % 10000 : atoi(port);
	e = &find(key)->ends[side == 'B'];
	if (e->known)
		return;
	e->known = true;
	e->rtp = bound(local, local_port);
	e->rtcp = bound(local, local_port + 1);
	e->seen = calloc(1, count / 8 + 1);
	if (!e->seen || address(relay, relay_port, &e->to, &e->to_len) ||
	    address(relay, relay_port + 1, &e->to_rtcp, &e->to_len))
		exit(2);
}

static void follow(FILE *f)
{
	char line[512];
	long at = ftell(f);

	while (fgets(line, sizeof(line), f)) {
		if (!strchr(line, '\n')) { /* half a line: read it again later */
			fseek(f, at, SEEK_SET);
			return;
		}
		at = ftell(f);
		learn(line);
	}
	clearerr(f);
}

/* The same bytes on both ends: everything behind the number follows from key, side and number. */
static void mark(uint8_t *p, size_t bytes, const char *key, int side, uint32_t number)
{
	uint32_t x = number * 2654435761U + (uint32_t)side;

	snprintf((char *)p, 64, "%.60s/%c", key, side ? 'B' : 'A');
	memcpy(p + 64, &number, 4);
	for (size_t i = 68; i < bytes; i++) {
		x = x * 1664525U + 1013904223U;
		p[i] = (uint8_t)(x >> 24);
	}
}

static void send_rtp(struct call *c, int side)
{
	struct end *e = &c->ends[side];
	uint8_t p[HEADER_BYTES + PAYLOAD_BYTES] = {0x80, 8};
	uint32_t ts = htonl(e->sent * 160),
		 ssrc = htonl((uint32_t)(0x1000 + (c - calls) * 2 + side));
	uint16_t seq = htons((uint16_t)e->sent);

	memcpy(p + 2, &seq, 2);
	memcpy(p + 4, &ts, 4);
	memcpy(p + 8, &ssrc, 4);
	mark(p + HEADER_BYTES, PAYLOAD_BYTES, c->key, side, e->sent);
	if (sendto(e->rtp, p, sizeof(p), 0, (struct sockaddr *)&e->to, e->to_len) ==
	    (ssize_t)sizeof(p))
		e->sent++;
	if (e->sent % 25 == 1) { /* a sender report now and then */
		uint8_t r[RTCP_BYTES] = {0x80, 200, 0, 6};

		memcpy(r + 4, &ssrc, 4);
		snprintf((char *)r + 8, 20, "%.12s/%c", c->key, side ? 'B' : 'A');
		if (sendto(e->rtcp, r, sizeof(r), 0, (struct sockaddr *)&e->to_rtcp, e->to_len) > 0)
			e->rtcp_sent++;
	}
}

static void check_rtp(struct call *c, int side, const uint8_t *p, size_t n)
{
	struct end *e = &c->ends[side];
	uint8_t expect[PAYLOAD_BYTES];
	uint32_t number;

	if (n != HEADER_BYTES + PAYLOAD_BYTES) {
		malformed++;
		return;
	}
	memcpy(&number, p + HEADER_BYTES + 64, 4);
	memset(expect, 0, sizeof(expect));
	mark(expect, sizeof(expect), c->key, !side, number);
	if (number >= count || memcmp(expect, p + HEADER_BYTES, PAYLOAD_BYTES)) {
		foreign++;
		return;
	}
	if (e->seen[number / 8] & (1U << (number % 8)))
		e->twice++;
	else
		e->got++;
	e->seen[number / 8] |= (uint8_t)(1U << (number % 8));
}

static void receive(struct call *c, int side)
{
	struct end *e = &c->ends[side];
	uint8_t p[2048];
	char expect[20] = "";
	ssize_t n;

	while ((n = recv(e->rtp, p, sizeof(p), 0)) >= 0)
		check_rtp(c, side, p, (size_t)n);
	snprintf(expect, sizeof(expect), "%.12s/%c", c->key, side ? 'A' : 'B');
	while ((n = recv(e->rtcp, p, sizeof(p), 0)) >= 0) {
		if (n == RTCP_BYTES && !strncmp((char *)p + 8, expect, sizeof(expect)))
			e->rtcp_got++;
		else
			foreign++;
	}
}

/* One tick: everybody sends what is due and reads what came. @return calls whose packets all arrived. */
static size_t tick(uint64_t *ret_got)
{
	size_t complete = 0;

	for (size_t i = 0; i < ncalls; i++) {
		struct call *c = &calls[i];

		if (!c->ends[0].known || !c->ends[1].known)
			continue;
		for (int side = 0; side < 2; side++) {
			receive(c, side);
			if (c->ends[side].sent < count)
				send_rtp(c, side);
			*ret_got += c->ends[side].got;
		}
		complete += c->ends[0].got == count && c->ends[1].got == count &&
			    c->ends[0].rtcp_got == c->ends[1].rtcp_sent &&
			    c->ends[1].rtcp_got == c->ends[0].rtcp_sent;
	}
	return complete;
}

static int report(size_t complete)
{
	uint64_t sent = 0, got = 0, twice = 0, rtcp_sent = 0, rtcp_got = 0;

	for (size_t i = 0; i < ncalls; i++) {
		for (int side = 0; side < 2; side++) {
			sent += calls[i].ends[side].sent;
			got += calls[i].ends[side].got;
			twice += calls[i].ends[side].twice;
			rtcp_sent += calls[i].ends[side].rtcp_sent;
			rtcp_got += calls[i].ends[side].rtcp_got;
		}
	}
	printf("rtpmark: calls=%zu complete=%zu rtp_sent=%llu rtp_right=%llu twice=%llu foreign=%llu malformed=%llu "
	       "rtcp_sent=%llu rtcp_right=%llu\n",
	       ncalls, complete, (unsigned long long)sent, (unsigned long long)got,
	       (unsigned long long)twice, (unsigned long long)foreign,
	       (unsigned long long)malformed, (unsigned long long)rtcp_sent,
	       (unsigned long long)rtcp_got);
	return complete == want_calls && ncalls == want_calls && sent == got && !twice &&
			       !foreign && !malformed
		       ? 0
		       : 1;
}

int main(int argc, char **argv)
{
	FILE *logs[8] = {NULL};
	uint64_t start = now_ms(), limit_ms = 60000, next, last_got = 0, quiet_since = 0;
	size_t complete = 0;
	int opt;

	while ((opt = getopt(argc, argv, "n:c:p:t:")) != -1) {
		if (opt == 'n')
			want_calls = (size_t)atoi(optarg);
		else if (opt == 'c')
			count = (uint32_t)atoi(optarg);
		else if (opt == 'p')
			base_port = atoi(optarg);
		else if (opt == 't')
			limit_ms = (uint64_t)atoi(optarg) * 1000;
		else
			return 2;
	}
	if (optind == argc || argc - optind > 8 || !count || count > 60000)
		return 2;
	for (next = start; now_ms() - start < limit_ms;) {
		uint64_t got = 0, now;

		for (int i = optind; i < argc; i++) {
			if (!logs[i - optind])
				logs[i - optind] =
					fopen(argv[i], "r"); /* sipp makes it when it starts */
			if (logs[i - optind])
				follow(logs[i - optind]);
		}
		complete = tick(&got);
		now = now_ms();
		if (got != last_got || !quiet_since)
			quiet_since = now;
		last_got = got;
		/* After the last packet listen on for a moment: a late copy or a foreign packet would be a fault. */
		if (complete == want_calls && now - quiet_since > 500)
			break;
		next += TICK_MS;
		if (next > now)
			poll(NULL, 0, (int)(next - now));
		else
			next = now;
	}
	return report(complete);
}
