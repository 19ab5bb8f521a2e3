/* cmd_info - myna info: what is in a recording. */
#include "cli/command.h"
#include "sink/info.h"

struct info_args {
	int format; /* enum info_format */
};

static const char *const formats[] = {[INFO_TEXT] = "text", [INFO_JSON] = "json", NULL};

static const struct opt rows[] = {
	{.letter = 'f',
	 .name = "format",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct info_args, format),
	 .placeholder = "FORMAT",
	 .def = "text",
	 .choices = formats,
	 .help = "what to write; json is one line per recording"},
};

static const struct opt_group groups[] = {
	OPT_GROUP("Output", rows),
};

static const struct opt_page page = {
	.name = "info",
	.usage = "RECORDING... [options]",
	.summary = "say what is in a recording",
	.about = "Tells of each recording its version, the time it covers, how many sessions, "
		 "exchanges and blocks it has and what they cost in bytes, the servers with their "
		 "versions, the users and databases, and the coverage as it was recorded: what was "
		 "heard and what was not. '-' is standard input.\n\nThe exit status is 3 if a part "
		 "of a recording cannot be read: a damaged block, or an end that is cut off.",
	.examples = "  myna info prod.myna\n"
		    "  myna info prod-*.myna --format json | jq '[.file, .exchanges]'\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

/* Returns the exit status. */
static int tell(struct out *out, const struct info_args *args, const char *path)
{
	struct recording_reader *r = NULL;
	struct errinfo info;
	bool damaged = false;
	enum err e = recording_reader_open(path, &r, &info);

	if (e == ERR_OK)
		e = info_write(out, (enum info_format)args->format, path, r, &damaged, &info);
	recording_reader_free(r);
	if (e == ERR_OK)
		e = out_flush(out, &info);
	if (e != ERR_OK)
		return cli_fail(&page, &info);
	return damaged ? CLI_LOSSES : CLI_DONE;
}

static int run(int argc, char **argv)
{
	static struct out out; /* its buffer is too large for the stack */
	struct info_args args;
	struct opt_words words;
	struct errinfo info;
	int status, worst = CLI_DONE;

	if (!cli_parse(&page, argc, argv, &args, &words, &status))
		return status;
	if (words.count == 0) {
		(void)err_set(&info, ERR_USAGE, 0, "name a recording, such as prod.myna");
		return cli_fail(&page, &info);
	}
	out_init(&out, cli_write_stdout, NULL);
	for (size_t i = 0; i < words.count && !cli_stop; i++) {
		if (i > 0 && args.format == INFO_TEXT)
			out_put_byte(&out, '\n');
		status = tell(&out, &args, words.items[i]);
		if (status == CLI_FAILED || status == CLI_USAGE)
			worst = CLI_FAILED;
		else if (worst == CLI_DONE)
			worst = status;
	}
	return worst;
}

const struct command_row cmd_info = {.page = &page, .run = run};
