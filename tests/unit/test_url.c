#include "check.h"

#include "base/secret.h"
#include "base/url.h"

static bool is(struct slice s, const char *text)
{
	return slice_eq(s, slice_cstr(text));
}

static void the_parts(void **state)
{
	struct url u;

	(void)state;
	CHECK(url_split(SLICE_LIT("amqps://app:s%3A:e@[::1]:5000/prod/x?a=1"), &u));
	CHECK(is(u.scheme, "amqps") && is(u.user, "app") && is(u.password, "s%3A:e"));
	CHECK(is(u.host, "::1") && is(u.port, "5000") && is(u.path, "prod/x"));
	CHECK(u.has_password && is(u.query, "a=1"));
}

static void what_is_left_out_is_empty(void **state)
{
	struct url u;

	(void)state;
	CHECK(url_split(SLICE_LIT("mysql://db"), &u));
	CHECK(is(u.host, "db") && !u.has_password);
	CHECK(u.user.len + u.password.len + u.port.len + u.path.len + u.query.len == 0);
	CHECK(url_split(SLICE_LIT("mysql://u:@[::1]"), &u));
	CHECK(u.has_password && u.password.len == 0 && is(u.host, "::1"));
	CHECK(url_split(SLICE_LIT("file.pcap"), &u) && u.scheme.len == 0);
	CHECK(url_split(SLICE_LIT(""), &u) && u.host.len == 0);
}

static void an_at_and_a_slash_stand_where_they_may(void **state)
{
	struct url u;

	(void)state;
	CHECK(url_split(SLICE_LIT("mysql://u:p@ss@db?x=@/:"), &u));
	CHECK(is(u.password, "p@ss") && is(u.host, "db") && is(u.query, "x=@/:"));
	CHECK(url_split(SLICE_LIT("mysql://db/a@b:c"), &u));
	CHECK(is(u.host, "db") && is(u.path, "a@b:c") && u.user.len == 0);
}

static void brackets_must_end(void **state)
{
	struct url u;

	(void)state;
	CHECK(!url_split(SLICE_LIT("mysql://[::1"), &u));
	CHECK(!url_split(SLICE_LIT("mysql://[::1]5000"), &u));
}

static void pairs_one_after_the_other(void **state)
{
	struct slice query = SLICE_LIT("a=1&&=x&b&c=");
	struct url_pair pair;

	(void)state;
	CHECK(url_next(&query, &pair) && is(pair.name, "a") && is(pair.value, "1"));
	CHECK(url_next(&query, &pair) && is(pair.name, "b") && !pair.has_value);
	CHECK(url_next(&query, &pair) && is(pair.name, "c") && pair.has_value);
	CHECK(!url_next(&query, &pair));
}

static void parts_are_decoded(void **state)
{
	struct buf out;

	(void)state;
	CHECK(url_decode(SLICE_LIT("s%3ae"), 16, &out) == ERR_OK && is(buf_slice(&out), "s:e"));
	secret_release(&out);
	CHECK(url_decode(SLICE_LIT("s%3"), 16, &out) == ERR_PROTO);
	secret_release(&out);
	CHECK(url_decode(SLICE_LIT("12345678901234567"), 16, &out) == ERR_LIMIT);
	secret_release(&out);
}

static void a_password_is_hidden(void **state)
{
	char url[] = "amqp://u:se:cr@mq/a@b:c", none[] = "amqp://mq:5672/",
	     user[] = "amqp://u@mq:1/", file[] = "a:b@c.pcap";

	(void)state;
	url_hide_password(url);
	CHECK(strcmp(url, "amqp://u:xxxxx@mq/a@b:c") == 0);
	url_hide_password(none);
	CHECK(strcmp(none, "amqp://mq:5672/") == 0);
	url_hide_password(user);
	CHECK(strcmp(user, "amqp://u@mq:1/") == 0);
	url_hide_password(file);
	CHECK(strcmp(file, "a:b@c.pcap") == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parts),
		cmocka_unit_test(what_is_left_out_is_empty),
		cmocka_unit_test(an_at_and_a_slash_stand_where_they_may),
		cmocka_unit_test(brackets_must_end),
		cmocka_unit_test(pairs_one_after_the_other),
		cmocka_unit_test(parts_are_decoded),
		cmocka_unit_test(a_password_is_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
