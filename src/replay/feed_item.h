/*
 * feed_item - one session's events as items in its worker's batch. Internal to replay/; for the pump's thread.
 */
#ifndef REPLAY_FEED_ITEM_H
#define REPLAY_FEED_ITEM_H

#include "replay/feed.h"

enum { FEED_PAYLOAD_MAX = 1 << 16 }; /* bytes */

/* What was told last of a session's state: by how often it had changed. */
struct feed_stamp {
	uint32_t state, user, database, attributes;
	uint16_t collation;
};

struct feed_session {
	uint64_t id;
	struct player *player; /* the worker's, from its first item on */
	unsigned worker;
	uint32_t copy;
	int64_t shift_ns; /* of recorded time: how much later than the first copy it is */
	bool has_gap, lost_commands;
	bool resumed;  /* an earlier replay was interrupted in the middle of it */
	bool was_open; /* it began before what is replayed */
	bool unsure;   /* as item_open's, and nothing was heard since that tells */
	bool shed;     /* nothing of it is sent any more */
	struct feed_stamp told;
	struct turns_session turns;
	struct map announced; /* ids of statements that the worker knows; items are marks */
	struct guard_session guarded;
};

/* Room for an item with BODY bytes behind its head; NULL: no memory. */
struct item *feed_item_new(struct feed *f, const struct feed_session *s, enum item_type type,
			   size_t body, int64_t at_ns);

/* Copies S to TO; returns what comes behind it. */
uint8_t *feed_put_bytes(uint8_t *to, struct slice s);

/* Bytes of the statements that rebuild the state of S, which are looked at by the guard with it. */
size_t feed_state_len(struct feed *f, struct feed_session *fs, const struct session *s);

/* With what the session is opened, or (ITEM_STATE) would have to be from now on. ERR_NOMEM. */
enum err feed_put_open(struct feed *f, struct feed_session *fs, const struct session *s,
		       enum item_type type, int64_t at_ns) MUST_CHECK;
enum err feed_put_command(struct feed *f, struct feed_session *fs, const struct event *e,
			  const struct profile_row *row) MUST_CHECK;

/* The same in a dry run, which only counts. */
enum err feed_count_command(struct feed *f, struct feed_session *fs, const struct event *e,
			    uint64_t key) MUST_CHECK;

/* The worker knows the text of the statement ID. Out of memory, it gets it once more. */
void feed_announce(struct feed_session *fs, uint32_t id);

/* Hands over what WORKER's batch has. */
void feed_flush_one(struct feed *f, unsigned worker);

#endif
