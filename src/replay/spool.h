/*
 * spool - batches that wait on disk, since there are more than memory is meant for: a queue in a file without a
 * name, which is gone with the program. What was taken out gives its place back, where the file system can do that.
 *
 * What is in a batch (pointers, too) means something in this process only.
 */
#ifndef REPLAY_SPOOL_H
#define REPLAY_SPOOL_H

#include "base/err.h"
#include "replay/batch.h"

struct spool {
	int fd; /* -1: nothing was ever put there */
	const char *folder;
	uint64_t limit;      /* bytes that should wait at most: who fills it looks at that */
	uint64_t head, tail; /* offsets in the file */
	uint64_t given_back; /* up to here */
};

/* FOLDER outlives it. */
void spool_init(struct spool *s, const char *folder, uint64_t limit);
void spool_release(struct spool *s);

static inline uint64_t spool_bytes(const struct spool *s)
{
	return s->tail - s->head;
}

/* Puts a copy of B, for WORKER, at the end, whatever the limit says. ERR_IO, with INFO. */
enum err spool_put(struct spool *s, unsigned worker, const struct batch *b,
		   struct errinfo *info) MUST_CHECK;

/* Takes the first one, of which there must be one; *OUT is the caller's. ERR_IO, ERR_NOMEM, with INFO. */
enum err spool_take(struct spool *s, unsigned *worker, struct batch **out,
		    struct errinfo *info) MUST_CHECK;

#endif
