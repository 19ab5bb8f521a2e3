/*
 * charset - the character sets in which a byte alone does not tell what it is.
 */
#ifndef SQL_CHARSET_H
#define SQL_CHARSET_H

#include "base/slice.h"

/*
 * What the bytes of the text are. In all but the first the second byte of a character may be a
 * backslash or a backquote. UTF-8, latin1, euckr, ujis and all that is not named are the first.
 */
enum sql_charset {
	SQL_CHARSET_PLAIN,
	SQL_CHARSET_GBK,
	SQL_CHARSET_SJIS,
	SQL_CHARSET_BIG5,
	SQL_CHARSET_GB18030
};

/* The one for a server's name of a character set (gbk, sjis, cp932, ...; in either case). */
enum sql_charset sql_charset_find(struct slice name);

/* The length of the character at PTR, of which LEFT >= 1 bytes are there, in CHARSET. */
size_t sql_char_len(enum sql_charset charset, const uint8_t *ptr, size_t left);

#endif
