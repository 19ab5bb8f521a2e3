/* message - the units of kakao MRTE. */
#include "mrte/message.h"

#include <zlib.h>

enum {
	ADDRESS = 4,
	PORT = 2,
	CHECKSUM = 4,
	LENGTH = 4,
	CHECKED = 22, /* bytes from the address on, at most */
};

bool mrte_addr_v4(const struct addr *a, uint8_t to[4])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (a->is_v6 && memcmp(a->bytes, mapped, sizeof(mapped)) != 0)
		return false;
	memcpy(to, a->is_v6 ? a->bytes + sizeof(mapped) : a->bytes, ADDRESS);
	return true;
}

void mrte_message_begin(struct buf *to, const uint8_t collector[4])
{
	buf_reset(to);
	buf_put(to, collector, ADDRESS);
}

/* FROM is a unit behind its length, up to its checksum. */
static uint32_t checksum_of(struct slice from)
{
	struct slice checked = slice_head(from, CHECKED);

	return (uint32_t)adler32(adler32(0, NULL, 0), checked.ptr, (uInt)checked.len);
}

void mrte_message_put(struct buf *to, const uint8_t client[4], uint16_t port, struct slice data)
{
	size_t len = ADDRESS + PORT + data.len + CHECKSUM, at;

	/* All or nothing: half a unit would spoil the message. */
	if (len > UINT32_MAX || !buf_reserve(to, LENGTH + len))
		return;
	buf_put_uint_le(to, len, LENGTH);
	at = to->len;
	buf_put(to, client, ADDRESS);
	buf_put_uint_le(to, port, PORT);
	buf_put_slice(to, data);
	buf_put_uint_le(to, checksum_of(slice_skip(buf_slice(to), at)), CHECKSUM);
}

static void take_address(struct cursor *c, struct addr *to)
{
	uint8_t bytes[ADDRESS];

	for (size_t i = 0; i < ADDRESS; i++)
		bytes[i] = cur_u8(c);
	addr_set_v4(to, bytes);
}

bool mrte_message_open(struct slice message, struct addr *collector, struct cursor *units)
{
	*units = cur_of(message);
	take_address(units, collector);
	return cur_ok(units);
}

enum err mrte_message_next(struct cursor *units, struct mrte_unit *out)
{
	size_t len;
	struct cursor c;
	struct slice unit, checked;

	if (cur_left(units) == 0)
		return ERR_EOF;
	len = cur_u32(units);
	if (!cur_ok(units) || len <= ADDRESS + PORT + CHECKSUM)
		return ERR_PROTO;
	unit = cur_bytes(units, len);
	if (!cur_ok(units))
		return ERR_PROTO;
	c = cur_of(unit);
	checked = slice_head(unit, len - CHECKSUM);
	take_address(&c, &out->client.addr);
	out->client.port = cur_u16(&c);
	out->data = cur_bytes(&c, len - ADDRESS - PORT - CHECKSUM);
	out->is_whole = cur_u32(&c) == checksum_of(checked);
	return ERR_OK;
}
