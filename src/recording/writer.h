/*
 * writer - events into a recording.
 *
 * Events gather in a block that is compressed and written when it is full, or old. What was written
 * stays readable whatever happens afterwards: a killed process loses the block that it was filling, a
 * full disk that block and what comes after. One thread.
 */
#ifndef RECORDING_WRITER_H
#define RECORDING_WRITER_H

#include "event/event.h"
#include "event/server.h"

struct recording_writer_options {
	int level;            /* zstd's; negative is faster and larger; 0: RECORDING_LEVEL */
	size_t block_bytes;   /* at which a block is full, 512 to 1 MiB; 0: 1 MiB */
	int64_t block_age_ns; /* at which recording_writer_tick() writes a block; 0: 1 s */
	bool sync_blocks;     /* fsync after every block, not only at the end */
};

enum { RECORDING_LEVEL = -1 };

struct recording_writer;

/*
 * Makes the file PATH, mode 0600. ERR_USAGE: there is one already, or PATH is "-"; ERR_IO, ERR_NOMEM.
 * OPTIONS may be NULL.
 */
enum err recording_writer_new(const char *path, const struct recording_writer_options *options,
			      struct recording_writer **out, struct errinfo *info) MUST_CHECK;

/* Without recording_writer_finish() what is not written yet is lost. NULL is fine. */
void recording_writer_free(struct recording_writer *w);

/*
 * Records E. ERR_NOMEM; ERR_IO: what was written before is kept, nothing more can be: all later calls fail
 * in the same way.
 */
enum err recording_writer_event(struct recording_writer *w, const struct event *e,
				struct errinfo *info) MUST_CHECK;

/* The events of SESSION come from another reader from now on, which knows it by another struct session. */
void recording_writer_retell(struct recording_writer *w, uint64_t session);

/* Records what the server says. As recording_writer_event(). */
enum err recording_writer_server(struct recording_writer *w, const struct server_facts *s,
				 struct errinfo *info) MUST_CHECK;

/* Writes the block that is being filled if it is old. SO_FAR: what the recording says of its coverage from now on. */
enum err recording_writer_tick(struct recording_writer *w, const struct coverage *so_far,
			       struct errinfo *info) MUST_CHECK;

/* True if events were taken that are not written yet. */
bool recording_writer_pending(const struct recording_writer *w);

/* Bytes of the file so far. */
uint64_t recording_writer_bytes(const struct recording_writer *w);

/* Writes the rest and syncs. Once, last. */
enum err recording_writer_finish(struct recording_writer *w, const struct coverage *coverage,
				 struct errinfo *info) MUST_CHECK;

#endif
