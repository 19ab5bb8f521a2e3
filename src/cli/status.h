/*
 * status - tells how a command goes: now and then a line on standard error, and to Prometheus (--metrics).
 *
 * A command fills in its own figures and calls status_look() whenever it has new ones; those of the input are taken from
 * its ticks. All of it is for the thread that pumps. Nothing here waits for whoever reads it.
 */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include <stdatomic.h>

#include "cli/command.h"
#include "cli/figures.h"
#include "metrics/server.h"

struct status {
	const struct opt_page *page;
	int64_t every_ns; /* between two lines; 0: none */
	struct figures
		figures; /* groups beside the input's, and their numbers, are the command's */
	bool in_place;   /* on a terminal: also show the line as it changes */
	bool always;     /* also with an input that ends by itself */
	void (*own)(void *ctx); /* prints a line in place of ours; NULL: ours */
	void *ctx;
	/* The rest is its own. */
	bool begun, terminal;
	struct input *in;
	struct event_sink next;
	atomic_llong
		event_ns; /* of the last event, by its clock; written by the thread that has it */
	int64_t seen_ns;  /* the same, as of the last tick */
	int64_t told_ns, shown_ns, served_ns; /* monotonic */
	struct coverage told;                 /* as of the last line */
	struct metrics_server *server;        /* NULL: nobody is served */
	struct buf text;
};

/*
 * Opens what LISTEN asks for with --metrics, and says where that is. To be called while the program has all its privileges.
 * ERR_USAGE, ERR_IO, ERR_NOMEM.
 */
enum err status_init(struct status *s, const struct opt_page *page,
		     const struct listen_args *listen, struct errinfo *info) MUST_CHECK;

/* Begins to serve, what IN's figures are among. ERR_IO, ERR_NOMEM. */
enum err status_begin(struct status *s, struct input *in, struct errinfo *info) MUST_CHECK;

/* True if the events of the input that was begun with are to go through status_sink(). */
bool status_is_wanted(const struct status *s);

/* In front of NEXT, the first sink of the input. */
struct event_sink status_sink(struct status *s, const struct event_sink *next);

/* There are new figures: tells what is due. */
void status_look(struct status *s);

void status_release(struct status *s);

#endif
