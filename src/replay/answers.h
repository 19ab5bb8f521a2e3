/*
 * answers - what one run of a replay was answered, kept for the next one, which is compared with it:
 * in a file without a name, so that memory holds but an index of 24 bytes for each. Filled by several
 * threads; after answers_seal() only read.
 */
#ifndef REPLAY_ANSWERS_H
#define REPLAY_ANSWERS_H

#include "replay/facts.h"

struct answers;

/* In the folder that TMPDIR names, or /tmp. ERR_IO, ERR_NOMEM. */
enum err answers_new(struct answers **out, struct errinfo *info) MUST_CHECK;
void answers_free(struct answers *a); /* NULL is fine */

/*
 * The target answered command N of SESSION so; F's times are since the command was sent. A failure is told
 * by answers_seal().
 */
void answers_add(struct answers *a, uint64_t session, uint64_t n, const struct facts *f);

/* No more are added. ERR_IO (a full disk), ERR_NOMEM. */
enum err answers_seal(struct answers *a, struct errinfo *info) MUST_CHECK;

/* Fills *OUT; false: there was no answer, or it cannot be read. */
bool answers_get(const struct answers *a, uint64_t session, uint64_t n, struct facts *out);

size_t answers_count(const struct answers *a);

#endif
