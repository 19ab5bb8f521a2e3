/*
 * hear - MRTE's messages to chunks: what each client said, in the order in which it was published.
 *
 * A unit holds several packets, or a part of one. A segment that was sent twice was published twice: it is left out
 * where the bytes prove it, which is so of the first segment of a longer packet, of the last one, of a login, and of what
 * nobody says twice (QUIT, CLOSE). Servers are not heard at all; a client that is silent for 8 hours has gone.
 */
#ifndef MRTE_HEAR_H
#define MRTE_HEAR_H

#include "base/err.h"
#include "base/slice.h"
#include "stream/chunk.h"

enum { MRTE_FLOWS_MAX = 1 << 16 }; /* clients at once; past it the longest silent one is closed */

struct mrte_heard {
	uint64_t messages, units;
	uint64_t
		bad_messages; /* that end within a unit, or hold none; what stands before that is heard */
	uint64_t bad_checksums; /* units, left out */
	uint64_t duplicates;    /* units, left out */
	uint64_t cut;           /* packets whose end was not published */
	uint64_t misplaced;     /* units that are no packet's beginning where one has to be */
	uint64_t flows;
	uint64_t limit_closed;
};

struct mrte_hearing;

/*
 * Servers are taken to be on the collectors' hosts, on PORT, which is not told in messages. HANDLER is copied. ERR_NOMEM.
 */
enum err mrte_hearing_new(uint16_t port, const struct stream_handler *handler,
			  struct mrte_hearing **out) MUST_CHECK;
void mrte_hearing_free(struct mrte_hearing *h); /* NULL is fine; flows that are open are not told */

/* Takes a message, which came at TIME_NS. ERR_NOMEM: a client was not followed. */
enum err mrte_hear(struct mrte_hearing *h, struct slice message, int64_t time_ns) MUST_CHECK;

/* Ends all flows with STREAM_END_CAPTURE. */
void mrte_hearing_finish(struct mrte_hearing *h);

const struct mrte_heard *mrte_hearing_stats(const struct mrte_hearing *h);

#endif
