/*
 * trace - one line per event, to look at conversations.
 *
 *   10:15:00.123456 5f03a1c2 > QUERY select 1
 *   10:15:00.123901 5f03a1c2 < resultset: 1 column, 1 row, 0.445 ms
 */
#ifndef SINK_TRACE_H
#define SINK_TRACE_H

#include "event/event.h"
#include "out/out.h"

struct trace_options {
	bool colour;
	size_t width; /* characters of a statement before it is cut; 0: never */
	bool hex;     /* packets: dump them */
};

/* OUT is the caller's and must outlive the sink. ERR_NOMEM. */
enum err trace_new(struct out *out, const struct trace_options *options,
		   struct event_sink *sink) MUST_CHECK;

#endif
