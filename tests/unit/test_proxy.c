#include "check.h"

#include "track/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\x0a\0\0\1\x0a\0\0\2\xdc\x04\x0c\xea"
#define V6 "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\xdc\x04\x0c\xea"

#define BYTES(text)                                                                                \
	{                                                                                          \
		.ptr = (const uint8_t *)(text), .len = sizeof(text) - 1                            \
	}

struct example {
	struct slice bytes;
	const char *client; /* "" if it names none */
};

static const struct example headers[] = {
	{BYTES("PROXY TCP4 10.0.0.1 10.0.0.2 56324 3306\r\n"), "10.0.0.1:56324"},
	{BYTES("PROXY TCP6 fd00::1 fd00::2 56324 3306\r\n"), "[fd00::1]:56324"},
	{BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:"
	       "ffff 65535 65535\r\n"),
	 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	{BYTES("PROXY UNKNOWN\r\n"), ""},
	{BYTES("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), ""},
	{BYTES("PROXY TCP4 10.0.0.999 10.0.0.2 56324 3306\r\n"), ""},
	{BYTES("PROXY TCP4 10.0.0.1\r\n"), ""},
	{BYTES(SIGNATURE "\x21\x11\0\x0c" V4), "10.0.0.1:56324"},
	{BYTES(SIGNATURE "\x21\x11\0\x13" V4 "\3\0\4\1\2\3\4"), "10.0.0.1:56324"},
	{BYTES(SIGNATURE "\x21\x21\0\x24" V6), "[fd00::1]:56324"},
	{BYTES(SIGNATURE "\x21\x21\0\x2b" V6 "\3\0\4\1\2\3\4"), "[fd00::1]:56324"},
	{BYTES(SIGNATURE "\x20\0\0\0"), ""},
	{BYTES(SIGNATURE "\x20\x11\0\x0c" V4), ""},
	{BYTES(SIGNATURE "\x21\x11\0\x04"
			 "\1\2\3\4"),
	 ""}, /* too short for its family */
	{BYTES(SIGNATURE "\x21\x31\0\4path"), ""},
};

static const struct slice others[] = {
	BYTES("\x50\0\0\1\x85\xa6\xff\1"), /* a login of 80 bytes, as long as 'P' */
	BYTES("\x0d\0\0\1 a short one"),
	BYTES("GET / HTTP/1.1\r\n\r\n"),
	BYTES("PROXYING is no word of it\r\n"),
	BYTES(SIGNATURE "\x31\x11\0\x0c" V4),
	BYTES("PROXY "
	      "3456789012345678901234567890123456789012345678901234567890123456789012345678901234"
	      "5678901234567890123456789 and no end\r\n"),
};

static void endpoint_is(const struct endpoint *e, const char *expected)
{
	char text[ENDPOINT_TEXT_MAX] = "";

	if (e->port)
		(void)endpoint_format(e, text);
	assert_string_equal(text, expected);
}

/* In one piece, and in two, cut at every byte. */
static void headers_are_taken_off_in_any_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct slice all = headers[i].bytes;

		for (size_t cut = 0; cut < all.len; cut++) {
			struct proxy_reader p = {.len = 0};
			struct endpoint client = {.port = 0};
			uint8_t first[256], second[256];
			struct slice bytes = slice_of(first, cut);

			memcpy(first, all.ptr, cut);
			memcpy(second, all.ptr + cut, all.len - cut);
			memcpy(second + all.len - cut, "rest", 4);
			CHECK(proxy_take(&p, &bytes, &client) == PROXY_MORE && bytes.len == 0);
			CHECK(!p.done);
			bytes = slice_of(second, all.len - cut + 4);
			CHECK(proxy_take(&p, &bytes, &client) == PROXY_HEADER && p.done);
			CHECK(slice_eq(bytes, SLICE_LIT("rest")));
			endpoint_is(&client, headers[i].client);
		}
	}
}

static void what_is_no_header_is_left_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		for (size_t cut = 0; cut <= others[i].len; cut++) {
			struct proxy_reader p = {.len = 0};
			struct endpoint client = {.port = 0};
			struct slice bytes = slice_head(others[i], cut);
			enum proxy_verdict verdict = proxy_take(&p, &bytes, &client);

			if (verdict == PROXY_MORE) {
				CHECK(p.len == cut &&
				      slice_eq(slice_of(p.kept, cut), slice_head(others[i], cut)));
				bytes = slice_skip(others[i], cut);
				verdict = proxy_take(&p, &bytes, &client);
				CHECK(bytes.len == others[i].len - cut && p.len == cut);
			} else {
				CHECK(bytes.len == cut && p.len == 0);
			}
			CHECK(verdict == PROXY_NONE && p.done && client.port == 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_taken_off_in_any_pieces),
		cmocka_unit_test(what_is_no_header_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
