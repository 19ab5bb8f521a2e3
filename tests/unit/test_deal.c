#include "check.h"

#include "base/clock.h"
#include "base/mem.h"
#include "input/deal.h"

enum { SINKS = 3, FLOWS = 30, QUERIES = 2000 };

/* What one thread was told. */
struct told {
	uint64_t sessions[FLOWS]; /* ids */
	size_t session_count, commands, ends;
	uint64_t last_order;
	size_t fail_at; /* at which command it fails; 0: never */
};

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct told *t = ctx;

	CHECK(e->order >= t->last_order);
	t->last_order = e->order;
	if (e->type == EVENT_SESSION)
		t->sessions[t->session_count++] = e->session->id;
	t->commands += e->type == EVENT_COMMAND;
	t->ends += e->type == EVENT_END;
	if (e->type == EVENT_COMMAND && t->commands == t->fail_at)
		return err_set(info, ERR_IO, 0, "the disk is full");
	return ERR_OK;
}

static const struct input_options options = {.ports = {3306}, .port_count = 1};

static struct deal *new_deal(struct told told[SINKS])
{
	struct event_sink sinks[SINKS];
	struct deal *d = NULL;

	for (size_t i = 0; i < SINKS; i++)
		sinks[i] = (struct event_sink){.event = on_event, .ctx = &told[i]};
	CHECK(deal_new(&options, sinks, SINKS, &d, NULL) == ERR_OK);
	return d;
}

/* Query number N of all, a ping of 5 bytes, from one client after the other. */
static struct segment query(uint64_t n)
{
	static const uint8_t ping[] = {1, 0, 0, 0, 0x0e};
	static uint8_t bytes[sizeof(ping)];

	memcpy(bytes, ping,
	       sizeof(ping)); /* the same place each time: what is kept must be copied */
	return (struct segment){
		.frame = n + 1,
		.time_ns = NS_PER_S + (int64_t)n,
		.src = {.addr = {.bytes = {10, 0, 0, 1}}, .port = (uint16_t)(40000 + n % FLOWS)},
		.dst = {.addr = {.bytes = {10, 0, 0, 2}}, .port = 3306},
		.seq = (uint32_t)(1 + n / FLOWS * sizeof(ping)),
		.ack = 1,
		.flags = TCP_ACK | TCP_PSH,
		.payload = slice_of(bytes, sizeof(bytes)),
		.payload_wire_len = sizeof(bytes),
	};
}

static void every_session_is_told_to_one_thread(void **state)
{
	struct told told[SINKS] = {{.commands = 0}};
	struct deal *d = new_deal(told);
	struct coverage coverage;
	size_t sessions = 0, commands = 0, ends = 0;

	(void)state;
	for (uint64_t n = 0; n < QUERIES; n++) {
		struct segment s = query(n);

		CHECK(deal_segment(d, &s, NULL) == ERR_OK);
		memset((void *)(uintptr_t)s.payload.ptr, 0xff, s.payload.len);
		if (n % 100 == 7)
			CHECK(deal_tick(d, n % 200 == 7 ? s.time_ns : -1, NULL) == ERR_OK);
		s.dst.port = 1;
		if (n % 10 == 0)
			CHECK(deal_segment(d, &s, NULL) == ERR_OK);
	}
	CHECK(deal_finish(d, NULL) == ERR_OK);
	deal_coverage(d, &coverage);
	for (size_t i = 0; i < SINKS; i++) {
		CHECK(told[i].session_count == FLOWS / SINKS); /* dealt out in turn */
		sessions += told[i].session_count;
		commands += told[i].commands;
		ends += told[i].ends;
	}
	CHECK(sessions == FLOWS && ends == FLOWS && commands == QUERIES);
	CHECK(coverage.sessions == FLOWS && coverage.commands == QUERIES);
	CHECK(coverage.other_ports == QUERIES / 10);
	deal_free(d);
}

static void a_sink_that_fails_ends_the_run(void **state)
{
	struct told told[SINKS] = {{.commands = 0}, {.fail_at = 5}};
	struct deal *d = new_deal(told);
	struct errinfo info = {.code = ERR_OK};

	(void)state;
	for (uint64_t n = 0; n < 100 * QUERIES; n++) {
		struct segment s = query(n);

		CHECK(deal_segment(d, &s, NULL) == ERR_OK);
	}
	CHECK(deal_error(d, NULL) == ERR_IO); /* by now all but some batches were gone through */
	CHECK(deal_finish(d, &info) == ERR_IO);
	assert_string_equal(info.text, "the disk is full");
	CHECK(told[1].commands == 5);
	deal_free(d);
}

static void what_is_not_finished_can_be_freed(void **state)
{
	struct told told[SINKS] = {{.commands = 0}};
	struct deal *d = new_deal(told);

	(void)state;
	for (uint64_t n = 0; n < QUERIES; n++) {
		struct segment s = query(n);

		CHECK(deal_segment(d, &s, NULL) == ERR_OK);
	}
	deal_free(d);
	deal_free(NULL);
}

static void no_memory_at_the_start_is_an_error(void **state)
{
	struct told told = {.commands = 0};
	const struct event_sink sink = {.event = on_event, .ctx = &told};
	struct deal *d = NULL;
	enum err e = ERR_NOMEM;

	(void)state;
	for (size_t n = 1; e != ERR_OK; n++) {
		mem_fail_from(n);
		e = deal_new(&options, &sink, 1, &d, NULL);
		mem_fail_from(0);
		CHECK(e == ERR_OK || e == ERR_NOMEM);
	}
	deal_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_session_is_told_to_one_thread),
		cmocka_unit_test(a_sink_that_fails_ends_the_run),
		cmocka_unit_test(what_is_not_finished_can_be_freed),
		cmocka_unit_test(no_memory_at_the_start_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
