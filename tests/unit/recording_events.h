/*
 * recording_events - sessions that never were, for the tests of recordings: random, but the same for the
 * same seed, and changing as the tracker changes real ones. And a text of all that an event says, to
 * compare what was written with what was read.
 */
#ifndef TESTS_RECORDING_EVENTS_H
#define TESTS_RECORDING_EVENTS_H

#include "event/event.h"

struct world;

/* MAX_VALUE: bytes of the longest statement or value. */
struct world *world_new(uint64_t seed, size_t max_value);
void world_free(struct world *w);

/* The next event, valid until the next call. Its effect on its session comes with that call. */
const struct event *world_next(struct world *w);

/* An END for one of the sessions that are left; NULL when none is. */
const struct event *world_end(struct world *w);

/* Everything that E says, but numbers that are of one run only. */
void event_dump(const struct event *e, struct buf *out);

/* What an event was, short. */
struct seen {
	uint64_t hash;
	enum event_type type;
	int64_t time_ns;
};

/* Events one after the other. */
struct story {
	struct seen *events;
	size_t count, cap;
	bool without_gaps; /* sessions' counts of gaps are not looked at */
	struct buf scratch;
};

void story_init(struct story *s);
void story_release(struct story *s);
void story_add(struct story *s, const struct event *e);

/* True if A begins with what B is. */
bool story_is_prefix(const struct story *a, const struct story *b);

#endif
