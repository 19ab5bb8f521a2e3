/*
 * number - integers and floating point numbers as decimal text, exactly and without a locale.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/slice.h"

enum {
	NUMBER_UINT_MAX = 20,   /* digits of the largest uint64_t */
	NUMBER_DIGITS_MAX = 17, /* digits that tell any two doubles apart */
	NUMBER_TEXT_MAX = 512,  /* bytes of the longest text that number_get_double() reads */
};

/*
 * Writes V at TO, which has room for NUMBER_UINT_MAX bytes, all of which may be written to. Returns the number
 * of bytes that are V; no NUL.
 */
size_t number_put_uint(uint8_t *to, uint64_t v);

/*
 * Writes V with zeros in front, so that there are at least WIDTH digits, at most NUMBER_UINT_MAX; nothing behind
 * them is touched.
 */
size_t number_put_padded(uint8_t *to, uint64_t v, size_t width);

/* The double nearest to MANTISSA times ten to the power of EXPONENT; infinite beyond the range. */
double number_scale(uint64_t mantissa, int exponent);

/*
 * Reads the whole of TEXT, [+-]digits[.digits][e[+-]digits], as the nearest double. False, and *OUT
 * is untouched, if it is anything else or longer than NUMBER_TEXT_MAX.
 */
bool number_get_double(struct slice text, double *out);

/* A magnitude as DIGITS[0].DIGITS[1]... times ten to the power of EXPONENT; no zeros at the end. */
struct number_digits {
	uint8_t digits[NUMBER_DIGITS_MAX]; /* '0' to '9' */
	uint8_t count;                     /* 1 to NUMBER_DIGITS_MAX */
	int exponent;
};

/* The fewest digits that read back as the magnitude of V, which must be finite. */
struct number_digits number_shortest_double(double v);
struct number_digits number_shortest_float(float v);

#endif
