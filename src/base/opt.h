/*
 * opt - options, declared once.
 *
 * A row gives a name, a parser, a default and a help text; from the same rows come the parser, the
 * --help page and the man page. A command's options are an array of groups, so that several commands
 * share what they have in common. Values go into one struct of the command, at the row's offset:
 *
 *   OPT_FLAG        bool
 *   OPT_TEXT        const char *        borrowed from argv or from the row
 *   OPT_TEXTS       struct opt_texts    may be given several times
 *   OPT_UINT        uint64_t
 *   OPT_RATIO       double
 *   OPT_PERCENT     double              50% is 0.5
 *   OPT_SIZE        uint64_t            bytes
 *   OPT_DURATION    int64_t             nanoseconds
 *   OPT_TIME        int64_t             nanoseconds since 1970
 *   OPT_CHOICE      int                 index into the row's choices
 */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum opt_kind {
	OPT_FLAG,
	OPT_TEXT,
	OPT_TEXTS,
	OPT_UINT,
	OPT_RATIO,
	OPT_PERCENT,
	OPT_SIZE,
	OPT_DURATION,
	OPT_TIME,
	OPT_CHOICE,
};

enum { OPT_TEXTS_MAX = 64, OPT_WORDS_MAX = 1024 };

struct opt_texts {
	const char *items[OPT_TEXTS_MAX];
	size_t count;
};

struct opt {
	char letter;      /* one-letter form, or 0 */
	const char *name; /* long form, without the dashes */
	enum opt_kind kind;
	size_t offset;              /* of the value in the command's struct */
	const char *placeholder;    /* what --help shows for the value; NULL for a flag */
	const char *def;            /* default, parsed like a value; NULL: all zero */
	const char *help;           /* one sentence or two, without a final period */
	const char *const *choices; /* OPT_CHOICE: names, ended by NULL */
	bool optional_value; /* a value only if attached by '=' (or to the letter), as mysql's -p */
};

/* What an OPT_TEXT with optional_value holds when it was given without one: empty, told by its address. */
extern const char opt_no_value[];

struct opt_group {
	const char *title; /* heading in --help */
	const struct opt *rows;
	size_t count;
};

/* What a command is, for --help, the man page and the parser. */
struct opt_page {
	const char *name;    /* "replay" */
	const char *usage;   /* what follows "myna NAME " */
	const char *summary; /* half a line */
	const char *
		about; /* paragraphs, with an empty line between them; lines are broken when it is shown */
	const char *examples; /* lines "  command  # what it does", or NULL */
	const struct opt_group *groups;
	size_t group_count;
};

struct opt_words {
	const char *items[OPT_WORDS_MAX]; /* what is not an option, in order */
	size_t count;
	bool help; /* --help or -h (where -h has no other meaning) was given */
};

/*
 * Sets every value in INTO to its default, then reads ARGV[0..ARGC). "--" ends the options.
 * ERR_USAGE: INFO names the option, what is wrong with it, and the nearest name where there is one.
 */
enum err opt_parse(const struct opt_page *page, int argc, char *const *argv, void *into,
		   struct opt_words *words, struct errinfo *info) MUST_CHECK;

void opt_print_help(const struct opt_page *page, FILE *to);

/* A whole man page in troff (section 1). */
void opt_print_man(const struct opt_page *page, FILE *to);

#endif
