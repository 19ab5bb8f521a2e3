/*
 * held - deliveries that are not acknowledged, as the consumer knows them. For its thread.
 */
#ifndef BROKER_HELD_H
#define BROKER_HELD_H

#include <stdatomic.h>

#include "broker/consumer.h"
#include "broker/mq.h"

/* A delivery, and what only the consumer knows of it. */
struct held {
	struct delivery delivery;
	struct held *before, *after; /* all, in the order in which they came */
	struct held *next_done;
	uint16_t channel;
	uint64_t tag;   /* 0: it was given back, or its channel is gone */
	int64_t got_ns; /* monotonic: with that tag */
	bool returned;  /* to the broker, unbegun */
	uint8_t *bytes; /* NULL: they are not needed any more */
};

struct held_list {
	struct held *first, *last;
	atomic_ullong count; /* from any thread */
};

/* What E delivers from QUEUE; its body begins AT bytes into the message. NULL: no memory. */
struct held *held_new(const struct mq_event *e, const struct block_header *header, unsigned queue,
		      size_t at);
void held_add(struct held_list *l, struct held *h);

/* Takes H from L and frees it. */
void held_free(struct held_list *l, struct held *h);

/* The block of that stream and number; NULL: it is not held. */
struct held *held_find(const struct held_list *l, const struct block_header *b);

/* The message with that hash which waits to be delivered again. */
struct held *held_find_untagged(const struct held_list *l, uint64_t hash);

#endif
