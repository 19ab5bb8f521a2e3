/*
 * exchange - command and response joined, the unit of every analysis.
 *
 * Give it every event; when a response comes it hands both to the callback. Commands are copied until
 * then, but for their payload, which is empty in what is handed over.
 */
#ifndef EVENT_EXCHANGE_H
#define EVENT_EXCHANGE_H

#include "event/event.h"

enum {
	EXCHANGE_PENDING_MAX = 1 << 20, /* commands without a response yet, over all sessions */
};

struct exchange {
	const struct session *session;
	const struct command *command;
	const struct response *response;
	uint64_t order;     /* of the response */
	int64_t latency_ns; /* last byte of the command to first of the response; negative: unknown */
	int64_t duration_ns; /* first byte of the command to last of the response; negative: unknown */
};

typedef enum err exchange_fn(void *ctx, const struct exchange *x, struct errinfo *info);

struct exchange_join;

enum err exchange_join_new(exchange_fn *fn, void *ctx, struct exchange_join **out) MUST_CHECK;
void exchange_join_free(struct exchange_join *j);

/* Takes COMMAND, RESPONSE and END events; leaves all others alone. What FN returns, or ERR_NOMEM. */
enum err exchange_join_event(struct exchange_join *j, const struct event *e,
			     struct errinfo *info) MUST_CHECK;

#endif
