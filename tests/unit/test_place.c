#include "check.h"

#include "base/clock.h"
#include "broker/place.h"

static void the_parts_of_a_url(void **state)
{
	struct place p;
	char name[PLACE_NAME_MAX];

	(void)state;
	CHECK(place_parse("amqps://app:s%3Aecret@[::1]:5000/prod?queue=a&queue=b%20c&prefetch=5&"
			  "renew=2m&verify=verify_none&cacertfile=/ca.pem",
			  "/dev/null", &p, NULL) == ERR_OK);
	CHECK(p.tls && p.port == 5000 && !p.verify && p.prefetch == 5);
	CHECK(p.renew_ns == 120 * NS_PER_S && p.queue_count == 2);
	CHECK(strcmp(p.host, "::1") == 0 && strcmp(p.vhost, "prod") == 0);
	CHECK(strcmp(p.user, "app") == 0 && strcmp(p.password, "s:ecret") == 0);
	CHECK(strcmp(p.queues[1], "b c") == 0 && strcmp(p.ca_file, "/ca.pem") == 0);
	CHECK(strcmp(place_name(&p, name), "[::1]:5000/prod") == 0);
	place_release(&p);
}

static void what_is_left_out(void **state)
{
	struct place p;

	(void)state;
	(void)unsetenv("MYNA_BROKER_USER");
	CHECK(setenv("MYNA_BROKER_PASSWORD", "from outside", 1) == 0);
	CHECK(place_parse("AMQP://mq", "/dev/null", &p, NULL) == ERR_OK);
	CHECK(!p.tls && p.port == 5672 && p.verify && strcmp(p.vhost, "/") == 0);
	CHECK(strcmp(p.user, "guest") == 0 && strcmp(p.password, "from outside") == 0);
	place_release(&p);
	CHECK(place_parse("amqp://u:own@mq/%2Fa", "/dev/null", &p, NULL) == ERR_OK);
	CHECK(strcmp(p.password, "own") == 0 && strcmp(p.vhost, "/a") == 0);
	place_release(&p);
	(void)unsetenv("MYNA_BROKER_PASSWORD");
}

static void mistakes_are_told_without_the_url(void **state)
{
	static const char *const wrong[] = {
		"http://u:secret@mq/",
		"amqp://u:secret%4@mq/",
		"amqp://u:secret@mq:70000/",
		"amqp://u:secret@[::1/",
		"amqp://u:secret@mq/?nosuch=1",
		"amqp://u:secret@mq/?verify=maybe",
		"amqp://u:secret@mq/?prefetch=0",
	};
	struct errinfo info;
	struct place p;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK(place_parse(wrong[i], "/dev/null", &p, &info) == ERR_USAGE);
		CHECK(!strstr(info.text, "secret"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parts_of_a_url),
		cmocka_unit_test(what_is_left_out),
		cmocka_unit_test(mistakes_are_told_without_the_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
