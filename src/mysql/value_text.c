/* value_text - values as text, and as literals of SQL. */
#include "mysql/value.h"

#include <math.h>

#include "base/number.h"
#include "base/utf8.h"

enum { MICRO_DIGITS = 6, DECIMAL_DIGITS_MAX = 65 };

/*
 * The server writes doubles without an exponent from 1e-15 to below 1e15 (my_gcvt() in
 * strings/dtoa.c, which both servers share).
 */
enum { PLAIN_EXPONENT_MIN = -15, PLAIN_EXPONENT_MAX = 14 };

static bool time_is_zero(const struct myp_time *t)
{
	return t->days == 0 && (t->hour | t->minute | t->second) == 0 && t->micro == 0;
}

/* At least two digits; a byte from the wire may say more than a clock. */
static uint8_t *two_digits(uint8_t *to, unsigned v)
{
	if (v >= 100)
		return to + number_put_uint(to, v);
	*to++ = (uint8_t)('0' + v / 10);
	*to++ = (uint8_t)('0' + v % 10);
	return to;
}

static uint8_t *date_text(uint8_t *to, const struct myp_time *t)
{
	to = two_digits(to, t->year / 100u);
	to = two_digits(to, t->year % 100u);
	*to++ = '-';
	to = two_digits(to, t->month);
	*to++ = '-';
	return two_digits(to, t->day);
}

static uint8_t *clock_text(uint8_t *to, uint64_t hours, const struct myp_time *t)
{
	if (hours >= 100)
		to += number_put_uint(to, hours);
	else
		to = two_digits(to, (unsigned)hours);
	*to++ = ':';
	to = two_digits(to, t->minute);
	*to++ = ':';
	to = two_digits(to, t->second);
	if (t->micro == 0)
		return to;
	*to++ = '.';
	to += number_put_padded(to, t->micro, MICRO_DIGITS);
	while (to[-1] == '0')
		to--;
	return to;
}

size_t myp_value_time_text(uint8_t *to, const struct myp_value *v)
{
	const struct myp_time *t = &v->time;
	uint8_t *p = to;

	if (v->kind == MYP_VALUE_TIME) {
		if (t->negative && !time_is_zero(t))
			*p++ = '-';
		return (size_t)(clock_text(p, (uint64_t)t->days * 24 + t->hour, t) - to);
	}
	p = date_text(p, t);
	if (v->kind == MYP_VALUE_DATETIME) {
		*p++ = ' ';
		p = clock_text(p, t->hour, t);
	}
	return (size_t)(p - to);
}

static void put_int_text(struct buf *out, const struct myp_value *v)
{
	uint8_t *to = buf_reserve(out, NUMBER_UINT_MAX + 1);
	bool negative = v->kind == MYP_VALUE_INT && v->i < 0;

	if (!to)
		return;
	if (negative)
		*to = '-';
	buf_advance(out, negative + number_put_uint(to + negative, negative ? 0 - v->u : v->u));
}

static void put_time_text(struct buf *out, const struct myp_value *v)
{
	uint8_t *to = buf_reserve(out, MYP_TIME_TEXT_MAX);

	if (to)
		buf_advance(out, myp_value_time_text(to, v));
}

/* D.DDDeN, also where N is 0. */
static void put_scientific(struct buf *out, const struct number_digits *n)
{
	buf_put_u8(out, n->digits[0]);
	if (n->count > 1)
		buf_put_u8(out, '.');
	buf_put(out, n->digits + 1, n->count - 1u);
	buf_printf(out, "e%d", n->exponent);
}

static void put_plain(struct buf *out, const struct number_digits *n)
{
	size_t before = n->exponent < 0 ? 0 : (size_t)n->exponent + 1; /* digits before the point */
	size_t shown = before < n->count ? before : n->count;

	buf_put(out, n->digits, shown);
	for (size_t i = shown; i < before; i++)
		buf_put_u8(out, '0');
	if (shown == n->count)
		return;
	buf_put_cstr(out, before == 0 ? "0." : ".");
	for (int i = n->exponent; i < -1; i++)
		buf_put_u8(out, '0');
	buf_put(out, n->digits + shown, n->count - shown);
}

static void put_real_text(struct buf *out, bool negative, const struct number_digits *n)
{
	if (negative)
		buf_put_u8(out, '-');
	if (n->exponent < PLAIN_EXPONENT_MIN || n->exponent > PLAIN_EXPONENT_MAX)
		put_scientific(out, n);
	else
		put_plain(out, n);
}

void myp_value_put_text(struct buf *out, const struct myp_value *v)
{
	struct number_digits n;

	switch (v->kind) {
	case MYP_VALUE_NULL:
	case MYP_VALUE_UNKNOWN:
		break;
	case MYP_VALUE_INT:
	case MYP_VALUE_UINT:
		put_int_text(out, v);
		break;
	case MYP_VALUE_FLOAT:
		if (!isfinite(v->f))
			break;
		n = number_shortest_float(v->f);
		put_real_text(out, signbit(v->f), &n);
		break;
	case MYP_VALUE_DOUBLE:
		if (!isfinite(v->d))
			break;
		n = number_shortest_double(v->d);
		put_real_text(out, signbit(v->d), &n);
		break;
	case MYP_VALUE_TEXT:
	case MYP_VALUE_BYTES:
		buf_put_slice(out, v->bytes);
		break;
	case MYP_VALUE_DATE:
	case MYP_VALUE_DATETIME:
	case MYP_VALUE_TIME:
		put_time_text(out, v);
		break;
	}
}

void myp_bytes_put_literal(struct buf *out, struct slice s)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *to = buf_reserve(out, s.len * 2 + 3);
	size_t n = 0;

	if (!to)
		return;
	to[n++] = 'x';
	to[n++] = '\'';
	for (size_t i = 0; i < s.len; i++) {
		to[n++] = (uint8_t)digits[s.ptr[i] >> 4];
		to[n++] = (uint8_t)digits[s.ptr[i] & 15];
	}
	to[n++] = '\'';
	buf_advance(out, n);
}

/* The letter that stands for C behind a backslash; 0: C stands for itself. */
static char escape_of(uint8_t c)
{
	switch (c) {
	case '\0':
		return '0';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case 0x1a: /* ends a text file for some programs */
		return 'Z';
	case '\\':
		return '\\';
	default:
		return 0;
	}
}

static void put_quoted(struct buf *out, struct slice s, bool backslash)
{
	size_t plain = 0; /* where begins what is not written yet and needs no change */

	buf_put_u8(out, '\'');
	for (size_t i = 0; i < s.len; i++) {
		char letter = backslash ? escape_of(s.ptr[i]) : 0;

		if (s.ptr[i] != '\'' && !letter)
			continue;
		buf_put_slice(out, slice_head(slice_skip(s, plain), i - plain));
		buf_put_u8(out, letter ? '\\' : '\'');
		buf_put_u8(out, letter ? (uint8_t)letter : '\'');
		plain = i + 1;
	}
	buf_put_slice(out, slice_skip(s, plain));
	buf_put_u8(out, '\'');
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] >= 0x80)
			return false;
	return true;
}

/* [-]digits[.digits], which SQL reads as an exact number. */
static bool is_decimal(struct slice s)
{
	struct cursor c = cur_of(s);
	size_t digits = 0;
	bool point = false;

	if (cur_peek(&c) == '-')
		cur_skip(&c, 1);
	while (cur_left(&c) > 0) {
		uint8_t ch = cur_u8(&c);

		if (ch == '.' && !point && digits > 0)
			point = true;
		else if (ch >= '0' && ch <= '9')
			digits++;
		else
			return false;
	}
	return digits > 0 && digits <= DECIMAL_DIGITS_MAX && s.ptr[s.len - 1] != '.';
}

/*
 * Text that is not pure ASCII is quoted where the server cannot mistake its bytes: in a character set
 * without tricky second bytes, and, if it should be UTF-8, when it is. Ill-formed text comes from clients that send
 * their binary strings as text; without an introducer the server takes it as it is.
 */
static void put_text_literal(struct buf *out, struct slice s, unsigned flags, const char *charset)
{
	bool utf8 = !charset || strncmp(charset, "utf8", 4) == 0;

	if (is_ascii(s)) {
		put_quoted(out, s, !(flags & MYP_QUOTE_NO_BACKSLASH));
		return;
	}
	if (flags & MYP_QUOTE_MULTIBYTE) {
		if (charset)
			buf_printf(out, "_%s ", charset);
		myp_bytes_put_literal(out, s);
		return;
	}
	if (utf8 && !utf8_is_valid(s))
		myp_bytes_put_literal(out, s);
	else
		put_quoted(out, s, !(flags & MYP_QUOTE_NO_BACKSLASH));
}

/* With an exponent, else SQL would read an exact number. */
static void put_double_literal(struct buf *out, double d)
{
	struct number_digits n;

	if (!isfinite(d)) {
		buf_put_cstr(out, "NULL");
		return;
	}
	n = number_shortest_double(d);
	if (signbit(d))
		buf_put_u8(out, '-');
	put_scientific(out, &n);
}

void myp_value_put_literal(struct buf *out, const struct myp_value *v, unsigned quote_flags,
			   const char *charset_name)
{
	bool decimal = v->type == MYP_TYPE_NEWDECIMAL || v->type == MYP_TYPE_DECIMAL;

	switch (v->kind) {
	case MYP_VALUE_NULL:
		buf_put_cstr(out, "NULL");
		break;
	case MYP_VALUE_UNKNOWN:
		buf_put_u8(out, '?');
		break;
	case MYP_VALUE_INT:
	case MYP_VALUE_UINT:
		put_int_text(out, v);
		break;
	case MYP_VALUE_FLOAT:
		put_double_literal(out, (double)v->f);
		break;
	case MYP_VALUE_DOUBLE:
		put_double_literal(out, v->d);
		break;
	case MYP_VALUE_TEXT:
		if (decimal && is_decimal(v->bytes))
			buf_put_slice(out, v->bytes);
		else
			put_text_literal(out, v->bytes, quote_flags, charset_name);
		break;
	case MYP_VALUE_BYTES:
		if (v->bytes.len == 0)
			buf_put_cstr(out, "''");
		else
			myp_bytes_put_literal(out, v->bytes);
		break;
	case MYP_VALUE_DATE:
	case MYP_VALUE_DATETIME:
	case MYP_VALUE_TIME:
		buf_put_u8(out, '\'');
		put_time_text(out, v);
		buf_put_u8(out, '\'');
		break;
	}
}
