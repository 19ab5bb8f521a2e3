/*
 * texts - texts that are kept once, however many sessions have them: an application's sessions prepare the same
 * statements. For one thread.
 */
#ifndef REPLAY_TEXTS_H
#define REPLAY_TEXTS_H

#include "base/map.h"
#include "base/slice.h"

enum { TEXTS_MAX = 1 << 20 }; /* different ones; more are kept for each that has them */

struct text {
	struct texts *of; /* NULL: it is not shared */
	uint64_t hash;
	uint32_t users;
	size_t len;
	uint8_t bytes[];
};

struct texts {
	struct map map; /* struct text */
};

void texts_init(struct texts *ts);
void texts_release(struct texts *ts); /* all were dropped */

/* The text S, for the caller to text_drop(). NULL: no memory. */
struct text *texts_take(struct texts *ts, struct slice s);

/* Once more, for another owner. */
static inline struct text *text_again(struct text *t)
{
	t->users++;
	return t;
}

void text_drop(struct text *t); /* NULL is fine */

static inline struct slice text_slice(const struct text *t)
{
	return slice_of(t->bytes, t->len);
}

#endif
