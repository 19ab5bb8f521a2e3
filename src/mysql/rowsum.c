/*
 * rowsum - checksums of rows. Runs for every row heard: no allocation, and no printf but for floating
 * point numbers that are out of the ordinary.
 */
#include "mysql/rowsum.h"

#include <assert.h>
#include <endian.h>
#include <math.h>

#include "base/hash.h"
#include "base/number.h"
#include "mysql/value.h"

/* The hash of NULL, which has no bytes that XXH3 could be given. */
#define NULL_HASH UINT64_C(0x6e9b2a47c1d0583f)

enum {
	FIXED_DECIMALS_MAX = 30, /* more: the column shows as many digits as it needs */
	FRACTION_MAX = 7,        /* bytes: a point and six digits */
	FLOAT_DIGITS = 6,        /* significant digits that the servers show of a FLOAT */
	EXACT_FLOAT_POWER = 12,  /* a float times ten to this power is a double without error */
};

/* How a type's text is brought to the canonical form. */
enum form { FORM_BYTES, FORM_EXACT, FORM_FLOAT, FORM_DOUBLE, FORM_TIME };

static enum form form_of(uint8_t type)
{
	switch (type) {
	case MYP_TYPE_TINY:
	case MYP_TYPE_SHORT:
	case MYP_TYPE_INT24:
	case MYP_TYPE_LONG:
	case MYP_TYPE_LONGLONG:
	case MYP_TYPE_YEAR:
	case MYP_TYPE_BOOL:
	case MYP_TYPE_DECIMAL:
	case MYP_TYPE_NEWDECIMAL:
		return FORM_EXACT;
	case MYP_TYPE_FLOAT:
		return FORM_FLOAT;
	case MYP_TYPE_DOUBLE:
		return FORM_DOUBLE;
	case MYP_TYPE_DATETIME:
	case MYP_TYPE_TIMESTAMP:
	case MYP_TYPE_TIME:
		return FORM_TIME;
	default:
		return FORM_BYTES;
	}
}

/* Zeros in front of a number are ZEROFILL's. Numbers with a sign have none. */
static struct slice without_zeros(struct slice s)
{
	while (s.len > 1 && s.ptr[0] == '0' && s.ptr[1] >= '0' && s.ptr[1] <= '9')
		s = slice_skip(s, 1);
	return s;
}

/* The zeros at the end of a fraction of seconds, and a minus before a time of zero, are left off. */
static struct slice plain_time(struct slice s)
{
	size_t len = s.len;
	size_t n = 0;

	if (len > FRACTION_MAX && memchr(s.ptr + len - FRACTION_MAX, '.', FRACTION_MAX)) {
		while (s.ptr[len - 1] == '0')
			len--;
		if (s.ptr[len - 1] == '.')
			len--;
		s.len = len;
	}
	if (len == 0 || s.ptr[0] != '-')
		return s;
	while (n < s.len && (s.ptr[n] < '1' || s.ptr[n] > '9'))
		n++;
	return n < s.len ? s : slice_skip(s, 1);
}

static uint64_t hash_double(double v)
{
	uint64_t bits;

	if (v == 0)
		v = 0; /* not -0 */
	memcpy(&bits, &v, sizeof(bits));
	bits = htole64(bits);
	return hash_bytes(slice_of(&bits, sizeof(bits)));
}

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
				1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
				1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

enum { POWERS = sizeof(powers) / sizeof(powers[0]) };

/*
 * The value that "%.5e" of V shows. Between 1e-7 and 1e6 a float times the power of ten that makes it a
 * number of six digits is exact as a double (24 bits times at most 28), so that rounding it is, too.
 */
static double float_as_shown(float v)
{
	double magnitude = fabs((double)v);
	unsigned power = 0;
	char text[32];
	double shown;

	if (magnitude >= 1e-7 && magnitude < 1e6) {
		while (magnitude * powers[power] < 1e5)
			power++;
		shown = rint(magnitude * powers[power]) / powers[power];
		return signbit(v) ? -shown : shown;
	}
	(void)snprintf(text, sizeof(text), "%.*e", FLOAT_DIGITS - 1, (double)v);
	return strtod(text, NULL);
}

/*
 * The value that "%.*f" of V shows with so many DECIMALS. A value that is the nearest to N / 10^DECIMALS
 * already stays as it is; below 2^51 no other N is as near.
 */
static double fixed_as_shown(double v, unsigned decimals)
{
	char text[NUMBER_TEXT_MAX];

	if (decimals < POWERS && fabs(v) * powers[decimals] < 0x1p51 &&
	    rint(v * powers[decimals]) / powers[decimals] == v)
		return v;
	(void)snprintf(text, sizeof(text), "%.*f", (int)decimals, v);
	return strtod(text, NULL);
}

/* The same for a float, which is rarely the double nearest to a decimal, but has few digits. */
static double fixed_float_as_shown(float v, unsigned decimals)
{
	if (decimals <= EXACT_FLOAT_POWER && fabs((double)v) * powers[decimals] < 0x1p53)
		return rint((double)v * powers[decimals]) / powers[decimals];
	return fixed_as_shown((double)v, decimals);
}

static bool is_fixed(const struct rowsum_column *column)
{
	return column->decimals <= FIXED_DECIMALS_MAX;
}

/*
 * Text of a FLOAT has its six digits already, but for those that MySQL 5.6 calculates and shows with all
 * digits of a double. Six digits are not changed on their way through a float.
 */
static uint64_t hash_text(const struct rowsum_column *column, struct slice s)
{
	double v;

	switch (form_of(column->type)) {
	case FORM_EXACT:
		return hash_bytes(without_zeros(s));
	case FORM_TIME:
		return hash_bytes(plain_time(s));
	case FORM_FLOAT:
		if (number_get_double(s, &v))
			return hash_double(is_fixed(column) ? v : float_as_shown((float)v));
		break;
	case FORM_DOUBLE:
		if (number_get_double(s, &v))
			return hash_double(v);
		break;
	case FORM_BYTES:
		break;
	}
	return hash_bytes(s);
}

static uint64_t hash_int(const struct myp_value *v)
{
	uint8_t text[NUMBER_UINT_MAX + 1] = {'-'};
	bool negative = v->kind == MYP_VALUE_INT && v->i < 0;

	return hash_bytes(slice_of(
		text, negative + number_put_uint(text + negative, negative ? 0 - v->u : v->u)));
}

static uint64_t hash_time(const struct myp_value *v)
{
	uint8_t text[MYP_TIME_TEXT_MAX];

	return hash_bytes(slice_of(text, myp_value_time_text(text, v)));
}

static uint64_t hash_value(const struct rowsum_column *column, const struct myp_value *v)
{
	switch (v->kind) {
	case MYP_VALUE_INT:
	case MYP_VALUE_UINT:
		return hash_int(v);
	case MYP_VALUE_FLOAT:
		return hash_double(is_fixed(column) ? fixed_float_as_shown(v->f, column->decimals)
						    : float_as_shown(v->f));
	case MYP_VALUE_DOUBLE:
		return hash_double(is_fixed(column) ? fixed_as_shown(v->d, column->decimals)
						    : v->d);
	case MYP_VALUE_DATE:
	case MYP_VALUE_DATETIME:
	case MYP_VALUE_TIME:
		return hash_time(v);
	case MYP_VALUE_TEXT:
	case MYP_VALUE_BYTES:
		return hash_text(column, v->bytes);
	case MYP_VALUE_NULL:
	case MYP_VALUE_UNKNOWN:
		break;
	}
	return NULL_HASH;
}

static bool read_text(struct cursor *c, const struct rowsum_column *columns, size_t count,
		      uint64_t *hashes)
{
	for (size_t i = 0; i < count && cur_ok(c); i++) {
		if (cur_peek(c) == MYP_LENENC_NULL) {
			cur_skip(c, 1);
			hashes[i] = NULL_HASH;
		} else {
			hashes[i] = hash_text(&columns[i], myp_cur_lenenc_bytes(c));
		}
	}
	return cur_done(c);
}

static uint64_t read_value(struct cursor *c, const struct rowsum_column *column)
{
	bool is_unsigned = column->flags & MYP_COLUMN_UNSIGNED;
	const struct myp_value v = myp_value_read(c, column->type, is_unsigned);

	return hash_value(column, &v);
}

/* Header 0x00, null bitmap whose first two bits are not used, values. */
static bool read_binary(struct cursor *c, const struct rowsum_column *columns, size_t count,
			uint64_t *hashes)
{
	struct slice nulls;

	if (cur_u8(c) != 0)
		return false;
	nulls = cur_bytes(c, (count + 9) / 8);
	for (size_t i = 0; i < count && cur_ok(c); i++) {
		if (nulls.ptr[(i + 2) / 8] >> ((i + 2) % 8) & 1) {
			hashes[i] = NULL_HASH;
			continue;
		}
		hashes[i] = read_value(c, &columns[i]);
	}
	return cur_done(c);
}

static void add(struct rowsum *sum, uint64_t hash)
{
	sum->ordered = hash_mix(sum->ordered, hash);
	sum->unordered += hash;
}

enum err rowsum_add(struct rowsum *all, struct rowsum_column *columns, size_t count, bool binary,
		    struct slice payload)
{
	uint64_t hashes[MYP_COLUMNS_MAX]; /* of the cells; only COUNT of them are touched */
	struct cursor c = cur_of(payload);

	if (count > MYP_COLUMNS_MAX)
		return ERR_PROTO;
	if (binary ? !read_binary(&c, columns, count, hashes)
		   : !read_text(&c, columns, count, hashes))
		return ERR_PROTO;
	for (size_t i = 0; i < count; i++) {
		add(&columns[i].sum, hashes[i]);
		hashes[i] = htole64(hashes[i]);
	}
	add(all, hash_bytes(slice_of(hashes, count * sizeof(hashes[0]))));
	return ERR_OK;
}

static struct rowsum sum_of(uint64_t hash)
{
	struct rowsum sum = {.ordered = 0};

	add(&sum, hash);
	return sum;
}

static bool is_sum_of(const struct rowsum *sum, uint64_t hash)
{
	return sum->unordered == hash && sum->ordered == sum_of(hash).ordered;
}

/* The hash of a row whose cells' hashes are the columns' unordered sums. */
static uint64_t hash_row(const struct rowsum_column *columns, size_t count)
{
	uint64_t hashes[MYP_COLUMNS_MAX]; /* only COUNT of them are touched */

	assert(count <= MYP_COLUMNS_MAX);
	for (size_t i = 0; i < count; i++)
		hashes[i] = htole64(columns[i].sum.unordered);
	return hash_bytes(slice_of(hashes, count * sizeof(hashes[0])));
}

void rowsum_complete(struct rowsum *all, struct rowsum_column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		columns[i].sum = sum_of(columns[i].sum.unordered);
	*all = sum_of(hash_row(columns, count));
}

bool rowsum_is_complete(const struct rowsum *all, const struct rowsum_column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_sum_of(&columns[i].sum, columns[i].sum.unordered))
			return false;
	return is_sum_of(all, hash_row(columns, count));
}
