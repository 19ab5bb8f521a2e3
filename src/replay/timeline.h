/*
 * timeline - latency over the time of a recording, in at most TIMELINE_SLOTS slots of equal width,
 * which grows with the recording. One thread at a time; those of several threads are merged.
 */
#ifndef REPLAY_TIMELINE_H
#define REPLAY_TIMELINE_H

#include "base/hist.h"

enum { TIMELINE_SLOTS = 64 };

struct timeline {
	int64_t width_ns; /* of a slot: a power of two of the smallest one */
	struct hist slots[TIMELINE_SLOTS];
	uint64_t errors[TIMELINE_SLOTS];
};

void timeline_init(struct timeline *t);
void timeline_release(struct timeline *t);

/* What took LATENCY_NS (negative: unknown, then only an error is counted) at AT_NS from the beginning. */
enum err timeline_add(struct timeline *t, int64_t at_ns, int64_t latency_ns, bool error) MUST_CHECK;
enum err timeline_merge(struct timeline *into, const struct timeline *from) MUST_CHECK;

/* Makes slots at least WIDTH_NS wide. */
enum err timeline_widen(struct timeline *t, int64_t width_ns) MUST_CHECK;

/* How many slots there are, up to the last one with something in it. */
unsigned timeline_used(const struct timeline *t);

#endif
