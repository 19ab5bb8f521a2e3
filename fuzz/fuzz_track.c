/*
 * Target: tracker_handler (the protocol machine), with the exchanges joined and texts put together.
 * The input is a list of steps; the first byte of the whole chooses how the flow begins and ends. Chunks are
 * given as they are and, in a second run, byte by byte where all was heard and made sense: both must tell
 * the same. Packets are told in the second, and when the first byte says so: nothing else changes by that.
 */
#include <assert.h>
#include <stdlib.h>

#include "../tests/event_check.h"
#include "base/cursor.h"
#include "event/exchange.h"
#include "track/tracker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each step: u8 what, u16 length, and bytes if it is data. */
enum {
	STEP_SIDE = 1 << 0, /* STREAM_SERVER */
	STEP_GAP = 1 << 1,
	STEP_ACK_UNKNOWN = 1 << 2,
	STEP_ACK_LATE = 1 << 3, /* by the length of the step */
};

enum { MAX_STATEMENT = 1 << 16, MODE_PACKETS = 1 << 7 };

struct run {
	struct event_check check;
	struct exchange_join *join;
	struct buf text;
	uint64_t told; /* a number made from everything that was told */
	uint64_t offset[2];
	uint64_t frame;
	bool lossless;
};

static void mix(struct run *run, uint64_t v)
{
	run->told = (run->told ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	run->told ^= run->told >> 29;
}

static enum err on_exchange(void *ctx, const struct exchange *x, struct errinfo *info)
{
	struct run *run = ctx;

	(void)info;
	assert(x->command->n == x->response->n);
	mix(run, x->command->n << 8 | x->command->code);
	mix(run, x->response->kind);
	mix(run, x->response->rows);
	mix(run, x->response->results_all);
	buf_reset(&run->text);
	if (command_put_text(x->session, x->command, &run->text))
		mix(run, run->text.len);
	mix(run, command_is_secret(x->session, x->command));
	mix(run, command_digest(x->session, x->command));
	return ERR_OK;
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct run *run = ctx;

	if (e->type == EVENT_GAP || e->type == EVENT_DATA)
		mix(run, e->type);
	return exchange_join_event(run->join, e, info);
}

static void take_step(struct run *run, const struct stream_handler *h, void *conversation,
		      struct cursor *c, bool in_bytes)
{
	uint8_t what = cur_u8(c);
	size_t len = cur_u16(c);
	enum stream_side side = what & STEP_SIDE ? STREAM_SERVER : STREAM_CLIENT;
	int64_t acked = (int64_t)run->offset[!side];
	struct stream_chunk chunk = {.from = side, .offset = run->offset[side]};

	if (what & STEP_ACK_UNKNOWN)
		acked = STREAM_ACK_UNKNOWN;
	else if (what & STEP_ACK_LATE)
		acked = acked > (int64_t)len ? acked - (int64_t)len : 0;
	chunk.acked = acked;
	chunk.frame = ++run->frame;
	chunk.time_ns = (int64_t)run->frame * 1000;
	if (what & STEP_GAP) {
		chunk.gap = len;
		run->lossless = false;
	} else {
		chunk.bytes = cur_bytes(c, len < cur_left(c) ? len : cur_left(c));
	}
	run->offset[side] += chunk.gap + chunk.bytes.len;
	if (!in_bytes && chunk.gap + chunk.bytes.len > 0)
		h->chunk(h->ctx, conversation, &chunk);
	for (size_t i = 0; in_bytes && i < chunk.bytes.len; i++) {
		struct stream_chunk one = chunk;

		one.offset += i;
		one.bytes = slice_of(chunk.bytes.ptr + i, 1);
		h->chunk(h->ctx, conversation, &one);
	}
}

/* False if bytes were lost, or made no sense, so that another run may tell something else. */
static bool follow(struct slice data, bool in_bytes, uint64_t *told)
{
	struct run *run = calloc(1, sizeof(*run));
	struct cursor c = cur_of(data);
	uint8_t mode = cur_u8(&c);
	struct tracker_options options = {.max_statement = MAX_STATEMENT,
					  .packets = in_bytes || mode & MODE_PACKETS};
	struct stream_flow flow = {.id = 1, .first_ns = 1, .from_start = !(mode & 1)};
	struct stream_handler h;
	struct event_sink sink;
	struct tracker *t;
	void *conversation;
	bool lossless;

	assert(run);
	run->lossless = flow.from_start;
	buf_init(&run->text, SIZE_MAX / 2);
	assert(exchange_join_new(on_exchange, run, &run->join) == ERR_OK);
	run->check.next = (struct event_sink){.event = on_event, .ctx = run};
	sink = event_check_sink(&run->check);
	assert(tracker_new(&options, &sink, &t) == ERR_OK);
	h = tracker_handler(t);
	conversation = h.open(h.ctx, &flow);
	assert(conversation);
	while (cur_left(&c) > 0)
		take_step(run, &h, conversation, &c, in_bytes);
	h.close(h.ctx, conversation, (mode >> 1) % (STREAM_END_CAPTURE + 1), 1, ++run->frame);
	assert(tracker_error(t, NULL) == ERR_OK);
	assert(run->check.count == 1 && run->check.sessions[0].ended);
	*told = run->told;
	/* Where a side fell out of step, it is the segments that say where commands begin. */
	lossless = run->lossless && tracker_coverage(t)->undecoded_bytes == 0;
	exchange_join_free(run->join);
	tracker_free(t);
	buf_release(&run->text);
	free(run);
	return lossless;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole = 0, bytes = 0;

	if (size > 0 && follow(slice_of(data, size), false, &whole)) {
		(void)follow(slice_of(data, size), true, &bytes);
		assert(whole == bytes);
	}
	return 0;
}
