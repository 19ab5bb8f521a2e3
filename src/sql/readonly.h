/*
 * readonly - whether a statement can change data, told from its tokens.
 *
 * What is not known to only read counts as writing. What it does inside of views, triggers and routines that
 * are allowed is not seen, and the text may be lexed by another sql_mode than the server's: whoever sends it makes the
 * server refuse writes, too.
 */
#ifndef SQL_READONLY_H
#define SQL_READONLY_H

#include "sql/lex.h"

enum sql_harm {
	SQL_HARM_NONE,
	SQL_HARM_WRITES,  /* data, schema, accounts, files or the server, as far as is known */
	SQL_HARM_LOCKS,   /* rows or tables, for others to wait */
	SQL_HARM_ROUTINE, /* calls what is not known to only read */
	SQL_HARM_GLOBAL,  /* sets what is not of the session alone */
	SQL_HARM_ALLOWS,  /* lets the session write again */
	SQL_HARM_UNCLEAR, /* servers of different versions would read different statements */
};

/* SQL-level prepared statements, of which the caller has to know the texts. */
enum sql_prepared {
	SQL_PREPARED_NONE,
	SQL_PREPARED_MADE,
	SQL_PREPARED_EXECUTED,
	SQL_PREPARED_GONE
};

/*
 * Routines that may be called, beside the servers' own functions: "name", in whatever database, or
 * "database.name"; any case.
 */
struct sql_allowed {
	const char *const *names;
	size_t count;
};

struct sql_read_only {
	enum sql_harm harm;
	enum sql_prepared prepared; /* with NONE: whether it harms is up to the text prepared */
	struct slice routine;       /* HARM_ROUTINE: its name, as written */
	bool read_write;   /* START TRANSACTION READ WRITE, which is no harm if not sent so */
	bool snapshot;     /* START TRANSACTION WITH CONSISTENT SNAPSHOT */
	struct slice rest; /* what follows the semicolon; without one, empty */
};

/* Fills *OUT for the first statement of SQL; the further ones are OUT->rest. */
void sql_read_only_check(struct slice sql, struct sql_options options, struct sql_allowed allowed,
			 struct sql_read_only *out);

/* True if NAME is a function of the servers that changes no data. */
bool sql_function_reads(struct slice name);

#endif
