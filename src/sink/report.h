/*
 * report - the statements that were heard, ranked by what they cost, under a head that says how much
 * was heard at all.
 */
#ifndef SINK_REPORT_H
#define SINK_REPORT_H

#include "event/event.h"
#include "out/out.h"

enum report_format { REPORT_TEXT, REPORT_JSON };

struct report_options {
	enum report_format format;
	uint64_t limit;   /* statements to show; 0: all */
	size_t width;     /* characters of a statement in the text form; 0: all of it */
	bool colour;      /* a terminal takes it */
	const char *name; /* of the input, for the head; borrowed */
};

/* OUT is the caller's and must outlive the sink. All is written at the end. ERR_NOMEM. */
enum err report_new(struct out *out, const struct report_options *options,
		    struct event_sink *sink) MUST_CHECK;

#endif
