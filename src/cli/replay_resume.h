/*
 * replay_resume - --checkpoint and --resume of myna replay.
 */
#ifndef CLI_REPLAY_RESUME_H
#define CLI_REPLAY_RESUME_H

#include "cli/replay_args.h"
#include "replay/replay.h"

/*
 * Fills what OPTIONS have of it; *OUT is for the caller to checkpoint_free(), and NULL without --resume. ERR_USAGE: what
 * excludes each other, or a file that is there and is not to be continued; checkpoint_read()'s errors.
 */
enum err replay_resume(const struct replay_args *args, const struct opt_words *words,
		       struct replay_options *options, struct checkpoint **out,
		       struct errinfo *info) MUST_CHECK;

#endif
