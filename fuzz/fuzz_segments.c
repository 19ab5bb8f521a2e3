/*
 * Target: segment_decode, fragments_take, tcp_segment, tcp_tick, tcp_finish.
 * The input is a list of steps; the first byte of each chooses: frames of foreign bytes, segments of
 * a few connections that are near enough to each other to meet, or time that passes. chunk_log holds
 * what comes out to the promises of stream/chunk.h.
 */
#include <assert.h>
#include <stdlib.h>

#include "../tests/chunk_log.h"
#include "base/cursor.h"
#include "net/fragment.h"
#include "net/segment.h"
#include "tcp/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STEP_FRAME, /* u8 link, u8 length, bytes */
	STEP_TICK,  /* u16 milliseconds */
	STEP_FAR,   /* u32 added to the sequence numbers from here on */
	STEP_SEGMENT, /* u8 who, u8 flags, i8 seq, i8 ack, u8 length, u8 cut; all in units of 16 bytes */
	STEPS = 16, /* the rest are segments, too */
	UNIT = 16,
	FILLER_MAX = 256 * UNIT,
};

static const uint32_t links[] = {0, 1, 12, 101, 108, 113, 228, 229, 276, 105};

struct state {
	struct tcp *tcp;
	struct fragments *fragments;
	uint64_t frame;
	int64_t now_ns;
	uint32_t base[2];
	uint8_t filler[FILLER_MAX];
};

static void take(struct state *st, const struct segment *s)
{
	assert(s->payload.len <= s->payload_wire_len);
	assert(tcp_segment(st->tcp, s) == ERR_OK);
}

static void step_frame(struct state *st, struct cursor *c)
{
	uint32_t link = links[cur_u8(c) % (sizeof(links) / sizeof(links[0]))];
	size_t cut = cur_u8(c), len = cur_u8(c);
	struct slice bytes = cur_bytes(c, len < cur_left(c) ? len : cur_left(c));
	uint8_t *exact = malloc(bytes.len ? bytes.len : 1);
	struct frame f = {.number = ++st->frame,
			  .time_ns = st->now_ns,
			  .link = link,
			  .wire_len = (uint32_t)(bytes.len + cut)};
	struct segment s;

	assert(exact);
	if (bytes.len)
		memcpy(exact, bytes.ptr, bytes.len);
	f.bytes = slice_of(exact, bytes.len);
	if (segment_decode(st->fragments, &f, &s) == SEGMENT_TCP)
		take(st, &s);
	free(exact);
	assert(fragments_given_up(st->fragments) <= st->frame);
}

static void step_segment(struct state *st, struct cursor *c)
{
	uint8_t who = cur_u8(c), flags = cur_u8(c);
	int8_t seq = (int8_t)cur_u8(c), ack = (int8_t)cur_u8(c);
	uint32_t len = (uint32_t)cur_u8(c) * UNIT, cut = (uint32_t)cur_u8(c) * UNIT;
	unsigned from = who & 1;
	struct endpoint ends[2] = {
		{.addr = {.bytes = {10, 0, 0, 1}}, .port = (uint16_t)(40000 + (who >> 1 & 3))},
		{.addr = {.bytes = {10, 0, 0, 2}}, .port = 3306}};
	struct segment s = {
		.frame = ++st->frame,
		.time_ns = st->now_ns += 1000,
		.src = ends[from],
		.dst = ends[!from],
		.seq = st->base[from] + (uint32_t)(seq * UNIT) + (who >> 7),
		.ack = st->base[!from] + (uint32_t)(ack * UNIT),
		.flags = flags,
		.payload = slice_of(st->filler, cut < len ? len - cut : 0),
		.payload_wire_len = len,
	};

	take(st, &s);
}

static void step(struct state *st, struct cursor *c)
{
	switch (cur_u8(c) % STEPS) {
	case STEP_FRAME:
		step_frame(st, c);
		break;
	case STEP_TICK:
		st->now_ns += (int64_t)cur_u16(c) * 1000000;
		tcp_tick(st->tcp, st->now_ns);
		break;
	case STEP_FAR:
		st->base[0] += cur_u32(c);
		break;
	default:
		step_segment(st, c);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcp_options options = {.ports = {3306, 40001}, .port_count = 2};
	struct state *st = calloc(1, sizeof(*st));
	struct chunk_log *log = calloc(1, sizeof(*log));
	struct cursor c = cur_of(slice_of(data, size));
	struct stream_handler handler;

	assert(st && log);
	handler = chunk_log_handler(log);
	st->now_ns = INT64_C(1700000000000000000);
	assert(tcp_new(&options, &handler, &st->tcp) == ERR_OK);
	st->fragments = fragments_new();
	assert(st->fragments);
	while (cur_left(&c) > 0)
		step(st, &c);
	tcp_finish(st->tcp);
	assert(log->opened == log->closed);
	fragments_free(st->fragments);
	tcp_free(st->tcp);
	chunk_log_release(log);
	free(log);
	free(st);
	return 0;
}
