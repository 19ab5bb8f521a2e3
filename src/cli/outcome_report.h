/*
 * outcome_report - how replay and compare tell what differed: text or JSON to standard output, a page
 * of HTML to a file, and the exit status.
 */
#ifndef CLI_OUTCOME_REPORT_H
#define CLI_OUTCOME_REPORT_H

#include "base/opt.h"
#include "replay/fail_on.h"

struct outcome_report_args {
	uint64_t limit;
	int format;          /* index into outcome_report_formats */
	const char *path;    /* of the HTML; NULL: none */
	const char *fail_on; /* NULL: the default */
	bool raw;
};

extern const char *const outcome_report_formats[];

#define OUTCOME_REPORT_OPTS(type, member)                                                          \
	{.letter = 'n',                                                                            \
	 .name = "limit",                                                                          \
	 .kind = OPT_UINT,                                                                         \
	 .offset = offsetof(type, member.limit),                                                   \
	 .placeholder = "N",                                                                       \
	 .def = "20",                                                                              \
	 .help = "how many statements to compare in the text; 0 shows all"},                       \
		{.letter = 'f',                                                                    \
		 .name = "format",                                                                 \
		 .kind = OPT_CHOICE,                                                               \
		 .offset = offsetof(type, member.format),                                          \
		 .placeholder = "FORMAT",                                                          \
		 .def = "text",                                                                    \
		 .choices = outcome_report_formats,                                                \
		 .help = "what to write"},                                                         \
		{.name = "report",                                                                 \
		 .kind = OPT_TEXT,                                                                 \
		 .offset = offsetof(type, member.path),                                            \
		 .placeholder = "FILE",                                                            \
		 .help = "also write a page of HTML with charts, which needs no network"},         \
		{.name = "raw",                                                                    \
		 .kind = OPT_FLAG,                                                                 \
		 .offset = offsetof(type, member.raw),                                             \
		 .help = "with --report: show statements and messages with their values"},         \
	{                                                                                          \
		.name = "fail-on", .kind = OPT_TEXT, .offset = offsetof(type, member.fail_on),     \
		.placeholder = "LIST",                                                             \
		.help = "what makes the exit status 3: errors, rows, missing, losses, "            \
			"latency:20% (a statement that is slower by more); none. Without it, all " \
			"but the latency"                                                          \
	}

/*
 * Judges O, writes it as ARGS say and returns the exit status: 3 if FAIL_ON is met. TITLE stands above the page.
 */
int outcome_report(const struct opt_page *page, const struct outcome_report_args *args,
		   const struct fail_on *fail_on, struct outcome *o, const char *title);

#endif
