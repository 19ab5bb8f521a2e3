/* cmd_record - myna record: keep the traffic in a recording. */
#include "base/clock.h"
#include "base/scan.h"
#include "cli/command.h"
#include "cli/source_server.h"
#include "out/units.h"
#include "sink/record.h"

enum { STATUS_EVERY_NS = 500 * 1000 * 1000, SIZE_MIN = 1 << 20 };

struct record_args {
	struct listen_args listen;
	struct filter_options filter;
	const char *output;
	uint64_t max_size;
	const char *rotate;
	uint64_t keep;
	uint64_t min_free;
};

static const struct opt listen_rows[] = {LISTEN_OPTS(struct record_args, listen),
					 BROKER_OPTS(struct record_args, listen)};

static const struct opt filter_rows[] = {FILTER_OPTS(struct record_args, filter)};

static const struct opt rows[] = {
	{.letter = 'o',
	 .name = "output",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct record_args, output),
	 .placeholder = "FILE",
	 .help = "the recording to make; it must not exist yet. With --rotate the name of "
		 "the series"},
	{.name = "max-size",
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct record_args, max_size),
	 .placeholder = "SIZE",
	 .def = "0",
	 .help = "end when the recording has grown to this size; 0 never does"},
	{.name = "rotate",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct record_args, rotate),
	 .placeholder = "TIME|SIZE",
	 .help = "begin a new file after so long (30s, 10m, 1h, 1d) or at that size (500M, 1G)"},
	{.name = "keep",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct record_args, keep),
	 .placeholder = "N",
	 .def = "0",
	 .help = "with --rotate: keep the newest N files of the series and remove older ones, "
		 "also those of earlier runs; 0 keeps all"},
	{.name = "min-free",
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct record_args, min_free),
	 .placeholder = "SIZE",
	 .def = "0",
	 .help = "leave so much of the disk free: with --keep by removing the oldest files of "
		 "the series, without by ending; a mebibyte or more"},
};

static const struct opt_group groups[] = {
	OPT_GROUP("Listening", listen_rows),
	OPT_GROUP("What passes", filter_rows),
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
		 "to the last whole block, a second or so before.\n\nWith --rotate it may go on "
		 "for good. "
		 "-o prod.myna then gives prod-20261120T143500Z.myna, named by the time (UTC) at "
		 "which the file begins, and prod-20261120T143500Z_02.myna for another one of the "
		 "same second. Each file can be read and replayed alone: a session that goes on is "
		 "in the next file as joined, with all that is known of it, from its next command "
		 "on. "
		 "'myna merge' makes one of several. Files are removed only if they are "
		 "recordings and have such a name; the program's user must be allowed to write in "
		 "the folder.\n\nA recording holds the "
		 "statements as they were sent, with the data in them: only its owner can read the "
		 "file.\n\n" INPUT_ABOUT,
	.examples = "  myna record -i eth0 -o prod.myna --duration 1h\n"
		    "  myna record -i eth0 -o prod.myna --rotate 1h --keep 48 --min-free 10G\n"
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
	bool series;
	const struct informant *informant; /* NULL: nobody asks the server */
	int64_t shown_ns;                  /* monotonic */
	uint64_t exchanges;                /* when it was shown last */
	struct coverage shown;             /* likewise */
};

static void show(const struct status *s, const struct record_progress *p, double per_second)
{
	const struct coverage *c = p->coverage;
	uint64_t drops = c->kernel_drops + c->interface_drops;
	struct coverage since = *c;

	coverage_subtract(&since, &s->shown);
	(void)fprintf(
		stderr,
		"\r%s%s%llu session%s, %llu exchange%s, %s/s, %llu drop%s, %s%s%s%s%s%s\033[K",
		s->series ? p->path : "", s->series ? ": " : "", (unsigned long long)p->sessions,
		units_plural(p->sessions), (unsigned long long)p->exchanges,
		units_plural(p->exchanges), units_count((uint64_t)per_second).text,
		(unsigned long long)drops, units_plural(drops), units_size(p->bytes).text,
		p->share >= 0 && !s->live ? ", " : "",
		p->share >= 0 && !s->live ? units_percent(p->share).text : "",
		c->shed_frames ? ", hearing " : "",
		c->shed_frames ? units_percent(coverage_heard_share(&since)).text : "",
		c->shed_frames ? " of the sessions' frames" : "");
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
	s->shown = *p->coverage;
}

/* Of a series: which file is written, and which are gone. */
static void on_news(void *ctx, enum recorder_news what, const char *path)
{
	const struct status *s = ctx;

	(void)fprintf(stderr, "%smyna record: %s %s\n", s->show ? "\r\033[K" : "",
		      what == RECORDER_BEGAN ? "recording to" : "removed", path);
	if (what == RECORDER_BEGAN && s->informant)
		s->informant->want_facts(s->informant->ctx);
}

static enum err on_server(void *ctx, const struct server_facts *f, struct errinfo *info)
{
	return recorder_server(ctx, f, info);
}

static void say_done(const struct status *s, const struct recorder *recorder)
{
	(void)fprintf(stderr, "%smyna record: %s has %s\n", s->show ? "\r\033[K" : "",
		      s->series ? "the series" : recorder_path(recorder),
		      units_size(recorder_bytes(recorder)).text);
}

static int record(struct input *in, const struct record_args *args, struct recorder *recorder,
		  struct status *status)
{
	struct record_options options = {
		.max_bytes = args->max_size,
		.progress = on_progress,
		.ctx = status,
	};
	struct source_sink source = {
		.informant = status->informant, .take = on_server, .ctx = recorder};
	struct event_sink events;
	int code;

	if (record_new(recorder, &options, &status->sink) != ERR_OK)
		return cli_no_memory(&page);
	events = record_events(status->sink);
	if (source.informant) {
		source.next = events;
		events = source_sink_events(&source);
	}
	code = cli_run_filtered(&page, &args->listen, &args->filter, in, &events);
	if (code != CLI_FAILED)
		say_done(status, recorder);
	record_free(status->sink);
	return code;
}

/* A time has a unit from s to d, a size one from k to T. */
static enum err parse_rotate(const char *text, struct recorder_options *o, struct errinfo *info)
{
	size_t len = strlen(text);
	enum err e = ERR_USAGE;

	if (len && strchr("smhd", text[len - 1]))
		e = scan_duration(text, &o->rotate_ns);
	else if (len && strchr("kKmMgGtTbB", text[len - 1]))
		e = scan_size(text, &o->rotate_bytes);
	if (e == ERR_OK && (o->rotate_ns >= NS_PER_S || o->rotate_bytes >= SIZE_MIN))
		return ERR_OK;
	return err_set(info, ERR_USAGE, 0,
		       "--rotate takes a time of a second or more, such as 1h, or a size of a "
		       "mebibyte or more, such as 1G, not '%s'",
		       text);
}

static enum err recorder_options_of(const struct record_args *args, struct recorder_options *o,
				    struct errinfo *info)
{
	if (!args->output)
		return err_set(info, ERR_USAGE, 0, "name the recording to make with -o FILE");
	if (args->rotate && strcmp(args->output, "-") == 0)
		return err_set(info, ERR_USAGE, 0,
			       "a series of recordings needs a name, not standard output");
	if (args->keep && !args->rotate)
		return err_set(info, ERR_USAGE, 0,
			       "--keep is for a series of recordings: say with --rotate when to "
			       "begin a new one");
	if (args->min_free && args->min_free < SIZE_MIN)
		return err_set(info, ERR_USAGE, 0,
			       "--min-free takes a size of a mebibyte or more, such as 10G; 0 lets "
			       "the disk fill up");
	*o = (struct recorder_options){
		.keep = args->keep,
		.min_free = args->min_free,
		.news = args->rotate ? on_news : NULL,
	};
	return args->rotate ? parse_rotate(args->rotate, o, info) : ERR_OK;
}

static int run(int argc, char **argv)
{
	struct record_args args = {.output = NULL};
	struct status shown = {.show = cli_shows_progress(), .shown_ns = clock_mono_ns()};
	struct recorder_options options;
	struct recorder *recorder = NULL;
	struct opt_words words;
	struct errinfo info;
	struct input *in = NULL;
	int status;

	if (!cli_parse(&page, argc, argv, &args, &words, &status))
		return status;
	if (recorder_options_of(&args, &options, &info) != ERR_OK ||
	    cli_open_input(&page, &words, &args.listen, &in, &info) != ERR_OK)
		return cli_fail(&page, &info);
	shown.live = input_is_live(in);
	shown.series = args.rotate != NULL;
	shown.informant = input_informant(in);
	options.live = shown.live;
	options.ctx = &shown;
	if (recorder_new(args.output, &options, &recorder, &info) == ERR_OK)
		status = record(in, &args, recorder, &shown);
	else
		status = cli_fail(&page, &info);
	recorder_free(recorder);
	input_free(in);
	return status;
}

const struct command_row cmd_record = {.page = &page, .run = run};
