/* frames - frames of the compressed protocol, made for tests. */
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "check.h"
#include "mysql/compress.h"

/* Appends a frame whose header says LEN of contents (0: stored), with PAYLOAD as it is. */
static inline void frame_put_raw(struct buf *to, uint8_t sequence, size_t len, struct slice payload)
{
	buf_put_uint_le(to, payload.len, 3);
	buf_put_u8(to, sequence);
	buf_put_uint_le(to, len, 3);
	buf_put_slice(to, payload);
}

/* Appends PAYLOAD's bytes packed. */
static inline void frame_pack(struct buf *to, enum myp_compression how, struct slice contents)
{
	uLongf room = compressBound(contents.len) + ZSTD_compressBound(contents.len);
	uint8_t *at = buf_reserve(to, room);

	CHECK(at != NULL);
	if (how == MYP_COMPRESS_ZLIB)
		CHECK(compress(at, &room, contents.ptr, contents.len) == Z_OK);
	else
		room = ZSTD_compress(at, room, contents.ptr, contents.len, 3);
	buf_advance(to, room);
}

static inline void frame_put(struct buf *to, uint8_t sequence, enum myp_compression how,
			     struct slice contents)
{
	struct buf packed;

	if (how == MYP_COMPRESS_STORED) {
		frame_put_raw(to, sequence, 0, contents);
		return;
	}
	buf_init(&packed, 1 << 26);
	frame_pack(&packed, how, contents);
	frame_put_raw(to, sequence, contents.len, buf_slice(&packed));
	buf_release(&packed);
}

#endif
