/* figures - how it goes, in numbers. */
#include "cli/figures.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"
#include "metrics/exposition.h"
#include "out/units.h"
#include "replay/compare.h"

enum { METRIC_MAX = 128, PPM = 1000 * 1000 };

enum unit {
	UNIT_COUNT,
	UNIT_BYTES,
	UNIT_TIME,  /* nanoseconds */
	UNIT_SHARE, /* millionths; negative: unknown */
	UNIT_IF,    /* yes or no: in the line if it is so */
	UNIT_NOT,   /* the same: in the line if it is not so */
};

struct row {
	unsigned group;
	enum exposition_kind kind;
	enum unit unit;
	size_t offset; /* of its 64 bits in struct figures */
	const char *metric, *one, *many, *help;
};

static const struct row rows[] = {
#define FIGURE_ROW(in, kind_of, unit_of, field, name, single, plural, text)                        \
	{.group = FIGURES_##in,                                                                    \
	 .kind = EXPOSITION_##kind_of,                                                             \
	 .unit = UNIT_##unit_of,                                                                   \
	 .offset = offsetof(struct figures, field),                                                \
	 .metric = (name),                                                                         \
	 .one = (single),                                                                          \
	 .many = (plural),                                                                         \
	 .help = (text)},
#define FIGURE FIGURE_ROW
#define SHOWN(in, kind, field, metric, one, many, help)                                            \
	FIGURE_ROW(in, kind, COUNT, field, metric, one, many, help)
#include "cli/figure_list.h"
#undef SHOWN
#undef FIGURE
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static int64_t value_of(const struct figures *f, const struct row *r)
{
	int64_t v;

	memcpy(&v, (const char *)f + r->offset, sizeof(v));
	return v;
}

static bool is_listed(size_t offset)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].offset == offset)
			return true;
	return false;
}

/* --- the status line --- */

static bool is_in_line(const struct row *r, int64_t value)
{
	if (!r->one)
		return false;
	switch (r->unit) {
	case UNIT_COUNT:
	case UNIT_BYTES:
	case UNIT_TIME:
		return true;
	case UNIT_SHARE:
		return value >= 0;
	case UNIT_IF:
		return value != 0;
	case UNIT_NOT:
		return value == 0;
	}
	return false;
}

static void print_value(const struct row *r, int64_t value, FILE *to)
{
	switch (r->unit) {
	case UNIT_COUNT:
		(void)fprintf(to, "%lld ", (long long)value);
		break;
	case UNIT_BYTES:
		(void)fprintf(to, "%s ", units_size((uint64_t)value).text);
		break;
	case UNIT_TIME:
		(void)fprintf(to, "%s ", units_duration(value).text);
		break;
	case UNIT_SHARE:
		(void)fprintf(to, "%s ", units_percent((double)value / PPM).text);
		break;
	case UNIT_IF:
	case UNIT_NOT:
		break;
	}
}

void figures_print(const struct figures *f, FILE *to)
{
	const char *mark = "";

	for (size_t i = 0; i < ROWS; i++) {
		const struct row *r = &rows[i];
		int64_t value = value_of(f, r);

		if (!(f->groups & r->group) || !is_in_line(r, value))
			continue;
		(void)fputs(mark, to);
		print_value(r, value, to);
		(void)fputs(value == 1 ? r->one : r->many, to);
		mark = ", ";
	}
	for (const struct coverage_field *c = coverage_fields; c->name; c++) {
		uint64_t n = coverage_get(&f->coverage, c);

		if (c->is_loss && n && !is_listed(offsetof(struct figures, coverage) + c->offset))
			(void)fprintf(to, "; ! %llu %s", (unsigned long long)n,
				      coverage_text(c, n));
	}
}

/* --- for Prometheus --- */

static void expose_row(const struct figures *f, const struct row *r, struct buf *to)
{
	int64_t value = value_of(f, r);

	if (!(f->groups & r->group) || (r->unit == UNIT_SHARE && value < 0))
		return;
	exposition_family(to, r->metric, r->kind, r->help);
	if (r->unit == UNIT_TIME)
		exposition_seconds(to, r->metric, value);
	else if (r->unit == UNIT_SHARE)
		exposition_ratio(to, r->metric, (double)value / PPM);
	else
		exposition_count(to, r->metric, NULL, NULL, (uint64_t)value);
}

static void expose_coverage(const struct coverage *c, struct buf *to)
{
	char metric[METRIC_MAX];

	for (const struct coverage_field *f = coverage_fields; f->name; f++) {
		if (is_listed(offsetof(struct figures, coverage) + f->offset))
			continue;
		(void)snprintf(metric, sizeof(metric), "myna_%s_total", f->name);
		exposition_family(to, metric, EXPOSITION_COUNTER, f->many);
		exposition_count(to, metric, NULL, NULL, coverage_get(c, f));
	}
}

static void expose_left(const struct mrte_left *left, struct buf *to)
{
	static const char metric[] = "myna_mrte_left_out_total";

	exposition_family(to, metric, EXPOSITION_COUNTER, "what MRTE's messages could not carry");
#define LEFT(name, one, many) exposition_count(to, metric, "reason", #name, left->name);
#include "mrte/left_list.h"
#undef LEFT
}

/* A count of the outcome; the only one that is no sum is the peak of the spool. */
static void expose_outcome_count(const char *name, const char *help, uint64_t value, struct buf *to)
{
	const bool is_peak = strcmp(name, "spool_peak") == 0;
	char metric[METRIC_MAX];

	if (strcmp(name, "sent") == 0 || strcmp(name, "answered") == 0)
		return; /* from the counters of the moment: in the list */
	(void)snprintf(metric, sizeof(metric),
		       is_peak ? "myna_replay_%s_bytes" : "myna_replay_%s_total", name);
	exposition_family(to, metric, is_peak ? EXPOSITION_GAUGE : EXPOSITION_COUNTER, help);
	exposition_count(to, metric, NULL, NULL, value);
}

static void expose_times(const char *metric, const char *help, const struct figures_times *t,
			 struct buf *to)
{
	const struct exposition_histogram h = {
		.bounds_ns = figures_bounds_ns,
		.below = t->below,
		.bounds = FIGURES_BOUNDS,
		.all = t->all,
		.sum_ns = t->sum_ns,
	};

	exposition_family(to, metric, EXPOSITION_HISTOGRAM, help);
	exposition_histogram(to, metric, &h);
}

/* One of a family by VALUE, which is in capitals elsewhere. */
static void expose_of(const char *metric, const char *label, const char *value, uint64_t n,
		      struct buf *to)
{
	char name[METRIC_MAX];
	size_t len = 0;

	for (; len < sizeof(name) - 1 && value[len]; len++)
		name[len] = (char)tolower((unsigned char)value[len]);
	name[len] = '\0';
	exposition_count(to, metric, label, name, n);
}

static void expose_replay(const struct replay_figures *r, struct buf *to)
{
	static const char not_sent[] = "myna_replay_not_sent_total";
	static const char answers[] = "myna_replay_answers_total";
	static const char apart[] = "myna_replay_set_apart_total";

#define COUNT(name, text) expose_outcome_count(#name, text, r->name, to);
	OUTCOME_COUNTS(COUNT)
#undef COUNT
	exposition_family(to, not_sent, EXPOSITION_COUNTER, "commands not sent, by the reason");
	for (unsigned i = 0; i < NOT_SENT_REASONS; i++)
		expose_of(not_sent, "reason", not_sent_name((enum not_sent)i), r->not_sent[i], to);
	exposition_family(to, answers, EXPOSITION_COUNTER,
			  "answers compared with the recorded ones, by how they differ");
	for (unsigned i = 0; i < VERDICTS; i++)
		expose_of(answers, "verdict", verdict_name((enum verdict)i), r->verdicts[i], to);
	exposition_family(to, apart, EXPOSITION_COUNTER,
			  "answers that differ, but not by the target's fault, by the reason");
	for (unsigned i = 0; i < APARTS; i++)
		expose_of(apart, "reason", apart_name((enum apart)i), r->apart[i], to);
	expose_times("myna_replay_lateness_seconds",
		     "how late commands were sent, from when they were due", &r->lateness, to);
	expose_times("myna_replay_own_lateness_seconds",
		     "the same without the time the target took for the command before",
		     &r->own_lateness, to);
}

/* By the names that all Prometheus' own libraries have for it. */
static void expose_process(struct buf *to)
{
	FILE *statm = fopen("/proc/self/statm", "re"); /* in pages: all, and resident */
	char line[METRIC_MAX], *end;
	uint64_t resident = 0;

	if (statm && fgets(line, sizeof(line), statm)) {
		(void)strtoull(line, &end, 10);
		resident = strtoull(end, NULL, 10);
	}
	if (statm)
		(void)fclose(statm);
	exposition_family(to, "process_cpu_seconds_total", EXPOSITION_COUNTER,
			  "CPU time, in user and kernel mode");
	exposition_seconds(to, "process_cpu_seconds_total", clock_process_cpu_ns());
	exposition_family(to, "process_resident_memory_bytes", EXPOSITION_GAUGE,
			  "memory that is resident");
	exposition_count(to, "process_resident_memory_bytes", NULL, NULL,
			 resident * (uint64_t)sysconf(_SC_PAGESIZE));
}

void figures_expose(const struct figures *f, const char *command, struct buf *to)
{
	exposition_family(to, "myna_command_info", EXPOSITION_GAUGE, "which command it is");
	exposition_count(to, "myna_command_info", "command", command, 1);
	exposition_family(to, "myna_figures_timestamp_seconds", EXPOSITION_GAUGE,
			  "when these figures were taken, since 1970: about once a second");
	exposition_seconds(to, "myna_figures_timestamp_seconds", clock_wall_ns());
	for (size_t i = 0; i < ROWS; i++)
		expose_row(f, &rows[i], to);
	expose_coverage(&f->coverage, to);
	if (f->left)
		expose_left(f->left, to);
	if (f->groups & FIGURES_REPLAY)
		expose_replay(&f->replay, to);
	expose_process(to);
}
