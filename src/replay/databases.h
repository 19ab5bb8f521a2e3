/*
 * databases - recorded databases that have another name on the target: --map-db.
 *
 * Default databases are mapped: of logins, changes of user, COM_INIT_DB and USE. Names that statements qualify tables with
 * are not: what stands before a dot may be a table or an alias of the same name, which tokens alone do not tell.
 */
#ifndef REPLAY_DATABASES_H
#define REPLAY_DATABASES_H

#include "base/buf.h"
#include "base/opt.h"
#include "sql/lex.h"

/* ERR_USAGE: one of them is not of the form OLD=NEW. */
enum err databases_check(const struct opt_texts *map, struct errinfo *info) MUST_CHECK;

/* What NAME is called on the target; lives as long as NAME and MAP. */
struct slice databases_map(const struct opt_texts *map, struct slice name);

/*
 * If SQL is nothing but a USE of a database with another name: true, and the COM_QUERY for it, without query attributes, is
 * appended to OUT.
 */
bool databases_use(const struct opt_texts *map, struct slice sql, struct sql_options options,
		   struct buf *out);

/* True if a mapped name stands before a dot in SQL. */
bool databases_named(const struct opt_texts *map, struct slice sql, struct sql_options options);

#endif
