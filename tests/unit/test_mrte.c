#include "check.h"

#include <stdlib.h>

#include "base/buf.h"
#include "mrte/hear.h"
#include "mrte/message.h"
#include "mrte/speak.h"
#include "track/tracker.h"

enum { MESSAGE_ROOM = 1 << 22, ROUNDS = 400, STATEMENTS = 12, STATEMENT_LEN = 4000 };

#define TEXT(text) slice_of(text, sizeof(text) - 1)

static const uint8_t collector[4] = {10, 0, 0, 1};
static const uint8_t client[4] = {10, 0, 0, 9};
static const struct endpoint server = {.addr = {.bytes = {10, 0, 0, 1}}, .port = 3306};

/* The whole way back and forth: messages, the tracker, messages. */
struct way {
	struct mrte_hearing *hearing;
	struct tracker *tracker;
	struct mrte_speaker *speaker;
	struct buf message; /* that is being made */
	struct buf spoken;  /* payload of every unit spoken, with its header */
};

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct way *w = ctx;

	(void)info;
	return mrte_speak(w->speaker, e);
}

static void way_begin(struct way *w)
{
	const struct tracker_options options = {.no_answers = true};
	const struct event_sink sink = {.event = on_event, .ctx = w};
	struct stream_handler handler;

	CHECK(mrte_speaker_new(0, &w->speaker) == ERR_OK);
	CHECK(tracker_new(&options, &sink, &w->tracker) == ERR_OK);
	handler = tracker_handler(w->tracker);
	CHECK(mrte_hearing_new(3306, &handler, &w->hearing) == ERR_OK);
	buf_init(&w->message, MESSAGE_ROOM);
	buf_init(&w->spoken, MESSAGE_ROOM);
	mrte_message_begin(&w->message, collector);
}

/* Collects what was spoken. */
static void way_listen(struct way *w)
{
	struct cursor units;
	struct mrte_unit u;
	struct addr from;
	enum err e = ERR_EOF;

	if (mrte_message(w->speaker).len)
		CHECK(mrte_message_open(mrte_message(w->speaker), &from, &units));
	while (mrte_message(w->speaker).len && (e = mrte_message_next(&units, &u)) == ERR_OK) {
		CHECK(u.is_whole && u.client.port == 1111);
		buf_put_slice(&w->spoken, u.data);
	}
	CHECK(e == ERR_EOF);
	mrte_message_sent(w->speaker);
}

static void way_hear(struct way *w)
{
	CHECK(buf_err(&w->message) == ERR_OK);
	CHECK(mrte_hear(w->hearing, buf_slice(&w->message), 1000) == ERR_OK);
	mrte_message_begin(&w->message, collector);
	way_listen(w);
}

static void way_end(struct way *w)
{
	way_hear(w);
	mrte_hearing_finish(w->hearing);
	way_listen(w);
	CHECK(tracker_error(w->tracker, NULL) == ERR_OK);
}

static void way_free(struct way *w)
{
	mrte_hearing_free(w->hearing);
	tracker_free(w->tracker);
	mrte_speaker_free(w->speaker);
	buf_release(&w->message);
	buf_release(&w->spoken);
}

static void unit(struct way *w, struct slice data)
{
	mrte_message_put(&w->message, client, 1111, data);
}

static void packet(struct buf *to, uint8_t sequence, struct slice payload)
{
	buf_put_uint_le(to, payload.len, 3);
	buf_put_u8(to, sequence);
	buf_put_slice(to, payload);
}

#define QUIT "\1\0\0\0\1"
#define SELECT_1 "\x09\0\0\0\3select 1"
#define SELECT_2 "\x09\0\0\0\3select 2"
#define USE_SHOP "\5\0\0\0\2shop"
/* CONNECT_WITH_DB, PROTOCOL_41, SECURE_CONNECTION, and 4 bytes of authentication data. */
#define ZEROS_23 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define LOGIN_HEAD "\0\0\1\x08\x82\0\0\xff\xff\xff\0\x21" ZEROS_23 "app\0"
#define LOGIN_HEARD                                                                                \
	"\x2e" LOGIN_HEAD "\4word"                                                                 \
	"shop\0"
#define LOGIN_SAID                                                                                 \
	"\x2a" LOGIN_HEAD "\0"                                                                     \
	"shop\0"
#define LOGIN_EMPTY "\x22\0\0\1\0\x82\0\0\xff\xff\xff\0\0" ZEROS_23 "\0\0"

static void check_spoken(struct way *w, struct slice expected)
{
	CHECK(slice_eq(buf_slice(&w->spoken), expected));
}

static void the_examples_are_made_and_read_byte_by_byte(void **state)
{
	static const uint8_t quit[] = {0x7f, 0,    0, 1, 0x0f, 0, 0, 0,    0x7f, 0,    0, 1,
				       0x1c, 0x83, 1, 0, 0,    0, 1, 0x22, 1,    0x64, 9};
	static const uint8_t select[] = {0x0a, 0,    0,    1,    0x17, 0,    0,    0,
					 0x0a, 0,    0,    9,    0x57, 4,    9,    0,
					 0,    0,    3,    0x73, 0x65, 0x6c, 0x65, 0x63,
					 0x74, 0x20, 0x31, 0x4c, 3,    0x77, 0x15};
	static const uint8_t local[4] = {127, 0, 0, 1};
	struct cursor units;
	struct mrte_unit u;
	struct addr from;
	struct buf b;

	(void)state;
	buf_init(&b, MESSAGE_ROOM);
	mrte_message_begin(&b, local);
	mrte_message_put(&b, local, 33564, TEXT(QUIT));
	CHECK(slice_eq(buf_slice(&b), slice_of(quit, sizeof(quit))));
	mrte_message_begin(&b, collector);
	mrte_message_put(&b, client, 1111, TEXT(SELECT_1));
	CHECK(slice_eq(buf_slice(&b), slice_of(select, sizeof(select))));
	CHECK(mrte_message_open(buf_slice(&b), &from, &units));
	CHECK(mrte_message_next(&units, &u) == ERR_OK);
	CHECK(u.is_whole && u.client.port == 1111 && slice_eq(u.data, TEXT(SELECT_1)));
	CHECK(memcmp(u.client.addr.bytes, client, 4) == 0 && !u.client.addr.is_v6);
	CHECK(mrte_message_next(&units, &u) == ERR_EOF);
	for (size_t len = 0; len < b.len; len++) {
		if (!mrte_message_open(slice_head(buf_slice(&b), len), &from, &units))
			continue;
		CHECK(mrte_message_next(&units, &u) == (len == 4 ? ERR_EOF : ERR_PROTO));
	}
	buf_release(&b);
}

static void a_session_begins_with_its_login_or_its_database(void **state)
{
	struct way w;

	(void)state;
	way_begin(&w);
	unit(&w, TEXT(LOGIN_HEARD));
	unit(&w, TEXT(SELECT_1));
	unit(&w, TEXT(QUIT));
	way_end(&w);
	check_spoken(&w, TEXT(LOGIN_SAID SELECT_1 QUIT));
	way_free(&w);
	way_begin(&w); /* joined, and the collector's own INIT_DB */
	unit(&w, TEXT(USE_SHOP));
	unit(&w, TEXT(SELECT_1));
	way_end(&w);
	check_spoken(&w, TEXT(LOGIN_EMPTY USE_SHOP SELECT_1 QUIT));
	way_free(&w);
}

static void what_was_sent_twice_is_heard_once_where_that_is_proved(void **state)
{
	struct way w;
	struct buf all;
	uint8_t text[2000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = 3;
	buf_init(&all, MESSAGE_ROOM);
	packet(&all, 0, slice_of(text, sizeof(text)));
	way_begin(&w);
	for (int twice = 0; twice < 2; twice++)
		unit(&w, TEXT(LOGIN_HEARD));
	for (int twice = 0; twice < 2; twice++)
		unit(&w, slice_head(buf_slice(&all), 1460));
	for (int twice = 0; twice < 2; twice++)
		unit(&w, slice_skip(buf_slice(&all), 1460));
	for (int twice = 0; twice < 2; twice++) /* that may be two */
		unit(&w, TEXT(SELECT_1));
	for (int twice = 0; twice < 2; twice++)
		unit(&w, TEXT(QUIT));
	way_end(&w);
	CHECK(mrte_hearing_stats(w.hearing)->duplicates == 4);
	buf_consume(&w.spoken, sizeof(LOGIN_SAID) - 1);
	CHECK(slice_eq(slice_head(buf_slice(&w.spoken), all.len), buf_slice(&all)));
	buf_consume(&w.spoken, all.len);
	check_spoken(&w, TEXT(SELECT_1 SELECT_1 QUIT));
	way_free(&w);
	buf_release(&all);
}

static void what_is_cut_or_spoilt_costs_only_itself(void **state)
{
	struct way w;
	struct buf all;
	uint8_t text[9000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = 3;
	buf_init(&all, MESSAGE_ROOM);
	packet(&all, 0, slice_of(text, sizeof(text)));
	way_begin(&w);
	unit(&w, TEXT(LOGIN_HEARD));
	unit(&w, slice_head(buf_slice(&all), 8192)); /* the snapshot length */
	unit(&w, TEXT(SELECT_1));
	unit(&w, TEXT(SELECT_1));
	w.message.ptr[w.message.len - 1] ^= 1;
	unit(&w, TEXT(SELECT_2));
	unit(&w, TEXT("no packet at all"));
	unit(&w, TEXT(SELECT_1));
	way_hear(&w);
	unit(&w, TEXT(SELECT_2));
	buf_put_u8(&w.message, 7); /* a message that ends within a unit */
	way_end(&w);
	check_spoken(&w, TEXT(LOGIN_SAID SELECT_1 SELECT_2 SELECT_1 SELECT_2 QUIT));
	CHECK(mrte_hearing_stats(w.hearing)->cut == 1);
	CHECK(mrte_hearing_stats(w.hearing)->bad_checksums == 1);
	CHECK(mrte_hearing_stats(w.hearing)->misplaced == 1);
	CHECK(mrte_hearing_stats(w.hearing)->bad_messages == 1);
	CHECK(tracker_coverage(w.tracker)->gaps == 3);
	way_free(&w);
	buf_release(&all);
}

/* What is cut and followed by what is cut, too: no statement is made of two. */
static void each_of_several_that_are_cut_costs_only_itself(void **state)
{
	static uint8_t text[60000];
	struct way w;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = 3;
	way_begin(&w);
	unit(&w, TEXT(LOGIN_HEARD));
	for (size_t len = sizeof(text); len > 9000; len -= 5000) {
		struct buf all;

		buf_init(&all, MESSAGE_ROOM);
		packet(&all, 0, slice_of(text, len));
		unit(&w, slice_head(buf_slice(&all), 8126));
		buf_release(&all);
	}
	unit(&w, TEXT(SELECT_1));
	way_end(&w);
	check_spoken(&w, TEXT(LOGIN_SAID SELECT_1 QUIT));
	CHECK(mrte_hearing_stats(w.hearing)->cut == 11);
	way_free(&w);
}

/* No answer says that they went well: they are taken to have. */
static void what_a_session_chose_is_known_without_answers(void **state)
{
	struct way w;

	(void)state;
	way_begin(&w);
	unit(&w, TEXT(LOGIN_HEARD));
	unit(&w, TEXT("\x11\0\0\0\3set names latin1"));
	unit(&w, TEXT("\x07\0\0\0\3do '\xe9'"));
	unit(&w, TEXT("\x08\0\0\0\3use zoo"));
	unit(&w, TEXT("\x07\0\0\0\3do '\xe9'"));
	way_end(&w);
	check_spoken(&w, TEXT(LOGIN_SAID "\x11\0\0\0\3set names latin1"
					 "\x23\0\0\0\3SET character_set_client = utf8mb4"
					 "\x08\0\0\0\3do '\xc3\xa9'"
					 "\x08\0\0\0\3use zoo"
					 "\x08\0\0\0\3do '\xc3\xa9'" QUIT));
	way_free(&w);
}

/* Statements of all lengths, in units that hold several or a part of one, are the same afterwards. */
static void units_may_be_cut_anywhere(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < ROUNDS; round++) {
		struct way w;
		struct buf stream;
		size_t at = 0;

		buf_init(&stream, MESSAGE_ROOM);
		for (int i = 0; i < STATEMENTS; i++) {
			uint8_t text[STATEMENT_LEN];
			size_t len = 2 + (size_t)random() % (i % 3 ? 30 : STATEMENT_LEN - 2);

			for (size_t k = 0; k < len; k++)
				text[k] = (uint8_t)('a' + random() % 26);
			text[0] = 3;
			packet(&stream, 0, slice_of(text, len));
		}
		way_begin(&w);
		unit(&w, TEXT(LOGIN_HEARD));
		unit(&w, TEXT(SELECT_1)); /* where commands begin is found at a whole one */
		while (at < stream.len) {
			size_t n = 1 + (size_t)random() % 1460;

			n = n < stream.len - at ? n : stream.len - at;
			unit(&w, slice_head(slice_skip(buf_slice(&stream), at), n));
			at += n;
		}
		way_end(&w);
		buf_consume(&w.spoken, sizeof(LOGIN_SAID SELECT_1) - 1);
		packet(&stream, 0, TEXT("\1"));
		CHECK(slice_eq(buf_slice(&w.spoken), buf_slice(&stream)));
		way_free(&w);
		buf_release(&stream);
	}
}

/* A conversation of both sides for the speaker; what a client says and is answered. */
static void say(struct way *w, void *conversation, enum stream_side from, struct slice bytes,
		uint64_t at[2])
{
	struct stream_handler h = tracker_handler(w->tracker);
	const struct stream_chunk chunk = {
		.from = from,
		.time_ns = 1000,
		.frame = at[0] + at[1],
		.offset = at[from],
		.acked = (int64_t)at[from == STREAM_CLIENT ? STREAM_SERVER : STREAM_CLIENT],
		.bytes = bytes,
	};

	at[from] += bytes.len;
	h.chunk(h.ctx, conversation, &chunk);
}

#define OK "\7\0\0\1\0\0\0\2\0\0\0"
#define SERVER(text) say(&w, talk, STREAM_SERVER, TEXT(text), at)
#define CLIENT(text) say(&w, talk, STREAM_CLIENT, TEXT(text), at)

static void *joined(struct way *w, const struct endpoint *from)
{
	const struct stream_flow flow = {.id = 7, .client = *from, .server = server, .first_ns = 1};
	struct stream_handler h = tracker_handler(w->tracker);

	return h.open(h.ctx, &flow);
}

static void leave(struct way *w, void *talk)
{
	struct stream_handler h = tracker_handler(w->tracker);

	h.close(h.ctx, talk, STREAM_END_FIN, 2000, 99);
	way_listen(w);
}

static void executions_are_text_and_what_cannot_be_carried_is_counted(void **state)
{
	const struct endpoint from = {.addr = {.bytes = {10, 0, 0, 9}}, .port = 1111};
	static uint8_t text[70000];
	struct way w;
	uint64_t at[2] = {0, 0};
	void *talk;
	struct buf b;

	(void)state;
	way_begin(&w);
	talk = joined(&w, &from);
	CLIENT(USE_SHOP);
	SERVER(OK);
	CLIENT("\x09\0\0\0\x16"
	       "select ?");
	SERVER("\x0c\0\0\1\0\5\0\0\0\0\0\1\0\0\0\0"
	       "\x17\0\0\2\3def\0\0\0\1?\0\x0c\x3f\0\0\0\0\0\x08\0\0\0\0\0"
	       "\5\0\0\3\xfe\0\0\2\0");
	CLIENT("\x12\0\0\0\x17\5\0\0\0\0\1\0\0\0\0\1\3\0\x07\0\0\0");
	SERVER(OK);
	CLIENT("\x12\0\0\0\x17\6\0\0\0\0\1\0\0\0\0\1\3\0\x07\0\0\0"); /* nobody heard it prepared */
	SERVER(OK);
	CLIENT("\5\0\0\0\x0c\1\0\0\0"); /* PROCESS_KILL */
	SERVER(OK);
	CLIENT("\x0b\0\0\0\3select '\xff'");
	SERVER(OK);
	buf_init(&b, MESSAGE_ROOM);
	memset(text, 'x', sizeof(text));
	text[0] = 3;
	packet(&b, 0, slice_of(text, sizeof(text)));
	say(&w, talk, STREAM_CLIENT, buf_slice(&b), at);
	SERVER(OK);
	leave(&w, talk);
	check_spoken(&w, TEXT(LOGIN_EMPTY USE_SHOP "\x09\0\0\0\3select 7" QUIT));
	CHECK(mrte_speaker_left(w.speaker)->unknown == 1);
	CHECK(mrte_speaker_left(w.speaker)->unsupported == 1);
	CHECK(mrte_speaker_left(w.speaker)->not_utf8 == 1);
	CHECK(mrte_speaker_left(w.speaker)->too_long == 1);
	CHECK(mrte_units(w.speaker) == 4);
	way_free(&w);
	buf_release(&b);
}

#define ERROR_1 "\x0b\0\0\1\xff\x28\x04#42000no"
#define OK_MORE "\7\0\0\1\0\0\0\x0a\0\0\0"
#define ERROR_2 "\x0b\0\0\2\xff\x28\x04#42000no"

/* What the player would do with several statements, with a database's name, and with other text than UTF-8. */
static void the_player_is_told_what_it_can_do(void **state)
{
	const struct endpoint from = {.addr = {.bytes = {10, 0, 0, 9}}, .port = 1111};
	struct way w;
	uint64_t at[2] = {0, 0};
	void *talk;

	(void)state;
	way_begin(&w);
	talk = joined(&w, &from);
	CLIENT("\x11\0\0\0\3do 1; do ';'; no");
	SERVER(OK);
	CLIENT("\x12\0\0\0\3do 1;no;do 2;do 3");
	SERVER(OK_MORE ERROR_2);
	CLIENT("\x0f\0\0\0\3do 4;do 5;do 6"); /* of which the answer is not heard in time */
	CLIENT("\x06\0\0\0\2my-db");
	SERVER(OK);
	CLIENT("\x06\0\0\0\2order");
	SERVER(OK);
	CLIENT("\x11\0\0\0\3set names latin1");
	SERVER(OK);
	CLIENT("\x05\0\0\0\3do 7");
	SERVER(OK);
	CLIENT("\x07\0\0\0\3do '\xe9'");
	SERVER(OK);
	CLIENT("\x07\0\0\0\3do '\xe9'");
	SERVER(OK);
	leave(&w, talk);
	check_spoken(&w, TEXT(LOGIN_EMPTY "\x05\0\0\0\3do 1"
					  "\x07\0\0\0\3do ';'"
					  "\x03\0\0\0\3no"
					  "\x05\0\0\0\3do 1"
					  "\x03\0\0\0\3no"
					  "\x05\0\0\0\3do 4"
					  "\x05\0\0\0\3do 5"
					  "\x05\0\0\0\3do 6"
					  "\x0c\0\0\0\3USE `my-db`"
					  "\x0c\0\0\0\3USE `order`"
					  "\x11\0\0\0\3set names latin1"
					  "\x05\0\0\0\3do 7"
					  "\x23\0\0\0\3SET character_set_client = utf8mb4"
					  "\x08\0\0\0\3do '\xc3\xa9'"
					  "\x08\0\0\0\3do '\xc3\xa9'" QUIT));
	way_free(&w);
}

static void what_would_do_harm_is_left_out(void **state)
{
	const struct endpoint from = {.addr = {.bytes = {10, 0, 0, 9}}, .port = 1111};
	struct way w;
	uint64_t at[2] = {0, 0};
	void *talk;

	(void)state;
	way_begin(&w);
	talk = joined(&w, &from);
	CLIENT("\x07\0\0\0\3kill 7");
	SERVER(ERROR_1);
	CLIENT("\x28\0\0\0\3load data local infile 'a' into table b");
	SERVER(ERROR_1);
	CLIENT("\x22\0\0\0\3load data infile 'a' into table c");
	SERVER(ERROR_1);
	leave(&w, talk);
	check_spoken(&w, TEXT(LOGIN_EMPTY "\x22\0\0\0\3load data infile 'a' into table c" QUIT));
	CHECK(mrte_speaker_left(w.speaker)->unsupported == 1);
	CHECK(mrte_speaker_left(w.speaker)->file_statements == 1);
	way_free(&w);
}

static void only_ipv4_can_be_carried(void **state)
{
	struct endpoint from = {.addr = {.bytes = {0xfe, 0x80, [15] = 1}, .is_v6 = true},
				.port = 1111};
	struct endpoint mapped = {
		.addr = {.bytes = {[10] = 0xff, 0xff, 10, 0, 0, 9}, .is_v6 = true}, .port = 1111};
	struct way w;
	uint64_t at[2] = {0, 0};
	void *talk;

	(void)state;
	way_begin(&w);
	talk = joined(&w, &from);
	CLIENT(SELECT_1);
	leave(&w, talk);
	CHECK(w.spoken.len == 0 && mrte_speaker_left(w.speaker)->not_ipv4 == 1);
	talk = joined(&w, &mapped);
	CLIENT(SELECT_1);
	leave(&w, talk);
	check_spoken(&w, TEXT(LOGIN_EMPTY SELECT_1 QUIT));
	way_free(&w);
}

static void many_clients_are_bounded(void **state)
{
	struct way w;

	(void)state;
	way_begin(&w);
	for (uint32_t i = 0; i < MRTE_FLOWS_MAX + 1000; i++) {
		uint8_t from[4] = {11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

		mrte_message_begin(&w.message, collector);
		mrte_message_put(&w.message, from, 1111, TEXT(SELECT_1));
		CHECK(mrte_hear(w.hearing, buf_slice(&w.message), 1000) == ERR_OK);
		mrte_message_sent(w.speaker);
	}
	CHECK(mrte_hearing_stats(w.hearing)->limit_closed == 1000);
	mrte_hearing_finish(w.hearing);
	way_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_are_made_and_read_byte_by_byte),
		cmocka_unit_test(a_session_begins_with_its_login_or_its_database),
		cmocka_unit_test(what_was_sent_twice_is_heard_once_where_that_is_proved),
		cmocka_unit_test(what_is_cut_or_spoilt_costs_only_itself),
		cmocka_unit_test(each_of_several_that_are_cut_costs_only_itself),
		cmocka_unit_test(what_a_session_chose_is_known_without_answers),
		cmocka_unit_test(units_may_be_cut_anywhere),
		cmocka_unit_test(executions_are_text_and_what_cannot_be_carried_is_counted),
		cmocka_unit_test(the_player_is_told_what_it_can_do),
		cmocka_unit_test(what_would_do_harm_is_left_out),
		cmocka_unit_test(only_ipv4_can_be_carried),
		cmocka_unit_test(many_clients_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
