/*
 * hold - pieces of one direction that cannot be handed over yet, sorted by offset, not overlapping.
 */
#ifndef TCP_HOLD_H
#define TCP_HOLD_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

/* Pieces in a list before the caller is to stop; so a search in it stays short. */
enum { HOLD_PIECES_MAX = 4096 };

/* Bytes of a segment, or as many that the capture cut off from it. */
struct piece {
	uint64_t offset;
	uint64_t len;         /* not 0 */
	const uint8_t *bytes; /* NULL: cut off */
	int64_t ack; /* offset that the other direction had reached for the sender; -1: unknown */
	int64_t time_ns;
	uint64_t frame;
};

struct held {
	struct held *next;
	struct piece piece; /* its bytes are the struct's own */
	uint8_t bytes[];
};

/* All zero is the empty list. */
struct hold_list {
	struct held *first, *last;
	size_t cost; /* bytes of memory */
	size_t count;
};

/* Memory that P costs when it is held. */
static inline size_t piece_cost(const struct piece *p)
{
	return sizeof(struct held) + (p->bytes ? p->len : 0);
}

static inline uint64_t piece_end(const struct piece *p)
{
	return p->offset + p->len;
}

/* Leaves off the first N bytes of *P, which has more than N. */
void piece_drop_front(struct piece *p, uint64_t n);

/*
 * Adds copies of those parts of *P that no piece covers yet; *DOUBLE_BYTES is how much was covered.
 * ERR_NOMEM: not all parts were added.
 */
enum err hold_put(struct hold_list *l, const struct piece *p, uint64_t *double_bytes) MUST_CHECK;

/* Takes the first piece out; the caller frees it with hold_free(). */
struct held *hold_take(struct hold_list *l);
void hold_free(struct held *h);
void hold_clear(struct hold_list *l);

#endif
