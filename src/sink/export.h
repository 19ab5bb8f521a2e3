/*
 * export - every exchange as a line of JSON: the contract is docs/export.md.
 */
#ifndef SINK_EXPORT_H
#define SINK_EXPORT_H

#include "event/event.h"
#include "out/out.h"

struct export_sink;

/* OUT is the caller's and must outlive the sink. ERR_NOMEM. */
enum err export_new(struct out *out, struct export_sink **out_sink) MUST_CHECK;
void export_free(struct export_sink *x); /* NULL is fine */
struct event_sink export_events(struct export_sink *x);

#endif
