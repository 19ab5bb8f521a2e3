/*
 * server - answers GET /metrics over HTTP with the text it was given last, from a thread of its own.
 *
 * Who gives it never waits for those who ask. A connection is answered once and closed. It is open for
 * METRICS_CONNECTION_NS at most; and where METRICS_CONNECTIONS_MAX come close, the oldest are closed, so that who says
 * nothing, or too slowly, keeps nobody out. The only file that knows libmicrohttpd is server.c.
 */
#ifndef METRICS_SERVER_H
#define METRICS_SERVER_H

#include "base/clock.h"
#include "base/slice.h"
#include "metrics/address.h"

enum { METRICS_CONNECTIONS_MAX = 64, METRICS_REQUEST_MAX = 16 << 10 }; /* bytes, with its head */

static const int64_t METRICS_CONNECTION_NS = 5 * NS_PER_S;

struct metrics_server;

/* Listens at ADDRESS, and answers nobody yet. ERR_IO: it is in use, or not this machine's; ERR_NOMEM. */
enum err metrics_server_open(const struct metrics_address *address, struct metrics_server **out,
			     struct errinfo *info) MUST_CHECK;

/* Where it listens, with the port that the system chose. */
const struct metrics_address *metrics_server_address(const struct metrics_server *s);

/*
 * Begins to answer. The thread has the privileges that the caller has now. ERR_IO, ERR_NOMEM. Once it has begun,
 * calling it again does nothing.
 */
enum err metrics_server_start(struct metrics_server *s, struct errinfo *info) MUST_CHECK;

/*
 * From now on TEXT is the answer. If the one before is being read at this moment it stays, until next time: this does
 * not wait. Without memory the answer is empty.
 */
void metrics_server_put(struct metrics_server *s, struct slice text);

void metrics_server_free(struct metrics_server *s); /* NULL is fine */

#endif
