#include "check.h"

#include "base/buf.h"
#include "mysql/bulk.h"

/* Two parameters, INT and VARCHAR, with types; three sets: 7 'ab', NULL and default, ignore and ''. */
static const uint8_t with_types[] = {
	0xfa, 5, 0, 0, 0, 128, 0, 3,   0,   253, 0, /* head, types */
	0,    7, 0, 0, 0, 0,   2, 'a', 'b',         /* 7, 'ab' */
	1,    2,                                    /* NULL, default */
	3,    0, 0,                                 /* ignore, '' */
};
static const uint16_t types[] = {MYP_TYPE_LONG, MYP_TYPE_VAR_STRING};
static const struct myp_execute_context two = {.param_count_known = true, .param_count = 2};
static const struct myp_execute_context two_with_types = {
	.param_count_known = true, .param_count = 2, .types = types};

static void sets_come_one_after_the_other(void **state)
{
	struct myp_params params = {0};
	struct myp_bulk_execute x;

	(void)state;
	CHECK(myp_bulk_decode(slice_of(with_types, sizeof(with_types)), &two, &params, &x) ==
	      ERR_OK);
	CHECK(x.statement_id == 5 && x.flags == MYP_BULK_SEND_TYPES && x.sets == 3);
	CHECK(x.values_known && params.count == 6);
	CHECK(params.items[0].value.kind == MYP_VALUE_INT && params.items[0].value.i == 7);
	CHECK(slice_eq(params.items[1].value.bytes, SLICE_LIT("ab")));
	CHECK(params.items[2].indicator == MYP_INDICATOR_NULL);
	CHECK(params.items[3].indicator == MYP_INDICATOR_DEFAULT);
	CHECK(params.items[3].value.kind == MYP_VALUE_NULL);
	CHECK(params.items[4].indicator == MYP_INDICATOR_IGNORE);
	CHECK(params.items[5].value.kind == MYP_VALUE_TEXT && params.items[5].value.bytes.len == 0);
	myp_params_release(&params);
}

static void types_are_carried_over(void **state)
{
	uint8_t payload[sizeof(with_types) - 4] = {0xfa, 5};
	struct myp_params params = {0};
	struct myp_bulk_execute x;

	(void)state;
	memcpy(payload + 7, with_types + 11, sizeof(with_types) - 11);
	CHECK(myp_bulk_decode(slice_of(payload, sizeof(payload)), &two_with_types, &params, &x) ==
	      ERR_OK);
	CHECK(x.values_known && x.sets == 3 && params.items[0].value.i == 7);
	CHECK(myp_bulk_decode(slice_of(payload, sizeof(payload)), &two, &params, &x) == ERR_OK);
	CHECK(!x.values_known && x.sets == 0 && params.count == 0);
	myp_params_release(&params);
}

static void an_unknown_statement_has_no_values(void **state)
{
	const struct myp_execute_context unknown = {.caps = 0};
	struct myp_params params = {0};
	struct myp_bulk_execute x;

	(void)state;
	CHECK(myp_bulk_decode(slice_of(with_types, sizeof(with_types)), &unknown, &params, &x) ==
	      ERR_OK);
	CHECK(x.statement_id == 5 && !x.values_known && params.count == 0);
	myp_params_release(&params);
}

static void sets_are_taken_one_by_one(void **state)
{
	struct slice payload = slice_of(with_types, sizeof(with_types));
	struct myp_params params = {0};
	struct myp_bulk_reader r, before;

	(void)state;
	CHECK(myp_bulk_open(slice_head(payload, 10), &two, &r) == ERR_PROTO);
	CHECK(myp_bulk_open(payload, &two, &r) == ERR_OK);
	CHECK(r.flags == MYP_BULK_SEND_TYPES && r.types_at == 7 && r.at == 11);
	CHECK(myp_bulk_next(&r, payload, &two, &params) == ERR_OK);
	CHECK(params.count == 2 && params.items[0].value.i == 7);
	before = r;
	CHECK(myp_bulk_next(&r, slice_head(payload, r.at + 1), &two, &params) == ERR_PROTO);
	CHECK(r.at == before.at);
	CHECK(myp_bulk_next(&r, payload, &two, &params) == ERR_OK);
	CHECK(params.items[1].indicator == MYP_INDICATOR_DEFAULT);
	CHECK(myp_bulk_next(&r, payload, &two, &params) == ERR_OK);
	CHECK(params.count == 2 && params.items[0].indicator == MYP_INDICATOR_IGNORE);
	CHECK(myp_bulk_next(&r, payload, &two, &params) == ERR_EOF && r.at == payload.len);
	myp_params_release(&params);
}

/* Where a set ends the packet may; anywhere else it is not what it should be. */
static void truncations_are_refused(void **state)
{
	static const size_t whole[] = {7 + 4, 20, 22, 25};
	struct myp_params params = {0};
	struct myp_bulk_execute x;

	(void)state;
	for (size_t n = 0; n <= sizeof(with_types); n++) {
		struct slice all = slice_of(with_types, sizeof(with_types));
		uint8_t *exact = exact_copy(all, n);
		enum err e = myp_bulk_decode(slice_of(exact, n), &two, &params, &x);
		bool ends_here = false;

		for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
			ends_here = ends_here || whole[i] == n;
		CHECK(e == (ends_here ? ERR_OK : ERR_PROTO));
		free(exact);
	}
	myp_params_release(&params);
}

static void unknown_indicators_are_refused(void **state)
{
	uint8_t payload[sizeof(with_types)];
	struct myp_params params = {0};
	struct myp_bulk_execute x;

	(void)state;
	memcpy(payload, with_types, sizeof(payload));
	payload[20] = 4;
	CHECK(myp_bulk_decode(slice_of(payload, sizeof(payload)), &two, &params, &x) == ERR_PROTO);
	myp_params_release(&params);
}

/* As many sets as the packet has room for, but not as many values as there is memory. */
static void more_values_than_are_listed_are_unknown(void **state)
{
	const struct myp_execute_context one = {
		.param_count_known = true, .param_count = 1, .types = types};
	struct myp_params params = {0};
	struct myp_bulk_execute x;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_put_slice(&b, SLICE_LIT("\xfa\5\0\0\0\0\0"));
	for (size_t i = 0; i < MYP_PARAMS_MAX; i++)
		buf_put_u8(&b, MYP_INDICATOR_NULL);
	CHECK(myp_bulk_decode(buf_slice(&b), &one, &params, &x) == ERR_OK);
	CHECK(x.values_known && x.sets == MYP_PARAMS_MAX);
	buf_put_u8(&b, MYP_INDICATOR_NULL);
	CHECK(myp_bulk_decode(buf_slice(&b), &one, &params, &x) == ERR_OK);
	CHECK(!x.values_known && x.sets == 0 && params.count == 0);
	buf_release(&b);
	myp_params_release(&params);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_come_one_after_the_other),
		cmocka_unit_test(types_are_carried_over),
		cmocka_unit_test(an_unknown_statement_has_no_values),
		cmocka_unit_test(sets_are_taken_one_by_one),
		cmocka_unit_test(truncations_are_refused),
		cmocka_unit_test(unknown_indicators_are_refused),
		cmocka_unit_test(more_values_than_are_listed_are_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
