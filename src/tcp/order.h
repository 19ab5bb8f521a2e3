/*
 * order - when the pieces of a flow are handed over.
 *
 * A piece waits until it is the next of its direction, and until all that its sender had acknowledged
 * was handed over. What is missing is given up, as a gap, once it was acknowledged and the reorder
 * window has passed since; or when a limit is reached; or at the end of the flow. If two pieces wait
 * for each other, which takes repetitions on both sides that overtook what they repeat, the one heard
 * first goes.
 */
#ifndef TCP_ORDER_H
#define TCP_ORDER_H

#include "tcp/flow.h"

/* What a flow needs only while something is held or missing. */
struct order_side {
	struct hold_list held;
	uint64_t aged; /* what is missing below this offset is given up */
	uint64_t mark; /* the same, as soon as the window has passed since mark_ns; if marked */
	int64_t mark_ns;
	uint32_t mark_frames; /* flow.frames at mark_ns */
	bool marked;
};

struct order {
	struct flow *flow;
	struct order_side side[FLOW_SIDES];
	struct order *older, *newer; /* in flow_env */
	int64_t looked_ns;
};

/* Hands *P of SIDE over, or keeps a copy until it may be. ERR_NOMEM: it was dropped, in part or all. */
enum err order_take(struct flow_env *env, struct flow *f, enum stream_side side,
		    struct piece *p) MUST_CHECK;

/* Says that more of SIDE was acknowledged than was handed over. ERR_NOMEM. */
enum err order_acked(struct flow_env *env, struct flow *f, enum stream_side side) MUST_CHECK;

/* Lets time pass for F, and hands over what may be by now. */
void order_look(struct flow_env *env, struct flow *f);

/* The same for the flow that was looked at longest ago, which by that becomes the latest. */
void order_look_again(struct flow_env *env, struct flow *f);

/* Hands over all that is held; what is missing becomes gaps. */
void order_flush(struct flow_env *env, struct flow *f);

/* Frees what is held, without telling. */
void order_drop(struct flow_env *env, struct flow *f);

#endif
