/*
 * census - what a server said of all its sessions at one moment: who is connected from where, and the state of each
 * that cannot be heard any more.
 *
 * Made by one thread, then shared and not changed: whoever holds a reference may read it. Texts lie in its own memory.
 */
#ifndef EVENT_CENSUS_H
#define EVENT_CENSUS_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/map.h"
#include "net/addr.h"

enum {
	CENSUS_BYTES_MAX = 64 << 20, /* of texts and entries */
	CENSUS_SESSIONS_MAX = 1 << 17,
};

/* A prepared statement that lives in a session. */
struct census_statement {
	struct census_statement *next;
	uint32_t id;       /* of the protocol; of one prepared in SQL it means nothing */
	struct slice name; /* of one prepared in SQL, else empty */
	struct slice text;
	bool cut; /* the server keeps its beginning only: TEXT is not all of it */
};

/* A setting of the session that is not the server's own, or a user variable, without '@'. */
struct census_variable {
	struct census_variable *next;
	struct slice name, value;
	bool unknown; /* the server did not tell the whole value */
};

struct census_session {
	uint32_t connection_id;
	struct endpoint client; /* port 0: over a local socket */
	bool address_known;     /* else the server tells a name, and only the port is right */
	struct slice user;
	struct slice database;
	bool has_database;
	bool idle; /* it waited for a command */
	bool in_transaction;
	bool variables_known; /* VARIABLES are all that differ */
	struct census_statement *statements;
	struct census_variable *variables;
	struct census_variable *user_variables;
	bool has_user_lock;
	struct census_session *same_port; /* another one */
};

struct census {
	uint64_t number;  /* from 1, of this run */
	int64_t begun_ns; /* wall clock, before the first question */
	uint16_t port;    /* the server's own; 0: not known */
	uint16_t reached; /* the port at which we reached it; 0: none */
	bool is_mariadb;
	struct slice version;
	struct map by_id;   /* struct census_session by connection id */
	struct map by_port; /* the first of a client's port */
	uint64_t over_tcp, over_socket;
	uint64_t over_tls; /* of those over TCP */
	bool tls_known;    /* OVER_TLS is */
	struct arena memory;
	atomic_uint references;
};

/* With one reference, the caller's. NULL: no memory. */
struct census *census_new(uint64_t number);
struct census *census_share(struct census *c); /* one more reference; returns C */
void census_drop(struct census *c);            /* one less; NULL is fine */

/* Adds a session whose id is not in C yet, zeroed but for these. ERR_LIMIT, ERR_NOMEM. */
enum err census_add(struct census *c, uint32_t connection_id, const struct endpoint *client,
		    bool address_known, struct census_session **out) MUST_CHECK;

struct census_session *census_by_id(const struct census *c, uint32_t connection_id);

/*
 * Who is connected from CLIENT to SERVER; NULL: nobody whom the server knows, or more than one fit. A port alone is
 * enough where the server tells names and one session has it.
 */
const struct census_session *census_find(const struct census *c, const struct endpoint *client,
					 const struct endpoint *server);

#endif
