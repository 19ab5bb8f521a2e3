/* cmd_record - myna record: keep the traffic in a recording. */
#include "base/clock.h"
#include "cli/command.h"
#include "out/units.h"
#include "sink/record.h"

enum { STATUS_EVERY_NS = 500 * 1000 * 1000 };

struct record_args {
	struct listen_args listen;
	const char *output;
	uint64_t max_size;
};

static const struct opt listen_rows[] = {LISTEN_OPTS(struct record_args, listen)};

static const struct opt rows[] = {
	{.letter = 'o',
	 .name = "output",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct record_args, output),
	 .placeholder = "FILE",
	 .help = "the recording to make; it must not exist yet"},
	{.name = "max-size",
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct record_args, max_size),
	 .placeholder = "SIZE",
	 .def = "0",
	 .help = "end when the recording has grown to this size; 0 never does"},
};

static const struct opt_group groups[] = {
	OPT_GROUP("Listening", listen_rows),
	OPT_GROUP("Output", rows),
};

static const struct opt_page page = {
	.name = "record",
	.usage = "INPUT|-i INTERFACE -o FILE [options]",
	.summary = "keep the traffic in a recording",
	.about = "Keeps sessions, commands and responses in a recording, which report, trace, "
		 "export and replay read: of a response its outcome, counts, times and checksums "
		 "of its rows, but not the rows.\n\nLive, it goes on until Ctrl-C, or as long as "
		 "--duration and --max-size say; on a terminal it shows what it has so far. A "
		 "recording is never overwritten, and whatever ends the program, it can be read up "
		 "to the last whole block, a second or so before.\n\nA recording holds the "
		 "statements as they were sent, with the data in them: only its owner can read the "
		 "file.\n\n" INPUT_ABOUT,
	.examples = "  myna record -i eth0 -o prod.myna --duration 1h\n"
		    "  myna record prod.pcap.zst -o prod.myna\n"
		    "  ssh db1 tcpdump -U -w - port 3306 | myna record - -o prod.myna\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

/* The status line: what was kept so far. */
struct status {
	struct record_sink *sink;
	bool show;
	bool live;
	int64_t shown_ns, start_ns; /* monotonic */
	uint64_t exchanges;         /* when it was shown last */
};

static void show(const struct status *s, const struct record_progress *p, double per_second)
{
	uint64_t drops = p->coverage->kernel_drops + p->coverage->interface_drops;

	(void)fprintf(stderr, "\r%llu sessions, %llu exchanges, %s/s, %llu drops, %s%s%s\033[K",
		      (unsigned long long)p->sessions, (unsigned long long)p->exchanges,
		      units_count((uint64_t)per_second).text, (unsigned long long)drops,
		      units_size(p->bytes).text, p->share >= 0 && !s->live ? ", " : "",
		      p->share >= 0 && !s->live ? units_percent(p->share).text : "");
	(void)fflush(stderr);
}

static void on_progress(void *ctx, const struct record_progress *p)
{
	struct status *s = ctx;
	int64_t now_ns = clock_mono_ns(), since_ns = now_ns - s->shown_ns;

	if (record_is_full(s->sink))
		cli_stop = 1;
	if (!s->show || since_ns < STATUS_EVERY_NS)
		return;
	show(s, p, (double)(p->exchanges - s->exchanges) * 1e9 / (double)since_ns);
	s->shown_ns = now_ns;
	s->exchanges = p->exchanges;
}

static void say_done(const char *path, const struct status *s, struct recording_writer *writer)
{
	(void)fprintf(stderr, "%smyna record: %s has %s\n", s->show ? "\r\033[K" : "", path,
		      units_size(recording_writer_bytes(writer)).text);
}

static int record(struct input *in, const struct record_args *args, struct recording_writer *writer)
{
	struct status status = {
		.show = cli_shows_progress(),
		.live = input_is_live(in),
		.shown_ns = clock_mono_ns(),
	};
	struct record_options options = {
		.max_bytes = args->max_size,
		.progress = on_progress,
		.ctx = &status,
	};
	struct event_sink events;
	int code;

	if (record_new(writer, &options, &status.sink) != ERR_OK)
		return cli_no_memory(&page);
	events = record_events(status.sink);
	code = cli_run(&page, in, &events);
	if (code != CLI_FAILED)
		say_done(args->output, &status, writer);
	record_free(status.sink);
	return code;
}

static int run(int argc, char **argv)
{
	struct record_args args = {.output = NULL};
	struct recording_writer *writer = NULL;
	struct opt_words words;
	struct errinfo info;
	struct input *in = NULL;
	int status;

	if (!cli_parse(&page, argc, argv, &args, &words, &status))
		return status;
	if (!args.output) {
		(void)err_set(&info, ERR_USAGE, 0, "name the recording to make with -o FILE");
		return cli_fail(&page, &info);
	}
	if (cli_open_input(&page, &words, &args.listen, &in, &info) != ERR_OK)
		return cli_fail(&page, &info);
	if (recording_writer_new(args.output, NULL, &writer, &info) == ERR_OK)
		status = record(in, &args, writer);
	else
		status = cli_fail(&page, &info);
	recording_writer_free(writer);
	input_free(in);
	return status;
}

const struct command_row cmd_record = {.page = &page, .run = run};
