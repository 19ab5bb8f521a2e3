/*
 * census - asks a live server for all its sessions: who is connected from where, what is prepared in them, which settings
 * they have changed, what their user variables are, which hold locks of GET_LOCK(), and which have a transaction open. One short question after the other.
 *
 * Privileges: PROCESS, for sessions of others; SELECT on performance_schema.threads, .prepared_statements_instances,
 * .variables_by_thread, .user_variables_by_thread and .metadata_locks, for what lives in them. What is not granted, or not there (MariaDB has its performance_schema off
 * by default, MySQL 5.6 has no such tables), is left out and told.
 */
#ifndef INSPECT_CENSUS_H
#define INSPECT_CENSUS_H

#include "client/asker.h"
#include "event/census.h"

/* What could not be learnt. */
enum census_lack {
	CENSUS_NO_PROCESS,
	CENSUS_NO_SCHEMA, /* the performance_schema is off */
	CENSUS_NO_STATEMENTS,
	CENSUS_NO_VARIABLES,
	CENSUS_NO_VARIABLES_TABLE, /* MariaDB has none */
	CENSUS_NO_USER_VARIABLES,
	CENSUS_NO_LOCKS,
	CENSUS_CUT_STATEMENTS, /* texts that the server has cut; it is a number */
	CENSUS_TOO_MANY,
	CENSUS_LACKS,
};

struct census_lacks {
	uint64_t count[CENSUS_LACKS]; /* 0: it was learnt */
};

/*
 * A census, the caller's. What asker_ask() fails with but for ERR_UNSUPPORTED. NUMBER: its own. REACHED: the port at which
 * we reached the server; 0: over a local socket.
 */
enum err census_ask(struct asker *a, uint64_t number, uint16_t reached, struct census **out,
		    struct census_lacks *lacks, struct errinfo *info) MUST_CHECK;

/* What is lacking and what to do, for a person; N is the count. Returns TO. */
const char *census_lack_text(enum census_lack lack, uint64_t n, char *to, size_t size);

/* As a process list tells it: "10.0.0.7:51234", "::1:51234", "db7:51234"; port 0: it is no such. True: an address. */
bool census_parse_host(struct slice host, struct endpoint *out);

#endif
