/*
 * rewrite - recorded events into another recording.
 *
 * What can be counted of the events is counted anew for its coverage: sessions, joined ones, commands, what was
 * lost and what was not answered. The rest is as it is told at the end.
 */
#ifndef SINK_REWRITE_H
#define SINK_REWRITE_H

#include "event/event.h"
#include "event/server.h"

struct rewrite;

/* PATH must not exist. As recording_writer_new(). */
enum err rewrite_new(const char *path, struct rewrite **out, struct errinfo *info) MUST_CHECK;
void rewrite_free(struct rewrite *r);
struct event_sink rewrite_events(struct rewrite *r);

/* The events of SESSION come from another reader from now on. */
void rewrite_retell(struct rewrite *r, uint64_t session);

/* What servers said. */
enum err rewrite_servers(struct rewrite *r, const struct server_log *log,
			 struct errinfo *info) MUST_CHECK;

uint64_t rewrite_bytes(const struct rewrite *r);

#endif
