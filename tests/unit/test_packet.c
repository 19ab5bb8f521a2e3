#include "check.h"

#include "base/mem.h"
#include "mysql/packet.h"

enum { LIMIT = 64 << 20, WIRE_MAX = 128 << 20 }; /* bytes */

static const uint8_t three[] = {
	1, 0, 0, 0,   0x0e, /* COM_PING */
	0, 0, 0, 1,         /* nothing in it */
	5, 0, 0, 255, 'h',  'e', 'l', 'l', 'o',
};

static void a_whole_packet_is_not_copied(void **state)
{
	struct slice bytes = slice_of(three, sizeof(three));
	struct myp_packet p;
	struct myp_reader r;

	(void)state;
	myp_reader_init(&r, LIMIT);
	CHECK(myp_reader_next(&r, &bytes, &p) == ERR_OK);
	CHECK(p.payload.ptr == three + 4 && p.payload.len == 1);
	CHECK(p.wire_len == 5 && p.payload_len == 1 && p.sequence == 0 && p.last_sequence == 0);
	CHECK(myp_reader_next(&r, &bytes, &p) == ERR_OK);
	CHECK(p.payload.len == 0 && p.wire_len == 4 && p.sequence == 1);
	CHECK(myp_reader_next(&r, &bytes, &p) == ERR_OK);
	CHECK(slice_eq(p.payload, SLICE_LIT("hello")) && p.sequence == 255);
	CHECK(bytes.len == 0 && !myp_reader_partial(&r));
	CHECK(myp_reader_next(&r, &bytes, &p) == ERR_AGAIN);
	CHECK(r.held.cap == 0);
	myp_reader_release(&r);
}

static void splitting_at_any_two_bytes_gives_the_same_packets(void **state)
{
	static const struct slice expected[] = {
		{.ptr = (const uint8_t *)"\x0e", .len = 1},
		{.len = 0},
		{.ptr = (const uint8_t *)"hello", .len = 5},
	};

	(void)state;
	for (size_t i = 0; i <= sizeof(three); i++)
		for (size_t j = i; j <= sizeof(three); j++) {
			const size_t cut[] = {0, i, j, sizeof(three)};
			struct myp_reader r;
			struct myp_packet p;
			size_t seen = 0;

			myp_reader_init(&r, LIMIT);
			for (size_t k = 0; k < 3; k++) {
				size_t n = cut[k + 1] - cut[k];
				uint8_t *exact = exact_copy(slice_of(three + cut[k], n), n);
				struct slice bytes = slice_of(exact, n);

				while (myp_reader_next(&r, &bytes, &p) == ERR_OK) {
					CHECK(slice_eq(p.payload, expected[seen]));
					CHECK(p.wire_len == p.payload.len + 4);
					CHECK(p.payload_len == p.payload.len);
					seen++;
				}
				CHECK(bytes.len == 0);
				free(exact);
			}
			CHECK(seen == 3 && !myp_reader_partial(&r));
			myp_reader_release(&r);
		}
}

/* Writes a payload of LEN bytes as frames; reads it in pieces of STEP bytes with LIMIT. */
static void goes_through(size_t len, size_t step, size_t limit)
{
	uint8_t *payload = malloc(len);
	uint8_t sequence = 254;
	struct myp_packet p;
	struct myp_reader r;
	struct slice bytes;
	struct buf wire;
	enum err e = ERR_AGAIN;

	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)(i * 7 + i / 251);
	buf_init(&wire, WIRE_MAX);
	myp_packet_put(&wire, slice_of(payload, len), &sequence);
	CHECK(buf_err(&wire) == ERR_OK);
	CHECK(wire.len == len + 4 * (len / MYP_FRAME_MAX + 1));
	CHECK(sequence == (uint8_t)(254 + len / MYP_FRAME_MAX + 1));
	myp_reader_init(&r, limit);
	for (size_t at = 0; at < wire.len; at += step) {
		CHECK(e == ERR_AGAIN);
		bytes = slice_head(slice_skip(buf_slice(&wire), at), step);
		e = myp_reader_next(&r, &bytes, &p);
	}
	CHECK(e == ERR_OK && bytes.len == 0);
	CHECK(p.payload_len == len && p.wire_len == wire.len);
	CHECK(slice_eq(p.payload, slice_head(slice_of(payload, len), limit)));
	CHECK(p.sequence == 254 && p.last_sequence == (uint8_t)(sequence - 1));
	CHECK(r.held.cap <= limit);
	bytes.len = 0;
	CHECK(myp_reader_next(&r, &bytes, &p) == ERR_AGAIN);
	CHECK(r.held.cap <= 64 * 1024);
	myp_reader_release(&r);
	buf_release(&wire);
	free(payload);
}

static void full_frames_are_joined(void **state)
{
	(void)state;
	goes_through(MYP_FRAME_MAX - 1, 1 << 16, LIMIT);
	goes_through(MYP_FRAME_MAX, 1 << 16, LIMIT);
	goes_through(MYP_FRAME_MAX, 100 << 20, LIMIT);
	goes_through(MYP_FRAME_MAX + 1, 9999, LIMIT);
	goes_through(2 * MYP_FRAME_MAX, 1 << 20, LIMIT);
	goes_through(2 * MYP_FRAME_MAX + 5, MYP_FRAME_MAX, LIMIT);
}

static void what_is_over_the_limit_is_counted_not_held(void **state)
{
	(void)state;
	goes_through(1000, 2000, 10);
	goes_through(1000, 3, 10);
	goes_through(MYP_FRAME_MAX + 1, 4096, 1000);
	goes_through(2 * MYP_FRAME_MAX, 1 << 20, MYP_FRAME_MAX + 3);
}

static void a_reset_forgets_what_is_incomplete(void **state)
{
	struct slice half = SLICE_LIT("\5\0\0\0he");
	struct slice whole = SLICE_LIT("\2\0\0\7ok");
	struct myp_packet p;
	struct myp_reader r;

	(void)state;
	myp_reader_init(&r, LIMIT);
	CHECK(myp_reader_next(&r, &half, &p) == ERR_AGAIN);
	CHECK(myp_reader_partial(&r));
	myp_reader_reset(&r);
	CHECK(!myp_reader_partial(&r));
	CHECK(myp_reader_next(&r, &whole, &p) == ERR_OK);
	CHECK(slice_eq(p.payload, SLICE_LIT("ok")) && p.sequence == 7);
	myp_reader_release(&r);
}

static void no_memory_is_said(void **state)
{
	struct slice half = SLICE_LIT("\5\0\0\0he");
	struct myp_packet p = {.sequence = 99};
	struct myp_reader r;

	(void)state;
	myp_reader_init(&r, LIMIT);
	mem_fail_from(1);
	CHECK(myp_reader_next(&r, &half, &p) == ERR_NOMEM);
	mem_fail_from(0);
	CHECK(p.sequence == 99);
	myp_reader_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_packet_is_not_copied),
		cmocka_unit_test(splitting_at_any_two_bytes_gives_the_same_packets),
		cmocka_unit_test(full_frames_are_joined),
		cmocka_unit_test(what_is_over_the_limit_is_counted_not_held),
		cmocka_unit_test(a_reset_forgets_what_is_incomplete),
		cmocka_unit_test(no_memory_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
