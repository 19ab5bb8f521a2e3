/*
 * backlog - how old the oldest is of what waits in a queue, told by how many were put and taken out, in order.
 *
 * It keeps a bounded number of moments; where more would be needed two become one, so that the answer
 * is an older one's, never a younger one's.
 */
#ifndef METRICS_BACKLOG_H
#define METRICS_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

enum { BACKLOG_MOMENTS = 256 };

struct backlog {
	struct {
		uint64_t before, put; /* so many had been put before it, and at its end */
		int64_t at_ns;        /* of its beginning */
	} moments[BACKLOG_MOMENTS];
	size_t count;
	uint64_t step; /* a moment is of so many at least */
};

/* All zero is an empty one. At NOW_NS, PUT were put so far and TAKEN of them taken out: the age of the oldest left; 0: none is. */
int64_t backlog_age_ns(struct backlog *b, uint64_t put, uint64_t taken, int64_t now_ns);

#endif
