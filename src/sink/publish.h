/*
 * publish - every event to a broker: a session's in the blocks of one shard, by the hash of its id.
 *
 * Blocks go into the outbox as they are full, or old; the publisher sends them from there. Of a live input the sink
 * never waits: what the outbox has no room for ends it with an error, or lets whole sessions go. Any other input is
 * held back until there is room.
 */
#ifndef SINK_PUBLISH_H
#define SINK_PUBLISH_H

#include <signal.h>

#include "broker/publisher.h"
#include "event/event.h"
#include "mrte/speak.h"

struct publish_progress {
	uint64_t blocks; /* put into the outbox so far */
	uint64_t shed;   /* sessions that were let go, since there was no room */
	const struct coverage *coverage;
};

struct publish_options {
	uint32_t shards;
	int64_t block_age_ns; /* at which a block is not waited with */
	uint64_t limit;       /* bytes in the outbox */
	bool live;
	bool mrte;                         /* messages of kakao MRTE, and no blocks; one shard */
	size_t mrte_packet_max;            /* bytes of a statement in them; 0: MRTE_PACKET_MAX */
	bool shed;                         /* live: at the limit, let sessions go that say more */
	const volatile sig_atomic_t *stop; /* not live: ends a wait for room */
	/* About ten times a second, also while it waits; may be NULL. */
	void (*progress)(void *ctx, const struct publish_progress *p);
	void *ctx;
};

struct publish_sink;

/* OUTBOX and PUBLISHER stay the caller's. ERR_IO, ERR_NOMEM. */
enum err publish_new(struct outbox *outbox, struct publisher *publisher,
		     const struct publish_options *options, struct publish_sink **out,
		     struct errinfo *info) MUST_CHECK;
void publish_free(struct publish_sink *p); /* NULL is fine */
struct event_sink publish_events(struct publish_sink *p);

/* What messages of MRTE could not carry; NULL: they are blocks. */
const struct mrte_left *publish_left(const struct publish_sink *p);

/* Sessions that were let go, since there was no room. */
uint64_t publish_shed(const struct publish_sink *p);

#endif
