#include "capture_writer.h"

static void pcap_is_read_in_every_variant(void **state)
{
	static const struct {
		uint32_t magic;
		int64_t unit_ns;
		size_t more;
	} kinds[] = {{0xa1b2c3d4, 1000, 0}, {0xa1b23c4d, 1, 0}, {0xa1b2cd34, 1000, 8}};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct writer w;
		struct capture *c;
		int64_t unit = kinds[i / 2].unit_ns;

		writer_init(&w);
		w.big_endian = i % 2;
		pcap_header(&w, kinds[i / 2].magic, 65535, 0x24000001); /* an FCS of 4 bytes */
		for (uint32_t n = 0; n < 2; n++) {
			put(&w, 1700000000 + n, 4);
			put(&w, 999999, 4);
			put(&w, 5, 4);
			put(&w, 5 + n, 4);
			buf_put_zeros(&w.b, kinds[i / 2].more);
			buf_put_cstr(&w.b, n ? "world" : "hello");
		}
		c = open_written(&w);
		CHECK(capture_progress(c) >= 0);
		expect_frame(c, "hello", 1700000000 * NS_PER_S + 999999 * unit, 1);
		expect_frame(c, "world", 1700000001 * NS_PER_S + 999999 * unit, 1);
		CHECK(capture_progress(c) == 1.0);
		expect_good_end(c, 2);
		writer_release(&w);
	}
}

static void a_file_cut_anywhere_gives_its_whole_frames(void **state)
{
	size_t first, len;
	struct writer w;

	(void)state;
	writer_init(&w);
	pcap_header(&w, 0xa1b2c3d4, 65535, 1);
	pcap_record(&w, 1, 0, SLICE_LIT("hello"));
	first = w.b.len;
	pcap_record(&w, 2, 0, SLICE_LIT("world"));
	len = w.b.len;
	for (w.b.len = 24; w.b.len < len; w.b.len++) {
		struct capture *c = open_written(&w);
		struct capture_stats stats;

		if (w.b.len >= first)
			expect_frame(c, "hello", NS_PER_S, 1);
		stats = expect_end(c);
		CHECK(stats.cut_off == (w.b.len != 24 && w.b.len != first));
		CHECK(stats.bad_bytes == w.b.len - (w.b.len >= first ? first : 24));
	}
	for (w.b.len = 4; w.b.len < 24; w.b.len++)
		expect_refused(&w, buf_slice(&w.b), ERR_PROTO, "ends inside the header");
	writer_release(&w);
}

static void garbage_in_a_pcap_is_passed_over_and_counted(void **state)
{
	struct capture_stats stats;
	struct capture *c;
	struct writer w;

	(void)state;
	writer_init(&w);
	pcap_header(&w, 0xa1b2c3d4, 65535, 1);
	pcap_record(&w, 1700000000, 1, SLICE_LIT("one"));
	for (int i = 0; i < 1000; i++)
		buf_put_u8(&w.b, 0xff);
	pcap_record(&w, 1700000000, 2, SLICE_LIT("two"));
	pcap_record(&w, 1700000000, 3, SLICE_LIT("three"));
	for (int i = 0; i < 77; i++)
		buf_put_u8(&w.b, 0xff);
	pcap_record(&w, 1700000001, 4, SLICE_LIT("last"));
	c = open_written(&w);
	expect_frame(c, "one", 1700000000 * NS_PER_S + 1000, 1);
	expect_frame(c, "two", 1700000000 * NS_PER_S + 2000, 1);
	expect_frame(c, "three", 1700000000 * NS_PER_S + 3000, 1);
	expect_frame(c, "last", 1700000001 * NS_PER_S + 4000, 1);
	stats = expect_end(c);
	CHECK(stats.bad_bytes == 1077 && !stats.cut_off);
	writer_release(&w);
}

static void large_frames_are_read_if_the_header_says_so(void **state)
{
	enum { LARGE = 5 << 20 };
	uint8_t *bytes = calloc(1, LARGE);
	struct capture_stats stats;
	struct frame f = {0};
	struct capture *c;
	struct writer w;

	(void)state;
	assert_non_null(bytes);
	writer_init(&w);
	pcap_header(&w, 0xa1b2c3d4, LARGE, 101);
	pcap_record(&w, 1, 0, SLICE_LIT("small"));
	pcap_record(&w, 2, 0, slice_of(bytes, LARGE));
	pcap_record(&w, 3, 0, SLICE_LIT("small"));
	c = open_written(&w);
	expect_frame(c, "small", NS_PER_S, 101);
	CHECK(capture_next(c, &f, NULL) == ERR_OK && f.bytes.len == LARGE && f.number == 2);
	expect_frame(c, "small", 3 * NS_PER_S, 101);
	expect_good_end(c, 3);
	w.b.ptr[18] = 0; /* now the snap length is said to be shorter */
	c = open_written(&w);
	expect_frame(c, "small", NS_PER_S, 101);
	expect_frame(c, "small", 3 * NS_PER_S, 101);
	stats = expect_end(c);
	CHECK(stats.bad_bytes == LARGE + 16);
	free(bytes);
	writer_release(&w);
}

/* ---- pcapng ---- */

static size_t block_begin(struct writer *w, uint32_t type)
{
	put(w, type, 4);
	put(w, 0, 4);
	return w->b.len - 8;
}

static void block_end(struct writer *w, size_t at)
{
	uint32_t len = (uint32_t)(w->b.len - at + 4);

	put(w, len, 4);
	memcpy(w->b.ptr + at + 4, w->b.ptr + w->b.len - 4, 4);
}

static void section(struct writer *w)
{
	size_t at = block_begin(w, 0x0a0d0d0a);

	put(w, 0x1a2b3c4d, 4);
	put(w, 1, 2);
	put(w, 0, 2);
	put(w, UINT64_MAX, 8);
	block_end(w, at);
}

static void option(struct writer *w, uint16_t code, uint64_t value, uint16_t len)
{
	put(w, code, 2);
	put(w, len, 2);
	put(w, value, len);
	buf_put_zeros(&w->b, -(size_t)len & 3);
}

/* RESOLUTION 0: not told. */
static void interface(struct writer *w, uint16_t link, uint8_t resolution, int64_t offset_s)
{
	size_t at = block_begin(w, 1);

	put(w, link, 2);
	put(w, 0, 2);
	put(w, 65535, 4);
	option(w, 3, 0x616263, 3);
	if (resolution)
		option(w, 9, resolution, 1);
	if (offset_s)
		option(w, 14, (uint64_t)offset_s, 8);
	option(w, 0, 0, 0);
	block_end(w, at);
}

static void packet(struct writer *w, uint32_t id, uint64_t units, const char *text)
{
	size_t at = block_begin(w, 6);

	put(w, id, 4);
	put(w, units >> 32, 4);
	put(w, units & UINT32_MAX, 4);
	put(w, strlen(text), 4);
	put(w, strlen(text), 4);
	put_padded(w, slice_cstr(text));
	option(w, 2, 1, 4);
	option(w, 0, 0, 0);
	block_end(w, at);
}

static void statistics(struct writer *w, uint32_t id, uint64_t if_drops, uint64_t os_drops)
{
	size_t at = block_begin(w, 5);

	put(w, id, 4);
	put(w, 0, 8);
	option(w, 5, if_drops, 8);
	option(w, 7, os_drops, 8);
	block_end(w, at);
}

static void pcapng_has_several_sections_and_interfaces(void **state)
{
	struct capture_stats stats;
	struct capture *c;
	struct writer w;
	size_t at;

	(void)state;
	writer_init(&w);
	section(&w);
	interface(&w, 1, 0, 0);
	interface(&w, 113, 9, 1000);
	packet(&w, 0, 1700000000000001, "micro");
	packet(&w, 1, 1700000000000000001, "nano");
	at = block_begin(&w, 10); /* secrets */
	buf_put_zeros(&w.b, 400000);
	block_end(&w, at);
	w.big_endian = true;
	section(&w);
	interface(&w, 276, 0x80 | 10, -5);
	packet(&w, 0, UINT64_C(1700000000) * 1024 + 512, "binary");
	statistics(&w, 0, 3, 4);
	statistics(&w, 0, 5, 4);
	at = block_begin(&w, 0x40000bad);
	buf_put_zeros(&w.b, 8);
	block_end(&w, at);
	at = block_begin(&w, 3); /* simple */
	put(&w, 6, 4);
	put_padded(&w, SLICE_LIT("simple"));
	block_end(&w, at);
	at = block_begin(&w, 2); /* the old kind of packet */
	put(&w, 0, 2);
	put(&w, 9, 2);
	put(&w, 1, 8);
	put(&w, 3, 4);
	put(&w, 10, 4);
	put_padded(&w, SLICE_LIT("old"));
	block_end(&w, at);
	c = open_written(&w);
	expect_frame(c, "micro", 1700000000 * NS_PER_S + 1000, 1);
	expect_frame(c, "nano", 1700001000 * NS_PER_S + 1, 113);
	expect_frame(c, "binary", 1699999995 * NS_PER_S + NS_PER_S / 2, 276);
	expect_frame(c, "simple", 1699999995 * NS_PER_S + NS_PER_S / 2, 276);
	expect_frame(c, "old", 0, 276);
	stats = expect_end(c);
	CHECK(stats.bad_bytes == 0 && !stats.cut_off && stats.truncated_frames == 1);
	CHECK(stats.interface_drops == 5 && stats.kernel_drops == 4);
	writer_release(&w);
}

static void damaged_blocks_of_pcapng_are_passed_over(void **state)
{
	struct capture_stats stats;
	size_t one, bad;
	struct capture *c;
	struct writer w;

	(void)state;
	writer_init(&w);
	section(&w);
	interface(&w, 1, 0, 0);
	packet(&w, 0, 1, "one");
	one = w.b.len;
	packet(&w, 0, 2, "torn");
	w.b.len -= 10;
	bad = w.b.len - one;
	packet(&w, 0, 3, "three");
	packet(&w, 7, 4, "of no interface");
	packet(&w, 0, 5, "five");
	c = open_written(&w);
	expect_frame(c, "one", 1000, 1);
	expect_frame(c, "three", 3000, 1);
	expect_frame(c, "five", 5000, 1);
	stats = expect_end(c);
	CHECK(stats.bad_bytes == bad + 60 && !stats.cut_off);
	writer_release(&w);
}

static void a_pcapng_cut_anywhere_gives_its_whole_frames(void **state)
{
	size_t first, len;
	struct writer w;

	(void)state;
	writer_init(&w);
	section(&w);
	interface(&w, 1, 0, 0);
	packet(&w, 0, 1, "one");
	first = w.b.len;
	packet(&w, 0, 2, "two");
	len = w.b.len;
	for (w.b.len = 4; w.b.len < len; w.b.len++) {
		struct capture *c = open_written(&w);
		struct capture_stats stats;

		if (w.b.len >= first)
			expect_frame(c, "one", 1000, 1);
		stats = expect_end(c);
		CHECK(w.b.len <= first || stats.cut_off);
		CHECK(stats.frames == (w.b.len >= first));
	}
	writer_release(&w);
}

/* Buffers that are all kept. */
struct lender {
	uint8_t *buffers[64];
	size_t count, fail_at; /* 0: never */
};

static uint8_t *lend_next(void *ctx, size_t *room)
{
	struct lender *l = ctx;

	if (++l->count == l->fail_at || l->count == sizeof(l->buffers) / sizeof(l->buffers[0]))
		return NULL;
	l->buffers[l->count] = malloc(*room); /* exactly: a byte too far is seen */
	return l->buffers[l->count];
}

static void lender_release(struct lender *l)
{
	for (size_t i = 1; i <= l->count; i++)
		free(l->buffers[i]);
}

/* Twenty frames of which some are larger than a buffer. */
static void write_large_and_small(struct writer *w)
{
	pcap_header(w, 0xa1b2c3d4, 16 << 20, 1);
	for (uint32_t i = 0; i < 20; i++) {
		size_t len = i % 7 == 3 ? 700000 : i * 9973;

		put(w, i, 4);
		put(w, 0, 4);
		put(w, len, 4);
		put(w, len, 4);
		for (size_t n = 0; n < len; n++)
			buf_put_u8(&w->b, (uint8_t)(i + n));
	}
}

static void frames_in_lent_buffers_stay_as_they_are(void **state)
{
	struct lender lender = {.count = 0};
	const struct capture_buffers buffers = {.next = lend_next, .ctx = &lender};
	struct frame frames[20];
	struct capture *c;
	struct writer w;
	bool lent = false;

	(void)state;
	writer_init(&w);
	write_large_and_small(&w);
	c = open_written(&w);
	CHECK(capture_lend(c, &buffers, &lent, NULL) == ERR_OK && lent);
	for (uint32_t i = 0; i < 20; i++) {
		CHECK(capture_next(c, &frames[i], NULL) == ERR_OK);
		if (i % 5 == 1)
			CHECK(capture_renew(c, NULL) == ERR_OK);
	}
	for (uint32_t i = 0; i < 20; i++) {
		CHECK(frames[i].time_ns == i * NS_PER_S);
		for (size_t n = 0; n < frames[i].bytes.len; n++)
			if (frames[i].bytes.ptr[n] != (uint8_t)(i + n))
				fail_msg("frame %u differs at %zu", i, n);
	}
	expect_good_end(c, 20);
	lender_release(&lender);
	writer_release(&w);
}

static void without_another_buffer_reading_ends(void **state)
{
	(void)state;
	for (size_t fail_at = 1; fail_at < 5; fail_at++) {
		struct lender lender = {.fail_at = fail_at};
		const struct capture_buffers buffers = {.next = lend_next, .ctx = &lender};
		struct frame f;
		struct capture *c;
		struct writer w;
		bool lent = false;
		enum err e;

		writer_init(&w);
		write_large_and_small(&w);
		c = open_written(&w);
		e = capture_lend(c, &buffers, &lent, NULL);
		CHECK(e == (fail_at == 1 ? ERR_NOMEM : ERR_OK));
		while (e == ERR_OK)
			e = capture_next(c, &f, NULL);
		CHECK(e == ERR_NOMEM);
		capture_free(c);
		lender_release(&lender);
		writer_release(&w);
	}
}

/* A file of several windows, with frames over their edges and one that is larger than a window. */
static void a_large_file_is_read_through_windows(void **state)
{
	enum { FRAMES = 30000, LARGE = 5 << 20 };
	uint8_t *bytes = calloc(1, LARGE);
	struct frame f = {0};
	struct capture *c;
	struct writer w;

	(void)state;
	assert_non_null(bytes);
	writer_init(&w);
	pcap_header(&w, 0xa1b2c3d4, 16 << 20, 1);
	for (uint32_t i = 0; i < FRAMES; i++) {
		memset(bytes, (int)i, 1000);
		pcap_record(&w, i, 0, slice_of(bytes, i == FRAMES / 2 ? LARGE : i % 1000));
	}
	c = open_written(&w);
	for (uint32_t i = 0; i < FRAMES; i++) {
		CHECK(capture_next(c, &f, NULL) == ERR_OK && f.time_ns == i * NS_PER_S);
		CHECK(f.bytes.len == (i == FRAMES / 2 ? LARGE : i % 1000));
		CHECK(f.bytes.len == 0 || f.bytes.ptr[0] == (uint8_t)i);
		CHECK(f.bytes.len == 0 || i == FRAMES / 2 ||
		      f.bytes.ptr[f.bytes.len - 1] == (uint8_t)i);
	}
	CHECK(capture_progress(c) == 1.0);
	expect_good_end(c, FRAMES);
	free(bytes);
	writer_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_is_read_in_every_variant),
		cmocka_unit_test(a_file_cut_anywhere_gives_its_whole_frames),
		cmocka_unit_test(garbage_in_a_pcap_is_passed_over_and_counted),
		cmocka_unit_test(large_frames_are_read_if_the_header_says_so),
		cmocka_unit_test(a_large_file_is_read_through_windows),
		cmocka_unit_test(pcapng_has_several_sections_and_interfaces),
		cmocka_unit_test(damaged_blocks_of_pcapng_are_passed_over),
		cmocka_unit_test(a_pcapng_cut_anywhere_gives_its_whole_frames),
		cmocka_unit_test(frames_in_lent_buffers_stay_as_they_are),
		cmocka_unit_test(without_another_buffer_reading_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
