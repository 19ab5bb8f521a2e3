/*
 * select - which sessions and commands are replayed: a sink in front of the replay's.
 */
#ifndef REPLAY_SELECT_H
#define REPLAY_SELECT_H

#include "filter/filter.h"

struct select {
	struct event_sink next,
		filtered;       /* FILTERED: through the filter to what counts and hands on */
	struct filter *filter;  /* NULL: nothing is asked of commands */
	double share;           /* of the sessions: 0 to 1 */
	uint64_t heard, passed; /* commands */
};

/*
 * What passes FILTER, which may be NULL, and belongs to a session of SHARE goes to NEXT. S must not move; FILTER's texts outlive
 * it. ERR_USAGE, ERR_NOMEM as filter_new().
 */
enum err select_init(struct select *s, const struct filter_options *filter, double share,
		     const struct event_sink *next, struct errinfo *info) MUST_CHECK;
void select_release(struct select *s);

struct event_sink select_sink(struct select *s);

/* True if the session ID is in the SHARE of all: told from its id, so always the same. */
bool select_in_share(uint64_t id, double share);

#endif
