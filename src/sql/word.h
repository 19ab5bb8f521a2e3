/*
 * word - the words of the language, and how to find them.
 */
#ifndef SQL_WORD_H
#define SQL_WORD_H

#include "base/slice.h"

enum sql_word {
	SQL_NO_WORD, /* just a name */
#define SQL_WORD(word, kind) SQL_WORD_##word,
#include "sql/word_list.h"
#undef SQL_WORD
	SQL_WORDS
};

enum sql_word_kind { SQL_PLAIN, SQL_RESERVED, SQL_OPERAND, SQL_INTRODUCER };

/*
 * The word that S is, in either case; NONE if it is none. S holds only letters, digits, '_', '$'
 * and bytes above 0x7f.
 */
enum sql_word sql_word_find(struct slice s);

/* As above for the LEN bytes at PTR, of which ROOM >= LEN can be read; faster if ROOM is larger. */
enum sql_word sql_word_find_in(const uint8_t *ptr, size_t len, size_t room);

struct slice sql_word_name(enum sql_word w); /* in upper case */

extern const uint8_t sql_word_kinds[SQL_WORDS]; /* enum sql_word_kind */

static inline enum sql_word_kind sql_word_kind(enum sql_word w)
{
	return (enum sql_word_kind)sql_word_kinds[w];
}

/* True if W cannot be a name without quotes. */
static inline bool sql_word_is_reserved(enum sql_word w)
{
	enum sql_word_kind kind = sql_word_kind(w);

	return kind == SQL_RESERVED || kind == SQL_OPERAND;
}

#endif
