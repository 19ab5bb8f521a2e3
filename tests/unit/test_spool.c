#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "replay/spool.h"

enum { COUNT = 3000, PIECE = 20000 };

static struct batch *batch_of(unsigned n)
{
	size_t len = 1 + n * 7919u % PIECE;
	struct batch *b = mem_alloc(sizeof(*b) + len);

	CHECK(b);
	b->len = b->cap = len;
	memset(b->bytes, (int)(n % 251), len);
	return b;
}

static void put(struct spool *s, unsigned n)
{
	struct batch *b = batch_of(n);
	struct errinfo info;

	CHECK(spool_put(s, n % 5, b, &info) == ERR_OK);
	mem_free(b);
}

static void take(struct spool *s, unsigned n)
{
	struct batch *expected = batch_of(n), *b;
	struct errinfo info;
	unsigned worker;

	CHECK(spool_take(s, &worker, &b, &info) == ERR_OK);
	CHECK(worker == n % 5 && b->len == expected->len);
	CHECK(memcmp(b->bytes, expected->bytes, b->len) == 0);
	mem_free(b);
	mem_free(expected);
}

/* What the file takes of the disk; its file system gives back what was taken out. */
static uint64_t place_taken(const struct spool *s)
{
	struct stat st;

	CHECK(fstat(s->fd, &st) == 0);
	return (uint64_t)st.st_blocks * 512;
}

static void what_went_in_comes_out_in_order(void **state)
{
	enum { AHEAD = 100 };
	struct spool s;

	(void)state;
	spool_init(&s, "/var/tmp", 1 << 20);
	CHECK(spool_bytes(&s) == 0 && s.fd < 0); /* nothing is made before it is needed */
	for (unsigned i = 0; i < COUNT; i++) {
		put(&s, i);
		if (i >= AHEAD)
			take(&s, i - AHEAD);
	}
	CHECK(place_taken(&s) < 24 << 20); /* of 30 MB that went through */
	for (unsigned i = COUNT - AHEAD; i < COUNT; i++)
		take(&s, i);
	CHECK(spool_bytes(&s) == 0 && place_taken(&s) == 0);
	put(&s, 7);
	take(&s, 7);
	spool_release(&s);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
	struct batch *b = batch_of(1);
	struct errinfo info;
	struct spool s;

	(void)state;
	spool_init(&s, "/nowhere/at/all", 1 << 20);
	CHECK(spool_put(&s, 0, b, &info) == ERR_IO);
	CHECK(strstr(info.text, "/nowhere/at/all"));
	CHECK(spool_bytes(&s) == 0);
	spool_release(&s);
	mem_free(b);
}

static void without_memory_nothing_is_lost(void **state)
{
	struct errinfo info;
	struct batch *b;
	struct spool s;
	unsigned worker;

	(void)state;
	spool_init(&s, "/var/tmp", 1 << 20);
	put(&s, 3);
	mem_fail_from(1);
	CHECK(spool_take(&s, &worker, &b, &info) == ERR_NOMEM);
	mem_fail_from(0);
	take(&s, 3);
	spool_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_went_in_comes_out_in_order),
		cmocka_unit_test(a_folder_that_is_not_there_is_named),
		cmocka_unit_test(without_memory_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
