#include "check.h"

#include <stdio.h>

#include "base/mem.h"
#include "event/exchange.h"

/* What was handed over, as "n:kind ". */
struct heard {
	char text[256];
	struct command command;
};

static enum err on_exchange(void *ctx, const struct exchange *x, struct errinfo *info)
{
	struct heard *h = ctx;
	size_t at = strlen(h->text);

	(void)info;
	(void)snprintf(h->text + at, sizeof(h->text) - at, "%llu:%.*s ",
		       (unsigned long long)x->command->n, (int)x->command->text.len,
		       (const char *)x->command->text.ptr);
	h->command = *x->command;
	CHECK(x->latency_ns == -1 || x->latency_ns == x->response->first_ns - x->command->last_ns);
	return ERR_OK;
}

static const struct myp_params none;

static enum err say(struct exchange_join *j, const struct session *s, uint64_t n, const char *text)
{
	struct myp_param param = {.value = {.kind = MYP_VALUE_TEXT, .bytes = SLICE_LIT("value")}};
	const struct myp_params params = {.items = &param, .count = 1};
	struct command c = {.n = n,
			    .first_ns = 10,
			    .last_ns = 20,
			    .code = MYP_COM_QUERY,
			    .text = slice_cstr(text),
			    .text_known = true,
			    .params = &params,
			    .attributes = &none};
	const struct event e = {.type = EVENT_COMMAND, .session = s, .command = &c};

	return exchange_join_event(j, &e, NULL);
}

static enum err answer(struct exchange_join *j, const struct session *s, uint64_t n, bool heard)
{
	struct response r = {.n = n, .heard = heard, .first_ns = 50, .last_ns = 60};
	const struct event e = {.type = EVENT_RESPONSE, .session = s, .response = &r};

	return exchange_join_event(j, &e, NULL);
}

static enum err end(struct exchange_join *j, const struct session *s)
{
	const struct event e = {.type = EVENT_END, .session = s};

	return exchange_join_event(j, &e, NULL);
}

static void responses_meet_their_commands(void **state)
{
	const struct session a = {.id = 1}, b = {.id = 2};
	struct heard h = {.text = ""};
	struct exchange_join *j;
	char text[] = "a1";

	(void)state;
	CHECK(exchange_join_new(on_exchange, &h, &j) == ERR_OK);
	CHECK(say(j, &a, 1, text) == ERR_OK);
	text[1] = '!'; /* what was given is not borrowed beyond the call */
	CHECK(say(j, &b, 1, "b1") == ERR_OK && say(j, &a, 2, "a2") == ERR_OK);
	CHECK(answer(j, &a, 1, true) == ERR_OK && answer(j, &b, 1, false) == ERR_OK);
	CHECK(answer(j, &a, 2, true) == ERR_OK);
	assert_string_equal(h.text, "1:a1 1:b1 2:a2 ");
	exchange_join_free(j);
}

static void an_answer_without_its_command_is_left_out(void **state)
{
	const struct session s = {.id = 1};
	struct heard h = {.text = ""};
	struct exchange_join *j;

	(void)state;
	CHECK(exchange_join_new(on_exchange, &h, &j) == ERR_OK);
	CHECK(answer(j, &s, 1, true) == ERR_OK); /* a window that begins behind the command */
	CHECK(say(j, &s, 2, "two") == ERR_OK && say(j, &s, 3, "three") == ERR_OK);
	CHECK(answer(j, &s, 3, true) == ERR_OK && answer(j, &s, 2, true) == ERR_OK);
	CHECK(say(j, &s, 4, "four") == ERR_OK && end(j, &s) == ERR_OK && end(j, &s) == ERR_OK);
	assert_string_equal(h.text, "3:three ");
	exchange_join_free(j);
}

static void memory_may_run_out(void **state)
{
	const struct session s = {.id = 1};
	size_t n = 0;
	enum err e;

	(void)state;
	do {
		struct heard h = {.text = ""};
		struct exchange_join *j = NULL;

		mem_fail_from(++n);
		e = exchange_join_new(on_exchange, &h, &j);
		if (e == ERR_OK)
			e = say(j, &s, 1, "one");
		if (e == ERR_OK)
			e = answer(j, &s, 1, true);
		mem_fail_from(0);
		exchange_join_free(j);
		CHECK(e == ERR_OK || e == ERR_NOMEM);
	} while (e != ERR_OK);
	CHECK(n > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses_meet_their_commands),
		cmocka_unit_test(an_answer_without_its_command_is_left_out),
		cmocka_unit_test(memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
