/* Sessions that speak the compressed protocol, as far as the tracker is concerned. */
#include "track_says.h"

#include "base/mem.h"
#include "frames.h"

#define PACKED "session ok app@shop compressed\n"

/* What is said in one frame: packets, or pieces of them. */
struct part {
	char who; /* as in struct line */
	uint8_t sequence;
	enum myp_compression how;
	struct slice contents;
	size_t lost_from, lost_to; /* bytes of the frame that are lost; none if both are 0 */
};

#define PART(w, seq, how_, text)                                                                   \
	{                                                                                          \
		.who = (w), .sequence = (seq), .how = MYP_COMPRESS_##how_, .contents = BYTES(text) \
	}
#define HOLED(w, seq, how_, text, from, to)                                                        \
	{                                                                                          \
		.who = (w), .sequence = (seq), .how = MYP_COMPRESS_##how_,                         \
		.contents = BYTES(text), .lost_from = (from), .lost_to = (to)                      \
	}

#define LONG_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 60 */
#define DO_1 "\5\0\0\0\3do 1"
#define DO_2 "\5\0\0\0\3do 2"
#define DO_3 "\5\0\0\0\3do 3"
#define FINE "\7\0\0\1" OK
#define ONE_ROW                                                                                    \
	"\1\0\0\1\1"                                                                               \
	"\x17\0\0\2" COLUMN "\5\0\0\3" EOF_ "\2\0\0\4\0011"                                        \
	"\5\0\0\5" EOF_

static void say_raw(struct talk *t, char who, struct slice bytes)
{
	struct line line = {.who = who, .payload = bytes, .raw = true};

	if (bytes.len > 0)
		talk_line(t, &line);
}

static void say(struct talk *t, const struct part *parts, size_t count)
{
	struct buf wire;

	buf_init(&wire, 1 << 26);
	for (size_t i = 0; i < count; i++) {
		const struct part *p = &parts[i];
		struct slice all;
		size_t from = p->lost_from, to = p->lost_to;

		buf_reset(&wire);
		frame_put(&wire, p->sequence, p->how, p->contents);
		all = buf_slice(&wire);
		to = to < all.len ? to : all.len;
		say_raw(t, p->who, slice_head(all, to ? from : all.len));
		say_raw(t, (char)(p->who - 'a' + 'A'),
			slice_head(slice_skip(all, from), to - from));
		say_raw(t, p->who, to ? slice_skip(all, to) : slice_of(NULL, 0));
	}
	buf_release(&wire);
}

/* A session that logs in, agrees on CAPS and then says PARTS, whole and in pieces of every size. */
static void packed_says(uint64_t caps, const struct part *parts, size_t count, const char *expected)
{
	for (size_t pieces = 0; pieces < 40; pieces++) {
		struct talk t;

		CHECK(talk_begin(&t, true));
		t.pieces = pieces;
		talk_logged_in(&t, caps);
		say(&t, parts, count);
		talk_end(&t, STREAM_END_FIN);
		check_told(&t, expected);
		CHECK(tracker_error(t.tracker, NULL) == ERR_OK);
		CHECK(tracker_coverage(t.tracker)->compressed == 1);
		CHECK(tracker_coverage(t.tracker)->gaps > 0 ||
		      tracker_coverage(t.tracker)->undecoded_bytes == 0);
		if (tracker_coverage(t.tracker)->gaps > 0)
			pieces = 40; /* where bytes are lost, segments say where frames begin */
		talk_release(&t);
	}
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define PACKED_SAYS(parts, expected)                                                               \
	packed_says(MYP_CAP_COMPRESS, parts, COUNT(parts), PACKED expected)

static void packed_joins(const struct part *parts, size_t count, const char *expected)
{
	struct talk t;

	CHECK(talk_begin(&t, false));
	say(&t, parts, count);
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, expected);
	talk_release(&t);
}

#define PACKED_JOINS(parts, expected) packed_joins(parts, COUNT(parts), expected)

static void stored_and_packed_frames(void **state)
{
	static const struct part parts[] = {
		PART('c', 0, STORED, DO_1),         PART('s', 1, STORED, FINE),
		PART('c', 0, ZLIB, DO_2),           PART('s', 1, ZLIB, FINE),
		PART('c', 0, ZSTD, DO_3),           PART('s', 1, ZSTD, FINE),
		PART('c', 0, STORED, "\1\0\0\0\1"),
	};
	static const char told[] = PACKED
		"> 1 QUERY do 1 [shop]\n< 1 ok 1/0 err 0\n> 2 QUERY do 2 [shop]\n< 2 ok 1/0 err 0\n"
		"> 3 QUERY do 3 [shop]\n< 3 ok 1/0 err 0\n> 4 QUIT ? [shop]\n< 4 none 0/0 err 0\n"
		"end quit\n";

	(void)state;
	packed_says(MYP_CAP_COMPRESS, parts, COUNT(parts), told);
	packed_says(MYP_CAP_ZSTD_COMPRESSION, parts, COUNT(parts), told);
}

static void packets_and_frames_have_no_common_boundaries(void **state)
{
	static const struct part parts[] = {
		PART('c', 0, ZLIB, "\x12\0"),
		PART('c', 1, STORED, "\0\0\3sele"),
		PART('c', 2, ZSTD,
		     "ct a, aaaaaaa\x05\0\0\0\3do"), /* and the beginning of the next */
		PART('c', 3, STORED, " 2"),
		PART('s', 4, ZLIB, ONE_ROW "\7\0"),
		PART('s', 5, STORED, "\0\1\0\0\0\2\0\0\0"),
	};

	(void)state;
	PACKED_SAYS(parts, "> 1 QUERY select a, aaaaaaa [shop]\n> 2 QUERY do 2 [shop]\n"
			   "< 1 resultset 1/1 err 0\n< 2 ok 1/0 err 0\nend fin\n");
}

static void a_bad_frame_is_as_good_as_lost(void **state)
{
	static const struct part before[] = {PART('c', 0, ZLIB, DO_1), PART('s', 1, ZLIB, FINE)};
	static const struct part after[] = {PART('c', 0, ZLIB, DO_3), PART('s', 1, ZLIB, FINE),
					    PART('c', 0, ZLIB, DO_1), PART('s', 1, ZLIB, FINE),
					    PART('c', 0, ZLIB, DO_1), PART('s', 1, ZLIB, FINE),
					    PART('c', 0, ZLIB, DO_1), PART('s', 1, ZLIB, FINE),
					    PART('c', 0, ZLIB, DO_1), PART('s', 1, ZLIB, FINE)};
	struct talk t;

	(void)state;
	CHECK(talk_begin(&t, true));
	talk_logged_in(&t, MYP_CAP_COMPRESS);
	say(&t, before, COUNT(before));
	say_raw(&t, 'c', SLICE_LIT("\5\0\0\0\x09\0\0wrong"));
	say_raw(&t, 's', SLICE_LIT("\7\0\0\1\0\0\0\7\0\0\1\0\0\0"));
	say(&t, after, COUNT(after));
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, PACKED "> 1 QUERY do 1 [shop]\n< 1 ok 1/0 err 0\n"
			      "> 2 QUERY do 3 [shop]\n< 2 lost 0/0 err 0\n"
			      "> 3 QUERY do 1 [shop]\n< 3 lost 0/0 err 0\n"
			      "> 4 QUERY do 1 [shop]\n< 4 lost 0/0 err 0\n"
			      "> 5 QUERY do 1 [shop]\n< 5 lost 0/0 err 0\n"
			      "> 6 QUERY do 1 [shop]\n< 6 ok 1/0 err 0\nend fin\n");
	CHECK(tracker_coverage(t.tracker)->undecodable == 1);
	CHECK(tracker_coverage(t.tracker)->undecoded_bytes >= 12);
	talk_release(&t);
}

static void a_hole_in_a_frame_is_its_packets_only(void **state)
{
	static const struct part parts[] = {
		PART('c', 0, ZLIB, DO_1),           PART('s', 1, STORED, FINE),
		HOLED('c', 0, STORED, DO_2, 9, 11), PART('s', 1, STORED, FINE),
		PART('c', 0, ZLIB, DO_3),           PART('s', 1, STORED, FINE),
		HOLED('c', 0, STORED, DO_2, 2, 5), /* in its header */
		PART('c', 0, ZSTD, DO_1),           PART('s', 1, STORED, FINE),
	};

	(void)state;
	PACKED_SAYS(parts, "> 1 QUERY do 1 [shop]\n< 1 ok 1/0 err 0\ngap c 2\n"
			   "> 2 QUERY do 3 [shop]\ngap c 3\n< 2 lost 0/0 err 0\n"
			   "> 3 QUERY do 1 [shop]\n< 3 lost 0/0 err 0\nend fin\n");
}

/* The frames keep their places: a command is found although no segment begins with it. */
static void a_frame_behind_a_holed_one_is_found(void **state)
{
	struct talk t;
	struct buf wire;

	(void)state;
	buf_init(&wire, 1 << 16);
	CHECK(talk_begin(&t, true));
	talk_logged_in(&t, MYP_CAP_COMPRESS);
	frame_put(&wire, 0, MYP_COMPRESS_STORED, SLICE_LIT("\6\0\0\0\x19\5\0\0\0\0"));
	frame_put(&wire, 0, MYP_COMPRESS_STORED, SLICE_LIT(DO_2));
	say_raw(&t, 'c', slice_head(buf_slice(&wire), 9));
	say_raw(&t, 'C', slice_head(buf_slice(&wire), 3));
	say_raw(&t, 'c', slice_skip(buf_slice(&wire), 12));
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, PACKED "gap c 3\n> 1 QUERY do 2 [shop]\n< 1 lost 0/0 err 0\nend fin\n");
	talk_release(&t);
	buf_release(&wire);
}

/* A frame in the middle of a long statement is lost: its end is known, and so is the next command. */
static void a_lost_frame_of_a_long_statement(void **state)
{
	static const struct part parts[] = {
		PART('c', 0, STORED, "\x50\0\0\0\3select '"),
		HOLED('c', 1, ZLIB, LONG_A, 9, 12),
		PART('c', 2, STORED, "aaaaaaaaaa'\5\0\0\0\3do 2"),
		PART('s', 3, STORED, FINE),
	};

	(void)state;
	PACKED_SAYS(parts, "gap c 3\n> 1 QUERY do 2 [shop]\n< 1 lost 0/0 err 0\nend fin\n");
}

static void a_lost_answer_is_its_command_s_only(void **state)
{
	static const struct part parts[] = {
		PART('c', 0, STORED, DO_1), HOLED('s', 1, ZLIB, ONE_ROW, 10, 20),
		PART('c', 0, ZLIB, DO_2),   PART('s', 1, STORED, FINE),
		PART('c', 0, ZSTD, DO_3),   PART('s', 1, ZLIB, FINE),
	};

	(void)state;
	PACKED_SAYS(parts, "> 1 QUERY do 1 [shop]\ngap s 10\n< 1 lost 0/0 err 0\n"
			   "> 2 QUERY do 2 [shop]\n< 2 ok 1/0 err 0\n> 3 QUERY do 3 [shop]\n"
			   "< 3 ok 1/0 err 0\nend fin\n");
}

/* In doubt an answer must have the next number behind the last frame of its command, not its last packet. */
static void an_answer_is_numbered_behind_the_frames(void **state)
{
	static const struct part right[] = {
		PART('c', 0, STORED, DO_1),          HOLED('s', 1, STORED, FINE, 3, 9),
		PART('c', 0, STORED, "\5\0\0\0\3"),  PART('c', 1, STORED, "do 2"),
		PART('s', 2, STORED, "\7\0\0\2" OK),
	};
	static const struct part wrong[] = {
		PART('c', 0, STORED, DO_1),         HOLED('s', 1, STORED, FINE, 3, 9),
		PART('c', 0, STORED, "\5\0\0\0\3"), PART('c', 1, STORED, "do 2"),
		PART('s', 1, STORED, FINE),
	};

	(void)state;
	PACKED_SAYS(right, "> 1 QUERY do 1 [shop]\ngap s 6\n< 1 lost 0/0 err 0\n"
			   "> 2 QUERY do 2 [shop]\n< 2 ok 1/0 err 0\nend fin\n");
	PACKED_SAYS(wrong, "> 1 QUERY do 1 [shop]\ngap s 6\n< 1 lost 0/0 err 0\n"
			   "> 2 QUERY do 2 [shop]\n< 2 lost 0/0 err 0\nend fin\n");
}

static void the_lost_end_of_a_login(void **state)
{
	struct line greeting = {.who = 's'}, login = {.who = 'c', .sequence = 1};
	static const struct line rest[] = {LOST_S(2, OK), C(0, "\3do 1 is not said in a frame")};
	static const struct part parts[] = {PART('c', 0, ZSTD, DO_1), PART('s', 1, STORED, FINE)};
	struct talk t;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 12);
	CHECK(talk_begin(&t, true));
	greeting.payload = talk_greeting(MYP_CAP_ZSTD_COMPRESSION | MYP_CAP_CONNECT_WITH_DB, &b);
	talk_line(&t, &greeting);
	login.payload = talk_login(MYP_CAP_ZSTD_COMPRESSION, false, &b);
	talk_line(&t, &login);
	tell(&t, rest, 2);
	say(&t, parts, COUNT(parts));
	talk_end(&t, STREAM_END_FIN);
	check_told(&t, "session none app@shop compressed\n> 1 QUERY do 1 [shop]\n"
		       "< 1 ok 1/0 err 0\nend fin\n");
	talk_release(&t);
	buf_release(&b);
}

/* ---- joined in the middle ---- */

#define JOINED "joined session none @ compressed\n"

static void joined_by_a_stored_frame(void **state)
{
	static const struct part parts[] = {PART('s', 1, ZLIB, ONE_ROW), PART('c', 0, STORED, DO_1),
					    PART('s', 1, STORED, FINE), PART('c', 0, ZSTD, DO_2),
					    PART('s', 1, STORED, FINE)};

	(void)state;
	PACKED_JOINS(parts, JOINED "> 1 QUERY do 1 [?]\n< 1 ok 1/0 err 0\n> 2 QUERY do 2 [?]\n"
				   "< 2 ok 1/0 err 0\nend fin\n");
}

static void joined_by_a_packed_frame(void **state)
{
	static const struct part zlib[] = {
		PART('c', 0, ZLIB, "\x46\0\0\0\3select '" LONG_A "'"),
		PART('s', 1, ZLIB, ONE_ROW),
	};
	static const struct part zstd[] = {
		PART('c', 0, ZSTD, "\x46\0\0\0\3select '" LONG_A "'"),
		PART('s', 1, ZSTD, ONE_ROW),
	};
	static const char told[] = JOINED "> 1 QUERY select '" LONG_A "' [?]\n"
					  "< 1 resultset 1/1 err 0\nend fin\n";

	(void)state;
	PACKED_JOINS(zlib, told);
	PACKED_JOINS(zstd, told);
}

/* A statement over several segments, whose frame is not whole when the first one comes. */
static void joined_by_a_long_statement(void **state)
{
	static const enum myp_compression ways[] = {MYP_COMPRESS_STORED, MYP_COMPRESS_ZLIB,
						    MYP_COMPRESS_ZSTD};

	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct buf packet, wire;
		struct talk t;
		uint32_t random = 1;

		buf_init(&packet, 1 << 16);
		buf_init(&wire, 1 << 16);
		buf_put(&packet, "\x89\x13\0\0\3select '", 13);
		for (size_t k = 0; k < 4992; k++) {
			random = random * 1103515245 + 12345;
			buf_put_u8(&packet, (uint8_t)('a' + (random >> 16) % 26));
		}
		buf_put_u8(&packet, '\'');
		packet.ptr[0] = (uint8_t)(packet.len - 4);
		packet.ptr[1] = (uint8_t)((packet.len - 4) >> 8);
		frame_put(&wire, 0, ways[i], buf_slice(&packet));
		CHECK(talk_begin(&t, false));
		t.pieces = 1448;
		say_raw(&t, 'c', buf_slice(&wire));
		CHECK(tracker_coverage(t.tracker)->commands == 1);
		CHECK(tracker_coverage(t.tracker)->compressed == 1);
		CHECK(tracker_coverage(t.tracker)->joined_bytes == 0);
		talk_release(&t);
		buf_release(&packet);
		buf_release(&wire);
	}
}

static void no_frame_is_seen_where_there_is_none(void **state)
{
	static const struct line lines[] = {C(0, "\3  xselect 1"), S(1, OK), C(0, "\3\0\1x\xda"),
					    S(1, OK)};

	(void)state;
	JOINS(lines, "joined session none @\n> 1 QUERY   xselect 1 [?]\n< 1 ok 1/0 err 0\n"
		     "> 2 QUERY x\xda [?]\n< 2 ok 1/0 err 0\nend fin\n");
}

/* Frames that are in order hold no commands: a client's file, or a lie. */
static void frames_without_commands_are_passed_over(void **state)
{
	static const struct part parts[] = {PART('c', 0, ZLIB, LONG_A), PART('c', 3, ZLIB, DO_1),
					    PART('c', 0, STORED, "\xff\xff\xff\0\1")};

	(void)state;
	PACKED_JOINS(parts, "joined session none @\nend fin\n");
}

/* True if the N-th allocation, or a later one, was not needed; nothing may leak or crash before that. */
static bool survives(size_t n, const struct buf *wires, const char *who, size_t count)
{
	struct talk t;
	bool whole;

	mem_fail_from(n);
	if (talk_begin(&t, true)) {
		t.pieces = 30;
		talk_logged_in(&t, MYP_CAP_COMPRESS);
		for (size_t i = 0; i < count; i++)
			say_raw(&t, who[i], buf_slice(&wires[i]));
	}
	mem_fail_from(0);
	whole = t.conversation && !t.out_of_memory && tracker_error(t.tracker, NULL) == ERR_OK &&
		tracker_coverage(t.tracker)->limits == 0 && buf_err(&t.told) == ERR_OK;
	talk_release(&t);
	return whole;
}

static void memory_may_run_out_anywhere(void **state)
{
	static const struct part parts[] = {PART('c', 0, ZLIB, "\x46\0\0\0\3select '" LONG_A "'"),
					    PART('s', 1, ZSTD, ONE_ROW), PART('c', 0, STORED, DO_2),
					    PART('s', 1, STORED, FINE)};
	struct buf wires[COUNT(parts)];
	size_t n = 1;

	(void)state;
	for (size_t i = 0; i < COUNT(parts); i++) {
		buf_init(&wires[i], 1 << 12);
		frame_put(&wires[i], parts[i].sequence, parts[i].how, parts[i].contents);
	}
	while (!survives(n, wires, "cscs", COUNT(parts)))
		n++;
	CHECK(n > 20);
	for (size_t i = 0; i < COUNT(parts); i++)
		buf_release(&wires[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stored_and_packed_frames),
		cmocka_unit_test(packets_and_frames_have_no_common_boundaries),
		cmocka_unit_test(a_bad_frame_is_as_good_as_lost),
		cmocka_unit_test(a_hole_in_a_frame_is_its_packets_only),
		cmocka_unit_test(a_frame_behind_a_holed_one_is_found),
		cmocka_unit_test(a_lost_frame_of_a_long_statement),
		cmocka_unit_test(a_lost_answer_is_its_command_s_only),
		cmocka_unit_test(an_answer_is_numbered_behind_the_frames),
		cmocka_unit_test(the_lost_end_of_a_login),
		cmocka_unit_test(joined_by_a_stored_frame),
		cmocka_unit_test(joined_by_a_packed_frame),
		cmocka_unit_test(joined_by_a_long_statement),
		cmocka_unit_test(no_frame_is_seen_where_there_is_none),
		cmocka_unit_test(frames_without_commands_are_passed_over),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
