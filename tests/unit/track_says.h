/* track_says - what the tests of the tracker have in common: packets, and what is told of them. */
#ifndef TESTS_TRACK_SAYS_H
#define TESTS_TRACK_SAYS_H

#include "check.h"

#include "../talk.h"

#define OK "\0\0\0\2\0\0\0"
#define EOF_ "\xfe\0\0\2\0"
#define COLUMN "\3def\0\0\0\1a\0\x0c\x3f\0\x14\0\0\0\x08\x80\0\0\0\0"
#define ERROR_1064 "\xff\x28\x04#42000wrong"
#define PREPARED_1_1 "\0\5\0\0\0\1\0\1\0\0\0\0"

/* COM_STMT_EXECUTE of statement 5 with one parameter of type LONG. */
#define EXECUTE_5 "\x17\5\0\0\0\0\1\0\0\0"
#define WITH_TYPE(value) EXECUTE_5 "\0\1\3\0" value "\0\0\0"
#define WITHOUT_TYPE(value) EXECUTE_5 "\0\0" value "\0\0\0"

#define SESSION "session ok app@shop\n"

enum { OLD_END = 0 };

static const uint64_t NEW_END = UINT64_C(1) << 24;

static inline void tell(struct talk *t, const struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		talk_line(t, &lines[i]);
}

static inline void check_told(const struct talk *t, const char *expected)
{
	struct slice told = buf_slice(&t->told);

	if (!slice_eq(told, slice_cstr(expected)))
		print_error("told:\n%.*s\nnot:\n%s\n", (int)told.len, (const char *)told.ptr,
			    expected);
	CHECK(slice_eq(told, slice_cstr(expected)));
}

/* A session that logs in with CAPS and then says LINES; whole, and split in pieces of every size. Columns and
 * checksums, which are not told, may be spared. */
static inline void says(uint64_t caps, const struct line *lines, size_t count, const char *expected)
{
	struct talk t;

	for (size_t pieces = 0; pieces < 40; pieces++) {
		CHECK(talk_begin(&t, true));
		t.pieces = pieces;
		tracker_spare(t.tracker, pieces % 2 ? (uint32_t)EVENT_RESULTS : 0);
		talk_logged_in(&t, caps);
		tell(&t, lines, count);
		talk_end(&t, STREAM_END_FIN);
		check_told(&t, expected);
		CHECK(tracker_error(t.tracker, NULL) == ERR_OK);
		CHECK(tracker_coverage(t.tracker)->gaps > 0 ||
		      tracker_coverage(t.tracker)->undecoded_bytes == 0);
		talk_release(&t);
		for (size_t i = 0; i < count; i++)
			if (lines[i].who == 'C' || lines[i].who == 'S')
				return; /* where bytes are lost, segments say where commands begin */
	}
}

#define SAYS(caps, lines, expected) says(caps, lines, sizeof(lines) / sizeof(*(lines)), expected)

/* The same of a session that is heard from the middle. */
static inline void joins(const struct line *lines, size_t count, const char *expected)
{
	struct talk t;

	CHECK(talk_begin(&t, false));
	tell(&t, lines, count);
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, expected);
	talk_release(&t);
}

#define JOINS(lines, expected) joins(lines, sizeof(lines) / sizeof(*(lines)), expected)

#endif
