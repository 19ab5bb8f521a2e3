/* Which events pass. */
#include "filter/filter.h"

#include "base/clock.h"
#include "check.h"
#include "sql/digest.h"

enum { TOLD_MAX = 128 };

/* What came through, as one character each: S, c, r, d, g, E, p, with the ordinal's last digit behind c, r and p. */
struct told {
	char text[TOLD_MAX];
	size_t len;
	struct coverage coverage;
	uint64_t left_out; /* packets that were not kept */
};

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	static const char marks[EVENT_TYPES] = {'S', 'c', 'd', 'r', 'g', 'E', 'p'};
	struct told *t = ctx;

	(void)info;
	t->text[t->len++] = marks[e->type];
	if (e->type == EVENT_COMMAND)
		t->text[t->len++] = (char)('0' + e->command->n % 10);
	if (e->type == EVENT_RESPONSE)
		t->text[t->len++] = (char)('0' + e->response->n % 10);
	if (e->type == EVENT_PACKET)
		t->text[t->len++] = (char)('0' + e->packet->n % 10);
	if (e->type == EVENT_PACKET && e->packet->meaning == PACKET_LEFT_OUT)
		t->left_out += e->packet->length;
	t->text[t->len] = '\0';
	CHECK(t->len < TOLD_MAX - 3);
	return ERR_OK;
}

static enum err on_finish(void *ctx, const struct coverage *c, struct errinfo *info)
{
	struct told *t = ctx;

	(void)info;
	t->coverage = *c;
	return ERR_OK;
}

struct play {
	struct told told;
	struct filter *filter;
	struct event_sink sink;
	struct session *session;
	const char *database;
};

static const struct myp_params none;

static const char *const texts[4] = {
	[2] = "SELECT x FROM orders\nWHERE id = 42",
	[3] = "UPDATE orders SET x = 1",
};

static void send(struct play *p, struct event *e, int second)
{
	struct errinfo info;

	e->session = p->session;
	e->time_ns = second * NS_PER_S;
	CHECK(p->sink.event(p->sink.ctx, e, &info) == ERR_OK);
}

static void command(struct play *p, uint64_t n, uint8_t code, int second)
{
	struct command c = {.n = n,
			    .code = code,
			    .first_ns = second * NS_PER_S,
			    .last_ns = second * NS_PER_S,
			    .database = slice_cstr(p->database),
			    .database_known = true,
			    .text = slice_cstr(texts[n % 4] ? texts[n % 4] : ""),
			    .text_known = texts[n % 4] != NULL,
			    .params = &none,
			    .attributes = &none};

	p->session->commands = n;
	send(p, &(struct event){.type = EVENT_COMMAND, .command = &c}, second);
}

static void response(struct play *p, uint64_t n, enum response_kind kind, int second)
{
	struct result x = {.kind = kind};
	struct response r = {.n = n,
			     .kind = kind,
			     .heard = true,
			     .results = &x,
			     .result_count = 1,
			     .first_ns = second * NS_PER_S,
			     .last_ns = second * NS_PER_S};

	send(p, &(struct event){.type = EVENT_RESPONSE, .response = &r}, second);
}

/* A login at 10 s, three commands at 20, 30, 40, the last two under way at once, the second an error; an end at 50. */
static void say_all(struct play *p)
{
	send(p, &(struct event){.type = EVENT_SESSION}, 10);
	command(p, 1, MYP_COM_PING, 20);
	response(p, 1, RESPONSE_OK, 21);
	p->database = "other";
	command(p, 2, MYP_COM_QUERY, 30);
	command(p, 3, MYP_COM_QUERY, 40);
	response(p, 2, RESPONSE_ERROR, 45);
	send(p, &(struct event){.type = EVENT_GAP}, 46);
	response(p, 3, RESPONSE_OK, 47);
	send(p, &(struct event){.type = EVENT_END}, 50);
}

static void play_begin(struct play *p, const struct filter_options *o)
{
	const struct endpoint nowhere = {.port = 1},
			      client = {.addr = {.bytes = {10, 0, 0, 7}}, .port = 1};
	struct event_sink next = {.event = on_event, .finish = on_finish, .ctx = &p->told};

	p->session = session_new(0x25929d4f00000000, 0, &client, &nowhere, NULL);
	CHECK(p->session);
	CHECK(fact_set(&p->session->user, SLICE_LIT("app"), FACT_LOGIN) == ERR_OK);
	CHECK(fact_set(&p->session->database, SLICE_LIT("shop"), FACT_LOGIN) == ERR_OK);
	p->session->database_known = true;
	CHECK(filter_new(o, &next, &p->filter, NULL) == ERR_OK);
	p->sink = filter_events(p->filter);
}

static void play_end(struct play *p)
{
	filter_free(p->filter);
	session_free(p->session);
}

static void check_passes(const struct filter_options *o, const char *expected)
{
	struct play p = {.database = "shop"};

	play_begin(&p, o);
	say_all(&p);
	assert_string_equal(p.told.text, expected);
	play_end(&p);
}

#define ASK(expected, ...) check_passes(&(struct filter_options){__VA_ARGS__}, expected)
#define ONE(text) .items = {text}, .count = 1

static void windows_have_every_exchange_once(void **state)
{
	(void)state;
	ASK("Sc1r1c2c3r2gr3E", .since = NULL);
	ASK("Sc1r1c2r2", .until = "+25s");
	ASK("Sc1r1c2r2", .until = "1970-01-01T00:00:35Z");
	ASK("Sc3gr3E", .since = "+25s");
	ASK("c3gr3E", .since = "+25s", .cuts = true);
	ASK("Sc2r2", .since = "+15s", .until = "+25s");
	ASK("", .since = "+1h");
	ASK("E", .since = "+40s");
}

static void packet(struct play *p, uint64_t n, size_t len, int second)
{
	static const uint8_t payload[1 << 20];
	const struct packet x = {
		.n = n, .meaning = PACKET_ROW, .payload = slice_of(payload, len), .length = len};

	send(p, &(struct event){.type = EVENT_PACKET, .packet = &x}, second);
}

/* A login with two packets, two commands at once with theirs, the first an error; the answer of the first
 * in so many packets of LEN bytes. */
static void say_packets(struct play *p, size_t len, size_t times)
{
	packet(p, 0, 1, 9);
	packet(p, 0, 1, 9);
	send(p, &(struct event){.type = EVENT_SESSION}, 10);
	command(p, 1, MYP_COM_QUERY, 20);
	packet(p, 1, 1, 20);
	command(p, 2, MYP_COM_PING, 30);
	packet(p, 2, 1, 30);
	for (size_t i = 0; i < times; i++)
		packet(p, 1, len, 31);
	response(p, 1, RESPONSE_ERROR, 31);
	packet(p, 2, 1, 32);
	response(p, 2, RESPONSE_OK, 32);
	packet(p, 0, 1, 33);
	send(p, &(struct event){.type = EVENT_END}, 50);
}

static struct told packets_told(const struct filter_options *o, size_t len, size_t times)
{
	struct play p = {.database = "shop"};
	const struct endpoint nowhere = {.port = 1};
	struct event_sink next = {.event = on_event, .finish = on_finish, .ctx = &p.told};

	p.session = session_new(0x25929d4f00000000, 0, &nowhere, &nowhere, NULL);
	CHECK(p.session);
	CHECK(filter_new(o, &next, &p.filter, NULL) == ERR_OK);
	p.sink = filter_events(p.filter);
	say_packets(&p, len, times);
	filter_free(p.filter);
	session_free(p.session);
	return p.told;
}

#define TOLD(expected, ...)                                                                        \
	assert_string_equal(packets_told(&(struct filter_options){__VA_ARGS__}, 1, 1).text,        \
			    expected)

static void packets_pass_with_their_exchange(void **state)
{
	(void)state;
	TOLD("p0p0Sc1p1c2p2p1r1p2r2p0E", .since = NULL);
	TOLD("Sc2p2p2r2p0E", .commands = {ONE("ping")});
	TOLD("Sc1p1p1r1p0E", .errors = true);
	TOLD("", .errors = true, .commands = {ONE("ping")});
	TOLD("", .sessions = {ONE("1")});
	TOLD("Sc2p2p2r2p0E", .since = "+15s");
	TOLD("p0p0Sc1p1p1r1p0", .until = "+11s"); /* of the session, as without packets */
}

static void packets_are_held_up_to_a_limit(void **state)
{
	struct told told = packets_told(&(struct filter_options){.errors = true}, 1 << 20, 40);

	(void)state;
	CHECK(told.left_out >= 40 - 32 && told.left_out < 40 - 28);
}

static void sessions_users_and_databases(void **state)
{
	(void)state;
	ASK("Sc1r1c2c3r2gr3E", .sessions = {ONE("25929d4f")});
	ASK("", .sessions = {ONE("25929d4e")});
	ASK("Sc1r1c2c3r2gr3E", .users = {ONE("a*")});
	ASK("", .users = {ONE("!app")});
	ASK("Sc1r1c2c3r2gr3E", .users = {ONE("!monitor")});
	ASK("", .users = {ONE("root")});
	ASK("Sc1r1gE", .databases = {ONE("shop")});
	ASK("Sc2c3r2gr3E", .databases = {ONE("other")});
	ASK("Sc1r1c2c3r2gr3E", .databases = {.items = {"sh?p", "other"}, .count = 2});
}

static void clients(void **state)
{
	(void)state;
	ASK("Sc1r1c2c3r2gr3E", .clients = {ONE("10.0.0.7")});
	ASK("Sc1r1c2c3r2gr3E", .clients = {ONE("10.0.*")});
	ASK("", .clients = {ONE("10.0.0.70")});
	ASK("", .clients = {ONE("10.0.0.7:1")});
	ASK("", .clients = {ONE("!10.*")});
}

static void statements(void **state)
{
	char id[SESSION_ID_TEXT];

	(void)state;
	ASK("Sc2r2gE", .match = "id = 42$");
	ASK("Sc2r2gE", .match = "^where");
	ASK("Sc3gr3E", .match = "update|delete");
	ASK("Sc2c3r2gr3E", .match = "\\<orders\\>");
	ASK("", .match = "order$");
	ASK("Sc2r2gE", .match = "orders", .errors = true);
	(void)session_id_format(sql_digest_hash(SLICE_LIT("UPDATE orders SET x = 7"),
						(struct sql_options){.ansi_quotes = false}),
				id);
	ASK("Sc3gr3E", .digests = {ONE(id)});
	id[4] = '\0';
	ASK("Sc3gr3E", .digests = {ONE(id)});
	ASK("", .digests = {ONE(id)}, .match = "SELECT");
}

/* What the coverage says of what O lets through. */
static struct coverage coverage_of(const struct filter_options *o)
{
	const struct coverage whole = {.sessions = 9, .commands = 99, .gaps = 5, .frames = 1000};
	struct play p = {.database = "shop"};

	play_begin(&p, o);
	say_all(&p);
	CHECK(p.sink.finish(p.sink.ctx, &whole, NULL) == ERR_OK);
	play_end(&p);
	CHECK(p.told.coverage.frames == 1000);
	return p.told.coverage;
}

static void coverage_is_of_what_passed(void **state)
{
	struct coverage c = coverage_of(&(struct filter_options){.users = {ONE("app")}});

	(void)state;
	CHECK(c.sessions == 1 && c.joined == 0 && c.commands == 3 && c.gaps == 1);
	CHECK(c.left_out == 0 && c.unanswered == 0);
	c = coverage_of(&(struct filter_options){.users = {ONE("root")}});
	CHECK(c.sessions == 0 && c.commands == 0 && c.gaps == 0 && c.left_out == 3);
	c = coverage_of(&(struct filter_options){.errors = true});
	CHECK(c.sessions == 1 && c.commands == 1 && c.left_out == 2);
	c = coverage_of(&(struct filter_options){.until = "+25s", .commands = {ONE("QUERY")}});
	CHECK(c.commands == 1 && c.left_out == 1);
}

static void behind_the_window_there_is_enough(void **state)
{
	const struct filter_options o = {.until = "+25s"};
	struct play p = {.database = "shop"};
	struct event late = {.type = EVENT_GAP};

	(void)state;
	play_begin(&p, &o);
	send(&p, &(struct event){.type = EVENT_SESSION}, 10);
	command(&p, 1, MYP_COM_PING, 20);
	send(&p, &late, 1000); /* a response is waited for */
	response(&p, 1, RESPONSE_OK, 1001);
	late.session = p.session;
	late.time_ns = 1002 * NS_PER_S;
	CHECK(p.sink.event(p.sink.ctx, &late, NULL) == ERR_EOF);
	assert_string_equal(p.told.text, "Sc1r1");
	play_end(&p);
}

static void the_beginning_may_be_told(void **state)
{
	ASK("Sc1r1c2r2", .until = "+35s", .begin_ns = 1);
	ASK("Sc3gr3E", .since = "+35s", .begin_ns = 1);
	(void)state;
}

static void commands_and_outcomes(void **state)
{
	(void)state;
	ASK("Sc1r1gE", .commands = {ONE("ping")});
	ASK("Sc2c3r2gr3E", .commands = {ONE("!PING")});
	ASK("", .commands = {ONE("STMT_*")});
	ASK("Sc2r2gE", .errors = true);
	ASK("Sc2r2gE", .slower_ns = 10 * NS_PER_S);
	ASK("Sc2r2gc3r3E", .slower_ns = 5 * NS_PER_S);
	ASK("", .errors = true, .commands = {ONE("PING")});
}

static void wrong_options_are_told_at_once(void **state)
{
	static const struct filter_options wrong[] = {
		{.since = "soon"},
		{.until = "+soon"},
		{.since = ""},
		{.sessions = {ONE("xyz")}},
		{.match = "("},
		{.digests = {ONE("SELECT")}},
		{.commands = {ONE("NOPE")}},
		{.commands = {ONE("!STM")}},
		{.sessions = {ONE("")}},
		{.sessions = {ONE("0123456789abcdef0")}},
	};
	struct event_sink next = {.ctx = NULL};
	struct filter *f;
	struct errinfo info;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK(filter_is_asked(&wrong[i]));
		CHECK(filter_new(&wrong[i], &next, &f, &info) == ERR_USAGE && info.text[0]);
	}
	CHECK(!filter_is_asked(&(struct filter_options){.since = NULL}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_have_every_exchange_once),
		cmocka_unit_test(sessions_users_and_databases),
		cmocka_unit_test(clients),
		cmocka_unit_test(statements),
		cmocka_unit_test(coverage_is_of_what_passed),
		cmocka_unit_test(behind_the_window_there_is_enough),
		cmocka_unit_test(the_beginning_may_be_told),
		cmocka_unit_test(packets_pass_with_their_exchange),
		cmocka_unit_test(packets_are_held_up_to_a_limit),
		cmocka_unit_test(commands_and_outcomes),
		cmocka_unit_test(wrong_options_are_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
