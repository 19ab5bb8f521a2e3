/*
 * export - every exchange as a line of JSON: the contract is docs/export.md.
 */
#ifndef SINK_EXPORT_H
#define SINK_EXPORT_H

#include "event/event.h"
#include "out/out.h"

/* OUT is the caller's and must outlive the sink. ERR_NOMEM. */
enum err export_new(struct out *out, struct event_sink *sink) MUST_CHECK;

#endif
