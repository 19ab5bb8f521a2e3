/* cmd_merge - myna merge: several recordings as one. */
#include "cli/command.h"
#include "out/units.h"
#include "recording/merger.h"
#include "sink/rewrite.h"

struct merge_args {
	const char *output;
};

static const struct opt rows[] = {
	{.letter = 'o',
	 .name = "output",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct merge_args, output),
	 .placeholder = "FILE",
	 .help = "the recording to make; it must not exist yet"},
};

static const struct opt_group groups[] = {
	OPT_GROUP("Output", rows),
};

static const struct opt_page page = {
	.name = "merge",
	.usage = "RECORDING... -o FILE",
	.summary = "make one recording of several",
	.about = "Puts recordings together by time. A session that is in several of them, as in "
		 "those "
		 "that 'myna record --rotate' makes or in the parts that 'myna cut' makes of one, "
		 "is one again, and what two of them have is taken once. Sessions that different "
		 "collectors heard stay apart.",
	.examples = "  myna merge prod-20261120T*.myna -o day.myna\n"
		    "  myna merge db1.myna db2.myna -o both.myna\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

static enum err merge(struct merger *m, struct rewrite *to, struct coverage *coverage,
		      struct errinfo *info)
{
	struct event_sink sink = rewrite_events(to);
	struct event event;
	bool other;
	enum err e = ERR_OK;

	while (e == ERR_OK && !cli_stop) {
		e = merger_next(m, &event, &other, info);
		if (e == ERR_OK && other)
			rewrite_retell(to, event.session->id);
		if (e == ERR_OK)
			e = sink.event(sink.ctx, &event, info);
	}
	if (e != ERR_OK && e != ERR_EOF)
		return e;
	merger_coverage(m, coverage);
	return sink.finish(sink.ctx, coverage, info);
}

static int run(int argc, char **argv)
{
	struct merge_args args;
	struct merger *m = NULL;
	struct rewrite *to = NULL;
	struct opt_words words;
	struct coverage coverage = {.frames = 0};
	struct errinfo info;
	int status;
	enum err e;

	if (!cli_parse(&page, argc, argv, &args, &words, &status))
		return status;
	if (words.count == 0 || !args.output) {
		(void)err_set(&info, ERR_USAGE, 0,
			      "name the recordings, and with -o FILE the one to make of them");
		return cli_fail(&page, &info);
	}
	e = merger_new(words.items, words.count, &m, &info);
	if (e == ERR_OK)
		e = rewrite_new(args.output, &to, &info);
	if (e == ERR_OK)
		e = rewrite_servers(to, merger_servers(m), &info);
	if (e == ERR_OK)
		e = merge(m, to, &coverage, &info);
	status = e == ERR_OK ? CLI_DONE : cli_fail(&page, &info);
	if (e == ERR_OK)
		(void)fprintf(stderr, "myna merge: %s has %s\n", args.output,
			      units_size(rewrite_bytes(to)).text);
	if (e == ERR_OK && (coverage.bad_input_bytes || coverage.cut_off)) {
		(void)fprintf(stderr, "myna merge: a recording is damaged, or its end is cut off: "
				      "not all of it could be read\n");
		status = CLI_LOSSES;
	}
	rewrite_free(to);
	merger_free(m);
	return status;
}

const struct command_row cmd_merge = {.page = &page, .run = run};
