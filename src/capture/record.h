/*
 * record - what the two file formats share: limits, and integers in either byte order.
 */
#ifndef CAPTURE_RECORD_H
#define CAPTURE_RECORD_H

#include "base/cursor.h"
#include "capture/capture.h"
#include "capture/source.h"

enum {
	FRAME_LEN_USUAL = 256 << 10, /* bytes; libpcap's MAXIMUM_SNAPLEN */
	FRAME_LEN_MAX = 16 << 20,    /* bytes; whatever the file's header says */
};

/* Bytes that a frame may have in a file whose header says SNAP_LEN. */
static inline uint32_t frame_len_limit(uint32_t snap_len)
{
	if (snap_len < FRAME_LEN_USUAL)
		return FRAME_LEN_USUAL;
	return snap_len < FRAME_LEN_MAX ? snap_len : FRAME_LEN_MAX;
}

static inline uint16_t record_u16(struct cursor *c, bool big_endian)
{
	uint16_t v = cur_u16be(c);

	return big_endian ? v : __builtin_bswap16(v);
}

static inline uint32_t record_u32(struct cursor *c, bool big_endian)
{
	uint32_t v = cur_u32be(c);

	return big_endian ? v : __builtin_bswap32(v);
}

#endif
