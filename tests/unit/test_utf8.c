#include "check.h"

#include "base/utf8.h"

static void well_formed_text_is_good_to_its_end(void **state)
{
	static const char *const texts[] = {"",
					    "plain",
					    "\xc2\x80",
					    "\xdf\xbf",
					    "\xe0\xa0\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf",
					    "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa6z"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK(utf8_is_valid(slice_cstr(texts[i])));
}

static void ill_formed_text_is_good_up_to_the_fault(void **state)
{
	static const char *const faults[] = {"\x80",
					     "\xc1\xbf",
					     "\xc2",
					     "\xc2\x41",
					     "\xe0\x9f\xbf",
					     "\xed\xa0\x80",
					     "\xe2\x82",
					     "\xf0\x8f\xbf\xbf",
					     "\xf4\x90\x80\x80",
					     "\xf5\x80\x80",
					     "\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct slice s = slice_cstr(faults[i]);
		uint8_t *exact = exact_copy(s, s.len);
		uint8_t text[8] = {'a', 'b'};

		CHECK(utf8_good_len(slice_of(exact, s.len)) == 0);
		memcpy(text + 2, exact, s.len);
		CHECK(utf8_good_len(slice_of(text, 2 + s.len)) == 2);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_text_is_good_to_its_end),
		cmocka_unit_test(ill_formed_text_is_good_up_to_the_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
