/* report - the statements that were heard, ranked by what they cost. */
#include "sink/report.h"

#include "base/mem.h"
#include "event/exchange.h"
#include "out/json.h"
#include "out/table.h"
#include "out/units.h"
#include "profile/profile.h"
#include "sink/coverage_text.h"

struct report_sink {
	struct out *out;
	struct report_options options;
	struct exchange_join *join;
	struct profile *profile;
	int64_t first_ns, last_ns; /* of the commands and responses; 0: none yet */
};

/* FIRST_NS: 0 if nothing was. */
static void heard_between(struct report_sink *r, int64_t first_ns, int64_t last_ns)
{
	if (r->first_ns == 0 || (first_ns != 0 && first_ns < r->first_ns))
		r->first_ns = first_ns;
	if (last_ns > r->last_ns)
		r->last_ns = last_ns;
}

static enum err on_exchange(void *ctx, const struct exchange *x, struct errinfo *info)
{
	struct report_sink *r = ctx;
	int64_t end_ns = x->response->heard ? x->response->last_ns : x->command->last_ns;
	enum err e = profile_add(r->profile, x);

	if (e != ERR_OK)
		return err_set(info, e, 0, "counting statements: %s", err_text(e));
	heard_between(r, x->command->first_ns, end_ns);
	return ERR_OK;
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct report_sink *r = ctx;

	return exchange_join_event(r->join, e, info);
}

static double share(int64_t part, int64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

static double rate(const struct report_sink *r, uint64_t n)
{
	int64_t ns = r->last_ns - r->first_ns;

	return ns > 0 ? (double)n * 1e9 / (double)ns : 0;
}

static void text_head(struct report_sink *r, const struct profile_stats *total,
		      const struct coverage *c)
{
	struct out *o = r->out;

	out_printf(o, "%s: %llu exchange%s of %llu session%s", r->options.name,
		   (unsigned long long)total->calls, units_plural(total->calls),
		   (unsigned long long)c->sessions, units_plural(c->sessions));
	if (total->calls)
		out_printf(o, " in %s, %.1f/s, %llu error%s\n%s to %s\n",
			   units_duration(r->last_ns - r->first_ns).text, rate(r, total->calls),
			   (unsigned long long)total->errors, units_plural(total->errors),
			   units_time(r->first_ns).text, units_time(r->last_ns).text);
	else
		out_put_cstr(o, "\n");
}

static const struct table_column columns[] = {
	{.title = "#", .align = TABLE_RIGHT},
	{.title = "share", .align = TABLE_RIGHT},
	{.title = "total", .align = TABLE_RIGHT},
	{.title = "calls", .align = TABLE_RIGHT},
	{.title = "p50", .align = TABLE_RIGHT},
	{.title = "p95", .align = TABLE_RIGHT},
	{.title = "p99", .align = TABLE_RIGHT},
	{.title = "max", .align = TABLE_RIGHT},
	{.title = "rows", .align = TABLE_RIGHT},
	{.title = "errors", .align = TABLE_RIGHT},
	{.title = "digest"},
	{.title = "statement"},
};

enum {
	COLUMNS = sizeof(columns) / sizeof(columns[0]),
	DIGEST_SHOWN =
		8, /* its first digits: enough for --digest, and the statement keeps its room */
};

static void cell_latency(struct table *t, const struct hist *h, double q)
{
	if (h->count)
		table_duration(t, hist_quantile_ns(h, q));
	else
		table_empty(t);
}

static void cell_digest(struct table *t, uint64_t digest)
{
	char text[SESSION_ID_TEXT];

	if (digest)
		table_text(t, slice_of(session_id_format(digest, text), DIGEST_SHOWN), TABLE_PLAIN);
	else
		table_empty(t);
}

static void table_row(struct table *t, size_t rank, const struct profile_row *row, int64_t all_ns)
{
	const struct profile_stats *s = &row->stats;

	table_u64(t, rank);
	table_percent(t, share(s->total_ns, all_ns));
	table_duration(t, s->total_ns);
	table_u64(t, s->calls);
	cell_latency(t, &s->latency, 0.5);
	cell_latency(t, &s->latency, 0.95);
	cell_latency(t, &s->latency, 0.99);
	cell_latency(t, &s->latency, 1);
	table_u64(t, s->rows ? s->rows : s->affected_rows);
	table_u64(t, s->errors);
	cell_digest(t, row->digest);
	table_text(t, slice_cstr(row->text), TABLE_PLAIN);
}

static size_t shown(const struct report_sink *r)
{
	size_t count = profile_count(r->profile);

	return r->options.limit && r->options.limit < count ? (size_t)r->options.limit : count;
}

static enum err write_text(struct report_sink *r, const struct profile_row *const *rows,
			   const struct profile_stats *total, const struct coverage *c)
{
	struct table_column own[COLUMNS];
	struct table t;
	enum err e;

	memcpy(own, columns, sizeof(own));
	own[COLUMNS - 1].width_max = r->options.width;
	text_head(r, total, c);
	coverage_put_text(r->out, c);
	out_put_byte(r->out, '\n');
	if (profile_count(r->profile) == 0)
		return ERR_OK;
	table_init(&t, own, COLUMNS, r->options.colour);
	for (size_t i = 0; i < shown(r); i++)
		table_row(&t, i + 1, rows[i], total->total_ns);
	e = table_write(&t, r->out);
	table_release(&t);
	if (shown(r) < profile_count(r->profile))
		out_printf(r->out, "%zu more; --limit 0 shows all\n",
			   profile_count(r->profile) - shown(r));
	return e;
}

static void json_stats(struct json *j, const struct profile_stats *s)
{
	json_key_u64(j, "calls", s->calls);
	json_key_u64(j, "errors", s->errors);
	json_key_u64(j, "lost", s->lost);
	json_key_u64(j, "rows", s->rows);
	json_key_u64(j, "affected_rows", s->affected_rows);
	json_key_u64(j, "warnings", s->warnings);
	json_key_u64(j, "bytes", s->bytes);
	json_key_i64(j, "total_ns", s->total_ns);
	json_key_i64(j, "first_ns", s->first_ns);
	json_key_i64(j, "last_ns", s->last_ns);
	json_key_hist(j, "latency", &s->latency);
}

static void json_row(struct json *j, const struct profile_row *row, int64_t all_ns)
{
	char digest[SESSION_ID_TEXT];

	json_object(j);
	json_key(j, "digest");
	if (row->digest)
		json_cstr(j, session_id_format(row->digest, digest));
	else
		json_null(j);
	json_key_cstr(j, "statement", row->text);
	json_key(j, "share");
	json_double(j, share(row->stats.total_ns, all_ns));
	json_stats(j, &row->stats);
	json_end(j);
}

static void write_json(struct report_sink *r, const struct profile_row *const *rows,
		       const struct profile_stats *total, const struct coverage *c)
{
	struct json j;

	json_init(&j, r->out);
	json_object(&j);
	json_key_cstr(&j, "input", r->options.name);
	json_key_i64(&j, "first_ns", r->first_ns);
	json_key_i64(&j, "last_ns", r->last_ns);
	json_key(&j, "coverage");
	coverage_put_json(&j, c);
	json_key_double(&j, "heard_share", coverage_heard_share(c));
	json_key(&j, "total");
	json_object(&j);
	json_stats(&j, total);
	json_end(&j);
	json_key_u64(&j, "statement_count", profile_count(r->profile));
	json_key(&j, "statements");
	json_array(&j);
	for (size_t i = 0; i < shown(r); i++)
		json_row(&j, rows[i], total->total_ns);
	json_end(&j);
	json_end(&j);
	json_newline(&j);
}

static enum err write_report(struct report_sink *r, const struct coverage *c)
{
	const struct profile_row **rows = NULL;
	struct profile_stats total;
	enum err e;

	profile_stats_init(&total);
	e = profile_total(r->profile, &total);
	if (e == ERR_OK)
		e = profile_sorted(r->profile, PROFILE_BY_TIME, &rows);
	if (e == ERR_OK && r->options.format == REPORT_JSON)
		write_json(r, rows, &total, c);
	else if (e == ERR_OK)
		e = write_text(r, rows, &total, c);
	mem_free(rows);
	profile_stats_release(&total);
	return e;
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct report_sink *r = ctx;
	enum err e = write_report(r, coverage);

	if (e != ERR_OK)
		return err_set(info, e, 0, "writing the report: %s", err_text(e));
	return out_flush(r->out, info);
}

static enum err on_merge(void *ctx, void *other, struct errinfo *info)
{
	struct report_sink *r = ctx;
	const struct report_sink *from = other;
	enum err e = profile_merge(r->profile, from->profile);

	if (e != ERR_OK)
		return err_set(info, e, 0, "counting statements: %s", err_text(e));
	heard_between(r, from->first_ns, from->last_ns);
	return ERR_OK;
}

static void sink_free(void *ctx)
{
	struct report_sink *r = ctx;

	exchange_join_free(r->join);
	profile_free(r->profile);
	mem_free(r);
}

enum err report_new(struct out *out, const struct report_options *options, struct event_sink *sink)
{
	struct report_sink *r = mem_zalloc(sizeof(*r));
	enum err e;

	if (!r)
		return ERR_NOMEM;
	r->out = out;
	r->options = *options;
	e = profile_new(PROFILE_ROWS_MAX, &r->profile);
	if (e == ERR_OK)
		e = exchange_join_new(on_exchange, r, &r->join);
	if (e != ERR_OK) {
		sink_free(r);
		return e;
	}
	*sink = (struct event_sink){
		.event = on_event,
		.merge = on_merge,
		.finish = on_finish,
		.free = sink_free,
		.ctx = r,
		.spares = EVENT_RESULTS | EVENT_VALUES,
	};
	return ERR_OK;
}
