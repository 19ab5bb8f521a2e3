/* Damage costs what is damaged, and is told. */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recording/format.h"
#include "recording/reader.h"
#include "recording/writer.h"
#include "recording_events.h"

enum { EVENTS = 40, MANY_EVENTS = 200000, SEED = 7 };

static char folder[64], path[96], other[96];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/test_recording.XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/a.myna", folder);
	(void)snprintf(other, sizeof(other), "%s/b.myna", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(other);
	return rmdir(folder);
}

/* A small recording of several blocks as bytes, and its story. The caller frees them. */
static uint8_t *small_recording(struct story *told, size_t *len)
{
	struct recording_writer_options options = {.block_bytes = 2048};
	struct coverage coverage = {.frames = 1};
	struct world *world = world_new(SEED, 60);
	struct recording_writer *w;
	const struct event *e;
	uint8_t *bytes;
	int fd;

	(void)unlink(path);
	CHECK(recording_writer_new(path, &options, &w, NULL) == ERR_OK);
	for (size_t i = 0; (e = i < EVENTS ? world_next(world) : world_end(world)) != NULL; i++) {
		story_add(told, e);
		CHECK(recording_writer_event(w, e, NULL) == ERR_OK);
	}
	CHECK(recording_writer_finish(w, &coverage, NULL) == ERR_OK);
	*len = recording_writer_bytes(w);
	recording_writer_free(w);
	world_free(world);
	bytes = malloc(*len);
	assert_non_null(bytes);
	fd = open(path, O_RDONLY);
	CHECK(read(fd, bytes, *len) == (ssize_t)*len);
	(void)close(fd);
	return bytes;
}

static void store(const uint8_t *bytes, size_t len)
{
	int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	(void)close(fd);
}

struct outcome {
	enum err opened, ended;
	struct coverage coverage;
	struct recording_info info;
};

/* Reads a whole recording, END events that are made up at its end left out. */
static struct outcome read_file(const char *name, struct story *heard)
{
	struct outcome o = {.ended = ERR_OK};
	struct recording_reader *r;
	struct event e;

	o.opened = recording_reader_open(name, &r, NULL);
	if (o.opened != ERR_OK)
		return o;
	while ((o.ended = recording_reader_next(r, &e, NULL)) == ERR_OK)
		story_add(heard, &e);
	recording_reader_coverage(r, &o.coverage);
	recording_reader_info(r, &o.info);
	recording_reader_free(r);
	return o;
}

/* What was read without what the reader adds at the end. */
static void drop_made_up_ends(const struct story *told, struct story *heard)
{
	while (heard->count > 0 && heard->events[heard->count - 1].type == EVENT_END &&
	       !story_is_prefix(told, heard))
		heard->count--;
}

static void cut_anywhere_it_is_read_up_to_there(void **state)
{
	struct story told, heard;
	size_t len, before = 0;
	uint8_t *bytes;

	(void)state;
	story_init(&told);
	story_init(&heard);
	bytes = small_recording(&told, &len);
	for (size_t n = 1; n <= len; n++) {
		struct outcome o;

		heard.count = 0;
		store(bytes, n);
		o = read_file(other, &heard);
		CHECK(o.opened == ERR_OK && o.ended == ERR_EOF);
		CHECK(o.coverage.cut_off == (n < len) && o.coverage.bad_input_bytes == 0);
		CHECK(o.info.damaged == 0 && o.info.finished == (n == len));
		drop_made_up_ends(&told, &heard);
		CHECK(story_is_prefix(&told, &heard));
		CHECK(heard.count >= before);
		before = heard.count;
	}
	CHECK(before == told.count);
	free(bytes);
	story_release(&told);
	story_release(&heard);
}

/* True if every event is one of TOLD's, in their order, or one that a reader makes up after damage. */
static bool is_part(const struct story *told, const struct story *heard)
{
	size_t at = 0;

	for (size_t i = 0; i < heard->count; i++) {
		const struct seen *s = &heard->events[i];
		size_t found = at;

		while (found < told->count && told->events[found].hash != s->hash)
			found++;
		if (found < told->count)
			at = found + 1;
		else if (s->type != EVENT_SESSION && s->type != EVENT_GAP && s->type != EVENT_END)
			return false;
	}
	return true;
}

static void a_changed_byte_is_never_taken_for_good(void **state)
{
	struct story told, heard;
	uint8_t *bytes;
	size_t len;

	(void)state;
	story_init(&told);
	story_init(&heard);
	told.without_gaps = heard.without_gaps = true;
	bytes = small_recording(&told, &len);
	for (size_t i = 0; i < len; i++) {
		uint8_t mask = i % 2 ? 0xff : (uint8_t)(1u << i / 2 % 8);
		struct outcome o;

		heard.count = 0;
		bytes[i] ^= mask;
		store(bytes, len);
		bytes[i] ^= mask;
		o = read_file(other, &heard);
		if (o.opened != ERR_OK) /* its magic, or its version */
			continue;
		CHECK(o.ended == ERR_EOF);
		CHECK(o.coverage.bad_input_bytes || o.coverage.cut_off);
		CHECK(is_part(&told, &heard));
		CHECK(i >= RECORDING_HEADER || heard.count == told.count);
		CHECK(heard.count > 0);
	}
	free(bytes);
	story_release(&told);
	story_release(&heard);
}

static void a_lost_block_makes_gaps(void **state)
{
	struct story told, heard;
	struct outcome o;
	uint8_t *bytes;
	size_t len, second, third, gaps = 0;

	(void)state;
	story_init(&told);
	story_init(&heard);
	bytes = small_recording(&told, &len);
	second = RECORDING_HEADER + RECORDING_BLOCK_HEADER +
		 (size_t)(bytes[RECORDING_HEADER + 16] | bytes[RECORDING_HEADER + 17] << 8);
	third = second + RECORDING_BLOCK_HEADER +
		(size_t)(bytes[second + 16] | bytes[second + 17] << 8);
	CHECK(third < len);
	memmove(bytes + second, bytes + third, len - third);
	store(bytes, len - (third - second));
	o = read_file(other, &heard);
	CHECK(o.ended == ERR_EOF && o.info.missing == 1 && o.coverage.cut_off == 0);
	for (size_t i = 0; i < heard.count; i++)
		gaps += heard.events[i].type == EVENT_GAP;
	for (size_t i = 0; i < told.count; i++)
		gaps -= told.events[i].type == EVENT_GAP;
	CHECK(gaps > 0 && o.coverage.gaps > 0);
	free(bytes);
	story_release(&told);
	story_release(&heard);
}

static void what_is_no_recording_is_refused(void **state)
{
	struct recording_reader *r;
	struct errinfo info;
	struct story told;
	uint8_t *bytes;
	size_t len;

	(void)state;
	story_init(&told);
	store((const uint8_t *)"SELECT 1;\n", 10);
	CHECK(recording_reader_open(other, &r, &info) == ERR_PROTO);
	assert_non_null(strstr(info.text, "not a recording"));
	store(NULL, 0);
	CHECK(recording_reader_open(other, &r, &info) == ERR_PROTO);
	assert_non_null(strstr(info.text, "empty"));
	CHECK(recording_reader_open("/does/not/exist", &r, &info) == ERR_IO);
	CHECK(recording_reader_open("/", &r, &info) == ERR_USAGE);
	bytes = small_recording(&told, &len);
	bytes[8] = 3;
	store(bytes, len);
	CHECK(recording_reader_open(other, &r, &info) == ERR_UNSUPPORTED);
	assert_non_null(strstr(info.text, "version 3"));
	free(bytes);
	story_release(&told);
}

/* Records the same events again and again, with a tick after each, until it fails or is killed. */
static enum err record_many(struct errinfo *info)
{
	struct recording_writer_options options = {.block_age_ns = 1};
	struct coverage coverage = {.frames = 1};
	struct world *world = world_new(SEED, 60);
	struct recording_writer *w;
	enum err e;

	(void)unlink(path);
	e = recording_writer_new(path, &options, &w, info);
	for (size_t i = 0; e == ERR_OK && i < MANY_EVENTS; i++) {
		e = recording_writer_event(w, world_next(world), info);
		if (e == ERR_OK && i % 10 == 9)
			e = recording_writer_tick(w, &coverage, info);
	}
	if (e == ERR_OK)
		return ERR_OK;
	/* Once it failed it fails, in the same words. */
	if (recording_writer_finish(w, &coverage, NULL) != e)
		e = ERR_USAGE;
	recording_writer_free(w);
	world_free(world);
	return e;
}

/* What is in the file is the beginning of what was to be recorded. */
static void check_is_beginning(void)
{
	struct world *world = world_new(SEED, 60);
	struct story told, heard;
	struct outcome o;

	story_init(&told);
	story_init(&heard);
	o = read_file(path, &heard);
	CHECK(o.opened == ERR_OK && o.ended == ERR_EOF);
	CHECK(o.coverage.cut_off == 1 && o.coverage.bad_input_bytes == 0);
	for (size_t i = 0; i < heard.count; i++)
		story_add(&told, world_next(world));
	drop_made_up_ends(&told, &heard);
	CHECK(heard.count >= 10 && story_is_prefix(&told, &heard));
	world_free(world);
	story_release(&told);
	story_release(&heard);
}

static void killed_it_leaves_what_it_wrote(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		(void)record_many(NULL);
		_exit(1);
	}
	CHECK(child > 0);
	(void)usleep(150000);
	CHECK(kill(child, SIGKILL) == 0);
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	check_is_beginning();
}

static void a_full_disk_keeps_what_was_written(void **state)
{
	struct rlimit limit = {.rlim_cur = 100000, .rlim_max = 100000};
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		struct errinfo info = {.text = ""};

		(void)signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
			_exit(2);
		_exit(record_many(&info) == ERR_IO && strstr(info.text, "are kept") ? 0 : 1);
	}
	CHECK(child > 0);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	check_is_beginning();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_anywhere_it_is_read_up_to_there),
		cmocka_unit_test(a_changed_byte_is_never_taken_for_good),
		cmocka_unit_test(a_lost_block_makes_gaps),
		cmocka_unit_test(what_is_no_recording_is_refused),
		cmocka_unit_test(killed_it_leaves_what_it_wrote),
		cmocka_unit_test(a_full_disk_keeps_what_was_written),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
