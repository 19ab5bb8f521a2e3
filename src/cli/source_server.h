/*
 * source_server - the server that is listened to, as --source-server names it: who asks it, and what it said beside
 * what a target says.
 */
#ifndef CLI_SOURCE_SERVER_H
#define CLI_SOURCE_SERVER_H

#include "cli/command.h"
#include "client/target.h"
#include "event/server.h"
#include "inspect/census.h"

/*
 * Connects to the server that ARGS name. What could not be learnt is told on standard error for PAGE, which must be
 * static. ERR_USAGE, ERR_IO, ERR_UNSUPPORTED, ERR_NOMEM.
 */
enum err source_server_open(const struct opt_page *page, const struct listen_args *args,
			    struct informant *out, struct errinfo *info) MUST_CHECK;

/* A server asked once, for all it says of itself, but not of its sessions. OUT is empty. As asker_new(). */
enum err source_server_ask(const struct target *t, struct server_facts *out,
			   struct errinfo *info) MUST_CHECK;

/* What a census of the server that ARGS name says, asked once; what it lacks in *LACKS. As source_server_open(). */
enum err source_server_census(const struct listen_args *args, struct census **out,
			      struct census_lacks *lacks, struct errinfo *info) MUST_CHECK;

/* Tells on standard error which of the settings that change answers are others on the target. */
void source_server_tell_differences(const struct opt_page *page, const struct server_facts *source,
				    const struct server_facts *target);

/* Tells which backup fits a recording that begins at BEGIN_NS. */
void source_server_tell_backup(const struct opt_page *page, const struct server_facts *source,
			       int64_t begin_ns);

/*
 * A sink in front of NEXT, which hands what INFORMANT knows to TAKE: before the first event, when it is newer, and,
 * asked anew, at the end. Must live as long as it is used.
 */
struct source_sink {
	const struct informant *informant;
	struct event_sink next;
	enum err (*take)(void *ctx, const struct server_facts *f, struct errinfo *info);
	void *ctx;
	int64_t seen_ns;
};

struct event_sink source_sink_events(struct source_sink *s);

#endif
