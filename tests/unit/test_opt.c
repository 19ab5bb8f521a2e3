#include "check.h"

#include "base/opt.h"

struct args {
	bool quiet;
	const char *name;
	uint64_t size;
	int mode;
	int64_t wait_ns;
	struct opt_texts tags;
};

static const char *const modes[] = {"fast", "slow", NULL};

static const struct opt rows[] = {
	{.letter = 'q',
	 .name = "quiet",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct args, quiet),
	 .help = "say nothing"},
	{.letter = 'n',
	 .name = "name",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct args, name),
	 .placeholder = "NAME",
	 .help = "what to call it"},
	{.name = "max-size",
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct args, size),
	 .placeholder = "SIZE",
	 .def = "64M",
	 .help = "when to end"},
	{.name = "mode",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct args, mode),
	 .placeholder = "MODE",
	 .def = "slow",
	 .help = "how",
	 .choices = modes},
	{.letter = 'w',
	 .name = "wait",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct args, wait_ns),
	 .placeholder = "TIME",
	 .help = "how long"},
	{.letter = 't',
	 .name = "tag",
	 .kind = OPT_TEXTS,
	 .offset = offsetof(struct args, tags),
	 .placeholder = "TAG",
	 .help = "a mark"},
};

static const struct opt_group groups[] = {
	{.title = "Options", .rows = rows, .count = sizeof(rows) / sizeof(rows[0])},
};

static const struct opt_page page = {
	.name = "test",
	.usage = "INPUT",
	.summary = "try",
	.about = "Tries what can be tried, and goes on for longer than a line of a terminal has "
		 "columns, so that it has to be broken.\n\nIt says how.",
	.examples = "  myna test --name 'my own'\n",
	.groups = groups,
	.group_count = 1,
};

static enum err parse(struct args *a, struct opt_words *words, struct errinfo *info,
		      const char *const *argv)
{
	char *copy[OPT_WORDS_MAX + 4];
	int argc = 0;

	while (argv[argc]) {
		copy[argc] = (char *)(uintptr_t)argv[argc];
		argc++;
	}
	*a = (struct args){.quiet = false};
	return opt_parse(&page, argc, copy, a, words, info);
}

#define PARSE(...) parse(&a, &words, &info, (const char *const[]){__VA_ARGS__, NULL})

static void values_come_in_every_form(void **state)
{
	struct args a;
	struct opt_words words;
	struct errinfo info;

	(void)state;
	CHECK(PARSE("in", "-qn", "x", "--max-size=1k", "--mode", "fast", "-w5s", "-t", "a",
		    "--tag=b", "--", "-z") == ERR_OK);
	CHECK(a.quiet && strcmp(a.name, "x") == 0 && a.size == 1024 && a.mode == 0);
	CHECK(a.wait_ns == 5000000000 && a.tags.count == 2 && strcmp(a.tags.items[1], "b") == 0);
	CHECK(words.count == 2 && strcmp(words.items[0], "in") == 0 &&
	      strcmp(words.items[1], "-z") == 0);
}

static void defaults_are_set(void **state)
{
	struct args a;
	struct opt_words words;
	struct errinfo info;

	(void)state;
	CHECK(PARSE("-") == ERR_OK);
	CHECK(a.size == 64u << 20 && a.mode == 1 && !a.quiet && !a.name);
	CHECK(words.count == 1 && !words.help);
	CHECK(PARSE("--help") == ERR_OK && words.help);
}

static void mistakes_are_named(void **state)
{
	struct args a;
	struct opt_words words;
	struct errinfo info;

	(void)state;
	CHECK(PARSE("--max-sise", "1") == ERR_USAGE);
	CHECK(strstr(info.text, "did you mean --max-size") != NULL);
	CHECK(PARSE("--max-size", "lots") == ERR_USAGE);
	CHECK(strstr(info.text, "'lots'") != NULL);
	CHECK(PARSE("--name") == ERR_USAGE);
	CHECK(strstr(info.text, "needs a value") != NULL);
	CHECK(PARSE("-x") == ERR_USAGE);
	CHECK(PARSE("--quiet=1") == ERR_USAGE);
	CHECK(PARSE("--mode=odd") == ERR_USAGE);
	CHECK(strstr(info.text, "fast, slow") != NULL);
}

/* What PRINT writes; the caller frees it. */
static char *printed(void (*print)(const struct opt_page *, FILE *))
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	CHECK(to != NULL);
	print(&page, to);
	CHECK(fclose(to) == 0);
	return text;
}

static void help_fits_a_terminal(void **state)
{
	char *text = printed(opt_print_help);
	size_t lines = 0;

	(void)state;
	CHECK(strstr(text, "\n\nIt says how.\n\n") != NULL); /* a paragraph of its own */
	CHECK(strstr(text, "how: fast, slow (default slow)") != NULL);
	for (const char *line = text; *line; line++, lines++) {
		size_t len = strcspn(line, "\n");

		CHECK(len <= 80 && (len == 0 || line[len - 1] != ' '));
		line += len;
	}
	CHECK(lines > 10);
	free(text);
}

static void man_page_can_be_copied_from(void **state)
{
	char *text = printed(opt_print_man);

	(void)state;
	CHECK(strstr(text, ".TH MYNA\\-TEST 1 ") == text);
	CHECK(strstr(text, "\n.PP\nIt says how.\n") != NULL);
	CHECK(strstr(text, "\\fB\\-n\\fR, \\fB\\-\\-name\\fR \\fINAME\\fR\n") != NULL);
	CHECK(strstr(text, "\\-\\-name \\(aqmy own\\(aq") != NULL);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_in_every_form),
		cmocka_unit_test(defaults_are_set),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(help_fits_a_terminal),
		cmocka_unit_test(man_page_can_be_copied_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
