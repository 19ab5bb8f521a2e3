/*
 * flow - one connection: what is known of its two directions, and what a segment changes in it.
 *
 * Sequence numbers are turned into offsets of 64 bits at once, relative to the byte that is handed
 * over next, so that nothing above knows of their wrapping.
 */
#ifndef TCP_FLOW_H
#define TCP_FLOW_H

#include <stdbool.h>

#include "base/err.h"
#include "net/segment.h"
#include "stream/chunk.h"
#include "tcp/hold.h"
#include "tcp/tcp.h"

enum { FLOW_SIDES = 2 };

enum flow_state {
	FLOW_HALF_OPEN, /* nothing was handed over yet, and the handler does not know of it */
	FLOW_ONE_SIDED, /* told, but only one side was heard so far: of strangers there may be many */
	FLOW_OPEN,
	FLOW_CLOSING, /* one side has ended */
	FLOW_CLOSED,  /* told to the handler; kept for a while, to know its late segments by */
	FLOW_IGNORED, /* the handler does not want to know more; likewise */
	FLOW_SHED,    /* not heard for now */
	FLOW_STATES,
};

struct direction {
	uint64_t next;  /* offset of the byte to be handed over next */
	uint64_t acked; /* offset up to which the other side has it, for all that was heard */
	uint64_t fin;   /* offset at which it ends, if fin_heard */
	uint32_t base;  /* sequence number of offset 0, if known */
	bool known;
	bool base_said; /* by its SYN */
	bool heard;     /* a segment of it was seen */
	bool fin_heard;
};

struct flow {
	struct stream_flow said;          /* as the handler is told; from_start is set when it is */
	struct direction dir[FLOW_SIDES]; /* by enum stream_side */
	void *conversation;               /* NULL also if the handler is not interested */
	struct order *order;              /* NULL: nothing is held or missing */
	struct flow *older, *newer;       /* of the same state, by touched_ns */
	int64_t touched_ns;
	uint32_t frames; /* heard; wraps */
	uint16_t rank;   /* belongs to a share that is above it */
	uint8_t strange; /* segments in a row that fit neither direction's window */
	bool opened;     /* the handler was told; or it was counted as shed */
	bool syn_heard;
	bool base_guessed; /* bytes may have come before offset 0, though the SYN was heard */
	enum flow_state state;
};

/* What all flows share. */
struct flow_env {
	struct stream_handler handler;
	struct tcp_stats stats;
	int64_t now_ns;        /* the capture's */
	uint64_t frame;        /* ordinal of the last segment's frame */
	size_t held, held_max; /* bytes of memory, in all flows */
	struct order *oldest,
		*newest; /* flows that hold something, by how long ago they were looked at */
};

/* What a segment means for its flow as a whole. */
enum flow_verdict {
	FLOW_GOES_ON,
	FLOW_RESET,   /* it was ended */
	FLOW_FOREIGN, /* by now it is clear that another connection uses the same ports */
};

/* A direction has ended, and all of it was handed over. */
static inline bool direction_done(const struct direction *d)
{
	return d->fin_heard && d->next >= d->fin;
}

/* True if S opens another connection than F on the same ports. */
bool flow_is_reused(const struct flow *f, enum stream_side side, const struct segment *s);

/* Takes note of S, which SIDE of F sent, so that flow_is_reused() can tell, and of nothing else. */
void flow_pass_over(struct flow *f, enum stream_side side, const struct segment *s);

/* Takes S, which SIDE of F sent. ERR_NOMEM: some of it was not taken. */
enum err flow_segment(struct flow_env *env, struct flow *f, enum stream_side side,
		      const struct segment *s, enum flow_verdict *verdict) MUST_CHECK;

#endif
