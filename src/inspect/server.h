/*
 * server - asks a live server what it is, where its binary log is, and how it is set.
 *
 * No privilege is needed but for the place in the binary log: REPLICATION CLIENT in MySQL and in MariaDB before 10.5.2,
 * BINLOG MONITOR in later ones. What is refused is told in the facts, not as a failure.
 */
#ifndef INSPECT_SERVER_H
#define INSPECT_SERVER_H

#include "client/asker.h"
#include "event/server.h"

/* What kind of server A talks to, by its greeting. */
struct server_version {
	bool is_mariadb;
	unsigned number; /* 80403 for 8.4.3; 0: not understood */
};

struct server_version server_version_of(struct slice text);

/* Fills *OUT, which is empty. What asker_ask() fails with but for ERR_UNSUPPORTED; *OUT is empty again then. */
enum err server_facts_ask(struct asker *a, struct server_facts *out,
			  struct errinfo *info) MUST_CHECK;

#endif
