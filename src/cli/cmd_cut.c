/* cmd_cut - myna cut: a part of a recording, as a recording. */
#include "cli/command.h"
#include "out/units.h"
#include "recording/reader.h"
#include "sink/rewrite.h"

struct cut_args {
	struct filter_options filter;
	const char *output;
};

static const struct opt filter_rows[] = {FILTER_COMMAND_OPTS(struct cut_args, filter)};

static const struct opt rows[] = {
	{.letter = 'o',
	 .name = "output",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct cut_args, output),
	 .placeholder = "FILE",
	 .help = "the recording to make; it must not exist yet"},
};

static const struct opt_group groups[] = {
	OPT_GROUP("What passes", filter_rows),
	OPT_GROUP("Output", rows),
};

static const struct opt_page page = {
	.name = "cut",
	.usage = "RECORDING -o FILE [options]",
	.summary = "make a recording of a part of one",
	.about =
		"Keeps what passes: a command with its response, whenever that came, so that "
		"windows that follow one another have everything once. A session whose beginning "
		"is not in the window is in the new recording as joined, with all that is known of "
		"it, so that it can be replayed.\n\nThe coverage of the new recording: sessions, "
		"commands, gaps and what was not answered are counted anew; the rest is that of "
		"the "
		"window, of all sessions in it, since nobody knows whom a lost frame belonged to.",
	.examples = "  myna cut prod.myna -o minute.myna --since 10:15 --until 10:16\n"
		    "  myna cut prod.myna -o app.myna --user app --db 'shop*'\n"
		    "  myna cut prod.myna -o rest.myna --since +10s --user '!monitor'\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

/* The coverage of what lies in the window: that at its end without that at its beginning. */
struct window {
	struct coverage begin, end;
	bool begun, ended;
};

static void look_at_window(struct window *w, const struct filter *f, const struct event *e,
			   const struct recording_reader *r)
{
	int64_t since_ns, until_ns;

	filter_window(f, &since_ns, &until_ns);
	if (!w->begun && e->time_ns >= since_ns) {
		w->begun = true;
		if (since_ns != INT64_MIN)
			recording_reader_coverage(r, &w->begin);
	}
	if (!w->ended && e->time_ns >= until_ns) {
		w->ended = true;
		recording_reader_coverage(r, &w->end);
	}
}

static enum err cut(struct recording_reader *r, struct filter *f, struct errinfo *info)
{
	struct event_sink sink = filter_events(f);
	struct window window = {.begun = false};
	struct event event;
	enum err e = ERR_OK;

	while (e == ERR_OK && !cli_stop) {
		e = recording_reader_next(r, &event, info);
		if (e == ERR_OK)
			e = sink.event(sink.ctx, &event, info);
		if (e == ERR_OK)
			look_at_window(&window, f, &event, r);
	}
	if (e != ERR_OK && e != ERR_EOF)
		return e;
	if (!window.ended)
		recording_reader_coverage(r, &window.end);
	coverage_subtract(&window.end, &window.begin);
	return sink.finish(sink.ctx, &window.end, info);
}

/* What servers said is kept, each with its time, also what they said outside of the window. */
static enum err keep_servers(const struct recording_reader *r, struct rewrite *to,
			     struct errinfo *info)
{
	struct server_log log = {.items = NULL};
	enum err e = recording_reader_servers(r, &log, info);

	if (e == ERR_OK)
		e = rewrite_servers(to, &log, info);
	server_log_release(&log);
	return e;
}

static int make(const struct cut_args *args, struct recording_reader *r)
{
	struct filter_options options = args->filter;
	struct rewrite *rewrite = NULL;
	struct filter *f = NULL;
	struct event_sink sink = {.ctx = NULL};
	int64_t since_ns, until_ns;
	struct errinfo info;
	enum err e;

	options.begin_ns = recording_reader_begin_ns(r);
	e = filter_new(&options, &sink, &f, &info); /* wrong options make no file */
	filter_free(f);
	f = NULL;
	if (e == ERR_OK)
		e = rewrite_new(args->output, &rewrite, &info);
	if (e == ERR_OK) {
		sink = rewrite_events(rewrite);
		e = filter_new(&options, &sink, &f, &info);
	}
	if (e == ERR_OK) {
		filter_window(f, &since_ns, &until_ns);
		recording_reader_seek_time(r, since_ns);
		e = keep_servers(r, rewrite, &info);
	}
	if (e == ERR_OK) {
		e = cut(r, f, &info);
	}
	if (e == ERR_OK)
		(void)fprintf(stderr, "myna cut: %s has %s\n", args->output,
			      units_size(rewrite_bytes(rewrite)).text);
	filter_free(f);
	rewrite_free(rewrite);
	return e == ERR_OK ? CLI_DONE : cli_fail(&page, &info);
}

static int run(int argc, char **argv)
{
	struct cut_args args = {.output = NULL};
	struct recording_reader *r = NULL;
	struct opt_words words;
	struct coverage coverage;
	struct errinfo info;
	int status;

	if (!cli_parse(&page, argc, argv, &args, &words, &status))
		return status;
	args.filter.cuts = true;
	if (words.count != 1 || !args.output) {
		(void)err_set(&info, ERR_USAGE, 0,
			      "name one recording, and with -o FILE the one to make");
		return cli_fail(&page, &info);
	}
	if (recording_reader_open(words.items[0], &r, &info) != ERR_OK)
		return cli_fail(&page, &info);
	status = make(&args, r);
	recording_reader_coverage(r, &coverage);
	recording_reader_free(r);
	if (status != CLI_DONE || (!coverage.bad_input_bytes && !coverage.cut_off))
		return status;
	(void)fprintf(
		stderr,
		"myna cut: %s is damaged, or its end is cut off: not all of it could be read\n",
		words.items[0]);
	return CLI_LOSSES;
}

const struct command_row cmd_cut = {.page = &page, .run = run};
