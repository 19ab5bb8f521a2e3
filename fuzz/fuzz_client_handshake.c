/*
 * Target: handshake_packet, handshake_tls_ready, auth_answer, auth_answer_key, auth_answer_salt.
 * A login against a server that says anything: the first byte chooses SSL mode and place, then come
 * packets, each with its length in two bytes in front.
 */
#include <assert.h>
#include <stdlib.h>

#include "client/handshake.h"

enum { MESSAGE_MAX = 64 << 10, PACKETS_MAX = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* True if the login goes on. */
static bool feed(struct handshake *h, struct slice packet, struct buf *out)
{
	enum handshake_step step = HANDSHAKE_WAIT;

	buf_reset(out);
	if (handshake_packet(h, packet, out, &step, NULL) != ERR_OK)
		return false;
	switch (step) {
	case HANDSHAKE_TLS:
		assert(out->len == 32);
		buf_reset(out);
		return handshake_tls_ready(h, out, NULL) == ERR_OK;
	case HANDSHAKE_WAIT:
		assert(out->len == 0);
		return true;
	case HANDSHAKE_SEND:
		return true;
	case HANDSHAKE_DONE:
		break;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(slice_of(data, size));
	uint8_t which = cur_u8(&c);
	const struct handshake_options o = {
		.user = "app",
		.password = which & 0x10 ? "secret" : NULL,
		.ssl_mode = which % 5,
		.local = which >> 7,
	};
	struct handshake *h;
	struct buf out;

	if (handshake_new(&o, &h, NULL) != ERR_OK)
		return 0;
	buf_init(&out, MESSAGE_MAX);
	for (int i = 0; i < PACKETS_MAX && cur_left(&c) > 0; i++)
		if (!feed(h, cur_bytes(&c, cur_u16(&c)), &out))
			break;
	buf_release(&out);
	handshake_free(h);
	return 0;
}
