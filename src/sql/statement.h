/*
 * statement - one statement while it is being classified: its tokens in order, and what is known of
 * it. For classify.c and classify_set.c alone.
 */
#ifndef SQL_STATEMENT_H
#define SQL_STATEMENT_H

#include "sql/classify.h"
#include "sql/secret.h"

struct statement {
	struct sql_lexer lx;
	struct sql_token t; /* the current one */
	bool ended;         /* at the end of the statement; T is an END */
	bool to_end;        /* semicolons are part of this statement */
	enum sql_word before;
	struct sql_secret secret;
	struct sql_class *out;
};

/* Goes to the next token; at the end of the statement it stays there. */
void statement_next(struct statement *s);

/* Reads a SET, at whose first word S stands, to its end. */
void statement_set(struct statement *s);

static inline bool statement_at(const struct statement *s, enum sql_word w)
{
	return s->t.word == w;
}

/* Goes on if the current token is W. */
static inline bool statement_skip(struct statement *s, enum sql_word w)
{
	if (!statement_at(s, w))
		return false;
	statement_next(s);
	return true;
}

static inline struct slice statement_text(const struct statement *s)
{
	return s->ended ? slice_of(NULL, 0) : s->t.text;
}

static inline bool statement_is_one_of(struct slice s, const char *const *names)
{
	for (; *names; names++)
		if (slice_eq_nocase(s, slice_cstr(*names)))
			return true;
	return false;
}

/* A decimal number of digits only, and not too large. */
static inline bool statement_number(struct slice s, uint64_t *value)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)s.ptr[i] - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*value = v;
	return s.len > 0;
}

#endif
