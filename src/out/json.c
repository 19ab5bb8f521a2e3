/* json - writes JSON. */
#include "out/json.h"

#include <assert.h>
#include <math.h>

#include "base/number.h"
#include "out/utf8.h"

enum { PLAIN_EXPONENT_MIN = -5, PLAIN_EXPONENT_MAX = 16 }; /* outside of these: 1e30 */

void json_init(struct json *j, struct out *out)
{
	*j = (struct json){.out = out, .first = true};
}

static bool in_object(const struct json *j)
{
	return j->depth > 0 && (j->objects >> (j->depth - 1) & 1);
}

/* What has to stand before a value or key. */
static void separate(struct json *j)
{
	if (!j->first)
		out_put_byte(j->out, ',');
	j->first = false;
}

static void before_value(struct json *j)
{
	assert(j->keyed == in_object(j));
	if (!j->keyed)
		separate(j);
	j->keyed = false;
}

static void begin(struct json *j, bool object)
{
	before_value(j);
	assert(j->depth < JSON_DEPTH_MAX);
	j->objects &= ~(UINT64_C(1) << j->depth);
	j->objects |= (uint64_t)object << j->depth;
	j->depth++;
	j->first = true;
	out_put_byte(j->out, object ? '{' : '[');
}

void json_object(struct json *j)
{
	begin(j, true);
}

void json_array(struct json *j)
{
	begin(j, false);
}

void json_end(struct json *j)
{
	assert(j->depth > 0 && !j->keyed);
	out_put_byte(j->out, in_object(j) ? '}' : ']');
	j->depth--;
	j->first = false;
}

void json_newline(struct json *j)
{
	assert(j->depth == 0 && !j->keyed);
	out_put_byte(j->out, '\n');
	j->first = true;
}

void json_key(struct json *j, const char *key)
{
	assert(in_object(j) && !j->keyed);
	separate(j);
	out_put_byte(j->out, '"');
	out_put_cstr(j->out, key);
	out_put(j->out, "\":", 2);
	j->keyed = true;
}

/* True for bytes that stand for themselves in a string. */
static bool is_itself(uint8_t b)
{
	return b >= 0x20 && b < 0x7f && b != '"' && b != '\\';
}

/* How many of the first bytes of S stand for themselves. */
static size_t run_of_plain(struct slice s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	size_t n = 0;

	while (s.len - n >= 8) {
		uint64_t v, quote, backslash;

		memcpy(&v, s.ptr + n, sizeof(v));
		quote = v ^ ones * '"';
		backslash = v ^ ones * '\\';
		/* above 0x7f, below 0x20, 0x7f, or one of the two */
		if ((v | (v - ones * 0x20) | (v + ones) | ((quote - ones) & ~quote) |
		     ((backslash - ones) & ~backslash)) &
		    tops)
			break;
		n += 8;
	}
	while (n < s.len && is_itself(s.ptr[n]))
		n++;
	return n;
}

static void put_escaped(struct out *o, uint8_t b)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[] = "btnvfr"; /* from 8 on; \v is not JSON's */
	uint8_t unicode[] = {'\\', 'u', '0', '0', (uint8_t)hex[b >> 4], (uint8_t)hex[b & 15]};

	if (b == '"' || b == '\\') {
		out_put_byte(o, '\\');
		out_put_byte(o, b);
	} else if (b >= '\b' && b <= '\r' && b != '\v') {
		out_put_byte(o, '\\');
		out_put_byte(o, (uint8_t)letters[b - '\b']);
	} else {
		out_put(o, unicode, sizeof(unicode));
	}
}

static void put_string(struct out *o, struct slice s)
{
	out_put_byte(o, '"');
	while (s.len > 0) {
		size_t n = run_of_plain(s), len;

		if (n > 0) {
			out_put(o, s.ptr, n);
			s = slice_skip(s, n);
			continue;
		}
		len = utf8_char_len(s);
		if (len == 0)
			out_put(o, "\xef\xbf\xbd", 3);
		else if (len == 1)
			put_escaped(o, s.ptr[0]);
		else
			out_put(o, s.ptr, len);
		s = slice_skip(s, len ? len : 1);
	}
	out_put_byte(o, '"');
}

void json_key_slice(struct json *j, struct slice key)
{
	assert(in_object(j) && !j->keyed);
	separate(j);
	put_string(j->out, key);
	out_put_byte(j->out, ':');
	j->keyed = true;
}

void json_string(struct json *j, struct slice s)
{
	before_value(j);
	put_string(j->out, s);
}

void json_cstr(struct json *j, const char *s)
{
	json_string(j, slice_cstr(s));
}

void json_base64(struct json *j, struct slice bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct out *o = j->out;

	before_value(j);
	out_put_byte(o, '"');
	while (bytes.len > 0) {
		size_t n = bytes.len < 3 ? bytes.len : 3;
		uint32_t v = 0;

		for (size_t i = 0; i < 3; i++)
			v = v << 8 | (i < n ? bytes.ptr[i] : 0u);
		for (size_t i = 0; i < 4; i++)
			out_put_byte(o, i <= n ? (uint8_t)digits[v >> (18 - 6 * i) & 63] : '=');
		bytes = slice_skip(bytes, n);
	}
	out_put_byte(o, '"');
}

static void put_u64(struct out *o, uint64_t v)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	out_put(o, digits + at, sizeof(digits) - at);
}

void json_i64(struct json *j, int64_t v)
{
	before_value(j);
	if (v < 0)
		out_put_byte(j->out, '-');
	put_u64(j->out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void json_u64(struct json *j, uint64_t v)
{
	before_value(j);
	put_u64(j->out, v);
}

/* 0.00123, 123.45, 12300: the place of a digit is its power of ten, EXPONENT for the first. */
static void put_plain(struct out *o, const struct number_digits *d)
{
	int from = d->exponent > 0 ? d->exponent : 0;
	int to = d->exponent - d->count + 1 < 0 ? d->exponent - d->count + 1 : 0;

	for (int place = from; place >= to; place--) {
		int at = d->exponent - place;

		if (place == -1)
			out_put_byte(o, '.');
		out_put_byte(o, at >= 0 && at < d->count ? d->digits[at] : '0');
	}
}

/* 1.23e30 */
static void put_scientific(struct out *o, const struct number_digits *d)
{
	out_put_byte(o, d->digits[0]);
	if (d->count > 1) {
		out_put_byte(o, '.');
		out_put(o, d->digits + 1, d->count - 1u);
	}
	out_printf(o, "e%d", d->exponent);
}

static void put_number(struct json *j, bool negative, struct number_digits d)
{
	before_value(j);
	if (negative)
		out_put_byte(j->out, '-');
	if (d.exponent < PLAIN_EXPONENT_MIN || d.exponent > PLAIN_EXPONENT_MAX)
		put_scientific(j->out, &d);
	else
		put_plain(j->out, &d);
}

void json_float(struct json *j, float v)
{
	if (isfinite(v))
		put_number(j, signbit(v), number_shortest_float(v));
	else
		json_null(j);
}

void json_double(struct json *j, double v)
{
	if (isfinite(v))
		put_number(j, signbit(v), number_shortest_double(v));
	else
		json_null(j);
}

void json_bool(struct json *j, bool v)
{
	before_value(j);
	out_put_cstr(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
	before_value(j);
	out_put_cstr(j->out, "null");
}

void json_key_string(struct json *j, const char *key, struct slice s)
{
	json_key(j, key);
	json_string(j, s);
}

void json_key_cstr(struct json *j, const char *key, const char *s)
{
	json_key(j, key);
	json_cstr(j, s);
}

void json_key_i64(struct json *j, const char *key, int64_t v)
{
	json_key(j, key);
	json_i64(j, v);
}

void json_key_u64(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

void json_key_double(struct json *j, const char *key, double v)
{
	json_key(j, key);
	json_double(j, v);
}

void json_key_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

void json_key_null(struct json *j, const char *key)
{
	json_key(j, key);
	json_null(j);
}

void json_key_hist(struct json *j, const char *key, const struct hist *h)
{
	json_key(j, key);
	if (h->count == 0) {
		json_null(j);
		return;
	}
	json_object(j);
	json_key_u64(j, "count", h->count);
	json_key_i64(j, "min_ns", h->min_ns);
	json_key_i64(j, "mean_ns", (int64_t)hist_mean_ns(h));
	json_key_i64(j, "p50_ns", hist_quantile_ns(h, 0.5));
	json_key_i64(j, "p95_ns", hist_quantile_ns(h, 0.95));
	json_key_i64(j, "p99_ns", hist_quantile_ns(h, 0.99));
	json_key_i64(j, "max_ns", h->max_ns);
	json_end(j);
}
