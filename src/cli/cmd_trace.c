/* cmd_trace - myna trace: one line per event, to look at a conversation. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "sink/trace.h"

enum { TERMINAL_WIDTH = 160 }; /* characters of a statement on a terminal */

struct trace_args {
	struct listen_args listen;
	struct filter_options filter;
	bool full;
};

static const struct opt listen_rows[] = {LISTEN_OPTS(struct trace_args, listen)};
static const struct opt filter_rows[] = {FILTER_OPTS(struct trace_args, filter)};

static const struct opt rows[] = {
	{.name = "full",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct trace_args, full),
	 .help = "show statements whole, however long they are"},
};

static const struct opt_group groups[] = {
	OPT_GROUP("Listening", listen_rows),
	OPT_GROUP("What passes", filter_rows),
	OPT_GROUP("Output", rows),
};

static const struct opt_page page = {
	.name = "trace",
	.usage = "INPUT|-i INTERFACE [options]",
	.summary = "show conversations, one line per event",
	.about = "Writes one line per event: the time, the session, a mark, and what happened. The "
		 "marks: > what the client asked, < what the server answered, * the beginning and "
		 "the end of a session, ! what was not heard. A prepared statement is shown with "
		 "its values in place; passwords are masked.\n\n" INPUT_ABOUT,
	.examples = "  myna trace -i lo --port 3307     # what an application says right now\n"
		    "  myna trace prod.pcap --errors\n"
		    "  myna trace prod.myna --user app --slower-than 100ms --since +1h\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

static enum err make_sink(struct out *out, const void *ctx, const char *input,
			  struct event_sink *sink)
{
	const struct trace_args *args = ctx;
	const struct trace_options options = {
		.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
		.width = args->full ? 0 : TERMINAL_WIDTH,
	};

	(void)input;
	return trace_new(out, &options, sink);
}

static int run(int argc, char **argv)
{
	struct trace_args args = {.listen = {.filter = NULL}};
	const struct cli_writer writer = {.page = &page,
					  .args = &args,
					  .listen = &args.listen,
					  .filter = &args.filter,
					  .make = make_sink};

	return cli_write(&writer, argc, argv);
}

const struct command_row cmd_trace = {.page = &page, .run = run};
