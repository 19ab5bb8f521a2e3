#include "check.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/number.h"

/* A generator of its own, so that every run tries the same. */
static uint64_t next_random(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	uint64_t z = *state;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void integers_are_written_as_printf_does(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t v = next_random(&seed) >> (next_random(&seed) % 64);
		uint8_t got[NUMBER_UINT_MAX];
		char want[32];
		size_t n = number_put_uint(got, v);

		(void)snprintf(want, sizeof(want), "%llu", (unsigned long long)v);
		CHECK(slice_eq(slice_of(got, n), slice_cstr(want)));
		n = number_put_padded(got, v, 6);
		(void)snprintf(want, sizeof(want), "%06llu", (unsigned long long)v);
		CHECK(slice_eq(slice_of(got, n), slice_cstr(want)));
	}
}

static void doubles_are_read_as_strtod_does(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (int i = 0; i < 60000; i++) {
		union {
			uint64_t bits;
			double v;
		} u = {.bits = next_random(&seed)};
		char text[NUMBER_TEXT_MAX];
		double got = 0;

		if (i % 2)
			u.v = (double)(int64_t)next_random(&seed) / 1e6;
		if (!isfinite(u.v))
			continue;
		switch (i % 6) {
		case 0:
			(void)snprintf(text, sizeof(text), "%.17g", u.v);
			break;
		case 1:
			(void)snprintf(text, sizeof(text), "%.15g", u.v);
			break;
		case 2:
			(void)snprintf(text, sizeof(text), "%.30f", u.v);
			break;
		case 3:
			(void)snprintf(text, sizeof(text), "%.3f", u.v);
			break;
		case 4:
			(void)snprintf(text, sizeof(text), "%.0f", u.v);
			break;
		default:
			(void)snprintf(text, sizeof(text), "%.6e", u.v);
			break;
		}
		CHECK(number_get_double(slice_cstr(text), &got));
		CHECK(got == strtod(text, NULL));
	}
}

static void scaled_mantissas_are_rounded_as_strtod_does(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t mantissa = next_random(&seed) >> (next_random(&seed) % 64);
		int exponent = (int)(next_random(&seed) % 64) - 32;
		char text[64];

		if (i % 4 == 0) /* halfway between two doubles, or next to it */
			mantissa = (UINT64_C(1) << 53 | mantissa >> 11) * 2 + 1;
		if (i % 8 == 0)
			exponent = 0;
		(void)snprintf(text, sizeof(text), "%llue%d", (unsigned long long)mantissa,
			       exponent);
		CHECK(number_scale(mantissa, exponent) == strtod(text, NULL));
	}
}

static void what_is_not_a_number_is_refused(void **state)
{
	static const char *const texts[] = {"",    "-",   ".",  "e5", "1e",   "1e+", "inf",
					    "nan", "0x1", " 1", "1 ", "1..2", "--1", "1.2.3"};
	char longer[NUMBER_TEXT_MAX + 1];
	double v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK(!number_get_double(slice_cstr(texts[i]), &v));
	memset(longer, '1', sizeof(longer));
	CHECK(!number_get_double(slice_of(longer, sizeof(longer)), &v));
	CHECK(v == 7);
	CHECK(number_get_double(slice_of(longer, NUMBER_TEXT_MAX), &v) && isinf(v));
	CHECK(number_get_double(SLICE_LIT("-0"), &v) && v == 0 && signbit(v));
	CHECK(number_get_double(SLICE_LIT("1e999999999999"), &v) && isinf(v));
	CHECK(number_get_double(SLICE_LIT("0000.5E-000000001"), &v) && v == 0.05);
}

static bool digits_are(struct number_digits n, const char *digits, int exponent)
{
	return slice_eq(slice_of(n.digits, n.count), slice_cstr(digits)) && n.exponent == exponent;
}

static void shortest_digits_are_short(void **state)
{
	(void)state;
	CHECK(digits_are(number_shortest_double(0), "0", 0));
	CHECK(digits_are(number_shortest_double(-1.5), "15", 0));
	CHECK(digits_are(number_shortest_double(0.1), "1", -1));
	CHECK(digits_are(number_shortest_double(1e20), "1", 20));
	CHECK(digits_are(number_shortest_double(5e-324), "5", -324));
	CHECK(digits_are(number_shortest_double(DBL_MAX), "17976931348623157", 308));
	CHECK(digits_are(number_shortest_float(0.1F), "1", -1));
	CHECK(digits_are(number_shortest_float(1e-45F), "1", -45));
	CHECK(digits_are(number_shortest_float(16777216), "16777216", 7));
	CHECK(digits_are(number_shortest_float(FLT_MAX), "34028235", 38));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_written_as_printf_does),
		cmocka_unit_test(doubles_are_read_as_strtod_does),
		cmocka_unit_test(scaled_mantissas_are_rounded_as_strtod_does),
		cmocka_unit_test(what_is_not_a_number_is_refused),
		cmocka_unit_test(shortest_digits_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
