/* outcome - what came of a replay. */
#include "replay/outcome.h"

#include <assert.h>

#include "base/mem.h"
#include "replay/outcome_write.h"

static const struct {
	const char *name, *text;
	bool missing;
} reasons[NOT_SENT_REASONS] = {
#define REASON(name, text, missing) {#name, text, missing},
#include "replay/reason_list.h"
#undef REASON
};

const char *not_sent_name(enum not_sent reason)
{
	assert(reason < NOT_SENT_REASONS);
	return reasons[reason].name;
}

const char *not_sent_text(enum not_sent reason)
{
	assert(reason < NOT_SENT_REASONS);
	return reasons[reason].text;
}

void outcome_init(struct outcome *o)
{
	*o = (struct outcome){.sessions = 0};
	hist_init(&o->lateness);
	hist_init(&o->own_lateness);
	timeline_init(&o->recorded_line);
	timeline_init(&o->replayed_line);
	o->before = "recorded";
	o->after = "now";
	map_init(&o->rows, PROFILE_ROWS_MAX + 1, NULL);
}

static void row_free(struct outcome_row *row)
{
	profile_stats_release(&row->recorded);
	profile_stats_release(&row->replayed);
	for (size_t i = 0; i < row->sample_count; i++)
		mem_free(row->samples[i].text);
	mem_free(row->samples);
	mem_free(row->text);
	mem_free(row->plan);
	mem_free(row);
}

void outcome_release(struct outcome *o)
{
	struct outcome_row *row;

	for (size_t at = 0; (row = map_next(&o->rows, &at));)
		row_free(row);
	map_release(&o->rows);
	hist_release(&o->lateness);
	hist_release(&o->own_lateness);
	timeline_release(&o->recorded_line);
	timeline_release(&o->replayed_line);
	outcome_init(o);
}

struct outcome_row *outcome_row(struct outcome *o, uint64_t key)
{
	struct outcome_row *row = map_get(&o->rows, key, NULL);

	if (row)
		return row;
	row = mem_zalloc(sizeof(*row));
	if (!row || map_put(&o->rows, key, row) != ERR_OK) {
		mem_free(row);
		o->short_of_memory = true;
		return NULL;
	}
	row->key = key;
	profile_stats_init(&row->recorded);
	profile_stats_init(&row->replayed);
	return row;
}

/* The place for a sample that was set APART, or was not; OUTCOME_SAMPLES: there is none. */
static size_t place_of(const struct outcome_row *row, enum apart apart)
{
	size_t at = row->sample_count;

	/* What was set apart makes room. */
	for (size_t i = 0; at == OUTCOME_SAMPLES && i < OUTCOME_SAMPLES; i++)
		if (apart == NOT_APART && row->samples[i].apart != NOT_APART)
			at = i;
	return at;
}

bool outcome_wants_sample(const struct outcome_row *row, enum apart apart)
{
	return row && place_of(row, apart) != OUTCOME_SAMPLES;
}

static void keep_sample(struct outcome *o, struct outcome_row *row,
			const struct outcome_sample *sample)
{
	size_t at = place_of(row, sample->apart);

	if (at == OUTCOME_SAMPLES)
		return;
	if (!row->samples)
		row->samples = mem_alloc(OUTCOME_SAMPLES * sizeof(*row->samples));
	if (!row->samples) {
		o->short_of_memory = true;
		return;
	}
	if (at == row->sample_count)
		row->sample_count++;
	else
		mem_free(row->samples[at].text);
	row->samples[at] = *sample;
	row->samples[at].text =
		sample->text ? mem_copy_str(sample->text, strlen(sample->text)) : NULL;
}

void outcome_counted(struct outcome *o, struct outcome_row *row, enum verdict v, enum apart apart)
{
	if (apart != NOT_APART)
		o->apart[apart]++;
	else
		o->verdicts[v]++;
	if (!row)
		return;
	if (apart != NOT_APART)
		row->apart[apart]++;
	else
		row->verdicts[v]++;
}

void outcome_compared(struct outcome *o, struct outcome_row *row,
		      const struct outcome_sample *comparison)
{
	outcome_counted(o, row, comparison->verdict, comparison->apart);
	if (row && (comparison->apart != NOT_APART || verdict_differs(comparison->verdict)))
		keep_sample(o, row, comparison);
}

void outcome_not_sent(struct outcome *o, uint64_t key, enum not_sent reason)
{
	struct outcome_row *row = outcome_row(o, key);

	o->not_sent[reason]++;
	if (row)
		row->not_sent++;
}

void outcome_trouble(struct outcome *o, const char *text)
{
	remarks_add(&o->troubles, slice_cstr(text), 1);
}

void outcome_note(struct outcome *o, const char *text)
{
	remarks_add(&o->notes, slice_cstr(text), 1);
}

static enum err merge_row(struct outcome *into, const struct outcome_row *from)
{
	struct outcome_row *row = outcome_row(into, from->key);
	enum err e;

	if (!row)
		return ERR_NOMEM;
	e = profile_stats_merge(&row->recorded, &from->recorded);
	if (e == ERR_OK)
		e = profile_stats_merge(&row->replayed, &from->replayed);
	if (e != ERR_OK)
		return e;
	for (int v = 0; v < VERDICTS; v++)
		row->verdicts[v] += from->verdicts[v];
	for (int a = 0; a < APARTS; a++)
		row->apart[a] += from->apart[a];
	row->not_sent += from->not_sent;
	for (size_t i = 0; i < from->sample_count; i++)
		keep_sample(into, row, &from->samples[i]);
	return ERR_OK;
}

enum err outcome_merge(struct outcome *into, const struct outcome *from)
{
	const struct outcome_row *row;
	enum err e;

#define COUNT(name, text) into->name += from->name;
	OUTCOME_COUNTS(COUNT)
#undef COUNT
	for (int r = 0; r < NOT_SENT_REASONS; r++)
		into->not_sent[r] += from->not_sent[r];
	for (int v = 0; v < VERDICTS; v++)
		into->verdicts[v] += from->verdicts[v];
	remarks_merge(&into->troubles, &from->troubles);
	remarks_merge(&into->notes, &from->notes);
	for (int v = 0; v < APARTS; v++)
		into->apart[v] += from->apart[v];
	if (from->short_of_memory)
		into->short_of_memory = true;
	e = hist_merge(&into->lateness, &from->lateness);
	if (e == ERR_OK)
		e = hist_merge(&into->own_lateness, &from->own_lateness);
	if (e == ERR_OK)
		e = timeline_merge(&into->recorded_line, &from->recorded_line);
	if (e == ERR_OK)
		e = timeline_merge(&into->replayed_line, &from->replayed_line);
	for (size_t at = 0; e == ERR_OK && (row = map_next(&from->rows, &at));)
		e = merge_row(into, row);
	return e;
}

uint64_t outcome_differences(const struct outcome *o)
{
	uint64_t n = 0;

	for (int v = 0; v < VERDICTS; v++)
		if (verdict_differs((enum verdict)v))
			n += o->verdicts[v];
	return n;
}

uint64_t outcome_left_out(const struct outcome *o)
{
	uint64_t n = 0;

	for (int r = NOT_SENT_READ_ONLY_WRITES; r <= NOT_SENT_READ_ONLY_UNKNOWN; r++)
		n += o->not_sent[r];
	return n;
}

uint64_t outcome_missing(const struct outcome *o)
{
	uint64_t n = 0;

	for (int r = 0; r < NOT_SENT_REASONS; r++)
		if (reasons[r].missing)
			n += o->not_sent[r];
	return n;
}

/* --- latency --- */

enum err outcome_latency(const struct outcome *o, bool replayed, struct hist *out)
{
	const struct outcome_row *row;
	struct hist all;
	enum err e = ERR_OK;

	hist_init(&all);
	for (size_t at = 0; e == ERR_OK && (row = map_next(&o->rows, &at));)
		e = hist_merge(&all, replayed ? &row->replayed.latency : &row->recorded.latency);
	if (e == ERR_OK)
		*out = all;
	else
		hist_release(&all);
	return e;
}

static enum err judge_total(struct outcome *o, double effect)
{
	struct contrast *one[] = {&o->contrast};
	const double noise = o->contrast.noise;
	struct hist recorded, replayed;
	enum err e = outcome_latency(o, false, &recorded);

	if (e != ERR_OK)
		return e;
	e = outcome_latency(o, true, &replayed);
	if (e == ERR_OK) {
		contrast_of(&recorded, &replayed, &o->contrast);
		o->contrast.noise = noise;
		contrast_judge(one, 1, effect);
		hist_release(&replayed);
	}
	hist_release(&recorded);
	return e;
}

enum err outcome_judge(struct outcome *o, double effect)
{
	struct contrast **list = mem_alloc((o->rows.count + 1) * sizeof(struct contrast *));
	struct outcome_row *row;
	size_t count = 0;

	if (!list)
		return ERR_NOMEM;
	for (size_t at = 0; (row = map_next(&o->rows, &at));) {
		const double noise = row->contrast.noise;

		contrast_of(&row->recorded.latency, &row->replayed.latency, &row->contrast);
		row->contrast.noise = noise;
		list[count++] = &row->contrast;
	}
	contrast_judge(list, count, effect);
	mem_free(list);
	return judge_total(o, effect);
}

uint64_t outcome_judged(const struct outcome *o, enum contrast_verdict v)
{
	const struct outcome_row *row;
	uint64_t n = 0;

	for (size_t at = 0; (row = map_next(&o->rows, &at));)
		n += row->contrast.verdict == v;
	return n;
}

/* 290 years: what is read from a file may say anything. */
static const double LOST_MAX_NS = 9e18;

int64_t outcome_lost_ns(const struct outcome_row *row)
{
	const struct hist *before = &row->recorded.latency, *after = &row->replayed.latency;

	double lost_ns;

	if (before->count == 0 || after->count == 0)
		return 0;
	lost_ns = (hist_mean_ns(after) - hist_mean_ns(before)) * (double)after->count;
	return lost_ns > -LOST_MAX_NS && lost_ns < LOST_MAX_NS ? (int64_t)lost_ns : 0;
}

/* --- for the writers --- */

uint64_t outcome_row_differences(const struct outcome_row *row)
{
	uint64_t n = 0;

	for (int v = 0; v < VERDICTS; v++)
		if (verdict_differs((enum verdict)v))
			n += row->verdicts[v];
	return n;
}

const char *outcome_row_text(const struct outcome *o, const struct outcome_row *row)
{
	const struct profile_row *name = row->text  ? NULL
					 : o->names ? profile_get(o->names, row->key)
						    : NULL;

	return row->text ? row->text : name ? name->text : "";
}

static int by_count(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

static int by_hurt(const void *a, const void *b)
{
	const struct outcome_row *x = *(const struct outcome_row *const *)a;
	const struct outcome_row *y = *(const struct outcome_row *const *)b;
	int c = by_count(x->verdicts[VERDICT_ERROR_NEW] + x->verdicts[VERDICT_ERROR_CHANGED],
			 y->verdicts[VERDICT_ERROR_NEW] + y->verdicts[VERDICT_ERROR_CHANGED]);

	if (c == 0)
		c = by_count(outcome_row_differences(x), outcome_row_differences(y));
	if (c == 0)
		c = outcome_lost_ns(x) > outcome_lost_ns(y)
			    ? -1
			    : outcome_lost_ns(x) < outcome_lost_ns(y);
	return c != 0 ? c : by_count(x->key, y->key);
}

enum err outcome_sorted(const struct outcome *o, const struct outcome_row ***rows)
{
	const struct outcome_row **list =
		mem_alloc((o->rows.count + 1) * sizeof(struct outcome_row *));
	size_t n = 0;

	if (!list)
		return ERR_NOMEM;
	for (size_t at = 0; (list[n] = map_next(&o->rows, &at));)
		n++;
	qsort(list, n, sizeof(struct outcome_row *), by_hurt);
	*rows = list;
	return ERR_OK;
}
