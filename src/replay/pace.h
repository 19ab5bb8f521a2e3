/*
 * pace - when: an absolute schedule. What happened at an offset from the recording's beginning is
 * due at the replay's beginning plus the offset divided by the speed, whatever happened
 * meanwhile; lateness is measured from there and never forgiven.
 *
 * And a rate, and the timers of one worker: a heap of players by the time they wait for.
 */
#ifndef REPLAY_PACE_H
#define REPLAY_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct pace {
	int64_t start_ns; /* monotonic clock, of the recording's beginning */
	double speed;     /* 0: as fast as answers come */
	bool no_think;    /* sessions begin when they are due, commands do not wait */
};

/* True if commands are due at a time. */
static inline bool pace_is_kept(const struct pace *p)
{
	return p->speed > 0 && !p->no_think;
}

/* The monotonic time at which OFFSET_NS is due; INT64_MIN without a pace. */
int64_t pace_due_ns(const struct pace *p, int64_t offset_ns);

/* So many per second, for all threads. */
struct rate {
	int64_t interval_ns; /* 0: as many as like */
	atomic_llong next_ns;
};

void rate_init(struct rate *r, double per_second); /* 0: no limit */

/* When the one that asks at NOW_NS may go, which takes that place. */
int64_t rate_take(struct rate *r, int64_t now_ns);

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
