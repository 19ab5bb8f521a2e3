#include "check.h"

#include "base/mem.h"
#include "mysql/command.h"
#include "mysql/query.h"

struct lists {
	struct myp_params params, attributes;
};

static void lists_release(struct lists *l)
{
	myp_params_release(&l->params);
	myp_params_release(&l->attributes);
}

static enum err decode(struct slice payload, const struct myp_execute_context *ctx, struct lists *l,
		       struct myp_execute *out)
{
	return myp_execute_decode(payload, ctx, &l->params, &l->attributes, out);
}

static bool is_text(const struct myp_param *p, const char *text)
{
	return p->value.kind == MYP_VALUE_TEXT && slice_eq(p->value.bytes, slice_cstr(text));
}

static bool same_value(const struct myp_value *a, const struct myp_value *b)
{
	uint8_t space[2][4096];
	struct buf out[2] = {{.ptr = space[0], .cap = 4096, .max = 4096},
			     {.ptr = space[1], .cap = 4096, .max = 4096}};

	myp_value_put(&out[0], a);
	myp_value_put(&out[1], b);
	return a->kind == b->kind && a->type == b->type &&
	       slice_eq(buf_slice(&out[0]), buf_slice(&out[1]));
}

static bool same_params(const struct myp_params *a, const struct myp_params *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct myp_param *p = &a->items[i], *q = &b->items[i];

		if (p->type != q->type || p->is_unsigned != q->is_unsigned ||
		    p->is_long_data != q->is_long_data || !slice_eq(p->name, q->name) ||
		    !same_value(&p->value, &q->value))
			return false;
	}
	return true;
}

/* Writes what PAYLOAD was read as and reads that again: it must be the same. */
static void check_written_again(struct slice payload, const struct myp_execute_context *ctx)
{
	struct lists first = {0}, second = {0};
	struct myp_execute x, y;
	struct myp_execute_context again = *ctx;
	struct buf out;

	buf_init(&out, 1 << 20);
	CHECK(decode(payload, ctx, &first, &x) == ERR_OK);
	myp_execute_put(&out, ctx->caps, &x, &first.params, &first.attributes);
	CHECK(buf_err(&out) == ERR_OK);
	again.param_count_known = true;
	again.param_count = x.param_count;
	CHECK(decode(buf_slice(&out), &again, &second, &y) == ERR_OK);
	CHECK(x.statement_id == y.statement_id && x.iterations == y.iterations);
	CHECK((x.flags & ~8) == (y.flags & ~8) && x.param_count == y.param_count);
	CHECK(y.values_known);
	CHECK(same_params(&first.params, &second.params));
	CHECK(same_params(&first.attributes, &second.attributes));
	lists_release(&first);
	lists_release(&second);
	buf_release(&out);
}

/* The manual's example: INSERT INTO ... VALUES (?) with 'foo'. */
#define FOO "\x17\x01\0\0\0\0\x01\0\0\0\0\x01\x0f\0\x03"
static const struct slice foo = {.ptr = (const uint8_t *)FOO "foo", .len = sizeof(FOO "foo") - 1};

static const struct myp_execute_context one_param = {.param_count_known = true, .param_count = 1};

static void the_manuals_execute_is_read(void **state)
{
	struct lists l = {0};
	struct myp_execute x;

	(void)state;
	CHECK(decode(foo, &one_param, &l, &x) == ERR_OK);
	CHECK(x.statement_id == 1 && x.flags == 0 && x.iterations == 1);
	CHECK(x.types_sent && x.values_known && x.param_count == 1);
	CHECK(l.params.count == 1 && l.attributes.count == 0);
	CHECK(l.params.items[0].type == MYP_TYPE_VARCHAR && is_text(&l.params.items[0], "foo"));
	check_written_again(foo, &one_param);
	lists_release(&l);
}

static void every_truncation_fails_cleanly(void **state)
{
	struct lists l = {0};
	struct myp_execute x = {.statement_id = 0xbeef};

	(void)state;
	for (size_t n = 0; n < foo.len; n++) {
		uint8_t *exact = exact_copy(foo, n);

		CHECK(decode(slice_of(exact, n), &one_param, &l, &x) == ERR_PROTO);
		CHECK(x.statement_id == 0xbeef);
		free(exact);
	}
	lists_release(&l);
}

/* Two parameters, the second NULL, types as they were. */
static const struct slice carried = {
	.ptr = (const uint8_t *)"\x17\x02\0\0\0\x01\x01\0\0\0\x02\0\xfe\xff", .len = 14};

static void types_are_carried_over(void **state)
{
	const uint16_t types[] = {MYP_TYPE_SHORT | 0x8000, MYP_TYPE_STRING};
	struct myp_execute_context ctx = {
		.param_count_known = true, .param_count = 2, .types = types};
	struct lists l = {0};
	struct myp_execute x;

	(void)state;
	CHECK(decode(carried, &ctx, &l, &x) == ERR_OK);
	CHECK(!x.types_sent && x.values_known && x.flags == 1);
	CHECK(l.params.items[0].value.kind == MYP_VALUE_UINT && l.params.items[0].value.u == 65534);
	CHECK(l.params.items[1].value.kind == MYP_VALUE_NULL);
	CHECK(l.params.items[1].type == MYP_TYPE_STRING);
	check_written_again(carried, &ctx);
	ctx.types = NULL;
	CHECK(decode(carried, &ctx, &l, &x) == ERR_OK);
	CHECK(!x.values_known && l.params.count == 0 && x.param_count == 2);
	lists_release(&l);
}

static void long_data_has_no_value_here(void **state)
{
	const uint8_t long_data[] = {1, 0};
	const struct myp_execute_context ctx = {
		.param_count_known = true, .param_count = 2, .long_data = long_data};
	struct slice payload = SLICE_LIT("\x17\x01\0\0\0\0\x01\0\0\0\0\x01\xfc\0\x01\0\x07");
	struct lists l = {0};
	struct myp_execute x;

	(void)state;
	CHECK(decode(payload, &ctx, &l, &x) == ERR_OK);
	CHECK(l.params.items[0].is_long_data && l.params.items[0].type == MYP_TYPE_BLOB);
	CHECK(!l.params.items[1].is_long_data && l.params.items[1].value.i == 7);
	lists_release(&l);
}

/* One parameter of the statement (the number 7) and one attribute, "id" = "x". */
static const struct slice attributed = {
	.ptr = (const uint8_t
			*)"\x17\x01\0\0\0\x08\x01\0\0\0\x02\0\x01\x01\0\0\xfe\0\x02id\x07\x01x",
	.len = 24};

static void attributes_come_behind_the_parameters(void **state)
{
	struct myp_execute_context ctx = {
		.caps = MYP_CAP_QUERY_ATTRIBUTES, .param_count_known = true, .param_count = 1};
	struct lists l = {0};
	struct myp_execute x;

	(void)state;
	for (int known = 1; known >= 0; known--) {
		ctx.param_count_known = known;
		CHECK(decode(attributed, &ctx, &l, &x) == ERR_OK);
		CHECK(x.param_count == 1 && l.params.count == 1 && l.attributes.count == 1);
		CHECK(l.params.items[0].value.i == 7);
		CHECK(slice_eq(l.attributes.items[0].name, SLICE_LIT("id")));
		CHECK(is_text(&l.attributes.items[0], "x"));
		check_written_again(attributed, &ctx);
	}
	for (size_t n = 0; n < attributed.len; n++) {
		uint8_t *exact = exact_copy(attributed, n);

		CHECK(decode(slice_of(exact, n), &ctx, &l, &x) == ERR_PROTO);
		free(exact);
	}
	lists_release(&l);
}

/* Under CLIENT_QUERY_ATTRIBUTES, a statement without parameters has a count only if the flag says so. */
static void the_flag_tells_of_a_count_of_zero(void **state)
{
	const struct myp_execute_context ctx = {.caps = MYP_CAP_QUERY_ATTRIBUTES,
						.param_count_known = true};
	struct lists l = {0};
	struct myp_execute x;

	(void)state;
	CHECK(decode(SLICE_LIT("\x17\x01\0\0\0\0\x01\0\0\0"), &ctx, &l, &x) == ERR_OK);
	CHECK(decode(SLICE_LIT("\x17\x01\0\0\0\x08\x01\0\0\0"), &ctx, &l, &x) == ERR_PROTO);
	CHECK(decode(SLICE_LIT("\x17\x01\0\0\0\x08\x01\0\0\0\0"), &ctx, &l, &x) == ERR_OK);
	CHECK(x.values_known && l.params.count == 0 && l.attributes.count == 0);
	lists_release(&l);
}

static void an_unknown_count_is_deduced_where_one_fits(void **state)
{
	const struct myp_execute_context unknown = {0};
	struct slice two = SLICE_LIT(
		"\x17\x01\0\0\0\0\x01\0\0\0\x02\x01\x08\x80\xfd\0\x01\x02\x03\x04\x05\x06\x07\x08");
	struct lists l = {0};
	struct myp_execute x;

	(void)state;
	CHECK(decode(foo, &unknown, &l, &x) == ERR_OK);
	CHECK(x.values_known && x.param_count == 1 && is_text(&l.params.items[0], "foo"));
	check_written_again(foo, &unknown);
	CHECK(decode(two, &unknown, &l, &x) == ERR_OK);
	CHECK(x.values_known && x.param_count == 2);
	CHECK(l.params.items[0].value.u == UINT64_C(0x0807060504030201));
	CHECK(l.params.items[1].value.kind == MYP_VALUE_NULL);
	CHECK(decode(slice_head(two, 10), &unknown, &l, &x) == ERR_OK);
	CHECK(x.values_known && x.param_count == 0);
	CHECK(decode(slice_head(two, two.len - 1), &unknown, &l, &x) == ERR_OK);
	CHECK(!x.values_known && l.params.count == 0);
	CHECK(decode(carried, &unknown, &l, &x) == ERR_OK);
	CHECK(!x.values_known);
	lists_release(&l);
}

static void counts_that_cannot_be_are_refused(void **state)
{
	const struct myp_execute_context ctx = {.caps = MYP_CAP_QUERY_ATTRIBUTES};
	const struct myp_execute_context two = {
		.caps = MYP_CAP_QUERY_ATTRIBUTES, .param_count_known = true, .param_count = 2};
	struct lists l = {0};
	struct myp_execute x;

	(void)state;
	CHECK(decode(SLICE_LIT("\x17\x01\0\0\0\x08\x01\0\0\0\xfd\0\0\1"), &ctx, &l, &x) ==
	      ERR_PROTO);
	CHECK(decode(SLICE_LIT("\x17\x01\0\0\0\x08\x01\0\0\0\xfc\xff\xff\0\1"), &ctx, &l, &x) ==
	      ERR_PROTO);
	CHECK(l.params.cap == 0); /* nothing was allocated for a count that no bytes stand behind */
	CHECK(decode(SLICE_LIT("\x17\x01\0\0\0\x08\x01\0\0\0\x01\x01\x01\x01\0\0"), &two, &l, &x) ==
	      ERR_PROTO);
	lists_release(&l);
}

static void a_query_is_its_text(void **state)
{
	struct myp_params attributes = {0};
	struct myp_query q = {0};

	(void)state;
	CHECK(myp_query_decode(SLICE_LIT("\x03SELECT 1"), 0, &attributes, &q) == ERR_OK);
	CHECK(slice_eq(q.text, SLICE_LIT("SELECT 1")) && attributes.count == 0);
	CHECK(myp_query_decode(SLICE_LIT("\x03"), 0, &attributes, &q) == ERR_OK);
	CHECK(q.text.len == 0);
	CHECK(myp_query_decode(SLICE_LIT("\x04x"), 0, &attributes, &q) == ERR_PROTO);
	CHECK(myp_query_decode(SLICE_LIT(""), 0, &attributes, &q) == ERR_PROTO);
	myp_params_release(&attributes);
}

/* The text with two attributes: "n" = 5 (unsigned) and one of NULL. */
static const struct slice query = {
	.ptr = (const uint8_t *)"\x03\x02\x01\x02\x01\x08\x80\x01n\xfe\0\0\x05\0\0\0\0\0\0\0DO 1",
	.len = 24};

static void a_querys_attributes_are_read_and_written(void **state)
{
	const uint64_t caps = MYP_CAP_QUERY_ATTRIBUTES;
	struct myp_params first = {0}, second = {0};
	struct myp_query q = {0}, again = {0};
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	CHECK(myp_query_decode(query, caps, &first, &q) == ERR_OK);
	CHECK(slice_eq(q.text, SLICE_LIT("DO 1")) && first.count == 2);
	CHECK(slice_eq(first.items[0].name, SLICE_LIT("n")) && first.items[0].value.u == 5);
	CHECK(first.items[0].is_unsigned && first.items[1].value.kind == MYP_VALUE_NULL);
	myp_query_put(&out, caps, q.text, &first);
	CHECK(slice_eq(buf_slice(&out), query));
	buf_reset(&out);
	myp_query_put(&out, 0, q.text, &first);
	CHECK(slice_eq(buf_slice(&out), SLICE_LIT("\x03"
						  "DO 1")));
	buf_reset(&out);
	myp_query_put(&out, caps, q.text, NULL);
	CHECK(slice_eq(buf_slice(&out), SLICE_LIT("\x03\0\x01"
						  "DO 1")));
	for (size_t n = 0; n < query.len - 4; n++) {
		uint8_t *exact = exact_copy(query, n);

		CHECK(myp_query_decode(slice_of(exact, n), caps, &second, &again) == ERR_PROTO);
		CHECK(again.text.ptr == NULL);
		free(exact);
	}
	myp_params_release(&first);
	myp_params_release(&second);
	buf_release(&out);
}

static void no_memory_is_an_error(void **state)
{
	struct lists l = {0};
	struct myp_execute x;

	(void)state;
	mem_fail_from(1);
	CHECK(decode(foo, &one_param, &l, &x) == ERR_NOMEM);
	mem_fail_from(0);
	CHECK(myp_params_resize(&l.params, MYP_PARAMS_MAX + 1) == ERR_LIMIT);
	lists_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manuals_execute_is_read),
		cmocka_unit_test(every_truncation_fails_cleanly),
		cmocka_unit_test(types_are_carried_over),
		cmocka_unit_test(long_data_has_no_value_here),
		cmocka_unit_test(attributes_come_behind_the_parameters),
		cmocka_unit_test(the_flag_tells_of_a_count_of_zero),
		cmocka_unit_test(an_unknown_count_is_deduced_where_one_fits),
		cmocka_unit_test(counts_that_cannot_be_are_refused),
		cmocka_unit_test(a_query_is_its_text),
		cmocka_unit_test(a_querys_attributes_are_read_and_written),
		cmocka_unit_test(no_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
