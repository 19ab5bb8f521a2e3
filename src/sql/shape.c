/*
 * shape - a quick look at a statement.
 *
 * A string becomes a mark, and so does a number of digits alone, with or without a fraction. All else is taken as
 * it is, blanks and names in quotes included. What would need a lexer to be understood has no shape.
 */
#include "sql/shape.h"

#include "base/hash.h"
#include "sql/byte_class.h"

enum {
	MARK_NUMBER = 1,
	MARK_STRING = 2
}; /* control bytes, which have no place in the text itself */

struct shaper {
	const uint8_t *p, *end;
	uint8_t *to;
	struct sql_options options;
};

static uint8_t next_byte(const struct shaper *s)
{
	return s->end - s->p >= 2 ? s->p[1] : 0;
}

static void keep_until(struct shaper *s, const uint8_t *end)
{
	while (s->p < end)
		*s->to++ = *s->p++;
}

static const uint8_t *skip_digits(const struct shaper *s, const uint8_t *p)
{
	while (p < s->end && is_digit(*p))
		p++;
	return p;
}

/* True if a signed exponent may stand at P. */
static bool is_exponent(const struct shaper *s, const uint8_t *p)
{
	return s->end - p >= 2 && (*p | 0x20) == 'e' && (p[1] == '+' || p[1] == '-');
}

/* At a digit that begins a word: a number, or what only looks like one. */
static bool take_number(struct shaper *s)
{
	const bool behind_dot = s->to[-1] == '.';
	const uint8_t *end = skip_digits(s, s->p);

	if (!behind_dot && end < s->end && *end == '.')
		end = skip_digits(s, end + 1);
	if (!behind_dot && (end == s->end || (!is_name_byte(*end) && *end != '.'))) {
		*s->to++ = MARK_NUMBER;
		s->p = end;
		return true;
	}
	if (is_exponent(s, end))
		return false;
	while (end < s->end && is_name_byte(*end))
		end++;
	keep_until(s, end);
	return true;
}

static void take_word(struct shaper *s)
{
	do
		*s->to++ = *s->p++;
	while (s->p < s->end && is_name_byte(*s->p));
}

static bool take_string(struct shaper *s)
{
	const uint8_t quote = *s->p++;

	for (; s->p < s->end; s->p++) {
		if (*s->p == '\\' && !s->options.no_backslash_escapes) {
			if (++s->p == s->end)
				return false;
		} else if (*s->p == quote && next_byte(s) == quote) {
			s->p++;
		} else if (*s->p == quote) {
			s->p++;
			*s->to++ = MARK_STRING;
			return true;
		}
	}
	return false;
}

static bool take_quoted_name(struct shaper *s)
{
	const uint8_t *close = memchr(s->p + 1, *s->p, (size_t)(s->end - s->p - 1));

	if (!close)
		return false;
	keep_until(s, close + 1);
	return true;
}

static bool take(struct shaper *s)
{
	switch ((enum class)classes[*s->p]) {
	case WORD:
	case HEX_PREFIX:
	case NATIONAL_PREFIX:
		take_word(s);
		return true;
	case DIGIT:
		return take_number(s);
	case SINGLE_QUOTE:
		return take_string(s);
	case DOUBLE_QUOTE:
		return s->options.ansi_quotes ? take_quoted_name(s) : take_string(s);
	case BACKQUOTE:
		return take_quoted_name(s);
	case DASH:
		if (next_byte(s) == '-')
			return false;
		break;
	case SLASH:
		if (next_byte(s) == '*')
			return false;
		break;
	case HASH:
	case AT:
	case BACKSLASH:
		return false;
	case SYMBOL:
		if (*s->p < ' ')
			return false;
		break;
	case SPACE:
	case OPERATOR:
	case DOT:
	case STAR:
	case QUESTION:
		break;
	}
	*s->to++ = *s->p++;
	return true;
}

uint64_t sql_shape(struct slice sql, struct sql_options options)
{
	uint8_t shape[1 + SQL_SHAPE_MAX];
	struct shaper s = {
		.p = sql.ptr, .end = sql.ptr + sql.len, .to = shape + 1, .options = options};
	uint64_t rules = (options.no_backslash_escapes ? 1u : 0u) | (options.ansi_quotes ? 2u : 0u);
	uint64_t hash;

	if (sql.len == 0 || sql.len > SQL_SHAPE_MAX || options.charset != SQL_CHARSET_PLAIN)
		return 0;
	shape[0] = 0; /* there is always a byte before */
	while (s.p < s.end)
		if (!take(&s))
			return 0;
	hash = hash_seeded(slice_of(shape, (size_t)(s.to - shape)), rules);
	return hash ? hash : 1;
}
