/*
 * figures - what came of a replay so far, told by its workers now and then, while they go on.
 *
 * A worker puts its figures onto its board; the pump reads all boards at any time, and waits for nobody.
 */
#ifndef REPLAY_FIGURES_H
#define REPLAY_FIGURES_H

#include <stdatomic.h>

#include "replay/outcome.h"

enum { FIGURES_BOUNDS = 16 };

/* From 0.1 ms to 1 min, for the lateness. */
extern const int64_t figures_bounds_ns[FIGURES_BOUNDS];

struct figures_times {
	uint64_t below[FIGURES_BOUNDS]; /* how many do not exceed that bound, to 1.6 % of it */
	uint64_t all, sum_ns;
};

/* Nothing but numbers of 64 bits. */
struct replay_figures {
#define COUNT(name, text) uint64_t name;
	OUTCOME_COUNTS(COUNT)
#undef COUNT
	uint64_t not_sent[NOT_SENT_REASONS]; /* as in struct outcome */
	uint64_t verdicts[VERDICTS], apart[APARTS];
	struct figures_times lateness, own_lateness;
};

enum { FIGURES_CELLS = sizeof(struct replay_figures) / sizeof(uint64_t) };

struct figures_board {
	atomic_ullong cells[FIGURES_CELLS];
};

/* What O says; the rest is zero. */
void figures_of(const struct outcome *o, struct replay_figures *out);

/* Written by one thread. */
void figures_put(struct figures_board *b, const struct replay_figures *f);
void figures_add(struct replay_figures *into, const struct figures_board *b);

#endif
