#include "tcp_world.h"

#include "base/mem.h"

static void in_order_goes_straight_through(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	server(&w, 0, 0, "greeting");
	client(&w, 0, 8, "login");
	server(&w, 8, 5, "ok");
	client(&w, 5, 10, "");
	heard(&w, "S0:greeting C0:login S8:ok ");
	say(&w, STREAM_CLIENT, TCP_FIN | TCP_ACK, 5, 10, "");
	say(&w, STREAM_SERVER, TCP_FIN | TCP_ACK, 10, 6, "");
	client(&w, 6, 11, "");
	CHECK(end_of(&w, 0) == STREAM_END_FIN);
	CHECK(w.log.flows[0].said.from_start);
	CHECK(w.log.flows[0].said.client.port == CLIENT_PORT);
	CHECK(tcp_get_stats(w.tcp)->flows == 1);
	CHECK(tcp_get_stats(w.tcp)->gaps == 0);
	world_release(&w);
}

static void sequence_numbers_wrap(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.isn[STREAM_CLIENT] = UINT32_MAX - 3;
	handshake(&w);
	client(&w, 0, 0, "abcdef");
	client(&w, 9, 0, "jkl");
	client(&w, 6, 0, "ghi");
	heard(&w, "C0:abcdef C6:ghi C9:jkl ");
	world_release(&w);
}

static void overlaps_are_trimmed_and_the_first_heard_wins(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	client(&w, 0, 0, "abc");
	client(&w, 0, 0, "ABCd");
	client(&w, 6, 0, "ghi");
	client(&w, 10, 0, "kl");
	client(&w, 5, 0, "FGHIJKL");
	heard(&w, "C0:abc C3:d ");
	client(&w, 4, 0, "e");
	heard(&w, "C4:e C5:F C6:ghi C9:J C10:kl ");
	CHECK(tcp_get_stats(w.tcp)->retransmitted_bytes == 3 + 5);
	world_release(&w);
}

static void a_chunk_waits_for_what_its_sender_had_heard(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	client(&w, 0, 0, "q1");
	client(&w, 2, 2, "q2"); /* overtook the answer to q1 */
	server(&w, 2, 4, "a2");
	heard(&w, "C0:q1 ");
	server(&w, 0, 2, "a1");
	heard(&w, "S0:a1 C2:q2 S2:a2 ");
	world_release(&w);
}

static void what_was_acknowledged_and_never_comes_is_a_gap(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	server(&w, 0, 0, "hi");
	client(&w, 0, 2, "q1");
	client(&w, 2, 7, "q2"); /* the answer to q1 was lost */
	heard(&w, "S0:hi C0:q1 ");
	for (int i = 0; i < TCP_REORDER_FRAMES; i++)
		client(&w, 4, 7, "");
	heard(&w, "S2:~5 C2:q2 ");
	server(&w, 7, 4, "a2");
	heard(&w, "S7:a2 ");
	world_release(&w);
}

static void time_alone_ends_the_wait_too(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	server(&w, 0, 0, "hi");
	client(&w, 0, 7, "q1");
	tcp_tick(w.tcp, w.now_ns + TCP_REORDER_NS / 2);
	heard(&w, "S0:hi ");
	tcp_tick(w.tcp, w.now_ns + TCP_REORDER_NS);
	heard(&w, "S2:~5 C0:q1 ");
	world_release(&w);
}

static void a_hole_that_nobody_acknowledged_is_waited_for(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	client(&w, 0, 0, "ab");
	client(&w, 3, 0, "de");
	for (int i = 0; i < 4 * TCP_REORDER_FRAMES; i++)
		server(&w, 0, 2, "");
	tcp_tick(w.tcp, w.now_ns + 10 * NS_PER_S);
	heard(&w, "C0:ab ");
	client(&w, 2, 0, "c");
	heard(&w, "C2:c C3:de ");
	world_release(&w);
}

static void one_direction_alone_is_not_held_up(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	client(&w, 0, 0, "q1");
	client(&w, 2, 10, "q2");
	client(&w, 4, 30, "q3");
	heard(&w, "C0:q1 S0:~10 C2:q2 S10:~20 C4:q3 ");
	client(&w, 8, 30, "q5");
	tcp_tick(w.tcp, w.now_ns + TCP_REORDER_NS + 1);
	heard(&w, "C6:~2 C8:q5 ");
	tcp_finish(w.tcp);
	CHECK(!w.log.flows[0].said.from_start);
	world_release(&w);
}

static void a_joined_flow_starts_where_it_was_joined(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	client(&w, 100, 50, "q1");
	client(&w, 90, 50, "0123456789q1"); /* a retransmission from before */
	server(&w, 40, 100, "older");
	server(&w, 48, 102, "xya1");
	heard(&w, "C0:q1 S0:a1 ");
	tcp_finish(w.tcp);
	CHECK(end_of(&w, 0) == STREAM_END_CAPTURE);
	CHECK(!w.log.flows[0].said.from_start);
	world_release(&w);
}

static void a_keep_alive_is_no_flow(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	client(&w, 99, 50, "?");
	client(&w, 99, 50, "");
	client(&w, 100, 50, "query");
	heard(&w, "C0:query ");
	CHECK(tcp_get_stats(w.tcp)->flows == 1);
	world_release(&w);
}

static void the_syn_ack_alone_is_a_start(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	say(&w, STREAM_SERVER, TCP_SYN | TCP_ACK, -1, 0, "");
	server(&w, 2, 0, "lo");
	server(&w, 0, 0, "hel");
	tcp_finish(w.tcp);
	heard(&w, "S0:he S2:lo ");
	CHECK(w.log.flows[0].said.from_start);
	world_release(&w);
}

static void an_answer_before_any_word_of_the_server_is_no_start(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	say(&w, STREAM_CLIENT, TCP_SYN, -1, 0, "");
	client(&w, 0, 78, "login"); /* the SYN-ACK and a greeting were lost */
	tcp_finish(w.tcp);
	heard(&w, "C0:login ");
	CHECK(!w.log.flows[0].said.from_start);
	world_release(&w);
}

static void probes_are_no_data(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	client(&w, 0, 0, "abc");
	client(&w, 2, 0, "");  /* keep-alive */
	client(&w, 2, 0, "?"); /* with a byte of garbage */
	client(&w, 3, 0, "d"); /* into a window of zero; sent again later */
	client(&w, 3, 0, "def");
	heard(&w, "C0:abc C3:d C4:ef ");
	world_release(&w);
}

static void keep_chunk(void *ctx, const struct stream_chunk *c)
{
	*(struct stream_chunk *)ctx = *c;
}

static void a_retransmitted_syn_changes_nothing_a_new_one_everything(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	client(&w, 0, 0, "one");
	say(&w, STREAM_CLIENT, TCP_SYN, -1, 0, "");
	CHECK(w.log.closed == 0);
	w.isn[STREAM_CLIENT] += 100000;
	w.isn[STREAM_SERVER] += 7;
	handshake(&w);
	CHECK(end_of(&w, 0) == STREAM_END_REUSED);
	client(&w, 0, 0, "two");
	heard(&w, "C0:one C0:two ");
	tcp_finish(w.tcp);
	CHECK(w.log.flows[0].said.id != w.log.flows[1].said.id);
	world_release(&w);
}

static void another_connection_without_a_start_is_noticed(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	client(&w, 0, 0, "one");
	w.isn[STREAM_CLIENT] += UINT32_C(0x40000000);
	w.isn[STREAM_SERVER] += UINT32_C(0x40000000);
	for (int i = 0; i < 6; i++)
		client(&w, (int64_t)i * 3, 0, "two");
	heard(&w, "C0:one C0:two C3:two ");
	CHECK(end_of(&w, 0) == STREAM_END_REUSED);
	world_release(&w);
}

static void a_reset_counts_only_in_the_window(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	client(&w, 0, 0, "one");
	server(&w, 0, 3, "two");
	say(&w, STREAM_CLIENT, TCP_RST, 1, 0, "");
	say(&w, STREAM_CLIENT, TCP_RST, 1 << 30, 0, "");
	CHECK(w.log.closed == 0);
	say(&w, STREAM_CLIENT, TCP_RST, 3, 0, "");
	CHECK(end_of(&w, 0) == STREAM_END_RESET);
	server(&w, 3, 3, "late");
	tcp_finish(w.tcp);
	CHECK(w.log.opened == 1);
	world_release(&w);
}

static void an_end_tells_what_was_said_before_it(void **state)
{
	static const struct {
		enum stream_side from;
		uint8_t flags;
		int64_t seq, ack;
		const char *story;
	} ends[] = {
		{STREAM_SERVER, TCP_RST, 3, 0, "C0:ask S0:two "},
		{STREAM_SERVER, TCP_RST, 8, 0, "C0:ask S0:two S3:~5 "},
		{STREAM_CLIENT, TCP_RST, 3, 0, "C0:ask S0:two "},
		{STREAM_CLIENT, TCP_RST | TCP_ACK, 3, 3, "C0:ask S0:two "},
		{STREAM_CLIENT, TCP_RST | TCP_ACK, 3, 7, "C0:ask S0:two S3:~4 "},
		{STREAM_SERVER, TCP_FIN | TCP_ACK, 3, 3, "C0:ask S0:two "},
		{STREAM_SERVER, TCP_FIN | TCP_ACK, 8, 3, "C0:ask S0:two S3:~5 "},
		{STREAM_CLIENT, TCP_FIN | TCP_ACK, 9, 3, "C0:ask S0:two C3:~6 "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct world w;

		world_init(&w);
		handshake(&w);
		client(&w, 0, 0, "ask");
		server(&w, 0, 3, "two");
		say(&w, ends[i].from, ends[i].flags, ends[i].seq, ends[i].ack, "");
		tcp_finish(w.tcp);
		heard(&w, ends[i].story);
		CHECK(w.log.closed == 1);
		world_release(&w);
	}
}

static void data_behind_the_end_is_ignored(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	say(&w, STREAM_CLIENT, TCP_FIN | TCP_ACK, 0, 0, "bye");
	client(&w, 3, 0, "x");
	client(&w, 4, 0, "more");
	server(&w, 0, 4, "rest");
	say(&w, STREAM_SERVER, TCP_FIN | TCP_ACK, 4, 4, "");
	server(&w, 0, 4, "rest"); /* after the end: no new flow */
	heard(&w, "C0:bye S0:rest ");
	CHECK(end_of(&w, 0) == STREAM_END_FIN && w.log.opened == 1);
	world_release(&w);
}

static void syns_overtaken_by_data_begin_nothing_new(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	client(&w, 0, 3, "q1");
	say(&w, STREAM_CLIENT, TCP_SYN, -1, 0, "");
	say(&w, STREAM_SERVER, TCP_SYN | TCP_ACK, -1, 0, "");
	say(&w, STREAM_SERVER, TCP_SYN | TCP_ACK, -1, 0, "");
	server(&w, 3, 2, "a1");
	heard(&w, "C0:q1 S0:a1 ");
	CHECK(w.log.opened == 1 && w.log.closed == 0);
	world_release(&w);
}

static void of_flows_heard_from_one_side_the_oldest_makes_room(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	for (uint16_t i = 0; i < TCP_ONE_SIDED_MAX + 3; i++) {
		w.client_port = (uint16_t)(20000 + i);
		say(&w, STREAM_CLIENT, TCP_SYN, -1, 0, "");
		client(&w, 0, 0, "q");
		if (i < 2)
			server(&w, 0, 1, "a");
	}
	CHECK(w.log.closed == 1 && w.log.flows[0].said.client.port == 20002);
	CHECK(tcp_get_stats(w.tcp)->limit_closed == 1);
	world_release(&w);
}

static void what_was_held_came_with_the_frame_that_freed_it(void **state)
{
	struct stream_chunk last = {.gap = 0};
	struct world w;

	(void)state;
	world_init(&w);
	w.log.on_chunk = keep_chunk;
	w.log.ctx = &last;
	handshake(&w);
	client(&w, 1, 0, "b");
	client(&w, 0, 0, "a");
	CHECK(last.offset == 1 && last.frame == 5 && last.time_ns == NS_PER_S + 4 * NS_PER_US);
	world_release(&w);
}

static void an_end_that_overtook_its_data_waits(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	client(&w, 0, 0, "q");
	say(&w, STREAM_SERVER, TCP_FIN | TCP_ACK, 5, 1, "");
	say(&w, STREAM_CLIENT, TCP_FIN | TCP_ACK, 1, 6, "");
	CHECK(w.log.closed == 0);
	server(&w, 0, 1, "bytes");
	heard(&w, "C0:q S0:bytes ");
	CHECK(end_of(&w, 0) == STREAM_END_FIN);
	world_release(&w);
}

static void a_segment_that_was_cut_is_data_and_a_gap(void **state)
{
	struct segment s;
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	s = segment(&w, STREAM_CLIENT, TCP_ACK, 0, 0, "abc");
	s.payload_wire_len = 100;
	CHECK(tcp_segment(w.tcp, &s) == ERR_OK);
	heard(&w, "C0:abc C3:~97 ");
	s = segment(&w, STREAM_CLIENT, TCP_ACK, 200, 0, "xyz"); /* held */
	s.payload_wire_len = 10;
	CHECK(tcp_segment(w.tcp, &s) == ERR_OK);
	s = segment(&w, STREAM_CLIENT, TCP_ACK, 100, 0, "");
	s.payload_wire_len = 100;
	CHECK(tcp_segment(w.tcp, &s) == ERR_OK);
	heard(&w, "C100:~100 C200:xyz C203:~7 ");
	world_release(&w);
}

static void idle_flows_end(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	client(&w, 0, 0, "q");
	tcp_tick(w.tcp, w.now_ns + 7 * 3600 * NS_PER_S);
	CHECK(w.log.closed == 0);
	tcp_tick(w.tcp, w.now_ns + 9 * 3600 * NS_PER_S);
	CHECK(end_of(&w, 0) == STREAM_END_TIMEOUT);
	world_release(&w);
}

static void half_open_flows_are_bounded(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 200000; i++) {
		struct segment s = segment(&w, STREAM_CLIENT, TCP_SYN, i * 7, 0, "");

		s.src.addr.bytes[3] = (uint8_t)(i >> 16);
		s.src.port = (uint16_t)(i & 0xffff);
		if (s.src.port == SERVER_PORT || s.src.port == 3307)
			continue;
		CHECK(tcp_segment(w.tcp, &s) == ERR_OK);
	}
	CHECK(w.log.opened == 0);
	CHECK(tcp_get_stats(w.tcp)->limit_closed > 200000 - (1 << 15) - 10);
	world_release(&w);
}

static void what_is_held_is_bounded(void **state)
{
	enum { PIECE = 1 << 16 };
	char *text = malloc(PIECE + 1);
	struct world w;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', PIECE);
	text[PIECE] = 0;
	world_init(&w);
	handshake(&w);
	for (int i = 1; i < 3 * TCP_HOLD_MAX / PIECE; i++)
		client(&w, (int64_t)i * PIECE, 0, text);
	CHECK(tcp_get_stats(w.tcp)->limit_closed == 1);
	tcp_finish(w.tcp);
	CHECK(w.log.flows[0].gap_bytes[STREAM_CLIENT] == PIECE);
	CHECK(w.log.flows[0].at[STREAM_CLIENT] == (uint64_t)3 * TCP_HOLD_MAX);
	free(text);
	world_release(&w);
}

static void other_ports_are_not_followed(void **state)
{
	struct segment s;
	struct world w;

	(void)state;
	world_init(&w);
	s = segment(&w, STREAM_CLIENT, TCP_ACK, 0, 0, "GET /");
	s.dst.port = 80;
	CHECK(tcp_segment(w.tcp, &s) == ERR_OK);
	CHECK(tcp_get_stats(w.tcp)->other_ports == 1 && w.log.opened == 0);
	world_release(&w);
}

static void who_got_the_syn_is_the_server(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.client_port = 3307;
	handshake(&w);
	client(&w, 0, 0, "q");
	tcp_finish(w.tcp);
	CHECK(w.log.flows[0].said.server.port == SERVER_PORT);
	world_release(&w);
}

static void *not_interested(void *ctx, const struct stream_flow *flow)
{
	int *asked = ctx;

	(void)flow;
	(*asked)++;
	return NULL;
}

static void who_is_not_interested_hears_no_more(void **state)
{
	struct tcp_options options = {.ports = {SERVER_PORT}, .port_count = 1};
	int asked = 0;
	struct stream_handler handler = {.open = not_interested, .ctx = &asked};
	struct world w;

	(void)state;
	world_init(&w);
	tcp_free(w.tcp);
	CHECK(tcp_new(&options, &handler, &w.tcp) == ERR_OK);
	handshake(&w);
	client(&w, 0, 0, "abc");
	server(&w, 0, 3, "def");
	client(&w, 5, 3, "held when all ends");
	CHECK(asked == 1);
	tcp_free(w.tcp);
	buf_release(&w.story);
}

static void no_memory_loses_bytes_but_nothing_else(void **state)
{
	struct segment s;
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	s = segment(&w, STREAM_CLIENT, TCP_ACK, 3, 0, "def");
	mem_fail_from(1);
	CHECK(tcp_segment(w.tcp, &s) == ERR_NOMEM);
	mem_fail_from(0);
	client(&w, 0, 0, "abc");
	client(&w, 6, 0, "ghi");
	server(&w, 0, 9, "ok");
	tcp_finish(w.tcp);
	heard(&w, "C0:abc C3:~3 C6:ghi S0:ok ");
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_goes_straight_through),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(overlaps_are_trimmed_and_the_first_heard_wins),
		cmocka_unit_test(a_chunk_waits_for_what_its_sender_had_heard),
		cmocka_unit_test(what_was_acknowledged_and_never_comes_is_a_gap),
		cmocka_unit_test(time_alone_ends_the_wait_too),
		cmocka_unit_test(a_hole_that_nobody_acknowledged_is_waited_for),
		cmocka_unit_test(one_direction_alone_is_not_held_up),
		cmocka_unit_test(a_joined_flow_starts_where_it_was_joined),
		cmocka_unit_test(a_keep_alive_is_no_flow),
		cmocka_unit_test(the_syn_ack_alone_is_a_start),
		cmocka_unit_test(an_answer_before_any_word_of_the_server_is_no_start),
		cmocka_unit_test(probes_are_no_data),
		cmocka_unit_test(syns_overtaken_by_data_begin_nothing_new),
		cmocka_unit_test(of_flows_heard_from_one_side_the_oldest_makes_room),
		cmocka_unit_test(what_was_held_came_with_the_frame_that_freed_it),
		cmocka_unit_test(a_retransmitted_syn_changes_nothing_a_new_one_everything),
		cmocka_unit_test(another_connection_without_a_start_is_noticed),
		cmocka_unit_test(a_reset_counts_only_in_the_window),
		cmocka_unit_test(an_end_tells_what_was_said_before_it),
		cmocka_unit_test(data_behind_the_end_is_ignored),
		cmocka_unit_test(an_end_that_overtook_its_data_waits),
		cmocka_unit_test(a_segment_that_was_cut_is_data_and_a_gap),
		cmocka_unit_test(idle_flows_end),
		cmocka_unit_test(half_open_flows_are_bounded),
		cmocka_unit_test(what_is_held_is_bounded),
		cmocka_unit_test(other_ports_are_not_followed),
		cmocka_unit_test(who_got_the_syn_is_the_server),
		cmocka_unit_test(who_is_not_interested_hears_no_more),
		cmocka_unit_test(no_memory_loses_bytes_but_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
