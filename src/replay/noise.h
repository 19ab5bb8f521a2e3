/*
 * noise - by how much the same server differs from itself: how far apart the latencies of two replays
 * against it are, per row and in total. What is judged afterwards has to differ by more.
 */
#ifndef REPLAY_NOISE_H
#define REPLAY_NOISE_H

#include "replay/outcome.h"

struct noise {
	struct map rows; /* struct noise_row by key */
	double total;    /* share, as in struct contrast */
};

void noise_init(struct noise *n);
void noise_release(struct noise *n);

/* A and B are of the same target. Of several calls the greatest difference stays. ERR_NOMEM. */
enum err noise_add(struct noise *n, const struct outcome *a, const struct outcome *b) MUST_CHECK;

/* Tells O, for the next outcome_judge(). */
void noise_apply(const struct noise *n, struct outcome *o);

#endif
