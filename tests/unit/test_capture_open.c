#include "capture_writer.h"

#include <zlib.h>
#include <zstd.h>

/* ---- compression ---- */

static void write_many(struct writer *w)
{
	pcap_header(w, 0xa1b2c3d4, 65535, 1);
	for (uint32_t i = 0; i < 20000; i++) {
		char text[64];
		int n = snprintf(text, sizeof(text), "frame %u %u", i, i * 2654435761u);

		pcap_record(w, i, 0, slice_of(text, (size_t)n));
	}
}

static struct buf gzipped(struct slice bytes)
{
	z_stream z = {.next_in = NULL};
	struct buf out;

	buf_init(&out, FILE_MAX);
	CHECK(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	z.next_in = exact_copy(bytes, bytes.len);
	z.avail_in = (uInt)bytes.len;
	z.avail_out = (uInt)deflateBound(&z, (uLong)bytes.len);
	z.next_out = buf_reserve(&out, z.avail_out);
	CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	buf_advance(&out, z.total_out);
	free(z.next_in - z.total_in);
	deflateEnd(&z);
	return out;
}

static struct buf zstded(struct slice bytes)
{
	struct buf out;
	ZSTD_CCtx *z = ZSTD_createCCtx();
	size_t n = ZSTD_compressBound(bytes.len);

	buf_init(&out, FILE_MAX);
	CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1)));
	n = ZSTD_compress2(z, buf_reserve(&out, n), n, bytes.ptr, bytes.len);
	CHECK(!ZSTD_isError(n));
	buf_advance(&out, n);
	ZSTD_freeCCtx(z);
	return out;
}

static void compressed_files_are_read_by_their_magic(void **state)
{
	struct writer w;

	(void)state;
	writer_init(&w);
	write_many(&w);
	for (int zstd = 0; zstd < 2; zstd++) {
		struct slice all = buf_slice(&w.b), half = slice_head(all, all.len / 2);
		struct buf packed = zstd ? zstded(half) : gzipped(half);
		struct buf rest = zstd ? zstded(slice_skip(all, half.len))
				       : gzipped(slice_skip(all, half.len));
		struct capture_stats stats;
		struct capture *c;
		struct frame f;

		buf_put_slice(&packed, buf_slice(&rest)); /* two files behind each other */
		save(&w, buf_slice(&packed));
		c = open_saved(&w);
		for (int i = 0; i < 20000; i++)
			CHECK(capture_next(c, &f, NULL) == ERR_OK && f.time_ns == i * NS_PER_S);
		expect_good_end(c, 20000);
		save(&w, slice_head(buf_slice(&packed), packed.len - 100));
		c = open_saved(&w);
		while (capture_next(c, &f, NULL) == ERR_OK)
			;
		stats = expect_end(c);
		CHECK(stats.cut_off && stats.frames < 20000 && stats.frames >= 9000);
		memset(packed.ptr + packed.len / 4, 0, 64); /* damaged */
		save(&w, buf_slice(&packed));
		c = open_saved(&w);
		while (capture_next(c, &f, NULL) == ERR_OK)
			;
		CHECK(expect_end(c).cut_off);
		buf_release(&packed);
		buf_release(&rest);
	}
	writer_release(&w);
}

/* ---- what is no capture ---- */

static void what_is_no_capture_is_refused_helpfully(void **state)
{
	struct errinfo info = {.code = ERR_OK};
	struct capture *c = NULL;
	struct writer w;

	(void)state;
	writer_init(&w);
	expect_refused(&w, SLICE_LIT(""), ERR_PROTO, "is empty");
	expect_refused(&w, SLICE_LIT("\050\265\057\375\4"), ERR_PROTO, "cut off");
	expect_refused(&w, SLICE_LIT("\037\213\10\0"), ERR_PROTO, "cut off");
	expect_refused(&w, SLICE_LIT("a"), ERR_PROTO, "text");
	expect_refused(&w, SLICE_LIT("# Time: 2026-11-20\nSELECT 1;\n"), ERR_PROTO, "text");
	expect_refused(&w, SLICE_LIT("\177ELF\2\1\1"), ERR_PROTO, "expected pcap");
	expect_refused(&w,
		       SLICE_LIT("\xfd"
				 "7zXZ\0"),
		       ERR_UNSUPPORTED, "xz -d");
	expect_refused(&w, SLICE_LIT("snoop\0\0\0\0\0\0\2"), ERR_UNSUPPORTED, "editcap");
	put(&w, 0xa1b2c3d4, 4);
	put(&w, 9, 4);
	buf_put_zeros(&w.b, 100);
	expect_refused(&w, buf_slice(&w.b), ERR_UNSUPPORTED, "version 9.0");
	writer_release(&w);
	CHECK(capture_open_file("/nonexistent/file", &c, &info) == ERR_IO);
	assert_non_null(strstr(info.text, "/nonexistent/file: No such file"));
	CHECK(capture_open_file("/", &c, &info) == ERR_IO);
	capture_free(NULL);
}

static void a_pipe_that_is_silent_says_again(void **state)
{
	struct writer w;
	struct capture *c = NULL;
	struct frame f;
	int ends[2], saved = dup(STDIN_FILENO);

	(void)state;
	writer_init(&w);
	pcap_header(&w, 0xa1b2c3d4, 65535, 1);
	CHECK(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
	CHECK(write(ends[1], w.b.ptr, w.b.len) == (ssize_t)w.b.len);
	CHECK(capture_open_file("-", &c, NULL) == ERR_OK);
	CHECK(capture_progress(c) < 0);
	CHECK(capture_next(c, &f, NULL) == ERR_AGAIN);
	buf_reset(&w.b);
	pcap_record(&w, 1, 0, SLICE_LIT("hello"));
	CHECK(write(ends[1], w.b.ptr, 10) == 10);
	CHECK(capture_next(c, &f, NULL) == ERR_AGAIN);
	CHECK(write(ends[1], w.b.ptr + 10, w.b.len - 10) == (ssize_t)w.b.len - 10);
	expect_frame(c, "hello", NS_PER_S, 1);
	close(ends[1]);
	expect_good_end(c, 1);
	CHECK(dup2(saved, STDIN_FILENO) == STDIN_FILENO);
	close(saved);
	close(ends[0]);
	writer_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compressed_files_are_read_by_their_magic),
		cmocka_unit_test(what_is_no_capture_is_refused_helpfully),
		cmocka_unit_test(a_pipe_that_is_silent_says_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
