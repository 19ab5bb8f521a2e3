/*
 * guard - what --read-only lets through to the target.
 *
 * Told from the text of each command; what it cannot see, in views, triggers and allowed routines, the target refuses,
 * since every session is made read only there.
 */
#ifndef REPLAY_GUARD_H
#define REPLAY_GUARD_H

#include "event/command.h"
#include "replay/outcome.h"
#include "sql/readonly.h"

struct guard {
	struct sql_allowed allowed;
	struct outcome *outcome; /* where it is noted which routines were not called */
};

/* What is remembered of a session: the SQL-level prepared statements that were let through. */
struct guard_session {
	struct map prepared; /* marks by name */
};

void guard_session_init(struct guard_session *s);
void guard_session_release(struct guard_session *s);

/*
 * SENT, or why the command must not be. *PAYLOAD is set, to static bytes, if another one has to be sent in its
 * place: a COM_QUERY under no capabilities.
 */
enum not_sent guard_command(const struct guard *g, struct guard_session *gs,
			    const struct session *s, const struct command *c,
			    struct slice *payload);

/* True if TEXT, which rebuilds a part of the state of S, may be sent. */
bool guard_state(const struct guard *g, struct guard_session *gs, const struct session *s,
		 struct slice text);

/* What makes a session of the target refuse what slipped through. */
#define GUARD_STATEMENT "SET SESSION TRANSACTION READ ONLY"

/* True if the target refused for that. */
bool guard_refused(const struct facts *recorded, const struct facts *replayed);

#endif
