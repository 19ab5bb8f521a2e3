/*
 * record - keeps every event in a recording.
 */
#ifndef SINK_RECORD_H
#define SINK_RECORD_H

#include "event/event.h"
#include "recording/recorder.h"

struct record_progress {
	uint64_t sessions, exchanges; /* so far */
	uint64_t bytes;               /* of all files */
	const char *path;             /* of the file being written */
	const struct coverage *coverage;
	double share; /* of the input, 0 to 1; negative: unknown */
};

struct record_options {
	uint64_t max_bytes; /* of all files; 0: no limit */
	/* About ten times a second; may be NULL. */
	void (*progress)(void *ctx, const struct record_progress *p);
	void *ctx;
};

struct record_sink;

/* RECORDER stays the caller's. ERR_NOMEM. */
enum err record_new(struct recorder *recorder, const struct record_options *options,
		    struct record_sink **out) MUST_CHECK;
void record_free(struct record_sink *r);
struct event_sink record_events(struct record_sink *r);

/* True once the files have reached their limit: the input is to be stopped. */
bool record_is_full(const struct record_sink *r);

#endif
