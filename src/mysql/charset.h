/*
 * charset - collations to character sets, and text to UTF-8.
 */
#ifndef MYSQL_CHARSET_H
#define MYSQL_CHARSET_H

#include "mysql/proto.h"

/* MySQL's name of the character set of COLLATION: "utf8mb4", "gbk"; NULL if it is not known. */
const char *myp_charset_of(uint16_t collation);

/*
 * The default collation of the character set NAME (any case; "utf8" is utf8mb3); 0 if unknown. That
 * of utf8mb4 is 45, general_ci, as before MySQL 8.
 */
uint16_t myp_charset_default_collation(struct slice name);

/* True for sjis, cp932, gbk, big5, gb18030: a character's later bytes may look like ASCII. */
bool myp_charset_is_tricky(const char *name);

/*
 * Appends TEXT, which is in the character set of COLLATION (0: unknown, taken as UTF-8; binary:
 * likewise), to OUT as UTF-8. Bytes that are not of that character set become U+FFFD, and so does
 * what is not ASCII of a set that the C library does not have. Failure is buf_err(OUT). Returns true
 * if what was appended is the very bytes of TEXT. TEXT must not lie in OUT.
 */
bool myp_charset_to_utf8(uint16_t collation, struct slice text, struct buf *out);

#endif
