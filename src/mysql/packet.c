/* packet - the framing. */
#include "mysql/packet.h"

enum { HELD_KEEP = 64 * 1024 }; /* bytes of a joined payload's memory that are kept for the next */

void myp_reader_init(struct myp_reader *r, size_t limit)
{
	*r = (struct myp_reader){.header_len = 0};
	buf_init(&r->held, limit);
}

void myp_reader_release(struct myp_reader *r)
{
	buf_release(&r->held);
	myp_reader_reset(r);
}

void myp_reader_reset(struct myp_reader *r)
{
	struct buf held = r->held;

	buf_shrink(&held, HELD_KEEP);
	*r = (struct myp_reader){.held = held};
}

/* Fills *OUT for the packet that ends now, whose (perhaps cut) PAYLOAD is where the caller says. */
static void hand_out(struct myp_reader *r, struct slice payload, struct myp_packet *out)
{
	*out = (struct myp_packet){
		.payload = payload,
		.wire_len = r->wire_len,
		.payload_len = r->payload_len,
		.holed = r->holed,
		.sequence = r->sequence,
		.last_sequence = r->header[MYP_HEADER - 1],
	};
	r->header_len = 0;
	r->in_payload = false;
	r->holed = false;
	r->payload_len = 0;
	r->wire_len = 0;
}

bool myp_reader_skip(struct myp_reader *r, uint64_t n)
{
	if (!r->in_payload || n > r->frame_left || (n == r->frame_left && r->goes_on))
		return false;
	if (n == r->frame_left) {
		myp_reader_reset(r);
		return true;
	}
	r->frame_left -= (uint32_t)n;
	r->payload_len += n;
	r->wire_len += n;
	r->holed = true;
	return true;
}

/* True when the frame's header is complete. */
static bool take_header(struct myp_reader *r, struct slice *bytes)
{
	size_t n = MYP_HEADER - r->header_len;
	struct cursor c;

	if (n > bytes->len)
		n = bytes->len;
	if (n > 0)
		memcpy(r->header + r->header_len, bytes->ptr, n);
	r->header_len = (uint8_t)(r->header_len + n);
	r->wire_len += n;
	*bytes = slice_skip(*bytes, n);
	if (r->header_len < MYP_HEADER)
		return false;
	c = cur_of(slice_of(r->header, MYP_HEADER));
	r->frame_left = cur_u24(&c);
	if (!r->goes_on)
		r->sequence = cur_u8(&c);
	r->goes_on = r->frame_left == MYP_FRAME_MAX;
	r->in_payload = true;
	return true;
}

/* Takes what BYTES have of the current frame; keeps of it what the limit allows. */
static void take_payload(struct myp_reader *r, struct slice *bytes)
{
	struct slice part = slice_head(*bytes, r->frame_left);

	buf_put_slice(&r->held, slice_head(part, r->held.max - r->held.len));
	r->frame_left -= (uint32_t)part.len;
	r->payload_len += part.len;
	r->wire_len += part.len;
	*bytes = slice_skip(*bytes, part.len);
}

/* The common case, which leaves the reader as it was: a packet of one frame, all of which is in BYTES. */
static bool take_whole(const struct myp_reader *r, struct slice *bytes, struct myp_packet *out)
{
	struct slice payload;
	uint8_t sequence;

	if (myp_reader_partial(r) || !myp_packet_whole(*bytes, &payload, &sequence))
		return false;
	*out = (struct myp_packet){
		.payload = slice_head(payload, r->held.max),
		.wire_len = MYP_HEADER + payload.len,
		.payload_len = payload.len,
		.sequence = sequence,
		.last_sequence = sequence,
	};
	*bytes = slice_skip(*bytes, MYP_HEADER + payload.len);
	return true;
}

enum err myp_reader_next(struct myp_reader *r, struct slice *bytes, struct myp_packet *out)
{
	if (r->wire_len == 0 && r->held.cap > 0)
		buf_shrink(&r->held, HELD_KEEP); /* the last packet is not needed any more */
	if (take_whole(r, bytes, out))
		return ERR_OK;
	for (;;) {
		if (!r->in_payload && !take_header(r, bytes))
			return ERR_AGAIN;
		take_payload(r, bytes);
		if (buf_err(&r->held) != ERR_OK)
			return ERR_NOMEM;
		if (r->frame_left > 0)
			return ERR_AGAIN;
		if (!r->goes_on)
			break;
		r->in_payload = false;
		r->header_len = 0;
	}
	hand_out(r, buf_slice(&r->held), out);
	return ERR_OK;
}

void myp_packet_put(struct buf *out, struct slice payload, uint8_t *sequence)
{
	size_t n;

	do {
		n = payload.len < MYP_FRAME_MAX ? payload.len : MYP_FRAME_MAX;
		buf_put_uint_le(out, (uint32_t)*sequence << 24 | (uint32_t)n, MYP_HEADER);
		buf_put(out, payload.ptr, n);
		payload = slice_skip(payload, n);
		(*sequence)++;
	} while (n == MYP_FRAME_MAX);
}
