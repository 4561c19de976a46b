/* SPDX-License-Identifier: Apache-2.0 */
/* Phones around path_fake: addresses without sockets. */
#include <string.h>

#include "dbe/path/path_fake.h"
#include "tests/unit/dbe/path/conformance.h"

static struct path_fake_packet held[PHONES];
static bool holds[PHONES];

static void fake_start(struct bed *b)
{
	(void)b;
	memset(holds, 0, sizeof(holds));
}

static void fake_phone(struct bed *b, enum bed_phone who, const char *ip)
{
	addr_parse(ip, &b->phone[who]);
	b->phone[who].port = (uint16_t)(5000 + who);
}

static void fake_send(struct bed *b, enum bed_phone from, const struct addr *to, const void *data,
		      size_t len_bytes)
{
	path_fake_deliver(b->path, to, &b->phone[from], data, len_bytes);
}

static void fake_work(struct bed *b)
{
	struct path_fake_packet packet;

	while (path_fake_take(b->path, &packet) == 0) {
		for (int who = 0; who < PHONES; who++) {
			if (addr_equal(&b->phone[who], &packet.to)) {
				held[who] = packet;
				holds[who] = true;
			}
		}
	}
}

static int fake_receive(struct bed *b, enum bed_phone who, uint8_t *buf, struct addr *ret_from,
			int *ret_dscp)
{
	(void)b;
	if (!holds[who])
		return -1;
	holds[who] = false;
	memcpy(buf, held[who].data, held[who].len_bytes);
	*ret_from = held[who].from;
	*ret_dscp = held[who].dscp;
	return (int)held[who].len_bytes;
}

const struct conformance_driver driver_fake = {
	.name = "fake",
	.ops = &path_fake,
	.step_ms = 20,
	.start = fake_start,
	.stop = fake_start,
	.phone = fake_phone,
	.send = fake_send,
	.receive = fake_receive,
	.work = fake_work,
};
