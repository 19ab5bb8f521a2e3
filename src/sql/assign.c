/* assign - to which column an UPDATE assigns a placeholder. */
#include "sql/assign.h"

enum place {
	PLACE_BEFORE, /* the SET */
	PLACE_COLUMN,
	PLACE_VALUE,  /* its first token is next */
	PLACE_BEHIND, /* the placeholder that is looked for, as its first token */
	PLACE_OTHER,  /* a value that is no placeholder, or not that one */
	PLACE_END,
};

struct walk {
	enum place place;
	size_t depth; /* of brackets */
	struct slice column;
};

/* What ends the assignments. */
static bool is_end(const struct sql_token *t)
{
	return t->kind == SQL_TOKEN_END || sql_token_is(t, ';') || t->word == SQL_WORD_WHERE ||
	       t->word == SQL_WORD_ORDER || t->word == SQL_WORD_LIMIT;
}

/* Takes T, in brackets of no depth, which IS_MEANT as the placeholder. True: it is what was looked for. */
static bool take(struct walk *w, const struct sql_token *t, bool is_meant)
{
	switch (w->place) {
	case PLACE_BEFORE:
		if (t->word == SQL_WORD_SET && !t->only_name)
			w->place = PLACE_COLUMN;
		break;
	case PLACE_COLUMN:
		if (sql_token_is(t, '=') || sql_token_is(t, SQL_SYMBOL_ASSIGN))
			w->place = PLACE_VALUE;
		else if (w->column.len == 0)
			w->column = t->text;
		else
			w->column.len = (size_t)(t->text.ptr + t->text.len - w->column.ptr);
		break;
	case PLACE_VALUE:
		w->place = is_meant ? PLACE_BEHIND : PLACE_OTHER;
		break;
	case PLACE_BEHIND:
		if (sql_token_is(t, ',') || is_end(t))
			return true;
		w->place = PLACE_END;
		break;
	case PLACE_OTHER:
		if (sql_token_is(t, ',')) {
			w->place = PLACE_COLUMN;
			w->column.len = 0;
		} else if (is_end(t)) {
			w->place = PLACE_END;
		}
		break;
	case PLACE_END:
		break;
	}
	return false;
}

struct slice sql_assigned_column(struct slice sql, struct sql_options options, size_t at)
{
	struct walk w = {.place = PLACE_BEFORE};
	struct sql_lexer lexer;
	struct sql_token t;
	size_t n = 0;
	bool more;

	sql_lexer_init(&lexer, sql, options);
	if (!sql_lexer_next(&lexer, &t) || t.word != SQL_WORD_UPDATE)
		return slice_of(NULL, 0);
	do {
		more = sql_lexer_next(&lexer, &t);
		if (sql_token_is(&t, '('))
			w.depth++;
		if (w.depth == 0 && take(&w, &t, t.kind == SQL_TOKEN_PLACEHOLDER && n == at))
			return w.column;
		if (w.depth > 0 && w.place == PLACE_VALUE)
			w.place = PLACE_OTHER;
		if (w.depth > 0 && w.place == PLACE_BEHIND)
			w.place = PLACE_END;
		if (sql_token_is(&t, ')') && w.depth > 0)
			w.depth--;
		n += t.kind == SQL_TOKEN_PLACEHOLDER;
	} while (more && w.place != PLACE_END);
	return slice_of(NULL, 0);
}

bool sql_is_insert(struct slice sql, struct sql_options options)
{
	struct sql_lexer lexer;
	struct sql_token t;

	sql_lexer_init(&lexer, sql, options);
	return sql_lexer_next(&lexer, &t) &&
	       (t.word == SQL_WORD_INSERT || t.word == SQL_WORD_REPLACE);
}
