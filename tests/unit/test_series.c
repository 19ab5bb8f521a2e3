/* Names of a series of recordings, and which of its files is the oldest. */
#include "recording/series.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "recording/writer.h"

enum { T0 = 1700000000 }; /* 2023-11-14T22:13:20Z */

static void check_path(const char *path, int64_t s, unsigned number, const char *expected)
{
	struct buf b;

	buf_init(&b, SERIES_PATH_MAX);
	series_put_path(path, s * 1000000000, number, &b);
	CHECK(buf_err(&b) == ERR_OK);
	assert_string_equal((const char *)b.ptr, expected);
	buf_release(&b);
}

static void name_has_time_before_extension(void **state)
{
	(void)state;
	check_path("prod.myna", T0, 1, "prod-20231114T221320Z.myna");
	check_path("prod.myna", T0, 2, "prod-20231114T221320Z_02.myna");
	check_path("a.b/prod", T0, 1, "a.b/prod-20231114T221320Z");
	check_path("/x/.hidden", T0, 1, "/x/.hidden-20231114T221320Z");
	check_path("/x/db.1.myna", T0, 1, "/x/db.1-20231114T221320Z.myna");
}

static void only_names_of_the_pattern_are_members(void **state)
{
	static const char *const others[] = {
		"prod.myna",
		"prod-.myna",
		"prod-20231114T221320Z",
		"prod-20231114T221320Z.myna.gz",
		"prod-20231114T22132Z.myna",
		"prod-20231114221320Z.myna",
		"prod-20231114T221320Z_2.myna",
		"prod-20231114T221320Z_02x.myna",
		"prod-2023111aT221320Z.myna",
		"xprod-20231114T221320Z.myna",
		"prod2-20231114T221320Z.myna",
		"prod-old-20231114T221320Z.myna",
		"",
	};
	struct series_place place = {.number = 0};

	(void)state;
	CHECK(series_has("d/prod.myna", "prod-20231114T221320Z.myna", &place));
	assert_string_equal(place.time, "20231114T221320Z");
	CHECK(place.number == 1);
	CHECK(series_has("prod.myna", "prod-20231114T221320Z_17.myna", &place));
	CHECK(place.number == 17);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CHECK(!series_has("prod.myna", others[i], &place));
	CHECK(place.number == 17);
}

struct folder {
	char path[64];
	char series[96];
};

static void make(const struct folder *f, const char *name, bool is_recording)
{
	struct recording_writer *w;
	char path[160];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
	if (is_recording) {
		CHECK(recording_writer_new(path, NULL, &w, NULL) == ERR_OK);
		recording_writer_free(w);
		return;
	}
	file = fopen(path, "w");
	CHECK(file && fputs("a letter", file) >= 0 && fclose(file) == 0);
}

static void check_oldest(const struct folder *f, size_t keep, const char *expected)
{
	char path[160] = "";
	struct buf b;

	buf_init(&b, SERIES_PATH_MAX);
	CHECK(series_oldest(f->series, keep, &b, NULL) == ERR_OK);
	if (expected) {
		(void)snprintf(path, sizeof(path), "%s/%s", f->path, expected);
		CHECK(b.len > 0);
		assert_string_equal((const char *)b.ptr, path);
	} else {
		CHECK(b.len == 0);
	}
	buf_release(&b);
}

static void oldest_is_by_name_and_nothing_else_counts(void **state)
{
	struct folder f = {.path = "/tmp/test_series.XXXXXX"};
	char command[160];

	(void)state;
	CHECK(mkdtemp(f.path));
	(void)snprintf(f.series, sizeof(f.series), "%s/prod.myna", f.path);
	check_oldest(&f, 0, NULL);
	make(&f, "prod-20231114T221321Z.myna", true);
	make(&f, "prod-20231114T221320Z_02.myna", true);
	make(&f, "prod-20231114T221320Z.myna", true);
	make(&f, "prod-20221114T221320Z.myna", false); /* of the name, but no recording */
	make(&f, "other-20221114T221320Z.myna", true);
	make(&f, "prod.myna", true);
	check_oldest(&f, 3, NULL);
	check_oldest(&f, 2, "prod-20231114T221320Z.myna");
	(void)snprintf(command, sizeof(command), "%s/prod-20231114T221320Z.myna", f.path);
	CHECK(unlink(command) == 0);
	check_oldest(&f, 1, "prod-20231114T221320Z_02.myna");
	(void)snprintf(command, sizeof(command), "rm -r %s", f.path);
	CHECK(system(command) == 0);
	{
		struct buf b;

		buf_init(&b, SERIES_PATH_MAX);
		CHECK(series_oldest("/does/not/exist/prod.myna", 1, &b, NULL) == ERR_IO);
		buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_has_time_before_extension),
		cmocka_unit_test(only_names_of_the_pattern_are_members),
		cmocka_unit_test(oldest_is_by_name_and_nothing_else_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
