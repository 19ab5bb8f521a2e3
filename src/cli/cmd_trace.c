/* cmd_trace - myna trace: one line per event, to look at a conversation. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "sink/trace.h"
#include "sink/trace_packet.h"

enum { TERMINAL_WIDTH = 160 }; /* characters of a statement on a terminal */

struct trace_args {
	struct listen_args listen;
	struct filter_options filter;
	bool full, hex;
	int format;
	uint64_t *violations;
};

enum format { FORMAT_TEXT, FORMAT_JSONL };

static const char *const formats[] = {[FORMAT_TEXT] = "text", [FORMAT_JSONL] = "jsonl", NULL};

static const struct opt listen_rows[] = {LISTEN_OPTS(struct trace_args, listen),
					 BROKER_OPTS(struct trace_args, listen)};
static const struct opt filter_rows[] = {FILTER_OPTS(struct trace_args, filter)};

static const struct opt rows[] = {
	{.name = "packets",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct trace_args, listen.packets),
	 .help = "one line per packet: the stage of the protocol, the event as MySQL's client-side "
		 "tracing names it, and what the packet means"},
	{.letter = 'X',
	 .name = "hex",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct trace_args, hex),
	 .help = "dump packets, without what authenticates; goes with --packets"},
	{.letter = 'f',
	 .name = "format",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct trace_args, format),
	 .placeholder = "FORMAT",
	 .def = "text",
	 .choices = formats,
	 .help = "what to write; jsonl goes with --packets"},
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
		 "its values in place; passwords are masked.\n\n"
		 "With --packets, one line per packet: the stage that the client is in "
		 "(READY_FOR_COMMAND, WAIT_FOR_ROW, ...) and the event (SEND_COMMAND, "
		 "PACKET_RECEIVED, ...), both in the words of MySQL's own trace plugins, the "
		 "sequence id, the length of the payload, and what the packet means: the "
		 "definition of a column, a row, the end of rows, an OK with its counts, an error. "
		 "Where a packet cannot stand in the protocol, a line 'violation' says so, and the "
		 "exit status is 3. Authentication data are never shown, --hex or not. A recording "
		 "has no packets. docs/trace.md describes all of it.\n\n" INPUT_ABOUT,
	.examples = "  myna trace -i lo --port 3307     # what an application says right now\n"
		    "  myna trace prod.pcap --errors\n"
		    "  myna trace prod.pcap --packets --session 5f03 --hex\n"
		    "  myna trace prod.pcap --packets --errors --format jsonl | jq .meaning\n"
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
		.hex = args->hex,
	};

	(void)input;
	if (!args->listen.packets)
		return trace_new(out, &options, sink);
	return args->format == FORMAT_JSONL
		       ? trace_json_new(out, &options, args->violations, sink)
		       : trace_packet_new(out, &options, args->violations, sink);
}

static enum err settle(void *ctx, struct errinfo *info)
{
	struct trace_args *args = ctx;

	args->listen.packets = args->listen.packets || args->hex;
	if (args->format == FORMAT_JSONL && !args->listen.packets)
		return err_set(info, ERR_USAGE, 0,
			       "--format jsonl writes packets: add --packets; 'myna export' writes "
			       "commands and responses as JSON");
	return ERR_OK;
}

static int run(int argc, char **argv)
{
	uint64_t violations = 0;
	struct trace_args args = {.listen = {.filter = NULL}};
	const struct cli_writer writer = {.page = &page,
					  .args = &args,
					  .listen = &args.listen,
					  .filter = &args.filter,
					  .settle = settle,
					  .make = make_sink};
	int status;

	args.violations = &violations;
	status = cli_write(&writer, argc, argv);
	if (violations == 0)
		return status;
	(void)fprintf(stderr, "myna trace: %llu violation%s of the protocol\n",
		      (unsigned long long)violations, violations == 1 ? "" : "s");
	return status == CLI_DONE ? CLI_LOSSES : status;
}

const struct command_row cmd_trace = {.page = &page, .run = run};
