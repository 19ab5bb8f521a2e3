/*
 * replay_sides - the targets that one replay is made against, in turn, and what is carried from run to run:
 * the answers of the first target, which the second's are compared with, and those of the run before, which
 * show what differs by itself.
 */
#ifndef CLI_REPLAY_SIDES_H
#define CLI_REPLAY_SIDES_H

#include "base/opt.h"
#include "replay/noise.h"
#include "replay/replay.h"

enum { SIDES_MAX = 2, SIDE_NAME_MAX = 96 };

struct side {
	struct target target;
	char name[SIDE_NAME_MAX];
	const struct side *baseline;   /* that it is compared with; NULL: with the recording */
	struct replay *replay;         /* the last run's; NULL: none yet */
	struct answers *now, *before;  /* of the last run and of the one before it; or NULL */
	struct replay_options options; /* of the run under way, which borrows them */
	struct replay *done;           /* the run before, whose outcome is compared with the last */
};

struct sides {
	struct side items[SIDES_MAX];
	size_t count;
	bool repeated;
	struct noise noise;
};

void sides_init(struct sides *s, bool repeated);
void sides_release(struct sides *s);

/* One side for each of URLS, or one of ARGS alone, whose url is written. ERR_USAGE, ERR_IO. */
enum err sides_resolve(struct sides *s, const struct opt_texts *urls, struct target_args *args,
		       struct errinfo *info) MUST_CHECK;

/*
 * Makes ready for run number RUN against SIDE, by COMMAND (or NULL), a shell's, whose output goes to standard
 * error. ERR_IO: it failed.
 */
enum err sides_begin(struct sides *s, struct side *side, const char *command, uint64_t run,
		     struct errinfo *info) MUST_CHECK;

/* The options of the run under way: BASE's, and the side's own. */
void side_set_options(struct side *side, const struct replay_options *base);

/* The run under way is REPLAY, which SIDE owns from now on. */
void side_take_replay(struct side *side, struct replay *replay);

/* The run has come to its end. ERR_IO, ERR_NOMEM. */
enum err sides_end(struct sides *s, struct side *side, struct errinfo *info) MUST_CHECK;

/* What LAST, the side that was replayed last, has to tell. */
struct outcome *sides_outcome(struct sides *s, struct side *last);

#endif
