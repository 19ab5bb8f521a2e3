/* cmd_compare - myna compare: two earlier outcomes of replays of the same recording. */
#include "cli/command.h"
#include "cli/outcome_report.h"
#include "replay/outcome_read.h"

struct compare_args {
	struct outcome_report_args report;
};

static const struct opt rows[] = {OUTCOME_REPORT_OPTS(struct compare_args, report)};

static const struct opt_group groups[] = {
	OPT_GROUP("Comparison", rows),
};

static const struct opt_page page = {
	.name = "compare",
	.usage = "A.json B.json [options]",
	.summary = "compare the outcomes of two replays",
	.about =
		"A.json and B.json are what `myna replay --format json` has written of two replays "
		"of the same recording. What the target of the first did is held against what the "
		"target of the second did, so that the recording's own conditions do not matter: "
		"latency of each statement, and the differences from the recording that the second "
		"has more of than the first.\n\nThe exit status is 3 if the second has more of "
		"what --fail-on names.",
	.examples = "  myna replay prod.myna --target mysql://app@old/ -f json > old.json\n"
		    "  myna replay prod.myna --target mysql://app@new/ -f json > new.json\n"
		    "  myna compare old.json new.json --report upgrade.html\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

static enum err contrast(const struct opt_words *words, struct outcome *both, struct errinfo *info)
{
	struct outcome a, b;
	enum err e;

	outcome_init(&a);
	outcome_init(&b);
	e = outcome_read(words->items[0], &a, info);
	if (e == ERR_OK)
		e = outcome_read(words->items[1], &b, info);
	if (e == ERR_OK && outcome_contrast(&a, &b, both) != ERR_OK)
		e = err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	outcome_release(&a);
	outcome_release(&b);
	return e;
}

static int run(int argc, char **argv)
{
	struct compare_args args = {.report = {.path = NULL}};
	struct fail_on fail_on;
	struct opt_words words;
	struct outcome both;
	struct errinfo info;
	int status;

	if (!cli_parse(&page, argc, argv, &args, &words, &status))
		return status;
	if (fail_on_parse(args.report.fail_on, &fail_on, &info) != ERR_OK)
		return cli_fail(&page, &info);
	if (words.count != 2) {
		(void)err_set(&info, ERR_USAGE, 0, "name two outcomes, such as old.json new.json");
		return cli_fail(&page, &info);
	}
	outcome_init(&both);
	both.before = words.items[0];
	both.after = words.items[1];
	if (contrast(&words, &both, &info) != ERR_OK)
		status = cli_fail(&page, &info);
	else
		status = outcome_report(&page, &args.report, &fail_on, &both, "myna compare");
	outcome_release(&both);
	return status;
}

const struct command_row cmd_compare = {.page = &page, .run = run};
