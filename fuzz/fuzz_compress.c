/*
 * Target: the compressed protocol's frames.
 *
 * Input: 1 byte size of the pieces in which the rest, a stream of frames, is given to the reader (0: all at once),
 * 1 byte of holes (every that many pieces one is not given; 0: none). What comes out in pieces must be what
 * comes out of the whole, and the first frame must look like one if it is one.
 */
#include <assert.h>

#include "mysql/compress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
	uint64_t sum; /* a number made from all frames */
	size_t frames, bytes;
};

static void note(struct told *told, enum err e, const struct myp_frame *f)
{
	told->frames++;
	told->bytes += f->wire_len;
	told->sum = (told->sum ^ (uint64_t)e ^ f->contents.len ^ (uint64_t)f->how << 32 ^
		     (uint64_t)f->sequence << 40) *
		    UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = 0; i < f->contents.len; i += 97)
		told->sum = (told->sum ^ f->contents.ptr[i]) * UINT64_C(0x9e3779b97f4a7c15);
	assert(e == ERR_OK || f->contents.len == 0);
	assert(!f->holed || f->contents.len == 0);
}

static struct told read_all(struct myp_unpacker *u, struct slice stream, size_t piece, size_t hole)
{
	struct told told = {.sum = 0};
	struct myp_frame_reader r;
	struct myp_frame frame;

	myp_frame_reader_init(&r);
	for (size_t n = 1; stream.len > 0; n++) {
		struct slice bytes = slice_head(stream, piece ? piece : stream.len);
		uint32_t lost = 0;
		enum err e = ERR_OK;

		stream = slice_skip(stream, bytes.len);
		if (hole && n % hole == 0) {
			if (!myp_frame_skip(&r, bytes.len, &lost))
				myp_frame_reader_reset(&r);
			continue;
		}
		while (bytes.len > 0 && e != ERR_AGAIN) {
			e = myp_frame_next(&r, u, &bytes, &frame);
			assert(e == ERR_OK || e == ERR_PROTO || e == ERR_AGAIN);
			if (e != ERR_AGAIN)
				note(&told, e, &frame);
		}
		assert(bytes.len == 0);
	}
	myp_frame_reader_release(&r);
	return told;
}

static void look(struct myp_unpacker *u, struct slice stream)
{
	struct myp_frame seen;
	enum myp_peek peek = myp_frame_peek(u, stream, &seen);
	struct told told;

	if (peek != MYP_PEEK_FRAME)
		return;
	told = read_all(u, slice_head(stream, seen.wire_len), 0, 0);
	assert(told.frames == 1 && told.bytes == seen.wire_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct myp_unpacker *u;
	struct slice stream;
	struct told whole, pieces;

	if (size < 2 || myp_unpacker_new(&u) != ERR_OK)
		return 0;
	stream = slice_of(data + 2, size - 2);
	whole = read_all(u, stream, 0, 0);
	pieces = read_all(u, stream, data[0], 0);
	assert(whole.sum == pieces.sum && whole.frames == pieces.frames);
	if (data[1])
		(void)read_all(u, stream, data[0], data[1]);
	look(u, stream);
	myp_unpacker_free(u);
	return 0;
}
