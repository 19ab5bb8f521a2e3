/*
 * digest - a statement with its literals taken out: what statements are grouped by.
 *
 * The text is close to MySQL's DIGEST_TEXT, but shorter to read:
 *
 * - A literal or placeholder is "?": strings (adjacent ones are one) with their N or _charset, hex
 *   and bit values, numbers with their sign, \N, the host of an account, and NULL, TRUE and FALSE
 *   where a value can stand. NULL stays in IS [NOT] NULL, NOT NULL, SET NULL and after a type; TRUE
 *   and FALSE stay after IS [NOT].
 * - Values in a row: "?, ..." for two or more; "(...)" if they fill the brackets; "IN (...)" for
 *   any list of values or of rows of values; several rows are "(...), ...", and behind VALUES that
 *   is so whatever the further rows hold: VALUES (?, NOW()), ...
 * - Words of the language are in upper case, names as written; a name has backquotes if it needs
 *   them (a reserved word, a digit at its start, other bytes than letters, digits, _ and $), so
 *   `a` and a are the same. A name that is a word, but not a reserved one, counts as the word.
 * - Blanks are folded, comments dropped, the content of executable comments is code. Optimizer
 *   hints are kept where the server reads them. A semicolon at the end is dropped.
 *
 * Lexed again, the text holds no literal, and its own digest is the same text. It is in the
 * statement's character set. Digests change only with SQL_DIGEST_VERSION: they are stored in files.
 */
#ifndef SQL_DIGEST_H
#define SQL_DIGEST_H

#include "base/buf.h"
#include "sql/lex.h"

enum {
	SQL_DIGEST_VERSION = 1,
	SQL_DIGEST_PIECE = 1024 /* bytes of text that are hashed at once */
};

/*
 * A number for the digest of SQL: the hash of its text, in pieces of SQL_DIGEST_PIECE bytes, each
 * seeded with the hash of those before. Equal texts have equal numbers. Allocates nothing.
 */
uint64_t sql_digest_hash(struct slice sql, struct sql_options options);

/* Appends the text. ERR_LIMIT or ERR_NOMEM: OUT has failed, as a buffer does. */
enum err sql_digest_text(struct slice sql, struct sql_options options, struct buf *out) MUST_CHECK;

#endif
