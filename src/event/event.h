/*
 * event - where every producer and every consumer meet.
 *
 * An input gives events, sinks take them. Within a session they come in this order: SESSION, then COMMAND
 * and RESPONSE (a command before its response, responses in the order of their commands), GAP where
 * something was not heard, END. A PACKET comes before what it completes, but behind the COMMAND that it is; those
 * of a login come before SESSION. Everything an event points to is borrowed for the call.
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "base/err.h"
#include "event/command.h"
#include "event/coverage.h"
#include "event/packet.h"
#include "event/receipt.h"
#include "event/response.h"
#include "event/session.h"

enum event_type {
	EVENT_SESSION, /* the login has ended; or, of a joined session, something is about to be told of it */
	EVENT_COMMAND,
	EVENT_DATA,     /* a piece of the file that a LOCAL INFILE request asked for */
	EVENT_RESPONSE, /* also of commands without one, at once, with kind NONE */
	EVENT_GAP,
	EVENT_END,
	EVENT_PACKET, /* only of inputs that were asked for packets, and can give them */
	EVENT_TYPES,
};

enum end_reason {
	END_QUIT,
	END_FIN,
	END_RESET,
	END_TIMEOUT,
	END_CAPTURE, /* the input ended first */
	END_SHED,    /* let go, to spend less on listening */
	END_REASONS,
};

const char *end_reason_name(enum end_reason r); /* "quit" */

enum gap_side { GAP_COMMANDS, GAP_RESPONSES };

struct event {
	enum event_type type;
	uint64_t
		order; /* ordinal of the input frame that completed it: the order things happened in */
	int64_t time_ns; /* of what completed it, by the capture's clock */
	const struct session *session;
	struct receipt *receipt; /* for who keeps it past the call; NULL: nobody asks */
	union {
		const struct command *command;
		const struct response *response;
		struct {
			uint64_t n;         /* of the command that asked for it */
			struct slice bytes; /* of one packet; empty: the end of the file */
		} data;
		struct {
			enum gap_side side;
			uint64_t bytes; /* 0: not known */
			uint64_t after; /* ordinal of the last command heard before it */
		} gap;
		enum end_reason end;
		const struct packet *packet;
	};
};

/*
 * Details that cost an input time and that a sink may have no use for; flags. What a sink spares may be there all
 * the same: of a recording everything is, since it costs nothing there.
 */
enum event_detail {
	EVENT_RESULTS =
		1
		<< 0, /* definitions of columns, checksums of rows: result.columns, .sum and .column_sums */
	EVENT_VALUES =
		1 << 1, /* parameters of executions: command.params, of which params_known tells */
};

/*
 * Who takes events. A failure ends the run: what could not be written is the world's fault; ERR_EOF ends it
 * without one: nothing that may come is wanted. All calls come from one thread.
 */
struct event_sink {
	enum err (*event)(void *ctx, const struct event *e, struct errinfo *info);
	/* Now and then, also when nothing happens (live): about every 100 ms of the machine's clock. May be NULL. */
	enum err (*tick)(void *ctx, const struct coverage *so_far, double progress,
			 struct errinfo *info);
	/* Once, last. */
	enum err (*finish)(void *ctx, const struct coverage *coverage, struct errinfo *info);
	/*
	 * Before finish: takes over all that the sink of OTHER has heard, which was made alike and is not finished. NULL:
	 * what it does depends on the order of events of different sessions.
	 */
	enum err (*merge)(void *ctx, void *other, struct errinfo *info);
	/* Gives back what its maker took; by its owner, never by who pumps. May be NULL. */
	void (*free)(void *ctx);
	void *ctx;
	uint32_t
		spares; /* enum event_detail; 0, as it is unless something is said: it takes everything */
};

#endif
