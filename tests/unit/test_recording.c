/* What was recorded is what is read. */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recording/block.h"
#include "recording/decoder.h"
#include "recording/reader.h"
#include "recording/writer.h"
#include "recording_events.h"

enum { EVENTS = 3000 };

static char folder[64], path[96];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/test_recording.XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/a.myna", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

/* More sessions and commands than any world has: fewer are not believed. */
static const struct coverage coverage = {.frames = 12345,
					 .gaps = 6,
					 .limits = 1,
					 .sessions = 1 << 20,
					 .joined = 1 << 20,
					 .commands = 1 << 30};

/* Records COUNT events of SEED and the ENDs, and says what they were. */
static void record(uint64_t seed, size_t max_value, size_t count,
		   const struct recording_writer_options *options, struct story *told)
{
	struct world *world = world_new(seed, max_value);
	struct recording_writer *w;
	const struct event *e;
	size_t i = 0;

	(void)unlink(path);
	CHECK(recording_writer_new(path, options, &w, NULL) == ERR_OK);
	while ((e = i++ < count ? world_next(world) : world_end(world)) != NULL) {
		story_add(told, e);
		CHECK(recording_writer_event(w, e, NULL) == ERR_OK);
	}
	CHECK(recording_writer_finish(w, &coverage, NULL) == ERR_OK);
	recording_writer_free(w);
	world_free(world);
}

static struct recording_reader *open_reader(void)
{
	struct recording_reader *r;
	struct errinfo info = {.text = ""};
	enum err e = recording_reader_open(path, &r, &info);

	if (e != ERR_OK)
		print_error("%s\n", info.text);
	CHECK(e == ERR_OK);
	return r;
}

static void read_all(struct recording_reader *r, struct story *heard)
{
	struct event e;
	enum err x;

	while ((x = recording_reader_next(r, &e, NULL)) == ERR_OK)
		story_add(heard, &e);
	CHECK(x == ERR_EOF);
}

static void round_trip(uint64_t seed, size_t max_value, size_t count, size_t block_bytes)
{
	struct recording_writer_options options = {.block_bytes = block_bytes};
	struct recording_reader *r;
	struct story told, heard;
	struct coverage c;

	story_init(&told);
	story_init(&heard);
	record(seed, max_value, count, &options, &told);
	r = open_reader();
	read_all(r, &heard);
	CHECK(story_is_prefix(&told, &heard) && told.count == heard.count);
	recording_reader_coverage(r, &c);
	CHECK(memcmp(&c, &coverage, sizeof(c)) == 0);
	CHECK(recording_reader_progress(r) >= 1.0);
	recording_reader_free(r);
	story_release(&told);
	story_release(&heard);
}

static void what_was_recorded_is_what_is_read(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++)
		round_trip(seed, 100, EVENTS, 0);
}

static void small_blocks_say_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 20; seed <= 30; seed++)
		round_trip(seed, 300, EVENTS, 4096);
	/* Smaller than what they have to say: almost everything goes on in the next block. */
	for (uint64_t seed = 30; seed <= 40; seed++)
		round_trip(seed, 5000, EVENTS / 3, 512);
}

static void values_longer_than_blocks_go_on_in_the_next(void **state)
{
	(void)state;
	round_trip(50, 3 << 20, 200, 64 << 10);
	round_trip(51, 5 << 20, 200, 0);
}

static void the_file_is_private_and_never_overwritten(void **state)
{
	struct recording_writer *w;
	struct errinfo info;
	struct stat st;

	(void)state;
	(void)unlink(path);
	CHECK(recording_writer_new(path, NULL, &w, &info) == ERR_OK);
	recording_writer_free(w);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(recording_writer_new(path, NULL, &w, &info) == ERR_USAGE);
	assert_non_null(strstr(info.text, "exists already"));
	CHECK(recording_writer_new("-", NULL, &w, &info) == ERR_USAGE);
	CHECK(recording_writer_new("/does/not/exist.myna", NULL, &w, &info) == ERR_IO);
}

static void a_block_that_is_old_is_written(void **state)
{
	struct recording_writer_options options = {.block_age_ns = 1};
	struct recording_writer *w;
	struct world *world = world_new(3, 10);
	uint64_t before;

	(void)state;
	(void)unlink(path);
	CHECK(recording_writer_new(path, &options, &w, NULL) == ERR_OK);
	before = recording_writer_bytes(w);
	CHECK(recording_writer_tick(w, &coverage, NULL) == ERR_OK);
	CHECK(recording_writer_bytes(w) == before);
	CHECK(recording_writer_event(w, world_next(world), NULL) == ERR_OK);
	CHECK(recording_writer_bytes(w) == before);
	CHECK(recording_writer_tick(w, &coverage, NULL) == ERR_OK);
	CHECK(recording_writer_bytes(w) > before);
	recording_writer_free(w);
	world_free(world);
}

static uint8_t *load(size_t *len)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *bytes;

	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	*len = (size_t)st.st_size;
	bytes = malloc(*len);
	assert_non_null(bytes);
	CHECK(read(fd, bytes, *len) == (ssize_t)*len);
	(void)close(fd);
	return bytes;
}

/* Index in TOLD of the first event from FROM on that is S; told->count if there is none. */
static size_t find(const struct story *told, size_t from, const struct seen *s)
{
	while (from < told->count && told->events[from].hash != s->hash)
		from++;
	return from;
}

/* What the block at BYTES says alone, but for the SESSION events that are made up. */
static size_t check_alone(struct slice bytes, const struct story *told, size_t *at)
{
	struct block_header h;
	struct block_unpacker *u;
	struct decoder *d;
	struct story heard;
	struct event e;
	struct slice raw;
	enum err x;

	CHECK(block_header_decode(bytes, &h) == ERR_OK);
	CHECK(block_unpacker_new(&u) == ERR_OK);
	CHECK(decoder_new(&d) == ERR_OK);
	bytes = slice_skip(bytes, RECORDING_BLOCK_HEADER);
	CHECK(block_unpack(u, &h, slice_head(bytes, h.stored_len), &raw) == ERR_OK);
	story_init(&heard);
	decoder_begin(d, raw);
	while ((x = decoder_next(d, &e)) == ERR_OK) {
		size_t found;

		heard.count = 0;
		story_add(&heard, &e);
		found = find(told, *at, &heard.events[0]);
		if (e.type == EVENT_SESSION && found != *at) {
			CHECK(e.session->joined);
			continue;
		}
		CHECK(found == *at);
		*at = found + 1;
	}
	CHECK(x == ERR_EOF);
	story_release(&heard);
	decoder_free(d);
	block_unpacker_free(u);
	return (size_t)RECORDING_BLOCK_HEADER + h.stored_len;
}

static void every_block_stands_for_itself(void **state)
{
	struct recording_writer_options options = {.block_bytes = 60000};
	struct story told;
	uint8_t *bytes;
	size_t len, at = 0, pos = RECORDING_HEADER, blocks = 0;

	(void)state;
	story_init(&told);
	record(60, 2000, EVENTS * 4, &options, &told);
	bytes = load(&len);
	for (; pos < len; blocks++)
		pos += check_alone(slice_of(bytes + pos, len - pos), &told, &at);
	CHECK(pos == len && at == told.count && blocks > 20);
	free(bytes);
	story_release(&told);
}

static void reading_can_begin_at_any_time(void **state)
{
	struct recording_writer_options options = {.block_bytes = 20000};
	struct story told;

	(void)state;
	story_init(&told);
	record(70, 500, EVENTS, &options, &told);
	for (size_t i = 0; i < told.count; i += 250) {
		int64_t since_ns = told.events[i].time_ns;
		struct recording_reader *r = open_reader();
		struct story heard;
		size_t in_time = 0, expected = 0;

		story_init(&heard);
		recording_reader_seek_time(r, since_ns);
		read_all(r, &heard);
		for (size_t k = 0; k < told.count; k++)
			expected += told.events[k].type == EVENT_RESPONSE &&
				    told.events[k].time_ns >= since_ns;
		for (size_t k = 0; k < heard.count; k++)
			in_time += heard.events[k].type == EVENT_RESPONSE &&
				   heard.events[k].time_ns >= since_ns;
		CHECK(in_time == expected);
		CHECK(i < 1000 || heard.count < told.count - i / 2);
		story_release(&heard);
		recording_reader_free(r);
	}
	story_release(&told);
}

static void a_survey_knows_what_reading_finds(void **state)
{
	struct recording_writer_options options = {.block_bytes = 20000};
	struct recording_info before, after;
	struct recording_reader *r;
	struct story told, heard;

	(void)state;
	story_init(&told);
	story_init(&heard);
	record(80, 100, EVENTS, &options, &told);
	r = open_reader();
	CHECK(recording_reader_survey(r, &before, NULL) == ERR_OK);
	read_all(r, &heard);
	recording_reader_info(r, &after);
	CHECK(memcmp(&before, &after, sizeof(before)) == 0);
	CHECK(after.finished && after.damaged == 0 && after.missing == 0);
	CHECK(after.events == told.count && after.version == 2 && after.created_ns > 0);
	recording_reader_free(r);
	story_release(&told);
	story_release(&heard);
}

static void standard_input_does_as_well(void **state)
{
	struct story told, heard;
	struct recording_reader *r;
	int ends[2], before = dup(STDIN_FILENO), nothing = open("/dev/null", O_RDONLY);
	uint8_t *bytes;
	size_t len;

	(void)state;
	story_init(&told);
	story_init(&heard);
	record(90, 20, 100, NULL, &told);
	bytes = load(&len);
	CHECK(pipe(ends) == 0);
	CHECK(write(ends[1], bytes, len) == (ssize_t)len);
	(void)close(ends[1]);
	CHECK(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
	CHECK(recording_is(STDIN_FILENO) && recording_is(ends[0]) && !recording_is(nothing));
	CHECK(recording_reader_open("-", &r, NULL) == ERR_OK);
	CHECK(recording_reader_progress(r) < 0);
	read_all(r, &heard);
	CHECK(story_is_prefix(&told, &heard) && told.count == heard.count);
	recording_reader_free(r);
	(void)dup2(before, STDIN_FILENO);
	(void)close(before);
	(void)close(nothing);
	(void)close(ends[0]);
	free(bytes);
	story_release(&told);
	story_release(&heard);
}

/* Says of a server that it was asked at TIME_NS. */
static void say_server(struct recording_writer *w, int64_t time_ns)
{
	struct server_facts s = {.asked_ns = time_ns};

	CHECK(server_facts_set_name(&s, SLICE_LIT("db1:3306")) == ERR_OK);
	CHECK(server_fact_set(&s, SERVER_SQL_MODE, SERVER_KNOWN, SLICE_LIT("")) == ERR_OK);
	CHECK(server_fact_set(&s, SERVER_BINLOG_FILE, SERVER_REFUSED, SLICE_LIT("no right")) ==
	      ERR_OK);
	CHECK(recording_writer_server(w, &s, NULL) == ERR_OK);
	server_facts_release(&s);
}

static void check_servers(const struct server_log *log)
{
	const struct server_fact *file = &log->items[0].items[SERVER_BINLOG_FILE];

	CHECK(log->count == 2 && log->items[0].asked_ns == 10 && log->items[1].asked_ns == -20);
	CHECK(strcmp(log->items[1].name, "db1:3306") == 0);
	CHECK(log->items[1].items[SERVER_SQL_MODE].state == SERVER_KNOWN &&
	      log->items[1].items[SERVER_SQL_MODE].len == 0);
	CHECK(file->state == SERVER_REFUSED && strcmp(file->text, "no right") == 0);
	CHECK(log->items[0].items[SERVER_GTID].state == SERVER_UNASKED);
}

static void what_servers_said_is_found_without_reading(void **state)
{
	const struct recording_writer_options small = {.block_bytes = 512};
	struct world *world = world_new(3, 20);
	struct server_log log = {.items = NULL};
	struct recording_reader *r;
	struct recording_writer *w;
	struct story heard;
	const struct event *e;

	(void)state;
	story_init(&heard);
	(void)unlink(path);
	CHECK(recording_writer_new(path, &small, &w, NULL) == ERR_OK);
	say_server(w, 10);
	for (size_t i = 0; (e = i < 100 ? world_next(world) : world_end(world)) != NULL; i++)
		CHECK(recording_writer_event(w, e, NULL) == ERR_OK);
	say_server(w, -20);
	CHECK(recording_writer_finish(w, &coverage, NULL) == ERR_OK);
	recording_writer_free(w);
	world_free(world);
	CHECK(recording_reader_open(path, &r, NULL) == ERR_OK);
	CHECK(recording_reader_servers(r, &log, NULL) == ERR_OK);
	read_all(r, &heard);
	recording_reader_free(r);
	check_servers(&log);
	server_log_release(&log);
	story_release(&heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_recorded_is_what_is_read),
		cmocka_unit_test(small_blocks_say_the_same),
		cmocka_unit_test(values_longer_than_blocks_go_on_in_the_next),
		cmocka_unit_test(the_file_is_private_and_never_overwritten),
		cmocka_unit_test(a_block_that_is_old_is_written),
		cmocka_unit_test(every_block_stands_for_itself),
		cmocka_unit_test(reading_can_begin_at_any_time),
		cmocka_unit_test(a_survey_knows_what_reading_finds),
		cmocka_unit_test(standard_input_does_as_well),
		cmocka_unit_test(what_servers_said_is_found_without_reading),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
