/* value - typed values of the binary protocol. */
#include "mysql/value.h"

#include <assert.h>

/* Lengths that stand before dates and times: nothing but zeros is left out at the end. */
enum { DATE_LEN = 4, DATETIME_LEN = 7, DATETIME_MICRO_LEN = 11, TIME_LEN = 8, TIME_MICRO_LEN = 12 };

enum { MICRO_MAX = 999999 };

/* Bytes of an integer of TYPE; 0: TYPE is no integer. */
static size_t int_width(uint8_t type)
{
	switch (type) {
	case MYP_TYPE_TINY:
	case MYP_TYPE_BOOL:
		return 1;
	case MYP_TYPE_SHORT:
	case MYP_TYPE_YEAR:
		return 2;
	case MYP_TYPE_LONG:
	case MYP_TYPE_INT24:
		return 4;
	case MYP_TYPE_LONGLONG:
		return 8;
	default:
		return 0;
	}
}

static uint64_t read_bits(struct cursor *c, size_t width)
{
	switch (width) {
	case 1:
		return cur_u8(c);
	case 2:
		return cur_u16(c);
	case 4:
		return cur_u32(c);
	default:
		return cur_u64(c);
	}
}

/*
 * Readers make the value where it is wanted, in one piece: rows are read by them, and a value that is copied
 * just after it was written field by field costs more than all the rest.
 */
static struct myp_value unknown(uint8_t type)
{
	return (struct myp_value){.kind = MYP_VALUE_UNKNOWN, .type = type};
}

static struct myp_value read_int(struct cursor *c, uint8_t type, size_t width, bool is_unsigned)
{
	unsigned unused_bits = (unsigned)(64 - 8 * width);
	uint64_t bits = read_bits(c, width);

	if (!cur_ok(c))
		return unknown(type);
	if (is_unsigned)
		return (struct myp_value){.kind = MYP_VALUE_UINT, .type = type, .u = bits};
	return (struct myp_value){.kind = MYP_VALUE_INT,
				  .type = type,
				  .i = (int64_t)(bits << unused_bits) >> unused_bits};
}

static struct myp_value read_float(struct cursor *c, uint8_t type)
{
	uint32_t bits = cur_u32(c);
	float f;

	if (!cur_ok(c))
		return unknown(type);
	memcpy(&f, &bits, sizeof(f));
	return (struct myp_value){.kind = MYP_VALUE_FLOAT, .type = type, .f = f};
}

static struct myp_value read_double(struct cursor *c, uint8_t type)
{
	uint64_t bits = cur_u64(c);
	double d;

	if (!cur_ok(c))
		return unknown(type);
	memcpy(&d, &bits, sizeof(d));
	return (struct myp_value){.kind = MYP_VALUE_DOUBLE, .type = type, .d = d};
}

static uint32_t read_micro(struct cursor *c)
{
	uint32_t micro = cur_u32(c);

	if (micro > MICRO_MAX)
		cur_fail(c);
	return micro;
}

static struct myp_value read_datetime(struct cursor *c, uint8_t type)
{
	uint8_t len = cur_u8(c);
	struct cursor part = cur_of(cur_bytes(c, len));
	struct myp_time t = {0};

	if (len != 0 && len != DATE_LEN && len != DATETIME_LEN && len != DATETIME_MICRO_LEN)
		cur_fail(c);
	if (len >= DATE_LEN) {
		t.year = cur_u16(&part);
		t.month = cur_u8(&part);
		t.day = cur_u8(&part);
	}
	if (len >= DATETIME_LEN) {
		t.hour = cur_u8(&part);
		t.minute = cur_u8(&part);
		t.second = cur_u8(&part);
	}
	if (len >= DATETIME_MICRO_LEN)
		t.micro = read_micro(&part);
	if (!cur_ok(&part))
		cur_fail(c);
	if (!cur_ok(c))
		return unknown(type);
	return (struct myp_value){.kind = MYP_VALUE_DATETIME, .type = type, .time = t};
}

/* A DATE, too, may come with a time of day; the server takes no notice of it. */
static struct myp_value read_date(struct cursor *c, uint8_t type)
{
	struct myp_value v = read_datetime(c, type);

	if (v.kind == MYP_VALUE_UNKNOWN)
		return v;
	v.kind = MYP_VALUE_DATE;
	v.time = (struct myp_time){.year = v.time.year, .month = v.time.month, .day = v.time.day};
	return v;
}

static struct myp_value read_time(struct cursor *c, uint8_t type)
{
	uint8_t len = cur_u8(c);
	struct cursor part = cur_of(cur_bytes(c, len));
	struct myp_time t = {0};

	if (len != 0 && len != TIME_LEN && len != TIME_MICRO_LEN)
		cur_fail(c);
	if (len >= TIME_LEN) {
		t.negative = cur_u8(&part) != 0;
		t.days = cur_u32(&part);
		t.hour = cur_u8(&part);
		t.minute = cur_u8(&part);
		t.second = cur_u8(&part);
	}
	if (len >= TIME_MICRO_LEN)
		t.micro = read_micro(&part);
	if (!cur_ok(&part))
		cur_fail(c);
	if (!cur_ok(c))
		return unknown(type);
	return (struct myp_value){.kind = MYP_VALUE_TIME, .type = type, .time = t};
}

static struct myp_value read_bytes(struct cursor *c, uint8_t type, enum myp_value_kind kind)
{
	struct slice bytes = myp_cur_lenenc_bytes(c);

	if (!cur_ok(c))
		return unknown(type);
	return (struct myp_value){.kind = kind, .type = type, .bytes = bytes};
}

struct myp_value myp_value_read(struct cursor *c, uint8_t type, bool is_unsigned)
{
	switch (type) {
	case MYP_TYPE_NULL:
		return (struct myp_value){.kind = MYP_VALUE_NULL, .type = type};
	case MYP_TYPE_TINY:
	case MYP_TYPE_BOOL:
	case MYP_TYPE_SHORT:
	case MYP_TYPE_YEAR:
	case MYP_TYPE_LONG:
	case MYP_TYPE_INT24:
	case MYP_TYPE_LONGLONG:
		return read_int(c, type, int_width(type), is_unsigned);
	case MYP_TYPE_FLOAT:
		return read_float(c, type);
	case MYP_TYPE_DOUBLE:
		return read_double(c, type);
	case MYP_TYPE_DATE:
	case MYP_TYPE_NEWDATE:
		return read_date(c, type);
	case MYP_TYPE_DATETIME:
	case MYP_TYPE_TIMESTAMP:
		return read_datetime(c, type);
	case MYP_TYPE_TIME:
		return read_time(c, type);
	case MYP_TYPE_DECIMAL:
	case MYP_TYPE_NEWDECIMAL:
	case MYP_TYPE_VARCHAR:
	case MYP_TYPE_VAR_STRING:
	case MYP_TYPE_STRING:
	case MYP_TYPE_ENUM:
	case MYP_TYPE_SET:
	case MYP_TYPE_JSON:
		return read_bytes(c, type, MYP_VALUE_TEXT);
	case MYP_TYPE_TINY_BLOB:
	case MYP_TYPE_MEDIUM_BLOB:
	case MYP_TYPE_LONG_BLOB:
	case MYP_TYPE_BLOB:
	case MYP_TYPE_BIT:
	case MYP_TYPE_GEOMETRY:
	case MYP_TYPE_VECTOR:
		return read_bytes(c, type, MYP_VALUE_BYTES);
	default:
		cur_fail(c);
		return unknown(type);
	}
}

static void put_datetime(struct buf *out, const struct myp_time *t)
{
	uint8_t len = DATETIME_MICRO_LEN;

	if (t->micro == 0)
		len = DATETIME_LEN;
	if (len == DATETIME_LEN && (t->hour | t->minute | t->second) == 0)
		len = DATE_LEN;
	if (len == DATE_LEN && (t->year | t->month | t->day) == 0)
		len = 0;
	buf_put_u8(out, len);
	if (len >= DATE_LEN) {
		buf_put_uint_le(out, t->year, 2);
		buf_put_u8(out, t->month);
		buf_put_u8(out, t->day);
	}
	if (len >= DATETIME_LEN) {
		buf_put_u8(out, t->hour);
		buf_put_u8(out, t->minute);
		buf_put_u8(out, t->second);
	}
	if (len == DATETIME_MICRO_LEN)
		buf_put_uint_le(out, t->micro, 4);
}

static bool time_is_zero(const struct myp_time *t)
{
	return t->days == 0 && (t->hour | t->minute | t->second) == 0 && t->micro == 0;
}

static void put_time(struct buf *out, const struct myp_time *t)
{
	if (time_is_zero(t) && !t->negative) {
		buf_put_u8(out, 0);
		return;
	}
	buf_put_u8(out, t->micro ? TIME_MICRO_LEN : TIME_LEN);
	buf_put_u8(out, t->negative);
	buf_put_uint_le(out, t->days, 4);
	buf_put_u8(out, t->hour);
	buf_put_u8(out, t->minute);
	buf_put_u8(out, t->second);
	if (t->micro)
		buf_put_uint_le(out, t->micro, 4);
}

void myp_value_put(struct buf *out, const struct myp_value *v)
{
	uint64_t bits = 0;

	switch (v->kind) {
	case MYP_VALUE_NULL:
	case MYP_VALUE_UNKNOWN:
		break;
	case MYP_VALUE_INT:
	case MYP_VALUE_UINT:
		assert(int_width(v->type) > 0);
		buf_put_uint_le(out, v->u, int_width(v->type));
		break;
	case MYP_VALUE_FLOAT:
		memcpy(&bits, &v->f, sizeof(v->f));
		buf_put_uint_le(out, bits, sizeof(v->f));
		break;
	case MYP_VALUE_DOUBLE:
		memcpy(&bits, &v->d, sizeof(v->d));
		buf_put_uint_le(out, bits, sizeof(v->d));
		break;
	case MYP_VALUE_TEXT:
	case MYP_VALUE_BYTES:
		myp_put_lenenc_bytes(out, v->bytes);
		break;
	case MYP_VALUE_DATE:
	case MYP_VALUE_DATETIME:
		put_datetime(out, &v->time);
		break;
	case MYP_VALUE_TIME:
		put_time(out, &v->time);
		break;
	}
}
