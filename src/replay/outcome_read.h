/*
 * outcome_read - an outcome that was written as JSON, read again; and two of them as one.
 */
#ifndef REPLAY_OUTCOME_READ_H
#define REPLAY_OUTCOME_READ_H

#include "replay/outcome.h"

/*
 * Reads what outcome_write_json() has written to PATH ("-": standard input). Of the samples nothing is kept.
 * *OUT is to be initialised, and is to be released in any case. ERR_IO, ERR_PROTO (it is none, or of another
 * version), ERR_NOMEM; INFO says which file, and what is wrong with it.
 */
enum err outcome_read(const char *path, struct outcome *out, struct errinfo *info) MUST_CHECK;

/*
 * Fills *INTO, which is initialised, with the contrast of two outcomes: what A's target did is what was
 * before, what B's did is now. A difference is what B has more of, with the same recording, than A; what
 * was not sent, and what is told of connections, is B's. ERR_NOMEM.
 */
enum err outcome_contrast(const struct outcome *a, const struct outcome *b,
			  struct outcome *into) MUST_CHECK;

#endif
