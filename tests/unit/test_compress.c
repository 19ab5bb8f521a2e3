#include "frames.h"

#include "base/mem.h"
#include "mysql/pack.h"

enum { ROOM = 1 << 26, BIG = 0xffffff };

static const enum myp_compression ways[] = {MYP_COMPRESS_STORED, MYP_COMPRESS_ZLIB,
					    MYP_COMPRESS_ZSTD};

#define TEXT "a frame's contents, a frame's contents, a frame's contents and no more"

struct fixture {
	struct myp_unpacker *unpacker;
	struct myp_frame_reader reader;
	struct myp_frame frame;
	struct buf wire;
};

static void set_up(struct fixture *f)
{
	CHECK(myp_unpacker_new(&f->unpacker) == ERR_OK);
	myp_frame_reader_init(&f->reader);
	buf_init(&f->wire, ROOM);
	f->frame = (struct myp_frame){.sequence = 0xee};
}

static void tear_down(struct fixture *f)
{
	myp_unpacker_free(f->unpacker);
	myp_frame_reader_release(&f->reader);
	buf_release(&f->wire);
}

static enum err next(struct fixture *f, struct slice *bytes)
{
	return myp_frame_next(&f->reader, f->unpacker, bytes, &f->frame);
}

static void check_frame(const struct fixture *f, enum myp_compression how, uint8_t sequence,
			struct slice contents)
{
	CHECK(f->frame.how == how);
	CHECK(f->frame.sequence == sequence);
	CHECK(!f->frame.holed);
	CHECK(slice_eq(f->frame.contents, contents));
}

static void what_is_packed_is_unpacked(void **state)
{
	static const size_t sizes[] = {0, 1, MYP_PACK_MIN - 1, MYP_PACK_MIN, 5000, BIG};
	uint8_t *contents = mem_zalloc(BIG);
	struct myp_packer *packer;
	struct slice bytes;
	struct fixture f;

	(void)state;
	CHECK(contents && myp_packer_new(MYP_PACK_ZSTD_LEVEL, &packer) == ERR_OK);
	for (size_t i = 0; i < BIG; i++)
		contents[i] = (uint8_t)(i / 7);
	set_up(&f);
	for (uint8_t i = 0; i < 3 * 6; i++) {
		const struct slice some = slice_of(contents, sizes[i / 3]);
		const enum myp_compression how =
			some.len < MYP_PACK_MIN ? MYP_COMPRESS_STORED : ways[i % 3];

		buf_reset(&f.wire);
		CHECK(myp_pack(packer, ways[i % 3], i, some, &f.wire) == ERR_OK);
		CHECK(f.wire.len <= MYP_COMPRESS_HEADER + some.len);
		bytes = buf_slice(&f.wire);
		CHECK(next(&f, &bytes) == ERR_OK && bytes.len == 0);
		check_frame(&f, how, i, some);
	}
	for (size_t i = 0; i < 100; i++) /* nothing to be made shorter */
		contents[i] = (uint8_t)(i * i * 31 + i * 7);
	buf_reset(&f.wire);
	CHECK(myp_pack(packer, MYP_COMPRESS_ZLIB, 7, slice_of(contents, 100), &f.wire) == ERR_OK);
	bytes = buf_slice(&f.wire);
	CHECK(next(&f, &bytes) == ERR_OK);
	check_frame(&f, MYP_COMPRESS_STORED, 7, slice_of(contents, 100));
	tear_down(&f);
	myp_packer_free(packer);
	mem_free(contents);
}

static void several_frames_in_one_piece(void **state)
{
	struct slice bytes;
	struct fixture f;

	(void)state;
	set_up(&f);
	for (uint8_t i = 0; i < 3; i++)
		frame_put(&f.wire, i, ways[i], SLICE_LIT(TEXT));
	frame_put_raw(&f.wire, 3, 0, slice_of(NULL, 0));
	bytes = buf_slice(&f.wire);
	for (uint8_t i = 0; i < 3; i++) {
		CHECK(next(&f, &bytes) == ERR_OK);
		check_frame(&f, ways[i], i, SLICE_LIT(TEXT));
		CHECK(!myp_frame_reader_partial(&f.reader));
	}
	CHECK(next(&f, &bytes) == ERR_OK && f.frame.contents.len == 0 && f.frame.wire_len == 7);
	CHECK(bytes.len == 0 && next(&f, &bytes) == ERR_AGAIN);
	tear_down(&f);
}

static void a_stored_frame_is_not_copied(void **state)
{
	struct slice bytes;
	struct fixture f;

	(void)state;
	set_up(&f);
	frame_put(&f.wire, 0, MYP_COMPRESS_STORED, SLICE_LIT(TEXT));
	bytes = buf_slice(&f.wire);
	CHECK(next(&f, &bytes) == ERR_OK);
	CHECK(f.frame.contents.ptr == f.wire.ptr + MYP_COMPRESS_HEADER);
	tear_down(&f);
}

static void split_at(struct fixture *f, size_t at, enum myp_compression how)
{
	struct slice whole = buf_slice(&f->wire), tail = slice_skip(whole, at);
	uint8_t *head = exact_copy(whole, at), *rest = exact_copy(tail, tail.len);
	struct slice bytes = slice_of(head, at);

	f->frame.sequence = 0xee;
	CHECK(next(f, &bytes) == (at < whole.len ? ERR_AGAIN : ERR_OK));
	CHECK(bytes.len == 0);
	if (at < whole.len) {
		CHECK(f->frame.sequence == 0xee);
		CHECK(myp_frame_reader_partial(&f->reader) == (at > 0));
		bytes = slice_of(rest, tail.len);
		CHECK(next(f, &bytes) == ERR_OK);
	}
	check_frame(f, how, 5, SLICE_LIT(TEXT));
	CHECK(!myp_frame_reader_partial(&f->reader) && !f->reader.held.ptr);
	free(head);
	free(rest);
}

static void every_truncation_waits_for_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fixture f;

		set_up(&f);
		frame_put(&f.wire, 5, ways[i], SLICE_LIT(TEXT));
		for (size_t at = 0; at <= f.wire.len; at++)
			split_at(&f, at, ways[i]);
		tear_down(&f);
	}
}

static void byte_by_byte_is_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fixture f;

		set_up(&f);
		frame_put(&f.wire, 5, ways[i], SLICE_LIT(TEXT));
		for (size_t at = 0; at < f.wire.len; at++) {
			struct slice byte = slice_of(f.wire.ptr + at, 1);

			CHECK(next(&f, &byte) == (at + 1 < f.wire.len ? ERR_AGAIN : ERR_OK));
		}
		check_frame(&f, ways[i], 5, SLICE_LIT(TEXT));
		tear_down(&f);
	}
}

/* A frame that says LEN and holds PAYLOAD is refused, whole or in pieces, and the next one is read. */
static void refused(size_t len, struct slice payload)
{
	struct fixture f;
	struct slice bytes;

	set_up(&f);
	frame_put_raw(&f.wire, 0, len, payload);
	frame_put(&f.wire, 1, MYP_COMPRESS_STORED, SLICE_LIT("good"));
	for (size_t cut = 0; cut <= payload.len + MYP_COMPRESS_HEADER; cut++) {
		bytes = slice_head(buf_slice(&f.wire), cut);
		if (bytes.len < payload.len + MYP_COMPRESS_HEADER) {
			CHECK(next(&f, &bytes) == ERR_AGAIN);
			bytes = slice_skip(buf_slice(&f.wire), cut);
		} else {
			bytes = buf_slice(&f.wire);
		}
		CHECK(next(&f, &bytes) == ERR_PROTO);
		CHECK(f.frame.contents.len == 0);
		CHECK(f.frame.wire_len == payload.len + MYP_COMPRESS_HEADER);
		CHECK(next(&f, &bytes) == ERR_OK);
		check_frame(&f, MYP_COMPRESS_STORED, 1, SLICE_LIT("good"));
	}
	tear_down(&f);
}

static void what_comes_out_is_what_the_header_says(void **state)
{
	struct buf packed;

	(void)state;
	buf_init(&packed, ROOM);
	for (size_t i = 1; i < 3; i++) {
		struct slice all;

		buf_reset(&packed);
		frame_pack(&packed, ways[i], SLICE_LIT(TEXT));
		all = buf_slice(&packed);
		refused(sizeof(TEXT) - 2, all);
		refused(sizeof(TEXT), all);
		refused(1, all);
		refused(BIG, all);
		for (size_t n = 0; n < all.len; n++)
			refused(sizeof(TEXT) - 1, slice_head(all, n));
		buf_put_u8(&packed, 0);
		refused(sizeof(TEXT) - 1, buf_slice(&packed));
		packed.ptr[4] ^=
			0x55; /* of zstd the header; what else is changed there, only a checksum sees */
		refused(sizeof(TEXT) - 1, slice_head(buf_slice(&packed), packed.len - 1));
	}
	refused(20, SLICE_LIT("neither the one nor the other"));
	buf_release(&packed);
}

/* Twice the most that a header can say, in few bytes. */
static void a_bomb_is_a_wrong_length(void **state)
{
	static const size_t sizes[] = {1, 1000, BIG};
	struct buf packed, zeros;

	(void)state;
	buf_init(&packed, ROOM * (size_t)2);
	buf_init(&zeros, (size_t)BIG * 2);
	buf_put_zeros(&zeros, (size_t)BIG * 2);
	CHECK(buf_err(&zeros) == ERR_OK);
	for (size_t i = 1; i < 3; i++) {
		struct fixture f;

		set_up(&f);
		buf_reset(&packed);
		frame_pack(&packed, ways[i], buf_slice(&zeros));
		CHECK(packed.len < 1 << 20);
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			struct slice bytes;

			buf_reset(&f.wire);
			frame_put_raw(&f.wire, 0, sizes[k], buf_slice(&packed));
			bytes = buf_slice(&f.wire);
			CHECK(next(&f, &bytes) == ERR_PROTO && bytes.len == 0);
		}
		tear_down(&f);
	}
	buf_release(&packed);
	buf_release(&zeros);
}

static void the_longest_frame(void **state)
{
	struct buf zeros;

	(void)state;
	buf_init(&zeros, BIG);
	buf_put_zeros(&zeros, BIG);
	for (size_t i = 0; i < 3; i++) {
		struct fixture f;
		struct slice bytes;

		set_up(&f);
		frame_put(&f.wire, 0, ways[i], buf_slice(&zeros));
		bytes = buf_slice(&f.wire);
		CHECK(next(&f, &bytes) == ERR_OK);
		check_frame(&f, ways[i], 0, buf_slice(&zeros));
		tear_down(&f);
	}
	buf_release(&zeros);
}

static void holes(void **state)
{
	struct slice bytes, payload = SLICE_LIT(TEXT);
	struct fixture f;
	uint32_t lost = 77;

	(void)state;
	set_up(&f);
	CHECK(!myp_frame_skip(&f.reader, 1,
			      &lost)); /* between frames: anything may have been there */
	frame_put(&f.wire, 0, MYP_COMPRESS_ZSTD, payload);
	frame_put(&f.wire, 1, MYP_COMPRESS_STORED, SLICE_LIT("good"));
	bytes = slice_head(buf_slice(&f.wire), 3);
	CHECK(next(&f, &bytes) == ERR_AGAIN);
	CHECK(!myp_frame_skip(&f.reader, 1, &lost)); /* in a header */
	bytes = slice_head(slice_skip(buf_slice(&f.wire), 3), 10);
	CHECK(next(&f, &bytes) == ERR_AGAIN);
	CHECK(!myp_frame_skip(&f.reader, 1000, &lost) && lost == 77);
	CHECK(myp_frame_skip(&f.reader, 4, &lost) && lost == payload.len);
	bytes = slice_head(slice_skip(buf_slice(&f.wire), 17), 2);
	CHECK(next(&f, &bytes) == ERR_AGAIN);
	CHECK(myp_frame_skip(&f.reader, 1, &lost) && lost == 0);
	bytes = slice_skip(buf_slice(&f.wire), 20);
	CHECK(next(&f, &bytes) == ERR_OK && f.frame.holed && f.frame.contents.len == 0);
	CHECK(next(&f, &bytes) == ERR_OK && bytes.len == 0);
	check_frame(&f, MYP_COMPRESS_STORED, 1, SLICE_LIT("good"));

	bytes = slice_head(buf_slice(&f.wire), 8);
	CHECK(next(&f, &bytes) == ERR_AGAIN);
	CHECK(myp_frame_skip(&f.reader, f.wire.len - 8 - 11, &lost)); /* to its end */
	CHECK(lost == payload.len && !myp_frame_reader_partial(&f.reader));
	bytes = slice_skip(buf_slice(&f.wire), f.wire.len - 11);
	CHECK(next(&f, &bytes) == ERR_OK);
	check_frame(&f, MYP_COMPRESS_STORED, 1, SLICE_LIT("good"));
	tear_down(&f);
}

static void a_look_at_the_beginning(void **state)
{
	struct fixture f;
	struct slice all;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < 3; i++) {
		buf_reset(&f.wire);
		frame_put(&f.wire, 3, ways[i], SLICE_LIT(TEXT));
		all = buf_slice(&f.wire);
		CHECK(myp_frame_peek(f.unpacker, all, &f.frame) == MYP_PEEK_FRAME);
		check_frame(&f, ways[i], 3, SLICE_LIT(TEXT));
		for (size_t n = 0; n < all.len; n++) {
			uint8_t *exact = exact_copy(all, n);
			enum myp_peek peek =
				myp_frame_peek(f.unpacker, slice_of(exact, n), &f.frame);

			CHECK(peek != MYP_PEEK_FRAME);
			CHECK(n > MYP_COMPRESS_HEADER || peek == MYP_PEEK_NONE);
			if (peek == MYP_PEEK_CONTENTS)
				CHECK(memcmp(f.frame.contents.ptr, TEXT, f.frame.contents.len) ==
				      0);
			free(exact);
		}
		CHECK(myp_frame_peek(f.unpacker, slice_head(all, all.len - 1), &f.frame) ==
		      (ways[i] == MYP_COMPRESS_ZSTD ? MYP_PEEK_HEADER : MYP_PEEK_CONTENTS));
	}
	all = SLICE_LIT("\x05\0\0\0\3select 'x' is a command, and no frame");
	CHECK(myp_frame_peek(f.unpacker, all, &f.frame) == MYP_PEEK_NONE);
	buf_reset(&f.wire);
	frame_put_raw(&f.wire, 0, 4, SLICE_LIT("longer")); /* than what is in it */
	CHECK(myp_frame_peek(f.unpacker, buf_slice(&f.wire), &f.frame) == MYP_PEEK_NONE);
	tear_down(&f);
}

/* Thousands of readers wait for the rest of a frame, one after the other: none holds more than it was given. */
static void memory_is_shared(void **state)
{
	enum { READERS = 64 };
	static struct myp_frame_reader readers[READERS];
	struct slice bytes;
	struct fixture f;
	struct buf zeros;

	(void)state;
	set_up(&f);
	buf_init(&zeros, BIG);
	buf_put_zeros(&zeros, BIG);
	frame_put(&f.wire, 0, MYP_COMPRESS_STORED, buf_slice(&zeros));
	for (size_t i = 0; i < READERS; i++) {
		myp_frame_reader_init(&readers[i]);
		bytes = slice_head(buf_slice(&f.wire), f.wire.len - 1);
		CHECK(myp_frame_next(&readers[i], f.unpacker, &bytes, &f.frame) == ERR_AGAIN);
		bytes = slice_skip(buf_slice(&f.wire), f.wire.len - 1);
		CHECK(myp_frame_next(&readers[i], f.unpacker, &bytes, &f.frame) == ERR_OK);
		CHECK(f.frame.contents.len == BIG);
		bytes = slice_head(buf_slice(&f.wire), 100);
		CHECK(myp_frame_next(&readers[i], f.unpacker, &bytes, &f.frame) == ERR_AGAIN);
		CHECK(readers[i].held.cap <= 1 << 16);
	}
	for (size_t i = 0; i < READERS; i++)
		myp_frame_reader_release(&readers[i]);
	buf_release(&zeros);
	tear_down(&f);
}

static void memory_may_run_out_anywhere(void **state)
{
	enum err e = ERR_NOMEM;

	(void)state;
	for (size_t n = 1; e == ERR_NOMEM; n++) {
		struct slice head, rest;
		struct fixture f;

		set_up(&f);
		frame_put(&f.wire, 0, MYP_COMPRESS_ZLIB, SLICE_LIT(TEXT));
		head = slice_head(buf_slice(&f.wire), 20);
		rest = slice_skip(buf_slice(&f.wire), 20);
		mem_fail_from(n);
		e = next(&f, &head);
		CHECK(e == ERR_AGAIN);
		e = next(&f, &rest);
		mem_fail_from(0);
		CHECK(e == ERR_OK || e == ERR_NOMEM);
		tear_down(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_is_unpacked),
		cmocka_unit_test(several_frames_in_one_piece),
		cmocka_unit_test(a_stored_frame_is_not_copied),
		cmocka_unit_test(every_truncation_waits_for_more),
		cmocka_unit_test(byte_by_byte_is_the_same),
		cmocka_unit_test(what_comes_out_is_what_the_header_says),
		cmocka_unit_test(a_bomb_is_a_wrong_length),
		cmocka_unit_test(the_longest_frame),
		cmocka_unit_test(holes),
		cmocka_unit_test(a_look_at_the_beginning),
		cmocka_unit_test(memory_is_shared),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
