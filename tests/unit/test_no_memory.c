/*
 * The whole way when memory runs out: whichever allocation fails, alone or with all that come later, the end is
 * ERR_NOMEM with a text, or what is told is whole but for what was counted; and everything is given back, which the
 * leak sanitizer sees.
 *
 * The arguments are seeds of fuzz/fuzz_whole.c.
 */
#include "check.h"

#include "../../fuzz/segment_wire.h"
#include "base/mem.h"
#include "sink/export.h"
#include "sink/record.h"
#include "sink/report.h"
#include "sink/trace.h"

enum { SEED_MAX = 1 << 16, STEP_NS = 100000, TRIES_MAX = 100000 };

static unsigned wrong;
static int seed_count;
static char **seeds;

/* What a command would do with events. */
struct use {
	const char *name;
	enum err (*make)(struct out *out, struct event_sink *sink);
	bool records;
};

static enum err make_export(struct out *out, struct event_sink *sink)
{
	return export_new(out, sink);
}

static enum err make_trace(struct out *out, struct event_sink *sink)
{
	static const struct trace_options options = {.width = 80};

	return trace_new(out, &options, sink);
}

static enum err make_report(struct out *out, struct event_sink *sink)
{
	static const struct report_options options = {.limit = 10, .width = 80, .name = "seed"};

	return report_new(out, &options, sink);
}

static enum err forget(void *ctx, struct slice bytes, struct errinfo *info)
{
	(void)ctx;
	(void)bytes;
	(void)info;
	return ERR_OK;
}

static const struct input_options listen = {.ports = {WIRE_SERVER_PORT}, .port_count = 1};

static enum err write_out(struct slice file, const struct use *use, struct coverage *coverage,
			  struct errinfo *info)
{
	struct out *out = calloc(1, sizeof(*out));
	struct event_sink sink = {.ctx = NULL};
	enum err e;

	assert_non_null(out);
	out_init(out, forget, NULL);
	e = use->make(out, &sink);
	if (e == ERR_OK)
		e = wire_run(file, &listen, &sink, coverage, info);
	else
		(void)err_set(info, e, 0, "making the sink: %s", err_text(e));
	if (e == ERR_OK)
		e = out_flush(out, info);
	if (sink.free)
		sink.free(sink.ctx);
	free(out);
	return e;
}

static enum err write_recording(struct slice file, const char *path, struct coverage *coverage,
				struct errinfo *info)
{
	static const struct recorder_options options = {.rotate_ns = 0};
	static const struct record_options record = {.max_bytes = 0};
	struct recorder *recorder = NULL;
	struct record_sink *sink = NULL;
	struct event_sink events;
	enum err e = recorder_new(path, &options, &recorder, info);

	if (e != ERR_OK)
		return e;
	e = record_new(recorder, &record, &sink);
	if (e != ERR_OK) {
		recorder_free(recorder);
		return err_set(info, e, 0, "making the sink: %s", err_text(e));
	}
	events = record_events(sink);
	e = wire_run(file, &listen, &events, coverage, info);
	record_free(sink);
	recorder_free(recorder);
	return e;
}

/* ---- the inputs ---- */

static void read_seed(const char *path, struct buf *wire)
{
	struct segment_list *l = malloc(sizeof(*l));
	uint8_t *bytes = malloc(SEED_MAX);
	FILE *f = fopen(path, "rb");

	assert(l && bytes && f);
	segment_list_read(slice_of(bytes, fread(bytes, 1, SEED_MAX, f)), l);
	(void)fclose(f);
	wire_begin(wire);
	for (size_t i = 0; i < l->count; i++)
		listed_put(wire, &l->items[i], (int64_t)(i + 1) * STEP_NS);
	free(bytes);
	free(l);
}

static void read_file(const char *path, struct buf *to)
{
	FILE *f = fopen(path, "rb");
	uint8_t *at;

	assert_non_null(f);
	buf_init(to, SEED_MAX);
	at = buf_reserve(to, SEED_MAX / 2);
	assert_non_null(at);
	buf_advance(to, fread(at, 1, SEED_MAX / 2, f));
	(void)fclose(f);
}

/* ---- the tests ---- */

static enum err run(struct slice file, const struct use *use, struct coverage *coverage,
		    struct errinfo *info)
{
	char path[64];
	enum err e;

	if (!use->records)
		return write_out(file, use, coverage, info);
	(void)snprintf(path, sizeof(path), "/tmp/test_no_memory-%d.myna", (int)getpid());
	(void)unlink(path);
	e = write_recording(file, path, coverage, info);
	(void)unlink(path);
	return e;
}

static void check_end(enum err e, const struct errinfo *info, const struct coverage *coverage,
		      const char *what, size_t n)
{
	if (e == ERR_NOMEM && info->text[0] && !strchr(info->text, '\n'))
		return;
	if (e == ERR_OK && (mem_failed() == 0 || coverage->limits > 0))
		return;
	print_error("%s, allocation %zu: %s, '%s'\n", what, n, err_text(e), info->text);
	wrong++;
}

static void try_all(struct slice file, const struct use *use, void (*fail_)(size_t n))
{
	for (size_t n = 1; n < TRIES_MAX; n++) {
		struct errinfo info = {.code = ERR_OK};
		struct coverage coverage = {.frames = 0};
		enum err e;
		size_t failed;

		fail_(n);
		e = run(file, use, &coverage, &info);
		failed = mem_failed();
		check_end(e, &info, &coverage, use->name, n);
		fail_(0);
		if (failed == 0)
			return;
	}
	fail();
}

static const struct use uses[] = {
	{.name = "export", .make = make_export},
	{.name = "trace", .make = make_trace},
	{.name = "report", .make = make_report},
	{.name = "record", .records = true},
};

static void captures(void (*fail_)(size_t n))
{
	wrong = 0;
	for (int i = 0; i < seed_count; i++) {
		struct buf wire;

		read_seed(seeds[i], &wire);
		for (size_t k = 0; k < sizeof(uses) / sizeof(uses[0]); k++)
			try_all(buf_slice(&wire), &uses[k], fail_);
		buf_release(&wire);
	}
	assert_int_equal(wrong, 0);
}

static void recordings(void (*fail_)(size_t n))
{
	char path[] = "/tmp/test_no_memory.XXXXXX";

	wrong = 0;
	for (int i = 0; i < seed_count; i++) {
		struct errinfo info = {.code = ERR_OK};
		struct buf wire, recording;

		memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
		close(mkstemp(path));
		(void)unlink(path);
		read_seed(seeds[i], &wire);
		if (write_recording(buf_slice(&wire), path, NULL, &info) != ERR_OK)
			fail_msg("%s", info.text);
		read_file(path, &recording);
		(void)unlink(path);
		for (size_t k = 0; k < sizeof(uses) / sizeof(uses[0]); k++)
			try_all(buf_slice(&recording), &uses[k], fail_);
		buf_release(&wire);
		buf_release(&recording);
	}
	assert_int_equal(wrong, 0);
}

static void one_allocation_fails_on_the_way_from_a_capture(void **state)
{
	(void)state;
	captures(mem_fail_at);
}

static void memory_ends_on_the_way_from_a_capture(void **state)
{
	(void)state;
	captures(mem_fail_from);
}

static void one_allocation_fails_on_the_way_from_a_recording(void **state)
{
	(void)state;
	recordings(mem_fail_at);
}

static void memory_ends_on_the_way_from_a_recording(void **state)
{
	(void)state;
	recordings(mem_fail_from);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_allocation_fails_on_the_way_from_a_capture),
		cmocka_unit_test(memory_ends_on_the_way_from_a_capture),
		cmocka_unit_test(one_allocation_fails_on_the_way_from_a_recording),
		cmocka_unit_test(memory_ends_on_the_way_from_a_recording),
	};

	seed_count = argc - 1;
	seeds = argv + 1;
	return seed_count > 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
