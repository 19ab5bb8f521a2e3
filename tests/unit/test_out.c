#include "check.h"

#include <math.h>
#include <time.h>

#include "base/buf.h"
#include "out/html.h"
#include "out/json.h"
#include "out/table.h"
#include "out/units.h"
#include "out/utf8.h"

/* A place to write to; fails once FAIL_AT bytes were taken. */
struct place {
	struct buf text;
	size_t fail_at;
	unsigned calls;
};

static enum err into(void *ctx, struct slice bytes, struct errinfo *info)
{
	struct place *p = ctx;

	p->calls++;
	if (p->fail_at && p->text.len + bytes.len > p->fail_at)
		return err_set(info, ERR_IO, 0, "the place is full");
	buf_put_slice(&p->text, bytes);
	return buf_err(&p->text);
}

static struct out o; /* too large for the stack of a test */
static struct place place;

static int begin(void **state)
{
	(void)state;
	place = (struct place){.calls = 0};
	buf_init(&place.text, 64 << 20);
	out_init(&o, into, &place);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	buf_release(&place.text);
	return 0;
}

static void wrote(const char *text)
{
	CHECK(out_flush(&o, NULL) == ERR_OK);
	if (!slice_eq(buf_slice(&place.text), slice_cstr(text)))
		fail_msg("is  %.*s\nnot %s", (int)place.text.len, (const char *)place.text.ptr,
			 text);
	buf_reset(&place.text);
}

static void html_keeps_text_text(void **state)
{
	(void)state;
	html_cstr(&o, "<script>alert(\"1\" & '2' `3`)</script>\n\t");
	wrote("&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39; "
	      "&#96;3&#96;)&lt;/script&gt;\n\t");
	html_text(&o, slice_of("a\0b\x1b[1m\xff\xc3(\xc3\xa4\xe2\x98", 14));
	wrote("a\xef\xbf\xbd"
	      "b\xef\xbf\xbd[1m\xef\xbf\xbd\xef\xbf\xbd("
	      "\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd");
	html_element(&o, "td", "a<b");
	wrote("<td>a&lt;b</td>");
}

static void bytes_arrive_whole_and_in_order(void **state)
{
	struct buf expected;

	(void)state;
	buf_init(&expected, 64 << 20);
	for (size_t n = 0; n < 2000; n++) {
		uint8_t *bytes = malloc(n * 97 + 1);

		CHECK(bytes);
		memset(bytes, (int)(n & 0xff), n * 97);
		out_put(&o, bytes, n * 97 % 70000);
		buf_put(&expected, bytes, n * 97 % 70000);
		free(bytes);
		out_put_byte(&o, '|');
		out_printf(&o, "%zu", n);
		buf_printf(&expected, "|%zu", n);
	}
	CHECK(out_flush(&o, NULL) == ERR_OK);
	CHECK(o.total == expected.len);
	CHECK(slice_eq(buf_slice(&place.text), buf_slice(&expected)));
	buf_release(&expected);
}

static void the_first_failure_stays(void **state)
{
	struct errinfo info = {.code = ERR_OK};
	unsigned calls;

	(void)state;
	place.fail_at = 100000;
	for (int i = 0; i < 100000; i++)
		out_put_cstr(&o, "0123456789");
	CHECK(out_err(&o) == ERR_IO);
	calls = place.calls;
	CHECK(out_flush(&o, &info) == ERR_IO);
	CHECK(place.calls == calls);
	assert_string_equal(info.text, "the place is full");
}

static void json_has_its_commas(void **state)
{
	struct json j;

	(void)state;
	json_init(&j, &o);
	json_object(&j);
	json_key_cstr(&j, "a", "x");
	json_key(&j, "b");
	json_array(&j);
	json_i64(&j, -1);
	json_array(&j);
	json_end(&j);
	json_object(&j);
	json_end(&j);
	json_null(&j);
	json_end(&j);
	json_key_bool(&j, "c", true);
	json_key_null(&j, "d");
	json_key_slice(&j, SLICE_LIT("e\""));
	json_object(&j);
	json_end(&j);
	json_end(&j);
	json_newline(&j);
	json_u64(&j, 1);
	json_newline(&j);
	wrote("{\"a\":\"x\",\"b\":[-1,[],{},null],\"c\":true,\"d\":null,\"e\\\"\":{}}\n1\n");
}

static void json_of(struct slice s, const char *expected)
{
	uint8_t *exact = exact_copy(s, s.len);
	struct json j;

	json_init(&j, &o);
	json_string(&j, slice_of(exact, s.len));
	wrote(expected);
	free(exact);
}

static void json_strings_are_utf8_whatever_comes(void **state)
{
	(void)state;
	json_of(SLICE_LIT(""), "\"\"");
	json_of(SLICE_LIT("a\"b\\c/\b\t\n\v\f\r\x01\x1f\x7f"),
		"\"a\\\"b\\\\c/\\b\\t\\n\\u000b\\f\\r\\u0001\\u001f\\u007f\"");
	json_of(SLICE_LIT("plain text that is long enough for eight\\ at a time"),
		"\"plain text that is long enough for eight\\\\ at a time\"");
	json_of(SLICE_LIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
#define BAD "\xef\xbf\xbd"
	json_of(SLICE_LIT("\xc3"), "\"" BAD "\"");
	json_of(SLICE_LIT("\xe2\x82"), "\"" BAD BAD "\"");
	json_of(SLICE_LIT("\xf0\x9f\x98"), "\"" BAD BAD BAD "\"");
	json_of(SLICE_LIT("\xc0\x80\xed\xa0\x80"), "\"" BAD BAD BAD BAD BAD "\"");
	json_of(SLICE_LIT("\xf4\x90\x80\x80x"), "\"" BAD BAD BAD BAD "x\"");
	json_of(SLICE_LIT("a\xff"
			  "b"),
		"\"a" BAD "b\"");
}

static void every_byte_is_written_as_json(void **state)
{
	char expected[32];

	(void)state;
	for (unsigned b = 0; b < 256; b++) {
		uint8_t byte = (uint8_t)b;
		const char *letter = b ? strchr("\bb\tt\nn\ff\rr", (int)b) : NULL;

		if (b >= 0x80)
			(void)snprintf(expected, sizeof(expected), "\"" BAD "\"");
		else if (b == '"' || b == '\\')
			(void)snprintf(expected, sizeof(expected), "\"\\%c\"", (int)b);
		else if (letter && b < 0x20)
			(void)snprintf(expected, sizeof(expected), "\"\\%c\"", letter[1]);
		else if (b < 0x20 || b == 0x7f)
			(void)snprintf(expected, sizeof(expected), "\"\\u%04x\"", b);
		else
			(void)snprintf(expected, sizeof(expected), "\"%c\"", (int)b);
		json_of(slice_of(&byte, 1), expected);
	}
}

static void base64_of(const char *bytes, const char *expected)
{
	struct json j;

	json_init(&j, &o);
	json_base64(&j, slice_cstr(bytes));
	wrote(expected);
}

static void base64_is_that_of_the_rfc(void **state)
{
	(void)state;
	base64_of("", "\"\"");
	base64_of("f", "\"Zg==\"");
	base64_of("fo", "\"Zm8=\"");
	base64_of("foo", "\"Zm9v\"");
	base64_of("foobar", "\"Zm9vYmFy\"");
	base64_of("\xff\xfe\xfd", "\"//79\"");
}

static void doubles_read_back_and_are_short(void **state)
{
	static const struct {
		double v;
		const char *text;
	} rows[] = {
		{.v = 0, .text = "0"},
		{.v = -0.0, .text = "-0"},
		{.v = 0.1, .text = "0.1"},
		{.v = 1.0 / 3, .text = "0.3333333333333333"},
		{.v = 1e300, .text = "1e300"},
		{.v = 5e-324, .text = "5e-324"},
		{.v = 123456789012345680.0, .text = "1.2345678901234568e17"},
		{.v = HUGE_VAL, .text = "null"},
		{.v = (double)NAN, .text = "null"},
	};
	uint64_t bits = 1;
	struct json j;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_init(&j, &o);
		json_double(&j, rows[i].v);
		wrote(rows[i].text);
	}
	for (int i = 0; i < 20000; i++) {
		double v;

		bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407u;
		memcpy(&v, &bits, sizeof(v));
		if (!isfinite(v))
			continue;
		json_init(&j, &o);
		json_double(&j, v);
		CHECK(out_flush(&o, NULL) == ERR_OK);
		buf_put_u8(&place.text, 0);
		CHECK(strtod((const char *)place.text.ptr, NULL) == v);
		buf_reset(&place.text);
	}
}

static void integers_at_their_ends(void **state)
{
	struct json j;

	(void)state;
	json_init(&j, &o);
	json_array(&j);
	json_i64(&j, INT64_MIN);
	json_i64(&j, INT64_MAX);
	json_u64(&j, UINT64_MAX);
	json_i64(&j, 0);
	json_end(&j);
	wrote("[-9223372036854775808,9223372036854775807,18446744073709551615,0]");
}

static void nesting_as_deep_as_promised(void **state)
{
	struct json j;

	(void)state;
	json_init(&j, &o);
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		json_array(&j);
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		json_end(&j);
	CHECK(out_flush(&o, NULL) == ERR_OK);
	CHECK(place.text.len == 2 * JSON_DEPTH_MAX);
}

static void units_are_what_people_expect(void **state)
{
	(void)state;
	assert_string_equal(units_duration(0).text, "0 ns");
	assert_string_equal(units_duration(999).text, "999 ns");
	assert_string_equal(units_duration(1234).text, "1.23 us");
	assert_string_equal(units_duration(45600000).text, "45.6 ms");
	assert_string_equal(units_duration(999600).text, "1.00 ms");
	assert_string_equal(units_duration(12300000000).text, "12.3 s");
	assert_string_equal(units_duration(123000000000).text, "2m03s");
	assert_string_equal(units_duration(18420000000000).text, "5h07m");
	assert_string_equal(units_duration(273600000000000).text, "3d04h");
	assert_string_equal(units_duration(-1500).text, "-1.50 us");
	CHECK(strlen(units_duration(INT64_MIN).text) > 0);
	assert_string_equal(units_count(999).text, "999");
	assert_string_equal(units_count(4500).text, "4.50 k");
	assert_string_equal(units_count(999999).text, "1.00 M");
	assert_string_equal(units_count(UINT64_MAX).text, "18.4 E");
	assert_string_equal(units_number(12.5).text, "12.5");
	assert_string_equal(units_size(512).text, "512 B");
	assert_string_equal(units_size(1536).text, "1.50 KiB");
	assert_string_equal(units_size(64 << 20).text, "64.0 MiB");
	assert_string_equal(units_percent(1).text, "100 %");
	assert_string_equal(units_percent(0.1234).text, "12.3 %");
	assert_string_equal(units_percent(0.00012).text, "0.01 %");
}

static void times_are_rfc_3339(void **state)
{
	(void)state;
	CHECK(setenv("TZ", "XYZ-5:30", 1) == 0);
	tzset();
	assert_string_equal(units_time(1657680341373652001).text,
			    "2022-07-13T08:15:41.373652001+05:30");
	assert_string_equal(units_time(-1).text, "1970-01-01T05:29:59.999999999+05:30");
	assert_string_equal(units_time_short(0).text, "1970-01-01 05:30:00");
}

static void tables_are_aligned(void **state)
{
	static const struct table_column columns[] = {
		{.title = "statement", .align = TABLE_LEFT, .width_max = 12},
		{.title = "calls", .align = TABLE_RIGHT},
		{.title = "p95", .align = TABLE_RIGHT},
		{.title = "note", .align = TABLE_LEFT},
	};
	struct table t;

	(void)state;
	table_init(&t, columns, 4, false);
	table_cstr(&t, "SELECT ?");
	table_count(&t, 4500);
	table_duration(&t, 1230000);
	table_cstr(&t, "x");
	table_text(&t, SLICE_LIT("\xe6\x97\xa5\xe6\x9c\xac caf\xc3\xa9 long text"), TABLE_RED);
	table_u64(&t, 12345678);
	table_percent(&t, 0.5);
	table_text(&t, SLICE_LIT("a\x1b[31m\nb\xff\xc2\x9b"), TABLE_PLAIN);
	table_size(&t, 1024);
	table_empty(&t);
	CHECK(table_write(&t, &o) == ERR_OK);
	wrote("statement        calls      p95  note\n"
	      "SELECT ?        4.50 k  1.23 ms  x\n"
	      "\xe6\x97\xa5\xe6\x9c\xac caf\xc3\xa9...  12345678   50.0 %  a.[31m b..\n"
	      "1.00 KiB             -\n");
	table_release(&t);
}

static void colour_only_if_told(void **state)
{
	static const struct table_column columns[] = {{.title = "a", .align = TABLE_LEFT}};
	struct table t;

	(void)state;
	table_init(&t, columns, 1, true);
	table_text(&t, SLICE_LIT("x"), TABLE_GREEN);
	table_cstr(&t, "y");
	CHECK(table_write(&t, &o) == ERR_OK);
	wrote("\x1b[1ma\x1b[0m\n\x1b[32mx\x1b[0m\ny\n");
	table_release(&t);
}

static void width_of_bad_and_wide_text(void **state)
{
	(void)state;
	CHECK(utf8_width(SLICE_LIT("abc")) == 3);
	CHECK(utf8_width(SLICE_LIT("e\xcc\x81")) == 1);
	CHECK(utf8_width(SLICE_LIT("\xf0\x9f\x98\x80")) == 2);
	CHECK(utf8_width(SLICE_LIT("\xff\xe6\x97")) == 3);
	CHECK(utf8_head(SLICE_LIT("\xe6\x97\xa5\xe6\x9c\xac"), 3).len == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(html_keeps_text_text, begin, finish),
		cmocka_unit_test_setup_teardown(bytes_arrive_whole_and_in_order, begin, finish),
		cmocka_unit_test_setup_teardown(the_first_failure_stays, begin, finish),
		cmocka_unit_test_setup_teardown(json_has_its_commas, begin, finish),
		cmocka_unit_test_setup_teardown(json_strings_are_utf8_whatever_comes, begin,
						finish),
		cmocka_unit_test_setup_teardown(every_byte_is_written_as_json, begin, finish),
		cmocka_unit_test_setup_teardown(base64_is_that_of_the_rfc, begin, finish),
		cmocka_unit_test_setup_teardown(doubles_read_back_and_are_short, begin, finish),
		cmocka_unit_test_setup_teardown(integers_at_their_ends, begin, finish),
		cmocka_unit_test_setup_teardown(nesting_as_deep_as_promised, begin, finish),
		cmocka_unit_test(units_are_what_people_expect),
		cmocka_unit_test(times_are_rfc_3339),
		cmocka_unit_test_setup_teardown(tables_are_aligned, begin, finish),
		cmocka_unit_test_setup_teardown(colour_only_if_told, begin, finish),
		cmocka_unit_test(width_of_bad_and_wide_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
