/*
 * recorder - events into one recording, or into a series of them.
 *
 * A series begins a new file after a time or a size. A session that goes on is in the next file from its next command
 * on: a command and its response are always in the same file. So the file before stays open until the commands
 * under way in it are answered, at the longest until the next file but one begins. One thread.
 */
#ifndef RECORDING_RECORDER_H
#define RECORDING_RECORDER_H

#include "recording/writer.h"

enum recorder_news {
	RECORDER_BEGAN,   /* a file */
	RECORDER_REMOVED, /* a file, for those that are newer */
};

struct recorder_options {
	int64_t rotate_ns;     /* begin a new file after so long; 0: not */
	uint64_t rotate_bytes; /* begin a new file at this size; 0: not */
	size_t keep;           /* files of the series, older ones are removed; 0: all */
	uint64_t min_free;     /* bytes to leave free on the disk; 0: none */
	bool live;             /* the events' clock is the machine's */
	/* What happened to which file; may be NULL. */
	void (*news)(void *ctx, enum recorder_news what, const char *path);
	void *ctx;
};

struct recorder;

/*
 * PATH is the file to make, or with rotate_ns or rotate_bytes the name of the series (see series.h), whose first file is
 * made when the first event or tick comes. Errors as of recording_writer_new(). CTX must outlive R.
 */
enum err recorder_new(const char *path, const struct recorder_options *options,
		      struct recorder **out, struct errinfo *info) MUST_CHECK;

/* Without recorder_finish() what is not written yet is lost. NULL is fine. */
void recorder_free(struct recorder *r);

/*
 * As of the writer. ERR_IO also if less than min_free is left on the disk and no older file can be removed, or if
 * a file cannot be made or removed.
 */
enum err recorder_event(struct recorder *r, const struct event *e, struct errinfo *info) MUST_CHECK;
enum err recorder_tick(struct recorder *r, const struct coverage *so_far,
		       struct errinfo *info) MUST_CHECK;
enum err recorder_finish(struct recorder *r, const struct coverage *coverage,
			 struct errinfo *info) MUST_CHECK;

/* What the server says, for the file at hand and those that follow. As of the writer. */
enum err recorder_server(struct recorder *r, const struct server_facts *s,
			 struct errinfo *info) MUST_CHECK;

/* True if events were taken that are in no file yet. */
bool recorder_pending(const struct recorder *r);

/* Bytes of all files so far. */
uint64_t recorder_bytes(const struct recorder *r);

/* The file that is being written; the name of the series while there is none. Borrowed until the next event or tick. */
const char *recorder_path(const struct recorder *r);

#endif
