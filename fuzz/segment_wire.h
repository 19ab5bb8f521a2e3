/* segment_wire - the segments of a list as the frames that they stand for. */
#ifndef FUZZ_SEGMENT_WIRE_H
#define FUZZ_SEGMENT_WIRE_H

#include "../tests/wire.h"
#include "segment_list.h"

static inline void listed_put(struct buf *wire, const struct listed *l, int64_t time_ns)
{
	static const uint32_t starts[2] = {UINT32_MAX - 300, 77000};
	unsigned from = l->what & WHAT_SERVER ? STREAM_SERVER : STREAM_CLIENT;
	bool syn = l->what & WHAT_SYN;
	struct wire_segment s = {
		.time_ns = time_ns,
		.shape = l->shape % WIRE_SHAPES,
		.flow = listed_flow(l),
		.from = from,
		.flags = (uint8_t)((syn ? TCP_SYN : 0) | (l->what & WHAT_FIN ? TCP_FIN : 0) |
				   (l->what & WHAT_RST ? TCP_RST : 0) |
				   (l->what & WHAT_NO_ACK ? 0 : TCP_ACK)),
		.seq = starts[from] + l->offset - syn,
		.ack = starts[!from] + l->ack,
		.cut = l->cut,
		.payload = slice_head(l->bytes, WIRE_PAYLOAD_MAX),
	};

	if (l->what & WHAT_FRAME)
		wire_put_frame(wire, time_ns, l->bytes, l->cut);
	else
		wire_put(wire, &s);
}

#endif
