/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpwatch - listens on the loopback interface and checks that audio arrives byte for byte.
 *
 * It learns the far ends from log lines of sipp (see rtpmark.c):
 *     MEDIA <side A|B> <key> <local ip> <local port> <relay ip> <relay port>
 * Side A plays the file given with -a, side B the one given with -b, one 160-byte packet each 20 ms. Every
 * RTP packet that reaches A from A's relay address must hold the next piece of B's file, and the other
 * way round. Needs the right to open a packet socket (root). Ends when all files arrived, or after -t.
 *
 * usage: rtpwatch -n CALLS -a FILE -b FILE [-t SECONDS] LOGFILE...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ENDS_MAX 512
#define RTP_HEADER 12
#define PIECE 160

struct end {
	char side, key[64];
	struct in_addr local, relay;
	uint16_t local_port, relay_port;
	bool started;
	uint16_t first_seq;
	uint32_t right, wrong, sent;
};
struct file {
	uint8_t *bytes;
	size_t n;
};

static struct end ends[ENDS_MAX];
static size_t nends;
static struct file files[2]; /* what side A and side B play */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void load(const char *path, struct file *f)
{
	FILE *in = fopen(path, "rb");
	long n;

	if (!in || fseek(in, 0, SEEK_END) || (n = ftell(in)) <= 0) {
		fprintf(stderr, "rtpwatch: %s: cannot read\n", path);
		exit(2);
	}
	rewind(in);
	f->n = (size_t)n / PIECE * PIECE;
	f->bytes = malloc(f->n + 1);
	if (!f->bytes || fread(f->bytes, 1, f->n, in) != f->n)
		exit(2);
	fclose(in);
}

static void learn(const char *line)
{
	struct end *e = &ends[nends];
	char local[64], relay[64];
	int local_port, relay_port;

	line = strstr(line, "MEDIA ");
	if (!line || nends == ENDS_MAX ||
	    sscanf(line, "MEDIA %c %63s %63s %d %63s %d", &e->side, e->key, local, &local_port,
		   relay, &relay_port) != 6)
		return;
	for (size_t i = 0; i < nends; i++) {
		if (ends[i].side == e->side && !strcmp(ends[i].key, e->key))
			return;
	}
	if (inet_pton(AF_INET, local, &e->local) != 1 || inet_pton(AF_INET, relay, &e->relay) != 1)
		return;
	e->local_port = (uint16_t)local_port;
	e->relay_port = (uint16_t)relay_port;
	nends++;
}

static void follow(FILE *f)
{
	char line[512];
	long at = ftell(f);

	while (fgets(line, sizeof(line), f)) {
		if (!strchr(line, '\n')) {
			fseek(f, at, SEEK_SET);
			return;
		}
		at = ftell(f);
		learn(line);
	}
	clearerr(f);
}

static void check(struct end *e, const uint8_t *rtp, size_t n)
{
	const struct file *f = &files[e->side == 'A']; /* A hears what B plays */
	uint16_t seq = (uint16_t)(rtp[2] << 8 | rtp[3]);
	size_t at;

	if (!e->started) {
		e->started = true;
		e->first_seq = seq;
	}
	at = (size_t)(uint16_t)(seq - e->first_seq) * PIECE;
	if (n == RTP_HEADER + PIECE && at + PIECE <= f->n &&
	    !memcmp(f->bytes + at, rtp + RTP_HEADER, PIECE))
		e->right++;
	else
		e->wrong++;
}

/* One frame seen on lo: IPv4, UDP, to or from one of the far ends. */
static void frame(const uint8_t *p, size_t n)
{
	const struct iphdr *ip = (const void *)p;
	size_t head = n >= sizeof(*ip) ? (size_t)ip->ihl * 4 : 0;
	const struct udphdr *udp = (const void *)(p + head);
	uint16_t from, to;

	if (head < sizeof(*ip) || ip->version != 4 || ip->protocol != IPPROTO_UDP ||
	    n < head + sizeof(*udp) + RTP_HEADER)
		return;
	from = ntohs(udp->source);
	to = ntohs(udp->dest);
	for (size_t i = 0; i < nends; i++) {
		struct end *e = &ends[i];

		if (ip->daddr == e->local.s_addr && to == e->local_port &&
		    ip->saddr == e->relay.s_addr && from == e->relay_port)
			check(e, p + head + sizeof(*udp), n - head - sizeof(*udp));
		if (ip->saddr == e->local.s_addr && from == e->local_port &&
		    ip->daddr == e->relay.s_addr && to == e->relay_port)
			e->sent++;
	}
}

static int listen_lo(void)
{
	int size = 8 << 20, fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP));
	struct sockaddr_ll lo = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};

	lo.sll_ifindex = (int)if_nametoindex("lo");
	if (fd < 0 || bind(fd, (struct sockaddr *)&lo, sizeof(lo))) {
		fprintf(stderr, "rtpwatch: packet socket on lo: %s\n", strerror(errno));
		exit(2);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static void read_all(int fd, int wait_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t buf[2048];
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	ssize_t n;

	poll(&p, 1, wait_ms);
	while ((n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &len)) >
	       0) {
		if (from.sll_pkttype != PACKET_OUTGOING) /* each packet on lo shows twice */
			frame(buf, (size_t)n);
		len = sizeof(from);
	}
}

static size_t complete(void)
{
	size_t n = 0;

	for (size_t i = 0; i < nends; i++)
		n += (size_t)ends[i].right * PIECE == files[ends[i].side == 'A'].n &&
		     !ends[i].wrong;
	return n;
}

static int report(size_t want)
{
	for (size_t i = 0; i < nends; i++) {
		const struct end *e = &ends[i];

		printf("  %s %s: heard %u packets from the relay, all %zu bytes of the other side's audio %s; sent %u\n",
		       e->key, e->side == 'A' ? "caller" : "callee", e->right,
		       files[e->side == 'A'].n,
		       (size_t)e->right * PIECE == files[e->side == 'A'].n && !e->wrong
			       ? "as they were"
			       : "NOT COMPLETE",
		       e->sent);
		if (e->wrong)
			printf("  %s: %u packets with other bytes\n", e->key, e->wrong);
	}
	return complete() == want && nends == want ? 0 : 1;
}

int main(int argc, char **argv)
{
	FILE *logs[8] = {NULL};
	uint64_t start = now_ms(), limit_ms = 60000;
	size_t want = 2;
	int opt, fd;

	while ((opt = getopt(argc, argv, "n:a:b:t:")) != -1) {
		if (opt == 'n')
			want = (size_t)atoi(optarg) * 2;
		else if (opt == 'a' || opt == 'b')
			load(optarg, &files[opt == 'b']);
		else if (opt == 't')
			limit_ms = (uint64_t)atoi(optarg) * 1000;
		else
			return 2;
	}
	if (optind == argc || argc - optind > 8 || !files[0].n || !files[1].n)
		return 2;
	fd = listen_lo();
	puts("rtpwatch: listening");
	fflush(stdout);
	while (now_ms() - start < limit_ms && complete() < want) {
		for (int i = optind; i < argc; i++) {
			if (!logs[i - optind])
				logs[i - optind] = fopen(argv[i], "r");
			if (logs[i - optind])
				follow(logs[i - optind]);
		}
		read_all(fd, 2);
	}
	return report(want);
}
