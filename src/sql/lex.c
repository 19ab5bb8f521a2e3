/*
 * lex - cuts a statement into tokens.
 *
 * One table gives every byte its class, and the class the function that takes the token. Text is
 * looked at through ahead(), or in loops of the form "while (p < end)".
 */
#include "sql/lex.h"

#include "sql/byte_class.h"

enum {
	VERSION_DIGITS_MIN = 5, /* of an executable comment; fewer are code */
	VERSION_DIGITS_MAX = 6,
	VERSION_OFF = 99999, /* versions that switch code off */
	VERSION_OFF_FROM = 990000
};

/* The byte N after the current one; 0 beyond the end. */
static uint8_t ahead(const struct sql_lexer *lx, size_t n)
{
	return n < (size_t)(lx->end - lx->pos) ? lx->pos[n] : 0;
}

void sql_lexer_init(struct sql_lexer *lx, struct slice sql, struct sql_options options)
{
	*lx = (struct sql_lexer){
		.pos = sql.ptr, .end = sql.len ? sql.ptr + sql.len : sql.ptr, .options = options};
}

/* True if one of the eight bytes at PTR is QUOTE, a backslash or, with HIGH, above 0x7f. */
static bool eight_need_a_look(const uint8_t *ptr, uint8_t quote, bool high)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t v, q, b;

	memcpy(&v, ptr, sizeof(v));
	q = v ^ ones * quote;
	b = v ^ ones * '\\';
	return (((q - ones) & ~q) | ((b - ones) & ~b) | (high ? v : 0)) & tops;
}

/* The end of what is quoted from P on, which lies behind the opening QUOTE: behind the closing one. */
static const uint8_t *quoted_end(const struct sql_lexer *lx, const uint8_t *p, uint8_t quote,
				 bool escapes)
{
	enum sql_charset charset = lx->options.charset;
	const uint8_t *end = lx->end;

	while (p < end) {
		size_t left = (size_t)(end - p);

		if (left >= 8 && !eight_need_a_look(p, quote, charset != SQL_CHARSET_PLAIN)) {
			p += 8;
		} else if (*p == quote) {
			if (left < 2 || p[1] != quote)
				return p + 1;
			p += 2;
		} else if (*p == '\\' && escapes) {
			p += left < 2 ? 1 : 2;
		} else {
			p += sql_char_len(charset, p, left);
		}
	}
	return end;
}

/* The end of a string whose opening quote stands SKIP bytes ahead. */
static const uint8_t *string_end(const struct sql_lexer *lx, size_t skip)
{
	const uint8_t *quote = lx->pos + skip;

	return quoted_end(lx, quote + 1, *quote, !lx->options.no_backslash_escapes);
}

static const uint8_t *name_end(const struct sql_lexer *lx, const uint8_t *p)
{
	const uint8_t *end = lx->end;

	while (lx->options.charset == SQL_CHARSET_PLAIN && end - p >= 4) {
		if (!is_name_byte(p[0]))
			return p;
		if (!is_name_byte(p[1]))
			return p + 1;
		if (!is_name_byte(p[2]))
			return p + 2;
		if (!is_name_byte(p[3]))
			return p + 3;
		p += 4;
	}
	while (p < end && is_name_byte(*p))
		p += sql_char_len(lx->options.charset, p, (size_t)(end - p));
	return p;
}

static const uint8_t *digits_end(const struct sql_lexer *lx, const uint8_t *p)
{
	while (p < lx->end && is_digit(*p))
		p++;
	return p;
}

static bool is_hex_digit(uint8_t b)
{
	return is_digit(b) || byte_within(b | 0x20, 'a', 'f');
}

/* The end of a comment from P on, behind its opening mark; DEEP if it may hold others. */
static const uint8_t *comment_end(const struct sql_lexer *lx, const uint8_t *p, bool deep)
{
	size_t open = 1;

	while (lx->end - p >= 2) {
		if (p[0] == '*' && p[1] == '/') {
			p += 2;
			if (--open == 0)
				return p;
		} else if (deep && p[0] == '/' && p[1] == '*') {
			p += 2;
			open++;
		} else {
			p++;
		}
	}
	return lx->end;
}

static const uint8_t *line_end(const struct sql_lexer *lx)
{
	size_t left = (size_t)(lx->end - lx->pos);
	const uint8_t *newline = left ? memchr(lx->pos, '\n', left) : NULL;

	return newline ? newline + 1 : lx->end;
}

/* Takes the text up to TO. */
static bool take(struct sql_lexer *lx, struct sql_token *out, enum sql_token_kind kind,
		 const uint8_t *to)
{
	out->kind = kind;
	out->text = slice_of(lx->pos, (size_t)(to - lx->pos));
	lx->pos = to;
	return true;
}

static bool take_symbol(struct sql_lexer *lx, struct sql_token *out, uint32_t symbol, size_t len)
{
	out->symbol = symbol;
	return take(lx, out, SQL_TOKEN_SYMBOL, lx->pos + len);
}

/* A comment: true if it was asked for, false if it counts as a blank. */
static bool take_comment(struct sql_lexer *lx, struct sql_token *out, const uint8_t *to)
{
	if (lx->options.comments)
		return take(lx, out, SQL_TOKEN_COMMENT, to);
	lx->pos = to;
	return false;
}

/* At the mark of an executable comment: true if its content is code; its version is skipped. */
static bool code_comment(const struct sql_lexer *lx, const uint8_t **content)
{
	const uint8_t *p = lx->pos + 2, *digits;
	uint32_t version = 0;

	if (*p == 'M')
		p++;
	p++;
	digits = p;
	while (p < lx->end && is_digit(*p) && p - digits < VERSION_DIGITS_MAX)
		version = version * 10 + (uint32_t)(*p++ - '0');
	*content = p - digits < VERSION_DIGITS_MIN ? digits : p;
	return version != VERSION_OFF && version < VERSION_OFF_FROM;
}

/* At a slash and a star. */
static bool take_slash_star(struct sql_lexer *lx, struct sql_token *out)
{
	const uint8_t *content = lx->pos + 2;
	uint8_t mark = ahead(lx, 2);

	if (mark == '+')
		return take(lx, out, SQL_TOKEN_HINT, comment_end(lx, content, false));
	if (mark != '!' && !(mark == 'M' && ahead(lx, 3) == '!'))
		return take_comment(lx, out, comment_end(lx, content, false));
	if (!code_comment(lx, &content))
		return take_comment(lx, out, comment_end(lx, content, true));
	lx->in_code_comment = true;
	return take_comment(lx, out, content);
}

/* At _charset, which ends at P: if a string follows, they are one. */
static bool take_introduced(struct sql_lexer *lx, struct sql_token *out, const uint8_t *p)
{
	struct sql_lexer rest = *lx;
	struct sql_token next;

	while (p < lx->end && classes[*p] == SPACE)
		p++;
	rest.pos = p;
	if (ahead(&rest, 0) == '\'' || (ahead(&rest, 0) == '"' && !lx->options.ansi_quotes))
		return take(lx, out, SQL_TOKEN_STRING, string_end(&rest, 0));
	if (ahead(&rest, 0) != '0' && ahead(&rest, 1) != '\'')
		return false;
	(void)sql_lexer_next(&rest, &next);
	if (next.kind != SQL_TOKEN_HEX)
		return false;
	return take(lx, out, SQL_TOKEN_HEX, rest.pos);
}

static bool take_word(struct sql_lexer *lx, struct sql_token *out)
{
	const uint8_t *end = name_end(lx, lx->pos);
	size_t len = (size_t)(end - lx->pos), left = (size_t)(lx->end - lx->pos);
	bool before_dot = left - len >= 2 && end[0] == '.' && is_name_byte(end[1]);
	enum sql_word word = SQL_NO_WORD;

	out->only_name = lx->name_next || before_dot;
	if (!out->only_name)
		word = sql_word_find_in(lx->pos, len, left);
	if (sql_word_kind(word) == SQL_INTRODUCER) {
		if (take_introduced(lx, out, end))
			return true;
		word = SQL_NO_WORD;
	}
	out->word = word;
	if (!sql_word_is_reserved(word))
		lx->name_end = end;
	return take(lx, out, SQL_TOKEN_WORD, end);
}

/* At x' or b', in either case. */
static bool take_prefixed(struct sql_lexer *lx, struct sql_token *out, enum sql_token_kind kind)
{
	if (ahead(lx, 1) != '\'' || lx->name_next)
		return take_word(lx, out);
	return take(lx, out, kind, string_end(lx, 1));
}

/* At "0x" or "0b": the end of the digits, or NULL if it is a name. */
static const uint8_t *bits_end(const struct sql_lexer *lx)
{
	const uint8_t *p = lx->pos + 2;
	bool hex = lx->pos[1] == 'x';

	while (p < lx->end && (hex ? is_hex_digit(*p) : byte_within(*p, '0', '1')))
		p++;
	if (p - lx->pos < 3 || (p < lx->end && is_name_byte(*p)))
		return NULL;
	return p;
}

/* The end of the exponent at P, or P if there is none. */
static const uint8_t *exponent_end(const struct sql_lexer *lx, const uint8_t *p)
{
	const uint8_t *digits = p + 1;

	if (p == lx->end || (*p | 0x20) != 'e')
		return p;
	if (digits < lx->end && (*digits == '+' || *digits == '-'))
		digits++;
	if (digits == lx->end || !is_digit(*digits))
		return p;
	return digits_end(lx, digits);
}

/* At a digit, or at a dot before one. 1tab is a name, 1e10 a number, 1.5tab both. */
static bool take_number(struct sql_lexer *lx, struct sql_token *out)
{
	const uint8_t *p, *exponent;

	if (lx->name_next)
		return take_word(lx, out);
	if (ahead(lx, 0) == '0' && (ahead(lx, 1) == 'x' || ahead(lx, 1) == 'b')) {
		p = bits_end(lx);
		return p ? take(lx, out, SQL_TOKEN_HEX, p) : take_word(lx, out);
	}
	p = digits_end(lx, lx->pos);
	exponent = exponent_end(lx, p);
	if (exponent != p)
		return take(lx, out, SQL_TOKEN_NUMBER, exponent);
	if (p < lx->end && is_name_byte(*p))
		return take_word(lx, out);
	if (p < lx->end && *p == '.')
		p = exponent_end(lx, digits_end(lx, p + 1));
	return take(lx, out, SQL_TOKEN_NUMBER, p);
}

static bool take_dot(struct sql_lexer *lx, struct sql_token *out, const uint8_t *name_before)
{
	uint8_t next = ahead(lx, 1);

	if (next == '.' && ahead(lx, 2) == '.')
		return take_symbol(lx, out, SQL_SYMBOL_ELLIPSIS, 3);
	if (is_digit(next) && name_before != lx->pos)
		return take_number(lx, out);
	(void)take_symbol(lx, out, '.', 1);
	lx->name_next = is_name_byte(next);
	return true;
}

/* The end of the name behind an @, with or without quotes. */
static const uint8_t *variable_end(const struct sql_lexer *lx, size_t skip, bool dots)
{
	const uint8_t *p = lx->pos + skip;

	if (p < lx->end && (*p == '`' || *p == '\'' || *p == '"'))
		return quoted_end(lx, p + 1, *p, *p != '`' && !lx->options.no_backslash_escapes);
	p = name_end(lx, p);
	while (dots && p < lx->end && *p == '.')
		p = name_end(lx, p + 1);
	return p;
}

static bool take_at(struct sql_lexer *lx, struct sql_token *out, bool account)
{
	enum sql_token_kind kind = account ? SQL_TOKEN_HOST : SQL_TOKEN_USER_VARIABLE;
	const uint8_t *end;

	if (ahead(lx, 1) == '@') {
		end = variable_end(lx, 2, false);
		lx->name_end = end;
		return take(lx, out, SQL_TOKEN_SYSTEM_VARIABLE, end);
	}
	if (ahead(lx, 1) == '?')
		return take(lx, out, SQL_TOKEN_HOST, lx->pos + 2);
	end = variable_end(lx, 1, true);
	if (end - lx->pos < 2)
		return take_symbol(lx, out, '@', 1);
	return take(lx, out, kind, end);
}

static bool take_operator(struct sql_lexer *lx, struct sql_token *out)
{
	uint8_t a = ahead(lx, 0), b = ahead(lx, 1), c = ahead(lx, 2);

	if (a == ':' && b == '=')
		return take_symbol(lx, out, SQL_SYMBOL_ASSIGN, 2);
	if (a == '<' && b == '=' && c == '>')
		return take_symbol(lx, out, SQL_SYMBOL_MANY, 3);
	if ((a == '<' && (b == '=' || b == '>' || b == '<')) ||
	    (a == '>' && (b == '=' || b == '>')) || (a == '!' && b == '=') ||
	    (a == '|' && b == '|') || (a == '&' && b == '&'))
		return take_symbol(lx, out, SQL_SYMBOL_MANY, 2);
	return take_symbol(lx, out, a, 1);
}

static bool take_quoted_name(struct sql_lexer *lx, struct sql_token *out)
{
	const uint8_t *end = quoted_end(lx, lx->pos + 1, *lx->pos, false);

	lx->name_end = end;
	return take(lx, out, SQL_TOKEN_QUOTED, end);
}

/* A comment needs a blank or control byte, or the end, behind its two dashes: 1--1 is 2. */
static bool take_dash(struct sql_lexer *lx, struct sql_token *out)
{
	uint8_t b = ahead(lx, 1), c = ahead(lx, 2);

	if (b == '-' && (c <= ' ' || c == 0x7f))
		return take_comment(lx, out, line_end(lx));
	if (b == '>')
		return take_symbol(lx, out, SQL_SYMBOL_MANY, c == '>' ? 3 : 2);
	return take_symbol(lx, out, '-', 1);
}

static bool take_star(struct sql_lexer *lx, struct sql_token *out)
{
	if (!lx->in_code_comment || ahead(lx, 1) != '/')
		return take_symbol(lx, out, '*', 1);
	lx->in_code_comment = false;
	return take_comment(lx, out, lx->pos + 2);
}

/* Takes the token at the current byte; false if it was a comment that nobody wants. */
static bool take_token(struct sql_lexer *lx, struct sql_token *out, const uint8_t *name_before,
		       bool string_before)
{
	switch ((enum class)classes[*lx->pos]) {
	case WORD:
		return take_word(lx, out);
	case HEX_PREFIX:
		return take_prefixed(lx, out, SQL_TOKEN_HEX);
	case NATIONAL_PREFIX:
		return take_prefixed(lx, out, SQL_TOKEN_STRING);
	case DIGIT:
		return take_number(lx, out);
	case SPACE:
	case SYMBOL:
		return take_symbol(lx, out, *lx->pos, 1);
	case OPERATOR:
		return take_operator(lx, out);
	case DOUBLE_QUOTE:
		if (lx->options.ansi_quotes)
			return take_quoted_name(lx, out);
		return take(lx, out, SQL_TOKEN_STRING, string_end(lx, 0));
	case SINGLE_QUOTE:
		return take(lx, out, SQL_TOKEN_STRING, string_end(lx, 0));
	case BACKQUOTE:
		return take_quoted_name(lx, out);
	case DOT:
		return take_dot(lx, out, name_before);
	case DASH:
		return take_dash(lx, out);
	case HASH:
		return take_comment(lx, out, line_end(lx));
	case SLASH:
		if (ahead(lx, 1) == '*')
			return take_slash_star(lx, out);
		return take_symbol(lx, out, '/', 1);
	case STAR:
		return take_star(lx, out);
	case AT:
		return take_at(lx, out, string_before || name_before == lx->pos);
	case QUESTION:
		return take(lx, out, SQL_TOKEN_PLACEHOLDER, lx->pos + 1);
	case BACKSLASH:
		if (ahead(lx, 1) == 'N')
			return take(lx, out, SQL_TOKEN_NULL, lx->pos + 2);
		return take_symbol(lx, out, '\\', 1);
	}
	return take_symbol(lx, out, *lx->pos, 1);
}

bool sql_lexer_next(struct sql_lexer *lx, struct sql_token *out)
{
	const uint8_t *name_before = lx->name_end;
	bool string_before = lx->string_before, name_next = lx->name_next;

	out->word = SQL_NO_WORD;
	out->only_name = false;
	out->symbol = 0;
	lx->name_end = NULL;
	for (;;) {
		while (lx->pos < lx->end && classes[*lx->pos] == SPACE)
			lx->pos++;
		if (lx->pos == lx->end)
			break;
		if (!take_token(lx, out, name_before, string_before))
			continue;
		if (name_next)
			lx->name_next = false;
		if (out->kind != SQL_TOKEN_COMMENT)
			lx->string_before = out->kind == SQL_TOKEN_STRING;
		return true;
	}
	out->kind = SQL_TOKEN_END;
	out->text = slice_of(lx->end, 0);
	return false;
}
