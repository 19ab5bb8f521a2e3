/* Who is connected from where, as a server tells it. */
#include "check.h"

#include "event/census.h"

static struct endpoint at(uint8_t last, uint16_t port)
{
	return (struct endpoint){.addr = {.bytes = {10, 0, 0, last}}, .port = port};
}

static void add(struct census *c, uint32_t id, struct endpoint client, bool address_known)
{
	struct census_session *s;

	CHECK(census_add(c, id, &client, address_known, &s) == ERR_OK && s->connection_id == id);
}

static uint32_t found(const struct census *c, struct endpoint client, uint16_t server_port)
{
	const struct endpoint server = at(100, server_port);
	const struct census_session *s = census_find(c, &client, &server);

	return s ? s->connection_id : 0;
}

static void sessions_are_found_by_address_and_port(void **state)
{
	struct census *c = census_new(1);
	struct endpoint mapped = {
		.addr = {.is_v6 = true, .bytes = {[10] = 0xff, 0xff, 10, 0, 0, 4}}, .port = 1004};

	(void)state;
	c->port = 3306;
	add(c, 1, at(1, 1001), true);
	add(c, 2, at(2, 1001), true);
	add(c, 4, mapped, true);
	add(c, 5, at(0, 0), false);
	CHECK(found(c, at(1, 1001), 3306) == 1 && found(c, at(2, 1001), 3306) == 2);
	CHECK(found(c, at(3, 1001), 3306) == 0 && found(c, at(1, 1002), 3306) == 0);
	CHECK(found(c, at(4, 1004), 3306) == 4);
	CHECK(found(c, at(1, 1001), 3307) == 0);
	c->reached = 3307; /* as a container's port is mapped */
	CHECK(found(c, at(1, 1001), 3307) == 1);
	CHECK(c->over_tcp == 3 && c->over_socket == 1);
	CHECK(census_by_id(c, 5) && !census_by_id(c, 6));
	census_drop(census_share(c));
	census_drop(c);
}

static void a_name_is_as_good_as_its_port_alone(void **state)
{
	struct census *c = census_new(1);

	(void)state;
	add(c, 1, at(0, 1001), false);
	CHECK(found(c, at(7, 1001), 3306) == 1);
	add(c, 2, at(7, 1001), true);
	CHECK(found(c, at(7, 1001), 3306) == 2 && found(c, at(8, 1001), 3306) == 1);
	add(c, 3, at(0, 1001), false); /* two hosts whose names are all that is told */
	CHECK(found(c, at(8, 1001), 3306) == 0);
	census_drop(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_found_by_address_and_port),
		cmocka_unit_test(a_name_is_as_good_as_its_port_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
