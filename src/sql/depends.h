/*
 * depends - what the result of a statement depends on besides the data: the clock, chance, the
 * connection, the server. Told from its own tokens alone: what a view, a function or a procedure
 * does inside is not seen, so whoever goes by this takes a silence for nothing.
 */
#ifndef SQL_DEPENDS_H
#define SQL_DEPENDS_H

#include "sql/lex.h"

/* Bits. */
enum sql_depends {
	SQL_DEPENDS_CLOCK = 1 << 0,      /* NOW(), CURRENT_TIMESTAMP, SYSDATE() ... */
	SQL_DEPENDS_CHANCE = 1 << 1,     /* RAND(), UUID() ... */
	SQL_DEPENDS_CONNECTION = 1 << 2, /* CONNECTION_ID(), USER() ... */
	SQL_DEPENDS_INSERT_ID = 1 << 3,  /* LAST_INSERT_ID(), @@last_insert_id ... */
	SQL_DEPENDS_SERVER = 1 << 4, /* VERSION(), @@x, SHOW STATUS, EXPLAIN, performance_schema */
	SQL_DEPENDS_OTHERS = 1 << 5, /* GET_LOCK() and its kin, SLEEP(): who else does what */
	SQL_DEPENDS_ANY_ORDER = 1 << 6, /* a query that asks for no order: its rows come in any */
};

/* All of SQL, however many statements it holds. */
uint32_t sql_depends(struct slice sql, struct sql_options options);

#endif
