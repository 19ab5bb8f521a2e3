/*
 * capture_writer - capture files that a test writes field by field, and what it expects of them.
 */
#ifndef TESTS_CAPTURE_WRITER_H
#define TESTS_CAPTURE_WRITER_H

#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "capture/capture.h"

enum { FILE_MAX = 64 << 20 };

struct writer {
	struct buf b;
	bool big_endian;
	char path[32];
};

static inline void writer_init(struct writer *w)
{
	*w = (struct writer){.path = "/tmp/test_capture.XXXXXX"};
	buf_init(&w->b, FILE_MAX);
	close(mkstemp(w->path));
}

static inline void writer_release(struct writer *w)
{
	unlink(w->path);
	buf_release(&w->b);
}

static inline void put(struct writer *w, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_put_u8(&w->b, (uint8_t)(v >> 8 * (w->big_endian ? n - 1 - i : i)));
}

static inline void put_padded(struct writer *w, struct slice s)
{
	buf_put_slice(&w->b, s);
	buf_put_zeros(&w->b, -s.len & 3);
}

static inline void save(const struct writer *w, struct slice bytes)
{
	FILE *f = fopen(w->path, "wb");

	assert_non_null(f);
	CHECK(bytes.len == 0 || fwrite(bytes.ptr, bytes.len, 1, f) == 1);
	CHECK(fclose(f) == 0);
}

static inline struct capture *open_saved(const struct writer *w)
{
	struct errinfo info = {.code = ERR_OK};
	struct capture *c = NULL;

	if (capture_open_file(w->path, &c, &info) != ERR_OK)
		fail_msg("%s", info.text);
	return c;
}

static inline struct capture *open_written(const struct writer *w)
{
	save(w, buf_slice(&w->b));
	return open_saved(w);
}

static inline void expect_frame(struct capture *c, const char *text, int64_t time_ns, uint32_t link)
{
	struct frame f = {0};

	CHECK(capture_next(c, &f, NULL) == ERR_OK);
	CHECK(slice_eq(f.bytes, slice_cstr(text)));
	assert_int_equal(f.time_ns, time_ns);
	CHECK(f.link == link);
	CHECK(f.wire_len >= f.bytes.len);
}

/* The end of C, which is closed; what it counted. */
static inline struct capture_stats expect_end(struct capture *c)
{
	struct frame f = {.number = 77};
	struct capture_stats stats;

	CHECK(capture_next(c, &f, NULL) == ERR_EOF);
	CHECK(capture_next(c, &f, NULL) == ERR_EOF);
	CHECK(f.number == 77);
	capture_get_stats(c, &stats);
	capture_free(c);
	return stats;
}

static inline void expect_good_end(struct capture *c, uint64_t frames)
{
	struct capture_stats stats = expect_end(c);

	CHECK(stats.frames == frames && stats.bad_bytes == 0 && !stats.cut_off);
}

static inline void expect_refused(const struct writer *w, struct slice bytes, enum err e,
				  const char *word)
{
	struct errinfo info = {.code = ERR_OK};
	struct capture *c = NULL;

	save(w, bytes);
	CHECK(capture_open_file(w->path, &c, &info) == e);
	CHECK(c == NULL);
	assert_non_null(strstr(info.text, w->path));
	if (!strstr(info.text, word))
		fail_msg("\"%s\" does not say \"%s\"", info.text, word);
	CHECK(!strchr(info.text, '\n'));
}

static inline void pcap_header(struct writer *w, uint32_t magic, uint32_t snap_len, uint32_t link)
{
	put(w, magic, 4);
	put(w, 2, 2);
	put(w, 4, 2);
	put(w, 0, 8);
	put(w, snap_len, 4);
	put(w, link, 4);
}

static inline void pcap_record(struct writer *w, uint32_t seconds, uint32_t fraction,
			       struct slice bytes)
{
	put(w, seconds, 4);
	put(w, fraction, 4);
	put(w, bytes.len, 4);
	put(w, bytes.len, 4);
	buf_put_slice(&w->b, bytes);
}

#endif
