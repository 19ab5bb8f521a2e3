#include "tcp_world.h"

enum { CONNECTIONS = 2000 };

/* Something is said in each of many connections. */
static void talk(struct world *w, const char *question, int64_t at)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		w->client_port = (uint16_t)(CLIENT_PORT + i);
		if (at == 0)
			handshake(w);
		client(w, at, at, question);
		server(w, at, at + (int64_t)strlen(question), question);
	}
}

static void a_share_of_those_that_begin(void **state)
{
	struct world w;
	const struct tcp_stats *s;

	(void)state;
	world_init(&w);
	s = tcp_get_stats(w.tcp);
	tcp_set_share(w.tcp, TCP_SHARE_ALL / 4, TCP_SHARE_ALL);
	talk(&w, "q1", 0);
	CHECK(s->shed + w.log.opened == CONNECTIONS);
	CHECK(w.log.opened > CONNECTIONS / 4 - 100 && w.log.opened < CONNECTIONS / 4 + 100);
	CHECK(s->shed_frames == s->shed * 5 && s->shed_bytes == s->shed * 4);
	CHECK(s->let_go == 0 && s->gaps == 0);
	world_release(&w);
}

static void those_under_way_are_let_go(void **state)
{
	struct world w;
	const struct tcp_stats *s;

	(void)state;
	world_init(&w);
	s = tcp_get_stats(w.tcp);
	talk(&w, "q1", 0);
	tcp_set_share(w.tcp, TCP_SHARE_ALL / 4, TCP_SHARE_ALL);
	talk(&w, "q2", 2);
	CHECK(w.log.opened == CONNECTIONS && s->let_go == 0);
	tcp_set_share(w.tcp, TCP_SHARE_ALL / 4, TCP_SHARE_ALL / 4);
	talk(&w, "q3", 4);
	CHECK(s->let_go > CONNECTIONS / 2 && s->let_go == w.log.closed && s->shed == 0);
	CHECK(s->shed_frames == 2 * s->let_go && s->shed_bytes == 4 * s->let_go);
	CHECK(end_of(&w, 0) == STREAM_END_SHED);
	world_release(&w);
}

static void what_was_shed_is_joined_when_there_is_room(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tcp_set_share(w.tcp, 0, 0);
	handshake(&w);
	client(&w, 0, 0, "q1");
	heard(&w, "");
	tcp_set_share(w.tcp, TCP_SHARE_ALL, TCP_SHARE_ALL);
	client(&w, 2, 10, "");
	heard(&w, "");
	client(&w, 2, 10, "q2");
	server(&w, 10, 4, "a2");
	heard(&w, "C0:q2 S0:a2 ");
	tcp_finish(w.tcp);
	CHECK(!w.log.flows[0].said.from_start);
	CHECK(tcp_get_stats(w.tcp)->shed == 1 && tcp_get_stats(w.tcp)->gaps == 0);
	world_release(&w);
}

/* The same ports, once its end was heard, or its end was not. */
static void a_new_connection_on_the_ports_of_one_that_was_shed(void **state)
{
	struct world w;

	(void)state;
	for (int ended = 0; ended < 2; ended++) {
		world_init(&w);
		tcp_set_share(w.tcp, 0, 0);
		handshake(&w);
		client(&w, 0, 0, "q1");
		if (ended) {
			say(&w, STREAM_CLIENT, TCP_FIN | TCP_ACK, 2, 0, "");
			say(&w, STREAM_SERVER, TCP_FIN | TCP_ACK, 0, 3, "");
		}
		w.isn[STREAM_CLIENT] += 1 << 20;
		w.isn[STREAM_SERVER] += 1 << 20;
		handshake(&w);
		client(&w, 0, 0, "q1");
		CHECK(tcp_get_stats(w.tcp)->shed == 2);
		w.isn[STREAM_CLIENT] += 1 << 20;
		w.isn[STREAM_SERVER] += 1 << 20;
		tcp_set_share(w.tcp, TCP_SHARE_ALL, TCP_SHARE_ALL);
		handshake(&w);
		client(&w, 0, 0, "new");
		heard(&w, "C0:new ");
		tcp_finish(w.tcp);
		CHECK(w.log.flows[0].said.from_start);
		world_release(&w);
	}
}

static void a_connection_in_which_nothing_is_said_is_not_counted(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tcp_set_share(w.tcp, 0, 0);
	handshake(&w);
	say(&w, STREAM_CLIENT, TCP_RST | TCP_ACK, 0, 0, "");
	CHECK(tcp_get_stats(w.tcp)->shed == 0 && tcp_get_stats(w.tcp)->shed_frames == 4);
	world_release(&w);
}

static void nothing_is_cut_in_two(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	client(&w, 0, 0, "q1");
	w.log.busy = true;
	tcp_set_share(w.tcp, 0, 0);
	server(&w, 0, 2, "a1");
	heard(&w, "C0:q1 S0:a1 ");
	w.log.busy = false;
	client(&w, 2, 2, "");
	CHECK(end_of(&w, 0) == STREAM_END_SHED);
	client(&w, 2, 2, "q2");
	heard(&w, "");
	world_release(&w);
}

static void what_never_rests_is_let_go_all_the_same(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	handshake(&w);
	client(&w, 0, 0, "q1");
	w.log.busy = true;
	tcp_set_share(w.tcp, 0, 0);
	client(&w, 2, 0, "q2");
	CHECK(end_of(&w, 0) == CHUNK_LOG_NO_END);
	w.now_ns += 3 * NS_PER_S;
	client(&w, 4, 0, "q3");
	CHECK(end_of(&w, 0) == STREAM_END_SHED);
	heard(&w, "C0:q1 C2:q2 ");
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_of_those_that_begin),
		cmocka_unit_test(those_under_way_are_let_go),
		cmocka_unit_test(what_was_shed_is_joined_when_there_is_room),
		cmocka_unit_test(a_new_connection_on_the_ports_of_one_that_was_shed),
		cmocka_unit_test(a_connection_in_which_nothing_is_said_is_not_counted),
		cmocka_unit_test(nothing_is_cut_in_two),
		cmocka_unit_test(what_never_rests_is_let_go_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
