#include "check.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "broker/outbox.h"

enum { BODY_MAX = 4 << 20 };

static char folder[] = "/tmp/myna-outbox-XXXXXX";

static void put(struct outbox *o, uint64_t number, size_t len)
{
	const struct outbox_message m = {.shard = 3, .stream = 77, .number = number};
	uint8_t *body = malloc(len);

	assert(body);
	memset(body, (int)number, len);
	CHECK(outbox_put(o, &m, slice_of(body, len), NULL) == ERR_OK);
	free(body);
}

/* Reads on from AT and returns the place behind; the message has to be NUMBER. */
static struct outbox_place expect(struct outbox *o, struct outbox_place at, uint64_t number,
				  size_t len)
{
	struct outbox_message m;
	struct buf body;

	buf_init(&body, BODY_MAX);
	CHECK(outbox_read(o, at, &m, &body, NULL) == ERR_OK);
	CHECK(m.number == number && m.stream == 77 && m.shard == 3 && m.len == len);
	CHECK(body.len == len && body.ptr[len - 1] == (uint8_t)number);
	buf_release(&body);
	return m.after;
}

static bool is_at_end(struct outbox *o, struct outbox_place at)
{
	struct outbox_message m;
	struct buf body;
	bool end;

	buf_init(&body, BODY_MAX);
	end = outbox_read(o, at, &m, &body, NULL) == ERR_AGAIN;
	buf_release(&body);
	return end;
}

static unsigned count_files(void)
{
	DIR *d = opendir(folder);
	unsigned n = 0;

	assert(d);
	for (const struct dirent *e; (e = readdir(d));)
		n += strstr(e->d_name, ".out") != NULL;
	closedir(d);
	return n;
}

static void what_is_put_is_read_and_confirmed(void **state)
{
	struct outbox_place at;
	struct outbox_left left;
	struct outbox *o, *second;

	(void)state;
	CHECK(outbox_open(folder, &o, &left, NULL) == ERR_OK);
	CHECK(left.messages == 0 && !left.killed);
	CHECK(outbox_open(folder, &second, &left, NULL) == ERR_USAGE);
	CHECK(is_at_end(o, outbox_head(o)));
	for (uint64_t i = 0; i < 30; i++)
		put(o, i, 1 << 20); /* several files */
	CHECK(outbox_messages(o) == 30 && outbox_bytes(o) == 30 << 20 && count_files() == 2);
	at = outbox_head(o);
	for (uint64_t i = 0; i < 30; i++) {
		at = expect(o, at, i, 1 << 20);
		CHECK(outbox_confirm(o, at, 1, 1 << 20, NULL) == ERR_OK);
	}
	CHECK(is_at_end(o, at) && outbox_bytes(o) == 0 && count_files() == 1);
	put(o, 30, 5);
	CHECK(is_at_end(o, expect(o, at, 30, 5)));
	CHECK(outbox_confirm(o, expect(o, at, 30, 5), 1, 5, NULL) == ERR_OK);
	outbox_close(o, true);
	CHECK(count_files() == 0);
}

static void what_is_left_is_there_again(void **state)
{
	struct outbox_place at;
	struct outbox_left left;
	struct outbox *o;
	uint64_t origin;

	(void)state;
	CHECK(outbox_open(folder, &o, &left, NULL) == ERR_OK);
	CHECK(left.messages == 0 && !left.killed);
	origin = outbox_origin(o);
	for (uint64_t i = 0; i < 5; i++)
		put(o, i, 100);
	CHECK(outbox_confirm(o, expect(o, outbox_head(o), 0, 100), 1, 100, NULL) == ERR_OK);
	outbox_close(o, false); /* as if killed */

	CHECK(outbox_open(folder, &o, &left, NULL) == ERR_OK);
	CHECK(left.messages == 4 && left.bytes == 400 && left.killed && !left.torn);
	CHECK(outbox_origin(o) == origin);
	put(o, 5, 100);
	at = outbox_head(o);
	for (uint64_t i = 1; i <= 5; i++)
		at = expect(o, at, i, 100);
	CHECK(is_at_end(o, at));
	CHECK(outbox_confirm(o, at, 5, 500, NULL) == ERR_OK);
	outbox_close(o, true);
	CHECK(outbox_open(folder, &o, &left, NULL) == ERR_OK);
	CHECK(left.messages == 0 && !left.killed);
	outbox_close(o, true);
}

/* Cut off at every byte of the last message: the one before is there, and what is put then. */
static void a_torn_message_is_none(void **state)
{
	(void)state;
	for (off_t cut = 1; cut < 50; cut += 7) {
		struct outbox_left left;
		struct outbox_place at;
		struct outbox *o;
		char path[512];
		DIR *d;

		CHECK(outbox_open(folder, &o, &left, NULL) == ERR_OK);
		put(o, 1, 10);
		put(o, 2, 10);
		outbox_close(o, false);
		d = opendir(folder);
		assert(d);
		for (const struct dirent *e; (e = readdir(d));) {
			if (!strstr(e->d_name, ".out"))
				continue;
			(void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
			CHECK(truncate(path, 2 * 50 - cut) == 0);
		}
		closedir(d);
		CHECK(outbox_open(folder, &o, &left, NULL) == ERR_OK);
		CHECK(left.messages == 1 && left.torn);
		put(o, 3, 10);
		at = expect(o, expect(o, outbox_head(o), 1, 10), 3, 10);
		CHECK(outbox_confirm(o, at, 2, 20, NULL) == ERR_OK);
		outbox_close(o, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_read_and_confirmed),
		cmocka_unit_test(what_is_left_is_there_again),
		cmocka_unit_test(a_torn_message_is_none),
	};
	char command[64];
	int failed;

	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)snprintf(command, sizeof(command), "%s/head", folder);
	(void)unlink(command);
	(void)rmdir(folder);
	return failed;
}
