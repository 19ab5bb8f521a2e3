/*
 * pace - when: an absolute schedule. What happened at an offset from the recording's beginning is
 * due at the replay's beginning plus the offset divided by the speed, whatever happened
 * meanwhile; lateness is measured from there and never forgiven.
 *
 * And the timers of one worker: a heap of players by the time they wait for.
 */
#ifndef REPLAY_PACE_H
#define REPLAY_PACE_H

#include <stdint.h>

#include "base/err.h"

struct pace {
	int64_t start_ns; /* monotonic clock, of the recording's beginning */
	double speed;     /* 0: as fast as answers come */
};

/* The monotonic time at which OFFSET_NS is due; INT64_MIN without a pace. */
int64_t pace_due_ns(const struct pace *p, int64_t offset_ns);

enum { TIMER_OFF = -1 };

/* Part of whatever waits; belongs to one heap. */
struct timer {
	int64_t due_ns;
	int32_t at; /* place in the heap, or TIMER_OFF */
};

struct timers {
	struct timer **heap; /* the earliest first */
	int32_t count, cap;
};

static inline void timer_init(struct timer *t)
{
	t->at = TIMER_OFF;
}

void timers_release(struct timers *ts);

/* (Re)sets T to DUE_NS. ERR_NOMEM, ERR_LIMIT. */
enum err timers_set(struct timers *ts, struct timer *t, int64_t due_ns) MUST_CHECK;
void timers_clear(struct timers *ts, struct timer *t);

/* The earliest; NULL if there is none. */
static inline struct timer *timers_first(const struct timers *ts)
{
	return ts->count > 0 ? ts->heap[0] : NULL;
}

#endif
