/*
 * segment_list - the input of fuzz_whole: segments of a few connections, in the order in which a capture has them.
 *
 * One byte for the whole, then segments, each a head of SEGMENT_HEAD bytes and its payload:
 *
 *   u8 what, u8 shape, u8 wait, u32 offset, u32 ack, u16 cut, u16 length, all little endian
 *
 * So a list can be read from any bytes, and one that a mutator changed is put down again.
 */
#ifndef FUZZ_SEGMENT_LIST_H
#define FUZZ_SEGMENT_LIST_H

#include "base/cursor.h"

enum { SEGMENT_HEAD = 15, SEGMENTS_MAX = 400 };

/* What a segment is; bits 5 and 6 are the number of its connection. */
enum {
	WHAT_SERVER = 1 << 0,
	WHAT_SYN = 1 << 1,
	WHAT_FIN = 1 << 2,
	WHAT_RST = 1 << 3,
	WHAT_NO_ACK = 1 << 4,
	WHAT_FLOW_SHIFT = 5,
	WHAT_FLOWS = 4,
	WHAT_FRAME = 1 << 7, /* the payload is a frame of foreign bytes */
};

/* Bits of the first byte. */
enum { LIST_ANY_PORT = 1 << 0 };

struct listed {
	uint8_t what;
	uint8_t shape;        /* what is around it, see fuzz_whole.c */
	uint8_t wait;         /* before it, in units of 8 ms */
	uint32_t offset, ack; /* in its direction and in the other */
	uint16_t cut;         /* bytes that the capture cut off */
	struct slice bytes;   /* borrowed */
};

struct segment_list {
	uint8_t mode;
	size_t count;
	struct listed items[SEGMENTS_MAX];
};

static inline unsigned listed_flow(const struct listed *s)
{
	return s->what >> WHAT_FLOW_SHIFT & (WHAT_FLOWS - 1);
}

static inline void segment_list_read(struct slice data, struct segment_list *l)
{
	struct cursor c = cur_of(data);

	l->mode = cur_u8(&c);
	l->count = 0;
	while (cur_left(&c) >= SEGMENT_HEAD && l->count < SEGMENTS_MAX) {
		struct listed *s = &l->items[l->count++];
		size_t len;

		s->what = cur_u8(&c);
		s->shape = cur_u8(&c);
		s->wait = cur_u8(&c);
		s->offset = cur_u32(&c);
		s->ack = cur_u32(&c);
		s->cut = cur_u16(&c);
		len = cur_u16(&c);
		s->bytes = cur_bytes(&c, len < cur_left(&c) ? len : cur_left(&c));
	}
}

#endif
