/*
 * held - packets that wait until it is known whether their exchange passes. Internal to filter/.
 *
 * Bounded over all lists: of what is past the limit one LEFT_OUT packet per command tells how many there were.
 */
#ifndef FILTER_HELD_H
#define FILTER_HELD_H

#include "event/event.h"

enum { HELD_MAX = 32 << 20 }; /* bytes, over all lists */

struct held; /* one packet */

/* Of one session; all zero is empty. */
struct held_list {
	struct held *first, *last;
};

/* Copies the packet of E. *BYTES: of all lists. ERR_NOMEM. */
enum err held_put(struct held_list *l, size_t *bytes, const struct event *e) MUST_CHECK;

/* Hands those of the command N to NEXT, in order, and forgets them. What NEXT returns. */
enum err held_release(struct held_list *l, size_t *bytes, uint64_t n, const struct event_sink *next,
		      struct errinfo *info) MUST_CHECK;

/* Forgets those of the command N; all of them. */
void held_drop(struct held_list *l, size_t *bytes, uint64_t n);
void held_clear(struct held_list *l, size_t *bytes);

#endif
