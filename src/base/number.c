/* number - integers and floating point numbers as decimal text. */
#include "base/number.h"

#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	EXACT_POWER_MAX = 22,  /* ten to this power, and to all below, is a double without error */
	MANTISSA_DIGITS = 19,  /* any so many digits fit into 64 bits */
	EXPONENT_MAX = 100000, /* what is larger is infinite or zero with any mantissa we read */
};

static const double exact_powers[EXACT_POWER_MAX + 1] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/*
 * The eight digits of V, below 10^8, the first in the lowest byte, as values and not as letters: V is cut
 * into halves, these into pairs, these into digits, all at once. The multiplications by 10486 / 2^20 and 103 / 2^10
 * are divisions by 100 and 10, exact for so small numbers.
 */
static uint64_t eight_digits(uint64_t v)
{
	uint64_t x = v / 10000 | v % 10000 << 32;
	uint64_t high = x * 10486 >> 20 & 0x0000007f0000007f;

	x = high | (x - high * 100) << 16;
	high = x * 103 >> 10 & 0x000f000f000f000f;
	return high | (x - high * 10) << 8;
}

static void put_eight(uint8_t *to, uint64_t digits)
{
	digits = htole64(digits + 0x3030303030303030);
	memcpy(to, &digits, sizeof(digits));
}

/* V is below 10^8; always writes 8 bytes. */
static size_t put_short(uint8_t *to, uint64_t v)
{
	uint64_t digits = eight_digits(v);
	unsigned zeros = v ? (unsigned)__builtin_ctzll(digits) / 8 : 7;

	put_eight(to, digits >> (8 * zeros));
	return 8 - zeros;
}

size_t number_put_uint(uint8_t *to, uint64_t v)
{
	const uint64_t base = 100000000;
	size_t len;

	if (v < base)
		return put_short(to, v);
	if (v / base < base) {
		len = put_short(to, v / base);
	} else {
		len = put_short(to, v / base / base);
		put_eight(to + len, eight_digits(v / base % base));
		len += 8;
	}
	put_eight(to + len, eight_digits(v % base));
	return len + 8;
}

size_t number_put_padded(uint8_t *to, uint64_t v, size_t width)
{
	uint8_t text[NUMBER_UINT_MAX];
	size_t len = number_put_uint(text, v);
	size_t zeros = len < width ? width - len : 0;

	memset(to, '0', zeros);
	memcpy(to + zeros, text, len);
	return zeros + len;
}

/* Wide enough for a mantissa times any of the powers of five. */
__extension__ typedef unsigned __int128 uint128;

static const uint64_t fives[] = {UINT64_C(1),
				 UINT64_C(5),
				 UINT64_C(25),
				 UINT64_C(125),
				 UINT64_C(625),
				 UINT64_C(3125),
				 UINT64_C(15625),
				 UINT64_C(78125),
				 UINT64_C(390625),
				 UINT64_C(1953125),
				 UINT64_C(9765625),
				 UINT64_C(48828125),
				 UINT64_C(244140625),
				 UINT64_C(1220703125),
				 UINT64_C(6103515625),
				 UINT64_C(30517578125),
				 UINT64_C(152587890625),
				 UINT64_C(762939453125),
				 UINT64_C(3814697265625),
				 UINT64_C(19073486328125),
				 UINT64_C(95367431640625),
				 UINT64_C(476837158203125),
				 UINT64_C(2384185791015625),
				 UINT64_C(11920928955078125),
				 UINT64_C(59604644775390625),
				 UINT64_C(298023223876953125),
				 UINT64_C(1490116119384765625),
				 UINT64_C(7450580596923828125)};

enum { FIVES = sizeof(fives) / sizeof(fives[0]) };

/*
 * MANTISSA, which is not 0, times ten to the power of EXPONENT, below FIVES either way, in integers: the power of
 * five is multiplied or divided by, that of two is left to the end. A quotient has more than 64 bits and in its
 * lowest one whether there was a remainder, so that rounding it to 53 is right.
 */
static double scale_exactly(uint64_t mantissa, int exponent)
{
	int shift = __builtin_clzll(mantissa);
	uint128 n = (uint128)mantissa << shift;

	if (exponent >= 0)
		return ldexp((double)(n * fives[exponent]), exponent - shift);
	n <<= 64;
	n = n / fives[-exponent] | (n % fives[-exponent] != 0);
	return ldexp((double)n, exponent - shift - 64);
}

double number_scale(uint64_t mantissa, int exponent)
{
	char text[NUMBER_UINT_MAX + 16];

	/* Two exact operands give a correctly rounded product or quotient (Clinger). */
	if (mantissa <= UINT64_C(1) << DBL_MANT_DIG) {
		if (exponent >= 0 && exponent <= EXACT_POWER_MAX)
			return (double)mantissa * exact_powers[exponent];
		if (exponent < 0 && exponent >= -EXACT_POWER_MAX)
			return (double)mantissa / exact_powers[-exponent];
	}
	if (mantissa == 0)
		return 0;
	if (exponent > -FIVES && exponent < FIVES)
		return scale_exactly(mantissa, exponent);
	/* Without a point there is nothing that a locale could change. */
	(void)snprintf(text, sizeof(text), "%llue%d", (unsigned long long)mantissa, exponent);
	return strtod(text, NULL);
}

/* What the text of a number says, before it is turned into a double. */
struct decimal {
	char digits[NUMBER_TEXT_MAX + 16]; /* with room for an exponent */
	size_t count;
	uint64_t mantissa; /* of the first MANTISSA_DIGITS digits without leading zeros */
	size_t significant;
	int exponent;
	bool negative;
};

static bool is_digit(const uint8_t *p, const uint8_t *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

static const uint8_t *take_digits(struct decimal *d, const uint8_t *p, const uint8_t *end)
{
	for (; is_digit(p, end); p++) {
		d->digits[d->count++] = (char)*p;
		if (d->significant > 0 || *p != '0')
			d->significant++;
		if (d->significant <= MANTISSA_DIGITS)
			d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
	}
	return p;
}

/* Reads what follows an 'e' at P; NULL if that is no exponent. */
static const uint8_t *take_exponent(struct decimal *d, const uint8_t *p, const uint8_t *end)
{
	bool negative = p < end && *p == '-';
	int v = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	if (!is_digit(p, end))
		return NULL;
	for (; is_digit(p, end); p++)
		if (v < EXPONENT_MAX)
			v = v * 10 + (*p - '0');
	d->exponent += negative ? -v : v;
	return p;
}

static bool decimal_read(struct decimal *d, struct slice text)
{
	const uint8_t *p = text.ptr;
	const uint8_t *end, *point;

	if (text.len == 0 || text.len > NUMBER_TEXT_MAX)
		return false;
	end = p + text.len;
	d->negative = *p == '-';
	if (*p == '-' || *p == '+')
		p++;
	p = take_digits(d, p, end);
	if (p < end && *p == '.') {
		point = p + 1;
		p = take_digits(d, point, end);
		d->exponent = -(int)(p - point);
	}
	if (d->count == 0)
		return false;
	if (p < end && (*p | 0x20) == 'e')
		p = take_exponent(d, p + 1, end);
	return p == end;
}

bool number_get_double(struct slice text, double *out)
{
	struct decimal d;
	double v;

	/* Not all of it: the digits are many, and few are used. */
	d.count = d.significant = 0;
	d.mantissa = 0;
	d.exponent = 0;
	if (!decimal_read(&d, text))
		return false;
	if (d.significant <= MANTISSA_DIGITS) {
		v = number_scale(d.mantissa, d.exponent);
	} else {
		(void)snprintf(d.digits + d.count, sizeof(d.digits) - d.count, "e%d", d.exponent);
		v = strtod(d.digits, NULL);
	}
	*out = d.negative ? -v : v;
	return true;
}

/* Takes apart what "%.*e" made: one digit, a point of one byte, digits, 'e', exponent. */
static struct number_digits take_apart(const char *text)
{
	struct number_digits n = {.digits = {(uint8_t)text[0]}, .count = 1};
	const char *p = text + 1;

	if (*p != 'e')
		for (p++; *p != 'e' && n.count < NUMBER_DIGITS_MAX; p++)
			n.digits[n.count++] = (uint8_t)*p;
	n.exponent = (int)strtol(p + 1, NULL, 10);
	while (n.count > 1 && n.digits[n.count - 1] == '0')
		n.count--;
	return n;
}

/*
 * As many digits as a type keeps (DBL_DIG) show any shorter text unchanged, with zeros behind, so
 * the search can begin there. Subnormal numbers keep fewer: there it begins at one.
 */
struct number_digits number_shortest_double(double v)
{
	double magnitude = fabs(v);
	char text[NUMBER_DIGITS_MAX + 16];
	int digits = magnitude < DBL_MIN ? 1 : DBL_DIG;

	for (;; digits++) {
		(void)snprintf(text, sizeof(text), "%.*e", digits - 1, magnitude);
		if (digits == NUMBER_DIGITS_MAX || strtod(text, NULL) == magnitude)
			return take_apart(text);
	}
}

struct number_digits number_shortest_float(float v)
{
	float magnitude = fabsf(v);
	char text[NUMBER_DIGITS_MAX + 16];
	int digits = magnitude < FLT_MIN ? 1 : FLT_DIG;

	for (;; digits++) {
		(void)snprintf(text, sizeof(text), "%.*e", digits - 1, (double)magnitude);
		if (digits == FLT_DECIMAL_DIG || strtof(text, NULL) == magnitude)
			return take_apart(text);
	}
}
