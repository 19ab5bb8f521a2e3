/*
 * tracker - chunks through the protocol to events.
 *
 * Follows every conversation, from its first byte or from the middle; after a hole it goes on at the
 * next command. Never an answer to the wrong question: which response belongs to which command is
 * settled by counting while all bytes are heard, and after a loss by what the client had acknowledged
 * when it sent the command (that is where its response begins) and by the response's sequence id.
 *
 * One thread. Memory is bounded per conversation by max_statement, and what is idle holds no buffers. What sessions
 * prepared is kept once for all of them: docs/decisions/0019-shared-statements.md.
 */
#ifndef TRACK_TRACKER_H
#define TRACK_TRACKER_H

#include "event/event.h"
#include "event/informant.h"
#include "stream/chunk.h"

enum {
	/* bytes of texts, types and columns that all sessions prepared, beside one of the longest statements */
	TRACKER_STATEMENTS_MAX = 256 << 20,
};

struct tracker_options {
	size_t max_statement; /* bytes of a payload that are kept; 0: MYP_PAYLOAD_MAX */
	bool packets;         /* also tell of every packet: EVENT_PACKET */
	bool no_answers; /* there are none: USE, SET and the like are taken to have gone well */
	const struct informant *
		informant; /* copied: who asks the server about sessions that were open before; may be NULL */
};

struct tracker;

/* SINK is copied; its finish and tick are the caller's to call. ERR_NOMEM. */
enum err tracker_new(const struct tracker_options *options, const struct event_sink *sink,
		     struct tracker **out) MUST_CHECK;
void tracker_free(struct tracker *t); /* NULL is fine */

/* From now on the sink spares those details (enum event_detail). Until it is said: what the sink itself says. */
void tracker_spare(struct tracker *t, uint32_t details);

/*
 * What the server says of its sessions, in place of what it said before: what is known of joined sessions, from their next
 * chunk on. The reference is taken over.
 */
void tracker_set_census(struct tracker *t, struct census *census);

/* Where chunks go. */
struct stream_handler tracker_handler(struct tracker *t);

/*
 * ERR_OK, or what went wrong first: the sink failed, or memory is out. From then on no more events are given.
 */
enum err tracker_error(const struct tracker *t, struct errinfo *info);

/* What was counted here: sessions, commands, gaps and losses; what inputs count is zero. */
const struct coverage *tracker_coverage(const struct tracker *t);

#endif
