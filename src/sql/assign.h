/*
 * assign - to which column an UPDATE assigns a placeholder.
 */
#ifndef SQL_ASSIGN_H
#define SQL_ASSIGN_H

#include "sql/lex.h"

/*
 * The column, as written, whose whole new value in the UPDATE of SQL the placeholder AT is (counted from 0); empty
 * if it is none: it stands elsewhere, or as a part of an expression, or in another statement.
 */
struct slice sql_assigned_column(struct slice sql, struct sql_options options, size_t at);

/* True if SQL, which may begin with comments, is an INSERT or a REPLACE. */
bool sql_is_insert(struct slice sql, struct sql_options options);

#endif
