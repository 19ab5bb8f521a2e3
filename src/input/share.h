/*
 * share - which share of the sessions is heard, so that listening costs no more of a processor than it may.
 *
 * A rule, not a measurement: it is told what each window of time cost, and says what the share is from then on. When a
 * window costs too much, or the kernel dropped frames in it, fewer of the sessions that begin are heard; when that was not
 * enough, the next window also lets those go that are under way. When there is room, the share grows again, slowly, and to
 * where it proved too much it goes ever more seldom. Between room and limit nothing changes.
 */
#ifndef INPUT_SHARE_H
#define INPUT_SHARE_H

#include <stdint.h>

enum {
	SHARE_ALL = 1 << 16, /* as TCP_SHARE_ALL */
	SHARE_WINDOW_NS = 500 * 1000 * 1000,
};

struct share {
	double limit;       /* CPU time by time: 0.5 is half of one processor */
	uint32_t beginning; /* of sessions that begin, of SHARE_ALL */
	uint32_t running;   /* of those under way; no less */
	unsigned calm;      /* windows in a row with room */
	unsigned wait;      /* windows with room before it grows to TOO_MUCH or more */
	uint32_t too_much;  /* the beginning share that was cut last */
};

void share_init(struct share *s, double limit);

/* A window of ELAPSED_NS is over, in which USED_NS of CPU time were spent and DROPS frames lost by the kernel. */
void share_window(struct share *s, int64_t used_ns, int64_t elapsed_ns, uint64_t drops);

#endif
