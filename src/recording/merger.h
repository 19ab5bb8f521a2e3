/*
 * merger - several recordings as one, by time.
 *
 * A session that is in several of them (files of a series, cuts of one recording) is one again: its beginning is told once, and
 * what two of them have, once. Sessions of other collectors have other ids. Recordings are opened when their time
 * comes: memory is that of those which overlap.
 */
#ifndef RECORDING_MERGER_H
#define RECORDING_MERGER_H

#include "recording/reader.h"

struct merger;

/* PATHS are files and must outlive it. ERR_UNSUPPORTED: one is a pipe; others as recording_reader_open(). */
enum err merger_new(const char *const *paths, size_t count, struct merger **out,
		    struct errinfo *info) MUST_CHECK;
void merger_free(struct merger *m);

/*
 * As recording_reader_next(), but for the ENDs of sessions that were still open at the end of a recording, which are not told.
 * *OTHER: the session's event before this one came from another recording.
 */
enum err merger_next(struct merger *m, struct event *out, bool *other,
		     struct errinfo *info) MUST_CHECK;

/* What servers said in all of them. Borrowed from M. */
const struct server_log *merger_servers(const struct merger *m);

/* The sum of what was read to the end. */
void merger_coverage(const struct merger *m, struct coverage *out);

#endif
