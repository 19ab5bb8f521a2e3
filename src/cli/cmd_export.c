/* cmd_export - myna export: every exchange as a line of JSON. */
#include "cli/command.h"
#include "sink/export.h"

struct export_args {
	struct listen_args listen;
	struct filter_options filter;
	int format;
};

static const char *const formats[] = {"jsonl", NULL};

static const struct opt listen_rows[] = {LISTEN_OPTS(struct export_args, listen),
					 BROKER_OPTS(struct export_args, listen)};
static const struct opt filter_rows[] = {FILTER_OPTS(struct export_args, filter)};

static const struct opt rows[] = {
	{.letter = 'f',
	 .name = "format",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct export_args, format),
	 .placeholder = "FORMAT",
	 .def = "jsonl",
	 .choices = formats,
	 .help = "what to write"},
};

static const struct opt_group groups[] = {
	OPT_GROUP("Listening", listen_rows),
	OPT_GROUP("What passes", filter_rows),
	OPT_GROUP("Output", rows),
};

static const struct opt_page page = {
	.name = "export",
	.usage = "INPUT|-i INTERFACE [options]",
	.summary = "write every exchange as a line of JSON",
	.about = "Writes one JSON object per line to standard output: a session when its login has "
		 "ended, an exchange (a command with its response and their times) when its "
		 "response has ended, the end of a session, and as the last line the coverage: "
		 "what was heard and what was not. docs/export.md describes every field.\n\nValues "
		 "are written as they were sent, but passwords in statements are "
		 "masked.\n\n" INPUT_ABOUT,
	.examples = "  myna export prod.pcap | jq 'select(.response == \"error\")'\n"
		    "  myna export prod.myna | jq -r 'select(.command == \"QUERY\") | .sql'\n"
		    "  myna export -i eth0 --duration 10s > exchanges.jsonl\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

static enum err make_sink(struct out *out, const void *args, const char *input,
			  struct event_sink *sink)
{
	(void)args;
	(void)input;
	return export_new(out, sink);
}

static int run(int argc, char **argv)
{
	struct export_args args = {.listen = {.filter = NULL}};
	const struct cli_writer writer = {.page = &page,
					  .args = &args,
					  .listen = &args.listen,
					  .filter = &args.filter,
					  .make = make_sink};

	return cli_write(&writer, argc, argv);
}

const struct command_row cmd_export = {.page = &page, .run = run};
