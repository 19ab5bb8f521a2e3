/*
 * retry - when to try again what failed: after half a second, then twice as long each time, up to ten seconds, and each
 * time by chance up to half as long more or less, so that many who lost the same broker do not come back at once.
 */
#ifndef BROKER_RETRY_H
#define BROKER_RETRY_H

#include <sys/random.h>

#include "base/clock.h"

struct retry {
	int64_t pause_ns; /* before jitter; 0: nothing has failed */
	int64_t at_ns;    /* monotonic: not before */
};

static inline void retry_reset(struct retry *r)
{
	*r = (struct retry){.pause_ns = 0};
}

static inline void retry_failed(struct retry *r, int64_t now_ns)
{
	const int64_t first_ns = NS_PER_S / 2, last_ns = 10 * NS_PER_S;
	uint16_t chance = UINT16_MAX / 2;

	r->pause_ns = r->pause_ns == 0 ? first_ns : r->pause_ns * 2;
	if (r->pause_ns > last_ns)
		r->pause_ns = last_ns;
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != (ssize_t)sizeof(chance))
		chance = UINT16_MAX / 2;
	r->at_ns = now_ns + r->pause_ns / 2 + r->pause_ns / UINT16_MAX * chance;
}

/* Nanoseconds until it may be tried. */
static inline int64_t retry_wait_ns(const struct retry *r, int64_t now_ns)
{
	return r->at_ns > now_ns ? r->at_ns - now_ns : 0;
}

#endif
