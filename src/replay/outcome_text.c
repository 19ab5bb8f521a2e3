/* outcome_text - an outcome for people. */
#include "base/mem.h"
#include "out/table.h"
#include "out/units.h"
#include "replay/outcome_write.h"

/*
 * What the server or a user wrote goes through a table, which shows nothing that a terminal would
 * obey.
 */
enum { TEXT_WIDTH = 100, ANSWER_MAX = 256, SAMPLES_SHOWN = 10 };

static int64_t quantile(const struct hist *h, double q)
{
	return q < 1 ? hist_quantile_ns(h, q) : h->max_ns;
}

static void put_count(struct out *out, uint64_t n, const char *text)
{
	out_printf(out, "  %12llu  %s\n", (unsigned long long)n, text);
}

static void put_if_any(struct out *out, uint64_t n, const char *text)
{
	if (n > 0)
		put_count(out, n, text);
}

static void put_head(const struct outcome *o, struct out *out)
{
	double seconds = (double)o->replayed_ns / 1e9;

	out_printf(out, "Replayed %s of a recording in %s, ", units_duration(o->recorded_ns).text,
		   units_duration(o->replayed_ns).text);
	if (o->speed > 0)
		out_printf(out, "at %g times its pace", o->speed);
	else
		out_printf(out, "as fast as answers came: %s commands/s",
			   units_number(seconds > 0 ? (double)o->sent / seconds : 0).text);
	if (o->order != ORDER_SESSION)
		out_put_cstr(out, o->order == ORDER_STRICT ? ", in strict order"
							   : ", commits in their order");
	if (o->idle_ns > 0)
		out_printf(out, ", without %s of pauses", units_duration(o->idle_ns).text);
	out_put_cstr(out, "\n");
	if (o->copies > 1)
		out_printf(out,
			   "Each session was replayed %u times: all counts are of all of them\n",
			   o->copies);
	if (o->ended)
		out_printf(out, "It did not run to its end: %s\n", o->ended);
	if (o->short_of_memory)
		out_put_cstr(out, "Memory was short: a part of what follows is missing\n");
}

static uint64_t all_apart(const struct outcome *o)
{
	uint64_t n = 0;

	for (int a = 0; a < APARTS; a++)
		n += o->apart[a];
	return n;
}

/* What one decides from. */
static void put_verdict(const struct outcome *o, struct out *out)
{
	const uint64_t *v = o->verdicts;
	const uint64_t one_sided = v[VERDICT_DEADLOCK_RECORDED] + v[VERDICT_DEADLOCK_REPLAYED] +
				   v[VERDICT_LOCK_WAIT_RECORDED] + v[VERDICT_LOCK_WAIT_REPLAYED] +
				   v[VERDICT_KILLED_RECORDED] + v[VERDICT_KILLED_REPLAYED];
	const uint64_t apart = all_apart(o);
	const struct {
		const char *text;
		uint64_t count;
		bool always;
	} counts[] = {
		{.text = "new errors", .count = v[VERDICT_ERROR_NEW], .always = true},
		{.text = "errors gone or changed",
		 .count = v[VERDICT_ERROR_GONE] + v[VERDICT_ERROR_CHANGED]},
		{.text = "other row counts", .count = v[VERDICT_OTHER_ROW_COUNT], .always = true},
		{.text = "other affected rows", .count = v[VERDICT_OTHER_AFFECTED], .always = true},
		{.text = "other values",
		 .count = v[VERDICT_OTHER_VALUES] + v[VERDICT_OTHER_FLOATS],
		 .always = true},
		{.text = "other order of the same rows",
		 .count = v[VERDICT_OTHER_ORDER] + o->apart[APART_ANY_ORDER]},
		{.text = "other columns",
		 .count =
			 v[VERDICT_OTHER_COLUMNS] + v[VERDICT_OTHER_KIND] + v[VERDICT_OTHER_TYPES]},
		{.text = "other AUTO_INCREMENT values", .count = v[VERDICT_OTHER_INSERT_ID]},
		{.text = "one-sided deadlocks, lock waits or kills", .count = one_sided},
		{.text = "set apart", .count = apart - o->apart[APART_ANY_ORDER]},
		{.text = "not sent", .count = outcome_missing(o)},
	};

	out_printf(out, "Every statement that was sent was answered: %s",
		   o->unanswered == 0 ? "yes" : "no");
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		if (counts[i].always || counts[i].count > 0)
			out_printf(out, "; %s: %llu", counts[i].text,
				   (unsigned long long)counts[i].count);
	out_put_cstr(out, "\n");
}

/* Sessions see what others have done a little earlier or later than when they were recorded. */
static void put_order_note(const struct outcome *o, struct out *out)
{
	if (o->sessions < 2 || o->order != ORDER_SESSION)
		return;
	if (o->verdicts[VERDICT_OTHER_VALUES] + o->verdicts[VERDICT_OTHER_ROW_COUNT] +
		    o->verdicts[VERDICT_OTHER_AFFECTED] ==
	    0)
		return;
	out_put_cstr(
		out,
		"\nEach session keeps its own order, but not its place among the others: a row "
		"that two\nsessions touch at about the same time can be read before a change "
		"instead of after it.\nValues and counts that differ for this reason are no "
		"fault of the target: --order commit or --order strict keep that place, too.\n");
}

static void put_answered_within(const char *when, const struct hist *h, struct out *out)
{
	out_printf(out, "  %-9s mean %s, p50 %s, p95 %s, p99 %s, max %s\n", when,
		   units_duration((int64_t)hist_mean_ns(h)).text,
		   units_duration(quantile(h, 0.5)).text, units_duration(quantile(h, 0.95)).text,
		   units_duration(quantile(h, 0.99)).text, units_duration(h->max_ns).text);
}

static void put_ratio(const struct contrast *c, struct out *out)
{
	if (!c->known)
		return;
	out_printf(out,
		   "  %s: the typical latency is %.2f times the one before (95 %%: %.2f to %.2f)\n",
		   contrast_verdict_name(c->verdict), c->ratio, c->low, c->high);
}

/* All statements together. */
static enum err put_latency(const struct outcome *o, struct out *out)
{
	struct hist recorded, replayed;
	enum err e = outcome_latency(o, false, &recorded);

	if (e != ERR_OK)
		return e;
	e = outcome_latency(o, true, &replayed);
	if (e == ERR_OK && recorded.count > 0 && replayed.count > 0) {
		out_put_cstr(out, "\nLatency of all statements\n");
		put_answered_within(o->before, &recorded, out);
		put_answered_within(o->after, &replayed, out);
		put_ratio(&o->contrast, out);
		out_printf(out, "  of %zu statements: %llu slower, %llu faster, %llu the same\n",
			   o->rows.count, (unsigned long long)outcome_judged(o, CONTRAST_SLOWER),
			   (unsigned long long)outcome_judged(o, CONTRAST_FASTER),
			   (unsigned long long)outcome_judged(o, CONTRAST_SAME));
	}
	if (e == ERR_OK)
		hist_release(&replayed);
	hist_release(&recorded);
	return e;
}

static void put_counts(const struct outcome *o, struct out *out)
{
	out_put_cstr(out, "\nSessions\n");
	put_count(out, o->sessions, "in the recording");
	put_count(out, o->connected, "connected to the target");
	put_if_any(out, o->not_connected, "could not connect");
	put_if_any(out, o->connections_lost, "lost their connection in the middle");
	put_if_any(out, o->not_logged_in, "had failed to log in when recorded: left out");
	put_if_any(out, o->encrypted, "were encrypted when recorded: left out");
	put_if_any(out, o->shed, "let go, as the target was too slow and the spool full");
	put_if_any(out, o->joined, "were open before the recording, or the window of it, began");
	put_if_any(out, o->state_incomplete,
		   "of these have a state that is not wholly known; a database in the target's URL "
		   "stands for an unknown one");
	put_if_any(out, o->in_transaction,
		   "of these were in a transaction: one is begun for the rest of it");
	put_if_any(
		out, o->open_before,
		"of these had temporary tables, locks or cursors, which they lack on the target");
	put_if_any(out, o->state_failed, "statements to rebuild a session's state failed");
	put_if_any(out, o->with_gaps, "have gaps: commands may be missing");
#define COUNT(name, text) put_if_any(out, o->name, text);
	OUTCOME_LOSS_COUNTS(COUNT)
#undef COUNT
	put_if_any(out, o->troubles.more, "other troubles with connections");
	out_put_cstr(out, "\nCommands\n");
	put_count(out, o->commands,
		  o->ended ? "in the recording, as far as it was read" : "in the recording");
	put_if_any(out, o->after_gap, "follow a gap of their session: its state may be another");
	put_if_any(out, o->filtered, "left out by filters or --share");
	put_if_any(out, o->done_before,
		   "dealt with by the replay that is continued: not sent again");
	put_if_any(out, o->under_way_before,
		   "of these were under way: whether they were executed is not known");
	put_if_any(out, o->resumed, "sessions go on in the middle");
	put_count(out, o->sent, "sent");
	put_count(out, o->answered, "answered (some have no answer)");
	put_if_any(out, o->unanswered, "never answered");
	put_if_any(out, o->abandoned, "not answered, as when recorded: the session ended before");
	put_if_any(out, o->order_given_up, "sent before their turn, which did not come");
	put_if_any(out, o->clock_failed, "times the target did not let its clock be set");
	put_if_any(out, o->prepared_late, "statements prepared at their first execution");
	put_if_any(out, o->as_text,
		   "executions sent as text, as the target does not prepare the statement");
	put_if_any(out, o->bulk_by_set,
		   "bulk executions sent set by set, as the target does not have them");
	put_if_any(out, o->bulk_sets, "sets of parameters sent so");
	put_if_any(out, o->bulk_sets_left_out,
		   "sets of parameters left out: no statement can ask for what they do");
	put_if_any(out, o->rolled_back,
		   "transactions rolled back, as a deadlock had done when recorded");
	for (int r = 0; r < NOT_SENT_REASONS; r++)
		if (o->not_sent[r] > 0)
			out_printf(out, "  %12llu  not sent: %s\n",
				   (unsigned long long)o->not_sent[r],
				   not_sent_text((enum not_sent)r));
	put_if_any(out, outcome_left_out(o), "left out by --read-only, in all");
	put_if_any(out, o->refused_read_only,
		   "let through by --read-only, and refused by the target for that");
	out_put_cstr(out, "\nAnswers, compared with the recorded ones\n");
	for (int v = 0; v < VERDICTS; v++)
		put_if_any(out, o->verdicts[v], verdict_text((enum verdict)v));
	if (all_apart(o) > 0)
		out_put_cstr(out, "\nAnswers that differ, but for a reason; set apart\n");
	for (int a = 0; a < APARTS; a++)
		put_if_any(out, o->apart[a], apart_text((enum apart)a));
}

static enum err put_remarks(const struct remarks *remarks, const char *title, struct out *out)
{
	const struct table_column columns[] = {{.title = "times", .align = TABLE_RIGHT},
					       {.title = title}};
	struct table t;
	enum err e;

	if (remarks->count == 0)
		return ERR_OK;
	table_init(&t, columns, sizeof(columns) / sizeof(*columns), false);
	for (size_t i = 0; i < remarks->count; i++) {
		table_u64(&t, remarks->lines[i].count);
		table_cstr(&t, remarks->lines[i].text);
	}
	out_put_cstr(out, "\n");
	e = table_write(&t, out);
	table_release(&t);
	return e;
}

static void put_lateness(const struct outcome *o, struct out *out)
{
	const struct hist *all = &o->lateness, *own = &o->own_lateness;

	if (all->count == 0)
		return;
	out_printf(out, "\nCommands were sent late by %s (p50), %s (p99), %s (max);",
		   units_duration(quantile(all, 0.5)).text,
		   units_duration(quantile(all, 0.99)).text, units_duration(all->max_ns).text);
	out_printf(out, " by myna's own fault %s, %s, %s.\n",
		   units_duration(quantile(own, 0.5)).text,
		   units_duration(quantile(own, 0.99)).text, units_duration(own->max_ns).text);
	put_if_any(out, o->late_by_target, "waited for the target's answer to the one before");
	put_if_any(out, o->late_by_order, "waited for others that come before them");
	put_if_any(out, o->late_by_rate, "waited for a rate to let them go");
}

static void put_duration(struct table *t, const struct hist *h, double q)
{
	if (h->count == 0)
		table_empty(t);
	else
		table_duration(t, quantile(h, q));
}

/* A pair of cells: then and now. */
static void put_pair(struct table *t, const struct outcome_row *row, double q)
{
	put_duration(t, &row->recorded.latency, q);
	put_duration(t, &row->replayed.latency, q);
}

static void put_mean(struct table *t, const struct hist *h)
{
	if (h->count == 0)
		table_empty(t);
	else
		table_duration(t, (int64_t)hist_mean_ns(h));
}

static void put_verdict_cells(struct table *t, const struct contrast *c)
{
	char text[UNITS_TEXT_MAX];

	if (c->known) {
		snprintf(text, sizeof(text), "%.2f", c->ratio);
		table_cstr(t, text);
		snprintf(text, sizeof(text), "%.2f-%.2f", c->low, c->high);
		table_cstr(t, text);
	} else {
		table_empty(t);
		table_empty(t);
	}
	table_cstr(t, contrast_verdict_name(c->verdict));
}

static bool any_not_sent(const struct outcome_row *const *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i]->not_sent > 0)
			return true;
	return false;
}

static enum err put_rows(const struct outcome *o, const struct outcome_row *const *rows,
			 size_t count, struct out *out)
{
	static const struct table_column columns[] = {
		{.title = "not sent", .align = TABLE_RIGHT}, /* left out if all were */
		{.title = "calls", .align = TABLE_RIGHT},
		{.title = "differ", .align = TABLE_RIGHT},
		{.title = "errors", .align = TABLE_RIGHT},
		{.title = "now", .align = TABLE_RIGHT},
		{.title = "mean", .align = TABLE_RIGHT},
		{.title = "now", .align = TABLE_RIGHT},
		{.title = "p50", .align = TABLE_RIGHT},
		{.title = "now", .align = TABLE_RIGHT},
		{.title = "p95", .align = TABLE_RIGHT},
		{.title = "now", .align = TABLE_RIGHT},
		{.title = "p99", .align = TABLE_RIGHT},
		{.title = "now", .align = TABLE_RIGHT},
		{.title = "max", .align = TABLE_RIGHT},
		{.title = "now", .align = TABLE_RIGHT},
		{.title = "lost", .align = TABLE_RIGHT},
		{.title = "ratio", .align = TABLE_RIGHT},
		{.title = "95 %", .align = TABLE_RIGHT},
		{.title = "latency"},
		{.title = "statement", .width_max = TEXT_WIDTH},
	};
	static const double quantiles[] = {0.5, 0.95, 0.99, 1};
	const size_t skipped = any_not_sent(rows, count) ? 0 : 1;
	struct table t;
	enum err e;

	table_init(&t, columns + skipped, sizeof(columns) / sizeof(*columns) - skipped, false);
	for (size_t i = 0; i < count; i++) {
		const struct outcome_row *row = rows[i];

		if (skipped == 0)
			table_u64(&t, row->not_sent);
		table_u64(&t, row->replayed.calls);
		table_u64(&t, outcome_row_differences(row));
		table_u64(&t, row->recorded.errors);
		table_u64(&t, row->replayed.errors);
		put_mean(&t, &row->recorded.latency);
		put_mean(&t, &row->replayed.latency);
		for (size_t q = 0; q < sizeof(quantiles) / sizeof(*quantiles); q++)
			put_pair(&t, row, quantiles[q]);
		table_duration(&t, outcome_lost_ns(row));
		put_verdict_cells(&t, &row->contrast);
		table_cstr(&t, outcome_row_text(o, row));
	}
	e = table_write(&t, out);
	table_release(&t);
	return e;
}

static void put_answer(struct table *t, const struct facts *f)
{
	char text[ANSWER_MAX];

	if (f->error_code != 0)
		snprintf(text, sizeof(text), "error %u: %s", f->error_code, f->message);
	else
		snprintf(text, sizeof(text), "%llu row%s, %u column%s, %llu affected, %u warning%s",
			 (unsigned long long)f->rows, f->rows == 1 ? "" : "s", f->columns,
			 f->columns == 1 ? "" : "s", (unsigned long long)f->affected_rows,
			 f->warnings, f->warnings == 1 ? "" : "s");
	table_cstr(t, text);
}

static void put_sample(const struct outcome *o, const struct outcome_row *row,
		       const struct outcome_sample *s, struct table *t)
{
	const struct compare_where where = compare_where(s->verdict, &s->recorded, &s->replayed);
	char id[SESSION_ID_TEXT], text[ANSWER_MAX];

	snprintf(text, sizeof(text), "%s%s%s", verdict_text(s->verdict), *where.text ? ", " : "",
		 where.text);
	table_cstr(t, text);
	table_cstr(t, session_id_format(s->session, id));
	table_u64(t, s->n);
	put_answer(t, &s->recorded);
	put_answer(t, &s->replayed);
	table_cstr(t, outcome_row_text(o, row));
}

/* The NTH real difference that is kept of ROW; NULL: there are not so many. */
static const struct outcome_sample *real_sample(const struct outcome_row *row, size_t nth)
{
	for (size_t i = 0; i < row->sample_count; i++)
		if (row->samples[i].apart == NOT_APART && nth-- == 0)
			return &row->samples[i];
	return NULL;
}

/* The first difference of each statement, then the second ones, until there are enough. */
static size_t put_samples(const struct outcome *o, const struct outcome_row *const *rows,
			  struct table *t)
{
	size_t shown = 0;

	for (size_t nth = 0; nth < OUTCOME_SAMPLES; nth++) {
		for (size_t i = 0; i < o->rows.count && shown < SAMPLES_SHOWN; i++) {
			const struct outcome_sample *s = real_sample(rows[i], nth);

			if (s) {
				put_sample(o, rows[i], s, t);
				shown++;
			}
		}
	}
	return shown;
}

static enum err put_differences(const struct outcome *o, const struct outcome_row *const *rows,
				struct out *out)
{
	const struct table_column columns[] = {
		{.title = "difference"},
		{.title = "session"},
		{.title = "command", .align = TABLE_RIGHT},
		{.title = o->before, .width_max = TEXT_WIDTH},
		{.title = o->after, .width_max = TEXT_WIDTH},
		{.title = "statement", .width_max = TEXT_WIDTH},
	};
	struct table t;
	size_t shown;
	enum err e;

	if (outcome_differences(o) == 0)
		return ERR_OK;
	table_init(&t, columns, sizeof(columns) / sizeof(*columns), false);
	shown = put_samples(o, rows, &t);
	out_printf(out,
		   "\nDifferences, %zu of %llu; --format json has up to %d of each statement\n",
		   shown, (unsigned long long)outcome_differences(o), OUTCOME_SAMPLES);
	e = table_write(&t, out);
	table_release(&t);
	return e;
}

/* What a server or a user wrote, with nothing in it that a terminal would obey; lines are indented by INDENT. */
static void put_plain(struct out *out, const char *text, const char *indent)
{
	for (; *text; text++) {
		const uint8_t b = (uint8_t)*text;

		if (b == '\n' && text[1] && *indent) {
			out_put_cstr(out, "\n");
			out_put_cstr(out, indent);
		} else if (b != '\n') {
			out_put_byte(out, b >= 0x20 && b < 0x7f ? b : '.');
		}
	}
}

/* Of the statements that got slower, if they were asked for. */
static void put_plans(const struct outcome *o, const struct outcome_row *const *rows,
		      struct out *out)
{
	for (size_t i = 0; i < o->rows.count; i++) {
		if (!rows[i]->plan)
			continue;
		out_put_cstr(out, "\nEXPLAIN of ");
		put_plain(out, outcome_row_text(o, rows[i]), "");
		out_put_cstr(out, "\n  ");
		put_plain(out, rows[i]->plan, "  ");
		out_put_cstr(out, "\n");
	}
}

enum err outcome_write_text(const struct outcome *o, size_t limit, struct out *out)
{
	const struct outcome_row **rows;
	size_t count = limit > 0 && limit < o->rows.count ? limit : o->rows.count;
	enum err e = outcome_sorted(o, &rows);

	if (e != ERR_OK)
		return e;
	put_head(o, out);
	put_verdict(o, out);
	e = put_latency(o, out);
	put_counts(o, out);
	if (e == ERR_OK)
		e = put_remarks(&o->troubles, "what went wrong with connections", out);
	if (e == ERR_OK)
		e = put_remarks(&o->notes, "what was not as recorded", out);
	put_lateness(o, out);
	out_printf(out, "\nStatements by what hurts, %s and %s; %zu of %zu\n", o->before, o->after,
		   count, o->rows.count);
	if (e == ERR_OK)
		e = put_rows(o, rows, count, out);
	if (e == ERR_OK)
		e = put_differences(o, rows, out);
	put_plans(o, rows, out);
	put_order_note(o, out);
	mem_free(rows);
	return e;
}
