/*
 * asker - a connection of our own on which a server is asked questions, one statement at a time. Every call blocks,
 * but never longer than the wait it was made with.
 */
#ifndef CLIENT_ASKER_H
#define CLIENT_ASKER_H

#include "client/connection.h"

enum {
	ASKER_COLUMNS_MAX = 16,     /* of a row that are handed out; later ones are not */
	ASKER_BYTES_MAX = 64 << 20, /* of one answer */
};

/* One row: values as text, borrowed for the call. NULL in the server is a NULL pointer. */
struct asker_row {
	struct slice values[ASKER_COLUMNS_MAX];
	size_t count;
};

typedef enum err asker_row_fn(void *ctx, const struct asker_row *row);

struct asker;

/*
 * Connects to T, which must outlive it. ERR_IO: it cannot be reached, does not let us in, or not within WAIT_NS,
 * which holds for each later question, too. ERR_USAGE, ERR_NOMEM, ERR_UNSUPPORTED.
 */
enum err asker_new(const struct target *t, int64_t wait_ns, struct asker **out,
		   struct errinfo *info) MUST_CHECK;
void asker_free(struct asker *a); /* NULL is fine */

/*
 * Asks TEXT and gives each row of the answer to FN (which may be NULL). ERR_UNSUPPORTED: the server answered with an
 * error: see asker_error(); the next question may be asked. What FN returns ends it. After ERR_IO, ERR_LIMIT (more than
 * ASKER_BYTES_MAX), ERR_NOMEM and FN's errors the connection is no longer of use: asker_is_open() is false.
 */
enum err asker_ask(struct asker *a, const char *text, asker_row_fn *fn, void *ctx,
		   struct errinfo *info) MUST_CHECK;

bool asker_is_open(const struct asker *a);

/* Code and SQLSTATE of the last error that the server answered with; 0: none. */
unsigned asker_error(const struct asker *a);

/* Our end of the connection, as getsockname() gives it. -1: there is none. */
int asker_fd(const struct asker *a);

/* As its greeting says. Borrowed from A. */
struct slice asker_server_version(const struct asker *a);

#endif
