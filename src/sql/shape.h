/*
 * shape - a quick look at a statement: what is left when the plainest of its literals are taken out.
 *
 * It costs a fraction of a digest. Statements of the same shape have the same digest, but not the reverse: a digest
 * has one shape for each way in which people write it.
 */
#ifndef SQL_SHAPE_H
#define SQL_SHAPE_H

#include "sql/lex.h"

enum { SQL_SHAPE_MAX = 1024 }; /* bytes of statements that have one */

/*
 * The hash of SQL's shape. 0: it has none, since it is long, or holds what makes a quick look unsafe: comments,
 * variables, accounts, quotes that do not close, a character set in which a byte does not tell what it is.
 */
uint64_t sql_shape(struct slice sql, struct sql_options options);

#endif
