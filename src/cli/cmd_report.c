/* cmd_report - myna report: the statements that were heard, ranked by what they cost. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "sink/report.h"

enum { TERMINAL_WIDTH = 80 }; /* characters of a statement on a terminal */

struct report_args {
	struct listen_args listen;
	struct filter_options filter;
	uint64_t limit;
	int format; /* enum report_format */
};

static const char *const formats[] = {[REPORT_TEXT] = "text", [REPORT_JSON] = "json", NULL};

static const struct opt listen_rows[] = {LISTEN_OPTS(struct report_args, listen),
					 BROKER_OPTS(struct report_args, listen)};
static const struct opt filter_rows[] = {FILTER_OPTS(struct report_args, filter)};

static const struct opt thread_rows[] = {
	{.name = "threads",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct report_args, listen.threads),
	 .placeholder = "N",
	 .def = "0",
	 .help = "follow sessions in so many threads, beside the one that reads; 1 does all in "
		 "one. 0: as "
		 "many as there are processors, up to 4, and 1 for what is live or small"},
};

static const struct opt rows[] = {
	{.letter = 'n',
	 .name = "limit",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct report_args, limit),
	 .placeholder = "N",
	 .def = "20",
	 .help = "how many statements to show; 0 shows all"},
	{.letter = 'f',
	 .name = "format",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct report_args, format),
	 .placeholder = "FORMAT",
	 .def = "text",
	 .choices = formats,
	 .help = "what to write"},
};

static const struct opt_group groups[] = {
	OPT_GROUP("Listening", listen_rows),
	OPT_GROUP("What passes", filter_rows),
	OPT_GROUP("Output", rows),
	OPT_GROUP("Speed", thread_rows),
};

static const struct opt_page page = {
	.name = "report",
	.usage = "INPUT|-i INTERFACE [options]",
	.summary = "rank statements by the time they take",
	.about = "Groups statements by their digest (the statement with its literals taken out) "
		 "and ranks them by total time, from the first byte of the command to the last of "
		 "the response. The percentiles are of the latency: from the command's last byte "
		 "to the response's first.\n\nThe head says how much was heard, and what was not. "
		 "A live report is written at its end: at Ctrl-C, or when --duration is "
		 "over.\n\n" INPUT_ABOUT,
	.examples = "  myna report prod.pcap\n"
		    "  myna report -i eth0 --duration 1m --limit 10\n"
		    "  myna report prod.myna --since 10:15 --until 10:20 --db shop\n"
		    "  tcpdump -i eth0 -w - port 3306 | myna report -\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

static enum err make_sink(struct out *out, const void *ctx, const char *input,
			  struct event_sink *sink)
{
	const struct report_args *args = ctx;
	const struct report_options options = {
		.format = (enum report_format)args->format,
		.limit = args->limit,
		.width = isatty(STDOUT_FILENO) ? TERMINAL_WIDTH : 0,
		.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
		.name = input,
	};

	return report_new(out, &options, sink);
}

static int run(int argc, char **argv)
{
	struct report_args args = {.listen = {.filter = NULL}};
	const struct cli_writer writer = {.page = &page,
					  .args = &args,
					  .listen = &args.listen,
					  .filter = &args.filter,
					  .make = make_sink};

	return cli_write(&writer, argc, argv);
}

const struct command_row cmd_report = {.page = &page, .run = run};
