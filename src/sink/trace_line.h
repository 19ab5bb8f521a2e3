/*
 * trace_line - what the lines of trace are made of: the head, colours, foreign text. Internal to sink/.
 */
#ifndef SINK_TRACE_LINE_H
#define SINK_TRACE_LINE_H

#include "event/event.h"
#include "out/out.h"

struct trace_line {
	struct out *out;
	bool colour;
	size_t width;    /* characters of a text before it is cut; 0: never */
	struct buf utf8; /* of the text that is being written */
};

enum line_colour { LINE_PLAIN, LINE_RED, LINE_GREEN, LINE_YELLOW, LINE_BLUE, LINE_GREY };

void line_init(struct trace_line *l, struct out *out, bool colour, size_t width);
void line_release(struct trace_line *l);

void line_colour(struct trace_line *l, enum line_colour c);

/* "10:15:00.123456 5f03a1c2 > " */
void line_head(struct trace_line *l, const struct session *s, int64_t time_ns, char mark);

/* TEXT, of the character set of COLLATION: blanks folded, control characters as dots, cut at the width. */
void line_text(struct trace_line *l, uint16_t collation, struct slice text);

/* Whole lines: who the session is; what was not heard. */
void line_session(struct trace_line *l, const struct session *s);
void line_gap(struct trace_line *l, const struct event *e);

/* The rest of the line of an EVENT_END. */
void line_end(struct trace_line *l, const struct event *e);

#endif
