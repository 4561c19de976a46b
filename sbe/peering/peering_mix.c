/* SPDX-License-Identifier: Apache-2.0 */
#include "sbe/peering/peering_mix.h"

#include <errno.h>
#include <stdio.h>

#include "sbe/peer/peer.h"

#define AT_BYTES 96

static int mix_peer(struct conf_doc *doc, const char *name, const json_t *names,
		    struct conf_error *err)
{
	const json_t *all = json_object_get(conf_json(doc), "federations");
	struct conf_layer layers[PEER_FEDERATIONS_MAX];
	char at[PEER_FEDERATIONS_MAX][AT_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(names) && n < PEER_FEDERATIONS_MAX; i++) {
		const char *from = json_string_value(json_array_get(names, i));
		const json_t *rules =
			json_object_get(json_object_get(all, from ? from : ""), "rules");

		if (!json_is_object(rules))
			continue;
		snprintf(at[n], sizeof(at[n]), "federations.%s.rules", from);
		layers[n] = (struct conf_layer){at[n], rules};
		n++;
	}
	return n ? conf_mix(doc, "peers", name, layers, n, err) : 0;
}

int peering_mix(struct conf_doc *doc, struct conf_error *err)
{
	json_t *peers = json_object_get(conf_json(doc), "peers"), *peer;
	const char *name;
	void *next;
	int e = 0;

	json_object_foreach_safe(peers, next, name, peer) {
		const json_t *names = json_object_get(peer, "federations");

		if (!e && json_array_size(names) > 0)
			e = mix_peer(doc, name, names, err);
	}
	return e;
}
