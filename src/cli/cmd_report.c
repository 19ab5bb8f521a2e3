/* cmd_report - myna report: the statements that were heard, ranked by what they cost. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "sink/report.h"

enum { TERMINAL_WIDTH = 80 }; /* characters of a statement on a terminal */

struct report_args {
	struct listen_args listen;
	uint64_t limit;
	int format; /* enum report_format */
};

static const char *const formats[] = {[REPORT_TEXT] = "text", [REPORT_JSON] = "json", NULL};

static const struct opt listen_rows[] = {LISTEN_OPTS(struct report_args, listen)};

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
	OPT_GROUP("Output", rows),
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
		    "  tcpdump -i eth0 -w - port 3306 | myna report -\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

static int run(int argc, char **argv)
{
	static struct out out; /* its buffer is too large for the stack */
	struct report_args args = {.limit = 0};
	struct report_options options;
	struct report_sink *sink = NULL;
	struct event_sink events;
	struct opt_words words;
	struct errinfo info;
	struct input *in = NULL;
	int status;

	if (!cli_parse(&page, argc, argv, &args, &words, &status))
		return status;
	options = (struct report_options){
		.format = (enum report_format)args.format,
		.limit = args.limit,
		.width = isatty(STDOUT_FILENO) ? TERMINAL_WIDTH : 0,
		.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
		.name = !words.count			  ? args.listen.interface
			: strcmp(words.items[0], "-") == 0 ? "standard input"
							   : words.items[0],
	};
	out_init(&out, cli_write_stdout, NULL);
	if (cli_open_input(&page, &words, &args.listen, &in, &info) != ERR_OK)
		return cli_fail(&page, &info);
	if (report_new(&out, &options, &sink) == ERR_OK) {
		events = report_events(sink);
		status = cli_run(&page, in, &events);
	} else {
		status = cli_no_memory(&page);
	}
	report_free(sink);
	input_free(in);
	return status;
}

const struct command_row cmd_report = {.page = &page, .run = run};
