/*
 * begun - blocks from a broker whose events are handed out, until all is done that was made of them. Internal to input/.
 *
 * For the pump's thread, but for the receipts.
 */
#ifndef INPUT_BEGUN_H
#define INPUT_BEGUN_H

#include "broker/consumer.h"
#include "event/receipt.h"

struct begun {
	struct receipt receipt; /* first; one hold is its maker's */
	struct consumer *consumer;
	struct delivery *delivery; /* acknowledged when it is settled; NULL: none */
	struct begun *chain;       /* those before, which are done with when this one is */
	struct begun *before;      /* in a chain */
	struct begun *next;        /* in the list */
	atomic_bool settled;       /* set last: it may be gone then */
	bool kept;                 /* somebody looks at it: it is not freed though it is settled */
	unsigned holds;            /* when it was looked at last */
	int64_t moved_ns;          /* monotonic: when they had changed */
};

struct begun_list {
	struct begun *first;
};

/* Takes over D, which may be NULL. NULL: no memory. */
struct begun *begun_new(struct begun_list *l, struct consumer *c, struct delivery *d);

/* Frees what is settled and not kept. */
void begun_reap(struct begun_list *l);

/* Frees all: nobody has a receipt any more. */
void begun_release(struct begun_list *l);

/* All that was made of B is done with. */
bool begun_is_settled(const struct begun *b);

/*
 * The next block need not wait for B any longer: B is settled, or nothing more of it was done for a tenth of a second,
 * as when a statement waits for another one that only comes later.
 */
bool begun_is_over(struct begun *b, int64_t now_ns);

#endif
