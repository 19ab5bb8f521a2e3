/* opt - options, declared once. */
#include "base/opt.h"

#include <assert.h>
#include <string.h>

#include "base/scan.h"

const char opt_no_value[] = "";

enum { HELP_TEXT_COLUMN = 30, HELP_WIDTH = 80, CHOICES_TEXT_MAX = 256 };

static const struct opt *row_at(const struct opt_page *page, size_t *group, size_t *row)
{
	while (*group < page->group_count) {
		const struct opt_group *g = &page->groups[*group];

		if (*row < g->count)
			return &g->rows[(*row)++];
		(*group)++;
		*row = 0;
	}
	return NULL;
}

static const struct opt *find_name(const struct opt_page *page, const char *name, size_t len)
{
	const struct opt *o;
	size_t group = 0, row = 0;

	while ((o = row_at(page, &group, &row)) != NULL)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const struct opt *find_letter(const struct opt_page *page, char letter)
{
	const struct opt *o;
	size_t group = 0, row = 0;

	while ((o = row_at(page, &group, &row)) != NULL)
		if (o->letter && o->letter == letter)
			return o;
	return NULL;
}

/* The option whose name shares the longest beginning with NAME; NULL if that is under 2 letters. */
static const struct opt *find_nearest(const struct opt_page *page, const char *name)
{
	const struct opt *o, *best = NULL;
	size_t group = 0, row = 0, best_len = 1;

	while ((o = row_at(page, &group, &row)) != NULL) {
		size_t n = 0;

		while (name[n] && name[n] == o->name[n])
			n++;
		if (n > best_len) {
			best_len = n;
			best = o;
		}
	}
	return best;
}

static enum err set_choice(const struct opt *o, const char *value, int *to)
{
	for (int i = 0; o->choices[i]; i++) {
		if (strcmp(o->choices[i], value) == 0) {
			*to = i;
			return ERR_OK;
		}
	}
	return ERR_USAGE;
}

static enum err add_text(const char *value, struct opt_texts *to)
{
	if (to->count >= OPT_TEXTS_MAX)
		return ERR_LIMIT;
	to->items[to->count++] = value;
	return ERR_OK;
}

static enum err set_value(const struct opt *o, const char *value, void *into)
{
	void *to = (char *)into + o->offset;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)to = true;
		return ERR_OK;
	case OPT_TEXT:
		*(const char **)to = value;
		return ERR_OK;
	case OPT_TEXTS:
		return add_text(value, to);
	case OPT_UINT:
		return scan_uint(value, to);
	case OPT_RATIO:
		return scan_double(value, to);
	case OPT_PERCENT:
		return scan_percent(value, to);
	case OPT_SIZE:
		return scan_size(value, to);
	case OPT_DURATION:
		return scan_duration(value, to);
	case OPT_TIME:
		return scan_time(value, to);
	case OPT_CHOICE:
		return set_choice(o, value, to);
	}
	return ERR_USAGE;
}

static const char *expected(enum opt_kind kind)
{
	switch (kind) {
	case OPT_UINT:
		return "a whole number";
	case OPT_RATIO:
		return "a number";
	case OPT_PERCENT:
		return "a percentage above 0, such as 50%";
	case OPT_SIZE:
		return "a size such as 64M or 2G";
	case OPT_DURATION:
		return "a duration such as 30s, 5m or 1h30m";
	case OPT_TIME:
		return "a time such as '2026-11-20 10:15', 10:15 or @1700000000";
	case OPT_CHOICE: /* they are listed */
	case OPT_FLAG:
	case OPT_TEXT:
	case OPT_TEXTS:
		break;
	}
	return "another value";
}

/* "text, json", in TO of SIZE bytes. */
static void list_choices(const struct opt *o, char *to, size_t size)
{
	size_t len = 0;

	for (int i = 0; o->choices[i] && len < size; i++) {
		int n = snprintf(to + len, size - len, "%s%s", i ? ", " : "", o->choices[i]);

		len += n > 0 ? (size_t)n : 0;
	}
}

static enum err apply(const struct opt *o, const char *value, void *into, struct errinfo *info)
{
	enum err e = set_value(o, value, into);
	char choices[CHOICES_TEXT_MAX];

	if (e != ERR_OK && o->kind == OPT_CHOICE) {
		list_choices(o, choices, sizeof(choices));
		return err_set(info, ERR_USAGE, 0, "--%s takes one of %s, not '%s'", o->name,
			       choices, value);
	}
	if (e == ERR_LIMIT)
		return err_set(info, ERR_USAGE, 0, "--%s is given more than %d times", o->name,
			       OPT_TEXTS_MAX);
	if (e != ERR_OK)
		return err_set(info, ERR_USAGE, 0, "--%s takes %s, not '%s'", o->name,
			       expected(o->kind), value);
	return ERR_OK;
}

struct parse {
	const struct opt_page *page;
	int argc;
	char *const *argv;
	int at;
	void *into;
	struct errinfo *info;
};

static enum err take_value(struct parse *p, const struct opt *o, const char *attached)
{
	if (o->kind == OPT_FLAG) {
		if (attached)
			return err_set(p->info, ERR_USAGE, 0, "--%s takes no value", o->name);
		return apply(o, "", p->into, p->info);
	}
	if (attached)
		return apply(o, attached, p->into, p->info);
	if (o->optional_value)
		return apply(o, opt_no_value, p->into, p->info);
	if (p->at >= p->argc)
		return err_set(p->info, ERR_USAGE, 0, "--%s needs a value: %s", o->name,
			       o->placeholder);
	return apply(o, p->argv[p->at++], p->into, p->info);
}

static enum err parse_long(struct parse *p, const char *arg)
{
	const char *eq = strchr(arg, '=');
	size_t len = eq ? (size_t)(eq - arg) : strlen(arg);
	const struct opt *o = find_name(p->page, arg, len), *near;

	if (o)
		return take_value(p, o, eq ? eq + 1 : NULL);
	near = find_nearest(p->page, arg);
	return err_set(p->info, ERR_USAGE, 0, "there is no option --%.*s%s%s; see 'myna %s --help'",
		       (int)len, arg, near ? "; did you mean --" : "", near ? near->name : "",
		       p->page->name);
}

static enum err parse_letters(struct parse *p, const char *arg)
{
	for (const char *s = arg; *s; s++) {
		const struct opt *o = find_letter(p->page, *s);
		enum err e;

		if (!o)
			return err_set(p->info, ERR_USAGE, 0,
				       "there is no option -%c; see 'myna %s --help'", *s,
				       p->page->name);
		if (o->kind != OPT_FLAG)
			return take_value(p, o, s[1] ? s + 1 : NULL);
		e = apply(o, "", p->into, p->info);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static void set_defaults(const struct opt_page *page, void *into)
{
	const struct opt *o;
	size_t group = 0, row = 0;

	while ((o = row_at(page, &group, &row)) != NULL) {
		enum err e = o->def ? set_value(o, o->def, into) : ERR_OK;

		assert(e == ERR_OK); /* a default that its own parser refuses is our mistake */
	}
}

static enum err add_word(struct parse *p, struct opt_words *words, const char *word)
{
	if (words->count >= OPT_WORDS_MAX)
		return err_set(p->info, ERR_USAGE, 0, "too many arguments, from '%s' on", word);
	words->items[words->count++] = word;
	return ERR_OK;
}

enum err opt_parse(const struct opt_page *page, int argc, char *const *argv, void *into,
		   struct opt_words *words, struct errinfo *info)
{
	struct parse p = {.page = page, .argc = argc, .argv = argv, .into = into, .info = info};
	bool only_words = false;

	*words = (struct opt_words){.count = 0};
	set_defaults(page, into);
	while (p.at < argc) {
		const char *arg = argv[p.at++];
		enum err e = ERR_OK;

		if (only_words || arg[0] != '-' || arg[1] == '\0')
			e = add_word(&p, words, arg);
		else if (strcmp(arg, "--") == 0)
			only_words = true;
		else if (strcmp(arg, "--help") == 0 ||
			 (strcmp(arg, "-h") == 0 && !find_letter(page, 'h')))
			words->help = true;
		else if (arg[1] == '-')
			e = parse_long(&p, arg + 2);
		else
			e = parse_letters(&p, arg + 1);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/*
 * Prints TEXT, broken at blanks so that no line goes beyond HELP_WIDTH; lines after the first are
 * indented. A new line in it ends a line.
 */
static void print_wrapped(const char *text, int indent, FILE *to)
{
	int column = indent;

	while (*text) {
		int len = (int)strcspn(text, " \n");

		if (column > indent && column + 1 + len > HELP_WIDTH) {
			(void)fprintf(to, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			(void)fputc(' ', to);
			column++;
		}
		(void)fprintf(to, "%.*s", len, text);
		column += len;
		text += len;
		if (*text == '\n') {
			(void)fprintf(to, "\n%*s", text[1] && text[1] != '\n' ? indent : 0, "");
			column = indent;
		}
		if (*text)
			text++;
	}
	(void)fputc('\n', to);
}

/* Prints "-l, --name VALUE" and returns its width. */
static int print_head(const struct opt *o, FILE *to)
{
	int n = o->letter ? fprintf(to, "  -%c, --%s", o->letter, o->name)
			  : fprintf(to, "      --%s", o->name);

	if (o->placeholder)
		n += fprintf(to, o->optional_value ? "[=%s]" : " %s", o->placeholder);
	return n;
}

/* The row's help, with its choices and default, as one text. */
static void row_text(const struct opt *o, char *text, size_t size)
{
	char choices[CHOICES_TEXT_MAX];
	int n = snprintf(text, size, "%s", o->help);

	if (o->kind == OPT_CHOICE) {
		list_choices(o, choices, sizeof(choices));
		n += snprintf(text + n, size - (size_t)n, ": %s", choices);
	}
	if (o->def && *o->def)
		n += snprintf(text + n, size - (size_t)n, " (default %s)", o->def);
	assert(n >= 0 && (size_t)n < size);
}

void opt_print_help(const struct opt_page *page, FILE *to)
{
	char text[1024];

	(void)fprintf(to, "usage: myna %s %s\n\n", page->name, page->usage);
	print_wrapped(page->about, 0, to);
	for (size_t g = 0; g < page->group_count; g++) {
		const struct opt_group *group = &page->groups[g];

		(void)fprintf(to, "\n%s\n", group->title);
		for (size_t i = 0; i < group->count; i++) {
			int column = print_head(&group->rows[i], to);

			if (column >= HELP_TEXT_COLUMN) {
				(void)fputc('\n', to);
				column = 0;
			}
			(void)fprintf(to, "%*s", HELP_TEXT_COLUMN - column, "");
			row_text(&group->rows[i], text, sizeof(text));
			print_wrapped(text, HELP_TEXT_COLUMN, to);
		}
	}
	(void)fprintf(to, "      --help%*sshow this page\n", HELP_TEXT_COLUMN - 12, "");
	if (page->examples)
		(void)fprintf(to, "\nExamples\n%s", page->examples);
}

/*
 * Text for troff: dashes are minus signs, quotes are those of a keyboard, so that what is copied from
 * the page can be typed; a line never begins with a control character; an empty line begins a
 * paragraph.
 */
static void print_troff(const char *text, FILE *to)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && *text == '.')
			(void)fputs("\\&", to);
		line_start = *text == '\n';
		if (line_start && text[1] == '\n') {
			(void)fputs("\n.PP\n", to);
			text++;
		} else if (*text == '-') {
			(void)fputs("\\-", to);
		} else if (*text == '\'') {
			(void)fputs("\\(aq", to);
		} else if (*text == '~') {
			(void)fputs("\\(ti", to);
		} else if (*text == '\\') {
			(void)fputs("\\e", to);
		} else {
			(void)fputc(*text, to);
		}
	}
}

/* The same, as a sentence. */
static void print_sentence(const char *text, FILE *to)
{
	size_t len = strlen(text);

	print_troff(text, to);
	(void)fputs(len && text[len - 1] == '.' ? "\n" : ".\n", to);
}

static void print_man_row(const struct opt *o, FILE *to)
{
	char text[1024];

	(void)fputs(".TP\n", to);
	if (o->letter)
		(void)fprintf(to, "\\fB\\-%c\\fR, ", o->letter);
	(void)fputs("\\fB\\-\\-", to);
	print_troff(o->name, to);
	(void)fputs("\\fR", to);
	if (o->placeholder)
		(void)fprintf(to, o->optional_value ? "[=\\fI%s\\fR]" : " \\fI%s\\fR",
			      o->placeholder);
	(void)fputc('\n', to);
	row_text(o, text, sizeof(text));
	print_sentence(text, to);
}

static void print_upper(const char *text, FILE *to)
{
	for (; *text; text++)
		(void)fputc(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text, to);
}

static void print_man_head(const struct opt_page *page, FILE *to)
{
	(void)fputs(".TH MYNA\\-", to);
	print_upper(page->name, to);
	(void)fprintf(to, " 1 \"\" myna \"User Commands\"\n.nh\n.ad l\n.SH NAME\nmyna\\-%s \\- ",
		      page->name);
	print_troff(page->summary, to);
	(void)fprintf(to, "\n.SH SYNOPSIS\n\\fBmyna %s\\fR ", page->name);
	print_troff(page->usage, to);
	(void)fputs("\n.SH DESCRIPTION\n", to);
	print_troff(page->about, to);
	(void)fputc('\n', to);
}

void opt_print_man(const struct opt_page *page, FILE *to)
{
	print_man_head(page, to);
	(void)fputs(".SH OPTIONS\n", to);
	for (size_t g = 0; g < page->group_count; g++) {
		(void)fputs(".SS \"", to);
		print_troff(page->groups[g].title, to);
		(void)fputs("\"\n", to);
		for (size_t i = 0; i < page->groups[g].count; i++)
			print_man_row(&page->groups[g].rows[i], to);
	}
	(void)fputs(".TP\n\\fB\\-\\-help\\fR\nshow the options.\n", to);
	if (page->examples) {
		(void)fputs(".SH EXAMPLES\n.nf\n", to);
		print_troff(page->examples, to);
		(void)fputs(".fi\n", to);
	}
	(void)fputs(".SH EXIT STATUS\n"
		    "0 done, 1 failed, 2 wrong usage, 3 done, but something was not heard or\n"
		    "differs; \\fBmyna\\fR(1) says more.\n"
		    ".SH SEE ALSO\n.BR myna (1)\n",
		    to);
}
