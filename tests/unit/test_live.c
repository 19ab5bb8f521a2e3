/* Needs the right to listen on the loopback interface; says so where it is missing. */
#include "check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/capture.h"
#include "net/segment.h"

static struct capture *listen_on(const char *interface, uint16_t port)
{
	char plain[64], filter[256]; /* "any" does not know VLANs */
	struct capture_live_options options = {
		.interface = interface, .filter = filter, .plain = plain};
	struct errinfo info = {.code = ERR_OK};
	struct capture *c = NULL;

	(void)snprintf(plain, sizeof(plain), "tcp port %u", (unsigned)port);
	(void)snprintf(filter, sizeof(filter), "%s or (vlan and %s)", plain, plain);
	if (capture_open_live(&options, &c, &info) != ERR_OK) {
		if (!strstr(info.text, "no permission"))
			fail_msg("%s", info.text);
		assert_non_null(strstr(info.text, "setcap"));
		print_message("skipped: %s\n", info.text);
		skip();
	}
	return c;
}

/* A connection over loopback, both of whose ends are here. */
struct talk {
	int listener, client, server;
	uint16_t port;
};

static void talk_listen(struct talk *t)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*t = (struct talk){.client = -1, .server = -1};
	t->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(t->listener, (struct sockaddr *)&at, sizeof(at)) == 0);
	CHECK(listen(t->listener, 1) == 0);
	CHECK(getsockname(t->listener, (struct sockaddr *)&at, &len) == 0);
	t->port = ntohs(at.sin_port);
}

static void talk_about(struct talk *t, const char *text)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(t->port)};

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(connect(t->client, (struct sockaddr *)&at, sizeof(at)) == 0);
	t->server = accept(t->listener, NULL, NULL);
	CHECK(send(t->client, text, strlen(text), 0) == (ssize_t)strlen(text));
	close(t->client);
	close(t->server);
	close(t->listener);
}

/* How often TEXT was heard until all was quiet; *SYNS: how many connections were opened. */
static int times_heard(struct capture *c, const char *text, int *syns)
{
	int times = 0;

	*syns = 0;
	for (int quiet = 0; quiet < 3;) {
		struct frame f;
		struct segment s;
		enum err e = capture_next(c, &f, NULL);

		CHECK(e == ERR_OK || e == ERR_AGAIN);
		quiet += e == ERR_AGAIN;
		if (e == ERR_AGAIN)
			continue;
		CHECK(segment_decode(NULL, &f, &s) == SEGMENT_TCP);
		CHECK(f.time_ns > INT64_C(1700000000) * 1000000000);
		times += slice_eq(s.payload, slice_cstr(text));
		*syns += s.flags == TCP_SYN;
	}
	return times;
}

static void hears_once_on(const char *interface)
{
	struct capture_stats stats;
	struct capture *c;
	struct talk t;
	int syns = 0;

	talk_listen(&t);
	c = listen_on(interface, t.port);
	talk_about(&t, "said once");
	CHECK(times_heard(c, "said once", &syns) == 1);
	CHECK(syns == 1);
	capture_get_stats(c, &stats);
	CHECK(stats.kernel_drops == 0 && stats.frames >= 5);
	CHECK(capture_progress(c) < 0);
	capture_free(c);
}

static void loopback_is_heard_once(void **state)
{
	(void)state;
	hears_once_on("lo");
}

static void any_interface_is_heard_once(void **state)
{
	(void)state;
	hears_once_on("any");
}

static void expect_refused(const char *interface, const char *filter, const char *word)
{
	struct capture_live_options options = {.interface = interface, .filter = filter};
	struct errinfo info = {.code = ERR_OK};
	struct capture *c = NULL;

	CHECK(capture_open_live(&options, &c, &info) == ERR_IO);
	if (strstr(info.text, "no permission"))
		return;
	if (!strstr(info.text, word))
		fail_msg("\"%s\" does not say \"%s\"", info.text, word);
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	expect_refused("no-such-if0", NULL, "no interface no-such-if0; there are: ");
	expect_refused("lo", "tcp prot 3306", "capture filter \"tcp prot 3306\": ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loopback_is_heard_once),
		cmocka_unit_test(any_interface_is_heard_once),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
