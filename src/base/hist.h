/*
 * hist - a histogram of durations, exact to 1.6 %, sparse: a digest with a few calls costs a few
 * hundred bytes. Values are nanoseconds; negative ones count as 0.
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	HIST_STEPS = 64, /* buckets per power of two */
	HIST_GROUPS = 58 /* group 0 holds 0..63, group g holds 2^(g+5) .. 2^(g+6)-1 */
};

struct hist {
	uint32_t *groups[HIST_GROUPS]; /* HIST_STEPS counters each; NULL: all zero */
	uint64_t count;
	int64_t min_ns, max_ns; /* exact; 0 while count is 0 */
	uint64_t sum_ns;        /* exact, so that the order of additions does not show */
};

void hist_init(struct hist *h);
void hist_release(struct hist *h);

/* ERR_NOMEM: the value was counted in count, sum, min and max, but not in the distribution. */
enum err hist_add(struct hist *h, int64_t value_ns);
/* COUNT times the same value. */
enum err hist_add_many(struct hist *h, int64_t value_ns, uint32_t count) MUST_CHECK;
enum err hist_merge(struct hist *into, const struct hist *from) MUST_CHECK;

/* The smallest value that at least share Q (0 to 1) of all values do not exceed; 0 when empty. */
int64_t hist_quantile_ns(const struct hist *h, double q);
double hist_mean_ns(const struct hist *h);

/* BELOW[i]: how many values do not exceed BOUNDS_NS[i], which grow; COUNT of both. Exact to a bucket. */
void hist_below(const struct hist *h, const int64_t *bounds_ns, size_t count, uint64_t *below);

/* What lies in one bucket of H. */
struct hist_bucket {
	int64_t top_ns; /* the largest value that falls into it */
	uint32_t count;
	unsigned at; /* where to go on */
};

/* The next bucket with something in it, in order; begin with AT 0. */
bool hist_next(const struct hist *h, struct hist_bucket *b);

#endif
