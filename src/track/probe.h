/*
 * probe - finds MySQL among all connections, by what is said in them.
 *
 * Stands between TCP and a stream handler, which hears of those flows only that are MySQL's:
 *
 * - heard from their start: the server speaks first, and its first packet is a greeting (version 10 or 9, and the
 *   version's text) or an error; nothing but a PROXY header may come from the client before;
 * - joined: what one side says begins like a command, and what the other answers like a response; then it is also
 *   settled which of them is the client. Where only one side is heard, several commands in a row.
 *
 * What was said until then is held and handed on, so nothing of a session is missing. All others are given back to
 * TCP as of no interest after their first bytes. Bounded: bytes and chunks held per flow, turns and bytes looked at.
 */
#ifndef TRACK_PROBE_H
#define TRACK_PROBE_H

#include "base/err.h"
#include "stream/chunk.h"

enum {
	PROBE_HELD_MAX = 16,            /* chunks held of a flow */
	PROBE_HELD_BYTES_MAX = 1 << 17, /* bytes of them */
	PROBE_TURNS_MAX = 16, /* changes of who speaks in a joined flow, until it is given up */
	PROBE_BYTES_MAX = 16 << 20, /* bytes of a joined flow, likewise: a result may be long */
	PROBE_COMMANDS = 8,         /* in a row, where only the client is heard */
};

struct probe;

/* INNER is copied. ERR_NOMEM. */
enum err probe_new(const struct stream_handler *inner, struct probe **out) MUST_CHECK;
void probe_free(struct probe *p); /* NULL is fine */

/* Where chunks go. */
struct stream_handler probe_handler(struct probe *p);

/* Flows that were not MySQL's, or of which too little was heard to know. */
uint64_t probe_other_flows(const struct probe *p);

#endif
