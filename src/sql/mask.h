/*
 * mask - a statement without the passwords in it.
 */
#ifndef SQL_MASK_H
#define SQL_MASK_H

#include "base/buf.h"
#include "sql/lex.h"

#define SQL_MASK_TEXT "<secret>" /* also in place of a message that may repeat a password */

/*
 * Appends SQL, which may be several statements, to OUT with each password literal replaced by
 * '<secret>' and all else as it is. What counts as one is told in sql/secret.h; sql_classify() says
 * by its field secret whether there is any. ERR_LIMIT or ERR_NOMEM: OUT has failed.
 */
enum err sql_mask(struct slice sql, struct sql_options options, struct buf *out) MUST_CHECK;

#endif
