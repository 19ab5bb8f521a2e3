/*
 * Target: probe_handler, proxy_take.
 * A flow of which it is not known whether it is MySQL. The first byte says if its start was heard; then come chunks:
 * side and kind in a byte, the length in two, the bytes. chunk_log holds what is handed on to the promises of
 * stream/chunk.h.
 */
#include <assert.h>
#include <stdlib.h>

#include "../tests/chunk_log.h"
#include "base/cursor.h"
#include "track/probe.h"

enum { STEP_SIDE = 1, STEP_GAP = 2, STEP_ACK_UNKNOWN = 4, STEP_ACK_LATE = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void step(const struct stream_handler *h, void *flow, struct cursor *c, uint64_t offset[2],
		 int64_t acked[2])
{
	uint8_t what = cur_u8(c);
	size_t len = cur_u16(c);
	enum stream_side side = what & STEP_SIDE ? STREAM_SERVER : STREAM_CLIENT;
	struct stream_chunk chunk = {.from = side, .offset = offset[side]};

	if (!(what & STEP_ACK_LATE)) /* else as it was: acknowledgements do not go back */
		acked[side] = (int64_t)offset[!side];
	chunk.acked = what & STEP_ACK_UNKNOWN ? STREAM_ACK_UNKNOWN : acked[side];
	if (what & STEP_GAP)
		chunk.gap = len;
	else
		chunk.bytes = cur_bytes(c, len < cur_left(c) ? len : cur_left(c));
	offset[side] += chunk.gap + chunk.bytes.len;
	if (chunk.gap + chunk.bytes.len > 0)
		h->chunk(h->ctx, flow, &chunk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chunk_log *log = calloc(1, sizeof(*log));
	struct cursor c = cur_of(slice_of(data, size));
	struct stream_flow said = {.id = 1, .first_ns = 1, .from_start = !(cur_u8(&c) & 1)};
	struct stream_handler inner, h;
	uint64_t offset[2] = {0, 0};
	int64_t acked[2] = {0, 0};
	struct probe *p;
	void *flow;

	assert(log);
	inner = chunk_log_handler(log);
	assert(probe_new(&inner, &p) == ERR_OK);
	h = probe_handler(p);
	flow = h.open(h.ctx, &said);
	assert(flow);
	while (cur_left(&c) > 0 && !h.bored(h.ctx, flow))
		step(&h, flow, &c, offset, acked);
	h.close(h.ctx, flow, STREAM_END_FIN, 1, 1);
	assert(log->opened == log->closed && log->opened + probe_other_flows(p) == 1);
	probe_free(p);
	chunk_log_release(log);
	free(log);
	return 0;
}
