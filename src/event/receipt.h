/*
 * receipt - tells where events came from when all that was made of them is done with.
 *
 * An input whose source wants to know (a broker) gives its events a receipt. A sink that is done with an event when
 * its event() returns has nothing to do; one that keeps something of it past that (a command that is to be executed)
 * holds the receipt as long. From any thread.
 */
#ifndef EVENT_RECEIPT_H
#define EVENT_RECEIPT_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/err.h"

struct receipt {
	atomic_uint holds;
	void (*settled)(struct receipt *r); /* by whoever released it last; it may be gone then */
};

/* R may be NULL in both. */
static inline void receipt_hold(struct receipt *r)
{
	if (r)
		atomic_fetch_add_explicit(&r->holds, 1, memory_order_relaxed);
}

static inline void receipt_release(struct receipt *r)
{
	if (r && atomic_fetch_sub_explicit(&r->holds, 1, memory_order_acq_rel) == 1)
		r->settled(r);
}

/* Those that are held for a while, by one thread. All zero is empty. */
struct receipts {
	struct receipt **items;
	size_t count, cap;
};

/* Holds R, which may be NULL, unless it is the one that was held last. ERR_NOMEM. */
enum err receipts_hold(struct receipts *l, struct receipt *r) MUST_CHECK;

/* Releases all. */
void receipts_release(struct receipts *l);

/* Frees the list without releasing: what it held is never settled. */
void receipts_drop(struct receipts *l);

#endif
