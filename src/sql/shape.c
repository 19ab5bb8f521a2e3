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

/* What lies between RUN and P is taken as it is, but not copied yet. */
struct shaper {
	const uint8_t *begin, *p, *end;
	const uint8_t *run;
	uint8_t *to;
	struct sql_options options;
};

static uint8_t next_byte(const struct shaper *s)
{
	return s->end - s->p >= 2 ? s->p[1] : 0;
}

static void copy_run(struct shaper *s)
{
	const size_t len = (size_t)(s->p - s->run);

	memcpy(s->to, s->run, len);
	s->to += len;
}

/* The literal from P to BEHIND becomes MARK. */
static void take_literal(struct shaper *s, const uint8_t *behind, uint8_t mark)
{
	copy_run(s);
	*s->to++ = mark;
	s->p = s->run = behind;
}

static const uint8_t *skip_digits(const struct shaper *s, const uint8_t *p)
{
	while (p < s->end && is_digit(*p))
		p++;
	return p;
}

static const uint8_t *skip_name(const struct shaper *s, const uint8_t *p)
{
	while (p < s->end && is_name_byte(*p))
		p++;
	return p;
}

/* Passes over what most of a statement is made of: words, blanks, and what stands for itself. */
static const uint8_t *skip_plain(const struct shaper *s)
{
	static const unsigned alone = 1u << SPACE | 1u << OPERATOR | 1u << SYMBOL | 1u << DOT |
				      1u << STAR | 1u << QUESTION;
	const uint8_t *p = s->p, *const end = s->end;

	while (p < end) {
		const uint8_t class = classes[*p];

		if (class <= NATIONAL_PREFIX) {
			do
				p++;
			while (p < end && is_name_byte(*p));
		} else if (alone >> class & 1 && (class == SPACE || *p >= ' ')) {
			p++;
		} else {
			break;
		}
	}
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
	const bool behind_dot = s->p > s->begin && s->p[-1] == '.';
	const uint8_t *end = skip_digits(s, s->p);

	if (!behind_dot && end < s->end && *end == '.')
		end = skip_digits(s, end + 1);
	if (!behind_dot && (end == s->end || (!is_name_byte(*end) && *end != '.'))) {
		take_literal(s, end, MARK_NUMBER);
		return true;
	}
	if (is_exponent(s, end))
		return false;
	s->p = skip_name(s, end);
	return true;
}

static bool take_string(struct shaper *s)
{
	const uint8_t quote = *s->p;

	for (const uint8_t *p = s->p + 1; p < s->end; p++) {
		if (*p == '\\' && !s->options.no_backslash_escapes) {
			if (++p == s->end)
				return false;
		} else if (*p == quote && s->end - p >= 2 && p[1] == quote) {
			p++;
		} else if (*p == quote) {
			take_literal(s, p + 1, MARK_STRING);
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
	s->p = close + 1;
	return true;
}

static bool take(struct shaper *s)
{
	switch ((enum class)classes[*s->p]) {
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
	case SYMBOL: /* only a control byte comes here */
		return false;
	case WORD: /* these are passed over before */
	case HEX_PREFIX:
	case NATIONAL_PREFIX:
	case SPACE:
	case OPERATOR:
	case DOT:
	case STAR:
	case QUESTION:
		break;
	}
	s->p++;
	return true;
}

uint64_t sql_shape(struct slice sql, struct sql_options options)
{
	uint8_t shape[SQL_SHAPE_MAX];
	struct shaper s = {
		.begin = sql.ptr,
		.p = sql.ptr,
		.end = sql.ptr + sql.len,
		.run = sql.ptr,
		.to = shape,
		.options = options,
	};
	uint64_t rules = (options.no_backslash_escapes ? 1u : 0u) | (options.ansi_quotes ? 2u : 0u);
	uint64_t hash;

	if (sql.len == 0 || sql.len > SQL_SHAPE_MAX || options.charset != SQL_CHARSET_PLAIN)
		return 0;
	for (s.p = skip_plain(&s); s.p < s.end; s.p = skip_plain(&s))
		if (!take(&s))
			return 0;
	copy_run(&s);
	hash = hash_seeded(slice_of(shape, (size_t)(s.to - shape)), rules);
	return hash ? hash : 1;
}
