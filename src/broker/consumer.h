/*
 * consumer - takes blocks from the broker's queues, from a thread of its own, and acknowledges each when it is done with.
 *
 * A block that comes twice (it was published again, or delivered again after the connection was lost) is handed out
 * once, told by its stream (the recording's identity in its header) and number; a message of MRTE, which has none, only
 * while it is not acknowledged, by its bytes. The connection is tried again as a publisher's is. What is held is bounded by the prefetch, of each queue.
 */
#ifndef BROKER_CONSUMER_H
#define BROKER_CONSUMER_H

#include "base/slice.h"
#include "broker/place.h"
#include "recording/block.h"

struct consumer;

/* A block, or a message of MRTE. Owned by whoever has it, until consumer_done(). */
struct delivery {
	struct delivery *next; /* for lists of whoever has it */
	struct block_header
		header;      /* of MRTE's: RECORDING is a hash of the message, the rest is zero */
	struct slice stored; /* the body as HEADER announces it; all of MRTE's message */
	uint64_t origin;     /* who published it; 0: not known */
	unsigned queue;      /* from which it came, counted from 0 */
	bool again;  /* it was delivered before, to somebody else: it may have been executed */
	bool resent; /* its publisher may have sent it before, and somebody else have had that */
};

/* What becomes of a queue. */
enum consumer_queue {
	CONSUMER_KEEPS,  /* its blocks are for us */
	CONSUMER_LEAVES, /* it is to be another consumer's: nothing of it is to be begun */
};

struct consumer_state {
	bool connected;
	uint64_t taken;   /* blocks handed out */
	uint64_t twice;   /* blocks that came again and were not handed out again */
	uint64_t again;   /* of TAKEN: delivered to somebody else before */
	uint64_t foreign; /* messages that are no blocks: passed over */
	uint64_t errors;  /* connections that failed */
	uint64_t held;    /* blocks that are not acknowledged */
	int64_t idle_ns;  /* since when there was nothing to do; 0: there is something */
};

/*
 * Connects, and consumes from P's queues; if it names none, from all of its exchange (of "myna" if it names none
 * either): "EXCHANGE.0", "EXCHANGE.1" ... or, if SHARED, from its part of them, while others who do so have the rest.
 * P outlives it. ERR_USAGE: there are no such queues, or the login is refused; ERR_IO: the broker is not there;
 * ERR_NOMEM.
 */
enum err consumer_open(const struct place *p, bool shared, struct consumer **out,
		       struct errinfo *info) MUST_CHECK;

/* Acknowledges what is done, gives back the rest, and frees; deliveries that are held by others, too. NULL is fine. */
void consumer_free(struct consumer *c);

unsigned consumer_queues(const struct consumer *c);

/* The next block, which may be waited for up to WAIT_MS, or until consumer_stir(). ERR_AGAIN: there is none. ERR_NOMEM,
 * ERR_LIMIT. */
enum err consumer_next(struct consumer *c, int wait_ms, struct delivery **out,
		       struct errinfo *info) MUST_CHECK;

/* D is done with: it is acknowledged, and not the caller's any more. From any thread. */
void consumer_done(struct consumer *c, struct delivery *d);

/* Who waits in consumer_next() has something else to look at. From any thread. */
void consumer_stir(struct consumer *c);

/* What is stored in D is not looked at any more. */
void consumer_unpacked(struct delivery *d);

/*
 * D is not begun, since its queue leaves: it will be delivered again, to whoever has the queue then, and is not the
 * caller's any more. Those of a queue in their order; then consumer_leave().
 */
void consumer_give_back(struct consumer *c, struct delivery *d);

/* The caller asks for each queue from time to time, and answers CONSUMER_LEAVES by one of the two that follow. */
enum consumer_queue consumer_queue(const struct consumer *c, unsigned queue);

/* Nothing of QUEUE is held any more. */
void consumer_leave(struct consumer *c, unsigned queue);

/* What is held of QUEUE cannot be brought to an end now: it stays, for half a minute at least. */
void consumer_stay(struct consumer *c, unsigned queue);

/* How many blocks of a queue can be held at once. */
size_t consumer_prefetch(const struct consumer *c);

void consumer_state(struct consumer *c, struct consumer_state *out);

#endif
