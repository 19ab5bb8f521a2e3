/*
 * filter - which events pass: one language of options for every command.
 *
 * An exchange passes if its command was sent in the window and everything else that is asked holds; the response goes with its
 * command, whenever it comes. So windows that follow one another have every exchange once. Options that may be given
 * several times take patterns with * and ?, of which one must fit; "!pattern" must not fit.
 *
 * A session's beginning passes if it lies in the window and nothing of the session is against it; otherwise it is told
 * right before the first of its exchanges that passes. What ERRORS and SLOWER_NS ask is known only with the
 * response: with them a command is told together with its response, without its payload, and the pieces of a LOCAL
 * INFILE are left out. Packets pass with their exchange, and those of the login with the session's beginning; while that
 * is not known they are held, up to a limit, past which a LEFT_OUT stands in their place.
 *
 * Once nothing can pass any more, because the window is over, what takes the events returns ERR_EOF.
 *
 * The coverage that is handed on counts what passed, as far as events tell it (see event/tally.h), and how many commands of the
 * window were left out. What the input counts stays whole, since nobody knows whose a lost frame was.
 */
#ifndef FILTER_FILTER_H
#define FILTER_FILTER_H

#include "base/opt.h"
#include "event/event.h"

struct filter_options {
	const char *since, *until; /* scan_time_after(); UNTIL is outside */
	int64_t begin_ns;          /* when the first event was; 0: the first that comes is */
	struct opt_texts sessions; /* ids as outputs show them, or their beginning */
	struct opt_texts users, databases, commands, clients;
	struct opt_texts digests; /* ids as outputs show them, or their beginning */
	const char *match;        /* a regular expression on the text; NULL: none */
	bool errors;              /* errors only */
	int64_t slower_ns; /* only what took longer from its first to its last byte; 0: all */
	bool cuts;         /* a beginning outside the window is not told later */
};

struct filter;

/* True if O asks for anything. */
bool filter_is_asked(const struct filter_options *o);

/*
 * *OUT hands to NEXT what passes. OPTIONS' texts must outlive it. ERR_USAGE: INFO says which option is wrong; ERR_NOMEM.
 */
enum err filter_new(const struct filter_options *options, const struct event_sink *next,
		    struct filter **out, struct errinfo *info) MUST_CHECK;
void filter_free(struct filter *f); /* not NEXT; NULL is fine */

/* F as a sink; its free() leaves F alone. */
struct event_sink filter_events(struct filter *f);

/*
 * The window, as far as it is known: before the first event relative times are not. INT64_MIN and INT64_MAX: no limit.
 */
void filter_window(const struct filter *f, int64_t *since_ns, int64_t *until_ns);

#endif
