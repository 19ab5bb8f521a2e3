/*
 * digest - a statement with its literals taken out.
 *
 * Three steps: tokens become pieces (digest_token), pieces that may still be folded into a list are
 * held back (hold_*), and what is settled goes to the writer, which puts the blanks in. Number and
 * text come from the one writer, so they cannot disagree.
 */
#include "sql/digest.h"

#include <assert.h>

#include "sql/digest_writer.h"

/* What is held back, until it is known whether it becomes part of a list. */
enum held {
	HELD_OPEN,
	HELD_OPEN_IN, /* the bracket behind IN */
	HELD_COMMA,
	HELD_VALUE,  /* ? */
	HELD_VALUES, /* ?, ... */
	HELD_ROW_ONE,
	HELD_ROW,
	HELD_ROWS_ONE,
	HELD_ROWS
};

/* Where we are in the rows behind VALUES. */
enum rows {
	ROWS_NONE,
	ROWS_EXPECTED,
	ROWS_FIRST,
	ROWS_BETWEEN,
	ROWS_COMMA,
	ROWS_COMMA_ROW,
	ROWS_SKIP
};

enum {
	HELD_MAX = 8, /* IN ( (...), ... , ( ?, ... , is seven */
	SIGNS_MAX = 32
};

struct digest {
	struct writer *w;
	enum held held[HELD_MAX];
	size_t held_count;
	uint32_t minus; /* bit i: the i-th sign held back is a minus */
	uint32_t signs;
	enum rows rows;
	size_t depth;     /* open brackets of the row */
	bool rows_folded; /* ", ..." was written for this VALUES */
	bool semicolon;   /* one is due if anything follows */
	bool in_hint;
	bool expects_operand; /* what comes now begins an expression: a sign is no operator */
	bool string_before;
	const uint8_t *end;    /* of the statement */
	enum sql_word word[2]; /* of the last token and of the one before it */
	struct sql_options options;
};

static void put_held(struct writer *w, enum held h)
{
	switch (h) {
	case HELD_OPEN:
	case HELD_OPEN_IN:
		put_open(w);
		return;
	case HELD_COMMA:
		put_clinging(w, ',');
		return;
	case HELD_VALUE:
		put(w, SLICE_LIT("?"));
		return;
	case HELD_VALUES:
		put(w, SLICE_LIT("?, ..."));
		return;
	case HELD_ROW_ONE:
	case HELD_ROWS_ONE:
		put_open(w);
		put(w, h == HELD_ROW_ONE ? SLICE_LIT("?)") : SLICE_LIT("?), ..."));
		return;
	case HELD_ROW:
	case HELD_ROWS:
		put_open(w);
		put(w, h == HELD_ROW ? SLICE_LIT("...)") : SLICE_LIT("...), ..."));
		return;
	}
}

static void release_held(struct digest *d)
{
	for (size_t i = 0; i < d->held_count; i++)
		put_held(d->w, d->held[i]);
	d->held_count = 0;
}

static void release_signs(struct digest *d)
{
	for (uint32_t i = 0; i < d->signs; i++)
		put(d->w, d->minus >> i & 1 ? SLICE_LIT("-") : SLICE_LIT("+"));
	d->signs = 0;
	d->minus = 0;
}

/* Writes all that is held back: what follows cannot be folded with it. */
static void release(struct digest *d)
{
	if (d->semicolon) {
		put_clinging(d->w, ';');
		d->semicolon = false;
	}
	if (d->held_count > 0)
		release_held(d);
	if (d->signs > 0)
		release_signs(d);
}

/* The N-th held thing from the top, which is 0; COMMA, which nothing is folded on, if there is none. */
static enum held top(const struct digest *d, size_t n)
{
	return n < d->held_count ? d->held[d->held_count - 1 - n] : HELD_COMMA;
}

static void push(struct digest *d, enum held h)
{
	if (d->held_count == HELD_MAX)
		release_held(d);
	d->held[d->held_count++] = h;
}

static bool is_values(enum held h)
{
	return h == HELD_VALUE || h == HELD_VALUES;
}

static bool is_rows(enum held h)
{
	return h >= HELD_ROW_ONE;
}

static void hold_value(struct digest *d)
{
	d->signs = 0;
	d->minus = 0;
	if (d->semicolon)
		release(d);
	if (d->held_count >= 2 && top(d, 0) == HELD_COMMA && is_values(top(d, 1))) {
		d->held_count--;
		d->held[d->held_count - 1] = HELD_VALUES;
		return;
	}
	if (d->held_count > 0 && top(d, 0) != HELD_OPEN && top(d, 0) != HELD_OPEN_IN)
		release_held(d);
	push(d, HELD_VALUE);
}

static void hold_comma(struct digest *d)
{
	if (d->signs == 0 && d->held_count > 0 && (is_values(top(d, 0)) || is_rows(top(d, 0)))) {
		push(d, HELD_COMMA);
		return;
	}
	release(d);
	put_clinging(d->w, ',');
}

static void hold_open(struct digest *d)
{
	bool after_open = top(d, 0) == HELD_OPEN || top(d, 0) == HELD_OPEN_IN;

	if (d->word[0] == SQL_WORD_IN || d->signs > 0 || d->semicolon ||
	    !(after_open || (d->held_count >= 2 && is_rows(top(d, 1)))))
		release(d);
	push(d, d->word[0] == SQL_WORD_IN ? HELD_OPEN_IN : HELD_OPEN);
}

/* The bracket closes on values alone: it is a row, and perhaps one of several. */
static void hold_row(struct digest *d)
{
	enum held row = top(d, 0) == HELD_VALUE ? HELD_ROW_ONE : HELD_ROW;
	enum held rows = row == HELD_ROW ? HELD_ROWS : HELD_ROWS_ONE;

	d->held_count -= 2;
	if (d->held_count >= 2 && top(d, 0) == HELD_COMMA &&
	    (top(d, 1) == row || top(d, 1) == rows)) {
		d->held_count--;
		d->held[d->held_count - 1] = rows;
		return;
	}
	push(d, row);
}

static void hold_close(struct digest *d)
{
	bool lone = d->signs == 0 && d->held_count >= 2 && top(d, 0) != HELD_COMMA;

	if (lone && top(d, 1) == HELD_OPEN_IN && (is_values(top(d, 0)) || is_rows(top(d, 0)))) {
		assert(d->held_count == 2);
		d->held_count = 0;
		put_open(d->w);
		put(d->w, SLICE_LIT("...)"));
		return;
	}
	if (lone && top(d, 1) == HELD_OPEN && is_values(top(d, 0))) {
		hold_row(d);
		return;
	}
	release(d);
	put_clinging(d->w, ')');
}

/* Three dots stand for what a digest folded, so that the digest of a digest is itself. */
static void hold_ellipsis(struct digest *d)
{
	bool after_comma = d->held_count >= 2 && top(d, 0) == HELD_COMMA;

	if (d->signs == 0 && after_comma && is_values(top(d, 1))) {
		hold_value(d);
	} else if (d->signs == 0 && after_comma && is_rows(top(d, 1))) {
		d->held_count--;
		if (top(d, 0) == HELD_ROW_ONE)
			d->held[d->held_count - 1] = HELD_ROWS_ONE;
		else if (top(d, 0) == HELD_ROW)
			d->held[d->held_count - 1] = HELD_ROWS;
	} else if (d->signs == 0 && d->held_count > 0 && top(d, 0) <= HELD_OPEN_IN) {
		push(d, HELD_VALUES);
	} else {
		release(d);
		put(d->w, ellipsis);
	}
}

/* True if NAME needs no quotes as far as its bytes go. */
static bool is_plain(struct slice name)
{
	if (name.len == 0 || (name.ptr[0] >= '0' && name.ptr[0] <= '9'))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t b = name.ptr[i], letter = b | 0x20;

		if (b < 0x80 && b != '_' && b != '$' && !(letter >= 'a' && letter <= 'z') &&
		    !(b >= '0' && b <= '9'))
			return false;
	}
	return true;
}

/* True if B, a broken character, would swallow a backquote that follows it. */
static bool swallows_backquote(enum sql_charset charset, uint8_t b)
{
	return sql_char_len(charset, (const uint8_t[]){b, '`'}, 2) == 2;
}

/* NAME, in which QUOTE (0: none) stands doubled, in backquotes. */
static void put_in_backquotes(struct digest *d, struct slice name, uint8_t quote)
{
	const uint8_t *p = name.ptr, *end = name.len ? name.ptr + name.len : name.ptr;

	put_byte(d->w, '`');
	while (p < end) {
		size_t n = sql_char_len(d->options.charset, p, (size_t)(end - p));

		if (*p == '`')
			put_byte(d->w, '`');
		if (*p == quote && end - p >= 2 && p[1] == quote)
			p++;
		if (n == 1 && swallows_backquote(d->options.charset, *p))
			put_byte(d->w, '?');
		else
			put_more(d->w, p, n);
		p += n;
	}
	put_byte(d->w, '`');
}

/* Takes the quotes off QUOTED, which may lack the closing one; *QUOTE becomes 0 if it has none. */
static struct slice unquoted(struct slice quoted, uint8_t *quote)
{
	*quote = 0;
	if (quoted.len == 0 ||
	    (quoted.ptr[0] != '`' && quoted.ptr[0] != '\'' && quoted.ptr[0] != '"'))
		return quoted;
	*quote = quoted.ptr[0];
	quoted = slice_skip(quoted, 1);
	if (quoted.len > 0 && quoted.ptr[quoted.len - 1] == *quote)
		quoted.len--;
	return quoted;
}

/*
 * NAME, whose quotes, QUOTE or 0 for none, are off. PLAIN: its bytes need none. The bytes up to the
 * end of the statement can be read, which makes finding words fast.
 */
static void put_name(struct digest *d, struct slice name, uint8_t quote, bool plain)
{
	enum sql_word word = SQL_NO_WORD;

	if (plain)
		word = sql_word_find_in(name.ptr, name.len, (size_t)(d->end - name.ptr));
	if (word != SQL_NO_WORD && sql_word_kind(word) == SQL_PLAIN) {
		put(d->w, sql_word_name(word));
	} else if (plain && !sql_word_is_reserved(word)) {
		put(d->w, name);
	} else {
		put_space(d->w, false);
		put_in_backquotes(d, name, quote);
	}
	d->w->after_name = true;
}

static void put_quoted_name(struct digest *d, struct slice text)
{
	uint8_t quote;
	struct slice name = unquoted(text, &quote);

	put_name(d, name, quote, is_plain(name));
}

/* @x or @@x, the sign being MARK bytes long. */
static void put_variable(struct digest *d, struct slice text, size_t mark)
{
	uint8_t quote;
	struct slice name = unquoted(slice_skip(text, mark), &quote);

	put(d->w, slice_head(text, mark));
	if (is_plain(name))
		put_more(d->w, name.ptr, name.len);
	else
		put_in_backquotes(d, name, quote);
}

static void put_symbol(struct writer *w, const struct sql_token *t)
{
	if (sql_token_is(t, '.') || sql_token_is(t, '@')) {
		put_clinging(w, (uint8_t)t->symbol);
		w->glue = true;
		return;
	}
	put(w, t->text);
}

static void digest_run(struct writer *w, struct slice sql, struct sql_options options,
		       bool in_hint);

static bool takes_hints(enum sql_word verb)
{
	return verb == SQL_WORD_SELECT || verb == SQL_WORD_INSERT || verb == SQL_WORD_UPDATE ||
	       verb == SQL_WORD_DELETE || verb == SQL_WORD_REPLACE;
}

static void put_hint(struct digest *d, struct slice text)
{
	struct slice content = slice_skip(text, 3);

	if (content.len >= 2 && memcmp(content.ptr + content.len - 2, "*/", 2) == 0)
		content.len -= 2;
	release(d);
	put(d->w, SLICE_LIT("/*+"));
	digest_run(d->w, content, d->options, true);
	put(d->w, SLICE_LIT("*/"));
}

/* NULL, TRUE and FALSE are values, unless they are part of a predicate or of a definition. */
static bool is_constant(const struct digest *d, enum sql_word w)
{
	if (!d->expects_operand || d->word[0] == SQL_WORD_IS)
		return false;
	if (w == SQL_WORD_NULL)
		return d->word[0] != SQL_WORD_NOT && d->word[0] != SQL_WORD_SET;
	if (w == SQL_WORD_TRUE || w == SQL_WORD_FALSE)
		return !(d->word[0] == SQL_WORD_NOT && d->word[1] == SQL_WORD_IS);
	return false;
}

/*
 * Follows the rows behind VALUES; true if T is swallowed. All rows but the first are, as the number
 * of rows should not make a digest, nor should what an application computes in some of them.
 */
static bool rows_token(struct digest *d, const struct sql_token *t)
{
	switch (d->rows) {
	case ROWS_NONE:
		return false;
	case ROWS_EXPECTED:
		if (t->word != SQL_WORD_ROW)
			d->rows = sql_token_is(t, '(') ? ROWS_FIRST : ROWS_NONE;
		d->depth = 1;
		return false;
	case ROWS_FIRST:
	case ROWS_SKIP: {
		bool skip = d->rows == ROWS_SKIP;

		d->depth += sql_token_is(t, '(');
		d->depth -= sql_token_is(t, ')');
		if (d->depth == 0)
			d->rows = ROWS_BETWEEN;
		return skip;
	}
	case ROWS_BETWEEN:
		d->rows = sql_token_is(t, ',') ? ROWS_COMMA : ROWS_NONE;
		return d->rows == ROWS_COMMA;
	case ROWS_COMMA:
		if (t->word == SQL_WORD_ROW) {
			d->rows = ROWS_COMMA_ROW;
			return true;
		}
		break;
	case ROWS_COMMA_ROW:
		break;
	}
	if (sql_token_is(t, '(') || sql_token_is(t, SQL_SYMBOL_ELLIPSIS)) {
		release(d);
		if (!d->rows_folded) {
			put_clinging(d->w, ',');
			put(d->w, ellipsis);
		}
		d->rows_folded = true;
		d->depth = 1;
		d->rows = sql_token_is(t, '(') ? ROWS_SKIP : ROWS_BETWEEN;
		return true;
	}
	release(d);
	put_clinging(d->w, ',');
	if (d->rows == ROWS_COMMA_ROW)
		put(d->w, SLICE_LIT("ROW"));
	d->rows = ROWS_NONE;
	return false;
}

/* As is_plain(), for a name that the lexer found without quotes: it has looked at the bytes. */
static bool needs_no_quotes(const struct digest *d, struct slice name)
{
	if (d->options.charset != SQL_CHARSET_PLAIN)
		return is_plain(name);
	return name.ptr[0] < '0' || name.ptr[0] > '9';
}

static void digest_word(struct digest *d, const struct sql_token *t)
{
	enum sql_word w = t->word;

	if (w == SQL_NO_WORD && !t->only_name && needs_no_quotes(d, t->text)) {
		release(d);
		put(d->w, t->text);
		d->w->after_name = true;
		d->expects_operand = false;
	} else if (w == SQL_NO_WORD && d->in_hint && t->text.ptr[0] <= '9' &&
		   t->text.ptr[0] >= '0') {
		hold_value(d); /* 16M */
		d->expects_operand = false;
	} else if (w == SQL_NO_WORD) {
		release(d);
		put_name(d, t->text, 0, needs_no_quotes(d, t->text));
		d->expects_operand = false;
	} else if (is_constant(d, w)) {
		hold_value(d);
		d->expects_operand = false;
	} else {
		release(d);
		put(d->w, sql_word_name(w));
		d->w->after_name = sql_word_kind(w) == SQL_PLAIN;
		d->expects_operand = sql_word_kind(w) == SQL_RESERVED;
		if ((w == SQL_WORD_VALUES || w == SQL_WORD_VALUE) && d->rows == ROWS_NONE) {
			d->rows = ROWS_EXPECTED;
			d->rows_folded = false;
		}
	}
}

static void digest_symbol(struct digest *d, const struct sql_token *t)
{
	bool operand_next = true;

	if (sql_token_is(t, ',')) {
		hold_comma(d);
	} else if (sql_token_is(t, '(')) {
		hold_open(d);
	} else if (sql_token_is(t, ')')) {
		hold_close(d);
		operand_next = false;
	} else if (sql_token_is(t, SQL_SYMBOL_ELLIPSIS)) {
		hold_ellipsis(d);
		operand_next = false;
	} else if (sql_token_is(t, ';')) {
		bool started = !d->w->glue;

		release_held(d);
		release_signs(d);
		d->semicolon = d->semicolon || started || !d->w->glue;
		d->rows = ROWS_NONE;
	} else if ((sql_token_is(t, '-') || sql_token_is(t, '+')) && d->expects_operand &&
		   d->signs < SIGNS_MAX) {
		d->minus |= (uint32_t)sql_token_is(t, '-') << d->signs;
		d->signs++;
	} else {
		release(d);
		put_symbol(d->w, t);
	}
	d->expects_operand = operand_next;
}

static void digest_token(struct digest *d, const struct sql_token *t)
{
	switch (t->kind) {
	case SQL_TOKEN_END:
	case SQL_TOKEN_COMMENT:
		return;
	case SQL_TOKEN_WORD:
		digest_word(d, t);
		return;
	case SQL_TOKEN_SYMBOL:
		digest_symbol(d, t);
		return;
	case SQL_TOKEN_STRING:
		if (d->string_before)
			return;
		hold_value(d);
		break;
	case SQL_TOKEN_HEX:
	case SQL_TOKEN_NUMBER:
	case SQL_TOKEN_NULL:
	case SQL_TOKEN_PLACEHOLDER:
		hold_value(d);
		break;
	case SQL_TOKEN_QUOTED:
		release(d);
		put_quoted_name(d, t->text);
		break;
	case SQL_TOKEN_USER_VARIABLE:
	case SQL_TOKEN_SYSTEM_VARIABLE:
		release(d);
		put_variable(d, t->text, t->kind == SQL_TOKEN_USER_VARIABLE ? 1 : 2);
		break;
	case SQL_TOKEN_HOST:
		release(d);
		put_clinging(d->w, '@');
		put_byte(d->w, '?');
		break;
	case SQL_TOKEN_HINT:
		put_hint(d, t->text);
		return;
	}
	d->expects_operand = false;
}

static void digest_run(struct writer *w, struct slice sql, struct sql_options options, bool in_hint)
{
	struct digest d = {.w = w, .in_hint = in_hint, .expects_operand = true, .options = options};
	struct sql_lexer lx;
	struct sql_token t;

	sql_lexer_init(&lx, sql, options);
	d.end = lx.end;
	while (sql_lexer_next(&lx, &t)) {
		if (t.kind == SQL_TOKEN_HINT && (in_hint || !takes_hints(d.word[0])))
			continue;
		if (!rows_token(&d, &t))
			digest_token(&d, &t);
		d.string_before = t.kind == SQL_TOKEN_STRING;
		d.word[1] = d.word[0];
		d.word[0] = t.word;
	}
	release_held(&d);
	release_signs(&d);
}

uint64_t sql_digest_hash(struct slice sql, struct sql_options options)
{
	struct writer w;

	writer_init(&w, NULL);
	options.comments = false;
	digest_run(&w, sql, options, false);
	writer_drain(&w);
	return w.hash;
}

enum err sql_digest_text(struct slice sql, struct sql_options options, struct buf *out)
{
	struct writer w;

	writer_init(&w, out);
	options.comments = false;
	digest_run(&w, sql, options, false);
	writer_drain(&w);
	return buf_err(out);
}
