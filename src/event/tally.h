/*
 * tally - counts what can be counted of events themselves: for the coverage of a part of what was heard.
 *
 * What waits for its response when its session or the input ends is not counted as lost, but as unanswered. Recordings of
 * earlier versions tell it as lost right before the session's end.
 */
#ifndef EVENT_TALLY_H
#define EVENT_TALLY_H

#include "event/event.h"

struct tally {
	struct map open; /* sessions that were told and have not ended, by id */
	struct coverage own;
	uint64_t answered;
};

void tally_init(struct tally *t);
void tally_release(struct tally *t);

/* ERR_NOMEM. */
enum err tally_event(struct tally *t, const struct event *e) MUST_CHECK;

/* Adds what FROM counted, of other sessions. */
void tally_merge(struct tally *t, const struct tally *from);

/* Puts what was counted into C: sessions, joined, commands, lost_responses, unanswered, gaps, gap_bytes. */
void tally_apply(const struct tally *t, struct coverage *c);

#endif
