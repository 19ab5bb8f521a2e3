/*
 * explain - what the target's EXPLAIN says of the statements that got slower, asked on one connection after the
 * replay. Blocks.
 */
#ifndef REPLAY_EXPLAIN_H
#define REPLAY_EXPLAIN_H

#include "client/target.h"
#include "replay/example.h"
#include "replay/outcome.h"

enum {
	EXPLAIN_ROWS_MAX = 50,      /* statements asked for, those that hurt most first */
	EXPLAIN_PLAN_MAX = 16 << 10 /* bytes of a plan; a longer one is cut */
};

/*
 * Gives O's rows that are judged slower, and have an example, their plan: the lines of EXPLAIN, a column each as
 * "name: value", or why there is none. ERR_IO: the target cannot be reached, or does not answer within ten seconds.
 * ERR_NOMEM.
 */
enum err explain_slower(const struct target *target, const struct examples *examples,
			struct outcome *o, struct errinfo *info) MUST_CHECK;

#endif
