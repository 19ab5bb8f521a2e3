/*
 * Target: the whole way from frames to what is told: input_open, input_run, and the sinks.
 * The input is a segment_list; segment_mutator.c changes it as networks and strangers would. event_check holds
 * what comes out to the promises of event/event.h.
 */
#include "../tests/event_check.h"
#include "event/exchange.h"
#include "segment_wire.h"
#include "sink/export.h"
#include "sink/report.h"
#include "sink/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_STATEMENT = 1 << 16, WAIT_NS = 8000000, STEP_NS = 1000, SINKS = 3 };

struct run {
	struct event_check check;
	struct exchange_join *join;
	struct buf text;
	uint64_t sum; /* of all that was told, so that it is made */
	struct out outs[SINKS];
	struct event_sink sinks[SINKS];
};

static enum err on_exchange(void *ctx, const struct exchange *x, struct errinfo *info)
{
	struct run *run = ctx;

	(void)info;
	assert(x->command->n == x->response->n);
	buf_reset(&run->text);
	run->sum += command_put_text(x->session, x->command, &run->text);
	run->sum += command_is_secret(x->session, x->command);
	run->sum += command_digest(x->session, x->command) + run->text.len;
	return ERR_OK;
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct run *run = ctx;

	for (int i = 0; i < SINKS; i++)
		assert(run->sinks[i].event(run->sinks[i].ctx, e, info) == ERR_OK);
	return exchange_join_event(run->join, e, info);
}

static enum err heard(void *ctx, const struct event *e, struct errinfo *info)
{
	struct run *run = ctx;

	return event_check_event(&run->check, e, info);
}

static enum err finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct run *run = ctx;

	for (int i = 0; i < SINKS; i++)
		assert(run->sinks[i].finish(run->sinks[i].ctx, coverage, info) == ERR_OK);
	return ERR_OK;
}

static enum err forget(void *ctx, struct slice bytes, struct errinfo *info)
{
	struct run *run = ctx;

	(void)info;
	run->sum += bytes.len;
	return ERR_OK;
}

static void begin(struct run *run)
{
	static const struct trace_options trace = {.colour = true, .width = 60};
	static const struct report_options report = {.limit = 10, .width = 60, .name = "fuzz"};

	buf_init(&run->text, SIZE_MAX / 2);
	assert(exchange_join_new(on_exchange, run, &run->join) == ERR_OK);
	for (int i = 0; i < SINKS; i++)
		out_init(&run->outs[i], forget, run);
	assert(export_new(&run->outs[0], &run->sinks[0]) == ERR_OK);
	assert(trace_new(&run->outs[1], &trace, &run->sinks[1]) == ERR_OK);
	assert(report_new(&run->outs[2], &report, &run->sinks[2]) == ERR_OK);
	run->check.next = (struct event_sink){.event = on_event, .ctx = run};
}

static void end(struct run *run)
{
	exchange_join_free(run->join);
	for (int i = 0; i < SINKS; i++)
		if (run->sinks[i].free)
			run->sinks[i].free(run->sinks[i].ctx);
	buf_release(&run->text);
}

/* All sessions that were announced have ended, and the coverage knows of each of them and of each command. */
static void check_end(const struct run *run, const struct coverage *coverage)
{
	uint64_t commands = 0;

	for (size_t i = 0; i < run->check.count; i++) {
		assert(run->check.sessions[i].ended);
		commands += run->check.sessions[i].commands;
	}
	assert(coverage->commands == commands && coverage->sessions >= run->check.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input_options options = {
		.ports = {WIRE_SERVER_PORT}, .port_count = 1, .max_statement = MAX_STATEMENT};
	struct segment_list *l = calloc(1, sizeof(*l));
	struct run *run = calloc(1, sizeof(*run));
	int64_t time_ns = INT64_C(1700000000000000000);
	struct event_sink sink = {.event = heard, .finish = finish, .ctx = run};
	struct coverage coverage;
	struct buf wire;

	assert(l && run);
	segment_list_read(slice_of(data, size), l);
	wire_begin(&wire);
	for (size_t i = 0; i < l->count; i++) {
		time_ns += STEP_NS + (int64_t)l->items[i].wait * WAIT_NS;
		listed_put(&wire, &l->items[i], time_ns);
	}
	options.any_port = l->mode & LIST_ANY_PORT;
	begin(run);
	assert(wire_run(buf_slice(&wire), &options, &sink, &coverage, NULL) == ERR_OK);
	check_end(run, &coverage);
	end(run);
	buf_release(&wire);
	free(run);
	free(l);
	return 0;
}
