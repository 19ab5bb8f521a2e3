/* outcome_json - an outcome as one JSON object. */
#include "base/mem.h"
#include "out/json.h"
#include "replay/outcome_write.h"

enum { NAME_MAX_LEN = 64 };

/* Names of lists are written in upper case in the source, in lower case everywhere else. */
static void put_key(struct json *j, const char *name)
{
	char lower[NAME_MAX_LEN];
	size_t n = 0;

	for (; n < NAME_MAX_LEN - 1 && name[n]; n++)
		lower[n] = (char)(name[n] >= 'A' && name[n] <= 'Z' ? name[n] | 0x20 : name[n]);
	lower[n] = '\0';
	json_key(j, lower);
}

static void put_count(struct json *j, const char *name, uint64_t n)
{
	put_key(j, name);
	json_u64(j, n);
}

static void put_time(struct json *j, const char *name, int64_t ns)
{
	json_key(j, name);
	json_i64(j, ns);
}

static void put_verdicts(struct json *j, const uint64_t verdicts[VERDICTS], bool all)
{
	json_key(j, "verdicts");
	json_object(j);
	for (int v = 0; v < VERDICTS; v++)
		if (all || verdicts[v] > 0)
			put_count(j, verdict_name((enum verdict)v), verdicts[v]);
	json_end(j);
}

static void put_apart(struct json *j, const uint64_t apart[APARTS], bool all)
{
	json_key(j, "set_apart");
	json_object(j);
	for (int a = 0; a < APARTS; a++)
		if (all || apart[a] > 0)
			put_count(j, apart_name((enum apart)a), apart[a]);
	json_end(j);
}

/* A distribution whole: pairs of the greatest value of a bucket and how many lie in it. */
static void put_buckets(struct json *j, const char *name, const struct hist *h)
{
	struct hist_bucket b = {.at = 0};

	json_key(j, name);
	json_array(j);
	while (hist_next(h, &b)) {
		json_array(j);
		json_i64(j, b.top_ns);
		json_u64(j, b.count);
		json_end(j);
	}
	json_end(j);
}

static void put_contrast(struct json *j, const struct contrast *c)
{
	json_key(j, "latency_ratio");
	json_object(j);
	json_key_cstr(j, "verdict", contrast_verdict_name(c->verdict));
	if (c->known) {
		json_key_double(j, "ratio", c->ratio);
		json_key_double(j, "low", c->low);
		json_key_double(j, "high", c->high);
		json_key_double(j, "p", c->p);
		json_key_double(j, "p_adjusted", c->p_holm);
	}
	json_key_double(j, "noise", c->noise);
	json_end(j);
}

static void put_slots(struct json *j, const char *name, const struct timeline *t)
{
	json_key(j, name);
	json_object(j);
	json_key_i64(j, "width_ns", t->width_ns);
	json_key(j, "slots");
	json_array(j);
	for (unsigned i = 0; i < timeline_used(t); i++) {
		json_object(j);
		json_key_u64(j, "errors", t->errors[i]);
		put_buckets(j, "buckets", &t->slots[i]);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

static void put_stats(struct json *j, const char *name, const struct profile_stats *s)
{
	json_key(j, name);
	json_object(j);
	put_count(j, "calls", s->calls);
	put_count(j, "errors", s->errors);
	put_count(j, "lost", s->lost);
	put_count(j, "rows", s->rows);
	put_count(j, "affected_rows", s->affected_rows);
	put_count(j, "warnings", s->warnings);
	put_count(j, "bytes", s->bytes);
	put_time(j, "total_ns", s->total_ns);
	json_key_hist(j, "latency", &s->latency);
	put_count(j, "latency_sum_ns", s->latency.sum_ns);
	put_buckets(j, "buckets", &s->latency);
	json_end(j);
}

static void put_facts(struct json *j, const char *name, const struct facts *f)
{
	json_key(j, name);
	json_object(j);
	if (f->error_code != 0) {
		put_count(j, "error", f->error_code);
		json_key(j, "sqlstate");
		json_cstr(j, f->sqlstate);
		json_key(j, "message");
		json_cstr(j, f->message);
	} else {
		put_count(j, "columns", f->columns);
		put_count(j, "rows", f->rows);
		put_count(j, "affected_rows", f->affected_rows);
		put_count(j, "warnings", f->warnings);
	}
	json_end(j);
}

static void put_samples(struct json *j, const struct outcome_row *row)
{
	char id[SESSION_ID_TEXT];

	json_key(j, "samples");
	json_array(j);
	for (size_t i = 0; i < row->sample_count; i++) {
		const struct outcome_sample *s = &row->samples[i];
		const struct compare_where where =
			compare_where(s->verdict, &s->recorded, &s->replayed);

		json_object(j);
		json_key(j, "session");
		json_cstr(j, session_id_format(s->session, id));
		put_count(j, "n", s->n);
		json_key(j, "verdict");
		json_cstr(j, verdict_text(s->verdict));
		json_key(j, "set_apart");
		if (s->apart == NOT_APART)
			json_null(j);
		else
			json_cstr(j, apart_text(s->apart));
		json_key(j, "where");
		if (*where.text)
			json_cstr(j, where.text);
		else
			json_null(j);
		put_facts(j, "recorded", &s->recorded);
		put_facts(j, "replayed", &s->replayed);
		json_end(j);
	}
	json_end(j);
}

static void put_row_key(struct json *j, uint64_t key)
{
	char text[17];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)key);
	json_key_cstr(j, "key", text);
}

static void put_row(struct json *j, const struct outcome *o, const struct outcome_row *row)
{
	json_object(j);
	json_key(j, "digest");
	json_cstr(j, outcome_row_text(o, row));
	put_row_key(j, row->key);
	put_count(j, "differences", outcome_row_differences(row));
	put_count(j, "not_sent", row->not_sent);
	if (o->dry)
		put_count(j, "would_send", row->would_send);
	put_verdicts(j, row->verdicts, false);
	put_apart(j, row->apart, false);
	put_time(j, "lost_ns", outcome_lost_ns(row));
	put_contrast(j, &row->contrast);
	put_stats(j, "recorded", &row->recorded);
	put_stats(j, "replayed", &row->replayed);
	put_samples(j, row);
	if (row->plan)
		json_key_cstr(j, "plan", row->plan);
	json_end(j);
}

static void put_head(struct json *j, const struct outcome *o)
{
	json_key_cstr(j, "kind", "myna-outcome");
	json_key_u64(j, "version", OUTCOME_VERSION);
	json_key(j, "ended");
	if (o->ended)
		json_cstr(j, o->ended);
	else
		json_null(j);
	put_count(j, "copies", o->copies);
	json_key(j, "dry_run");
	json_bool(j, o->dry);
	json_key(j, "speed");
	json_double(j, o->speed);
	put_time(j, "recorded_ns", o->recorded_ns);
	put_time(j, "replayed_ns", o->replayed_ns);
	json_key_cstr(j, "before", o->before);
	json_key_cstr(j, "after", o->after);
	put_time(j, "idle_ns", o->idle_ns);
	put_count(j, "differences", outcome_differences(o));
	put_contrast(j, &o->contrast);
#define COUNT(name, text) put_count(j, #name, o->name);
	OUTCOME_COUNTS(COUNT)
#undef COUNT
	json_key(j, "short_of_memory");
	json_bool(j, o->short_of_memory);
	json_key(j, "not_sent");
	json_object(j);
	for (int r = 0; r < NOT_SENT_REASONS; r++)
		put_count(j, not_sent_name((enum not_sent)r), o->not_sent[r]);
	json_end(j);
	put_count(j, "left_out_read_only", outcome_left_out(o));
	put_verdicts(j, o->verdicts, true);
	put_apart(j, o->apart, true);
	json_key_hist(j, "lateness", &o->lateness);
	json_key_hist(j, "own_lateness", &o->own_lateness);
	put_slots(j, "recorded_timeline", &o->recorded_line);
	put_slots(j, "replayed_timeline", &o->replayed_line);
}

static void put_remarks(struct json *j, const char *name, const struct remarks *t)
{
	json_key(j, name);
	json_array(j);
	for (size_t i = 0; i < t->count; i++) {
		json_object(j);
		json_key(j, "text");
		json_cstr(j, t->lines[i].text);
		put_count(j, "count", t->lines[i].count);
		json_end(j);
	}
	json_end(j);
}

static void put_tail(struct json *j, const struct outcome *o)
{
	put_remarks(j, "troubles", &o->troubles);
	put_remarks(j, "notes", &o->notes);
	json_key(j, "coverage");
	json_object(j);
	for (const struct coverage_field *f = coverage_fields; f->name; f++)
		put_count(j, f->name, coverage_get(&o->coverage, f));
	json_end(j);
}

enum err outcome_write_json(const struct outcome *o, struct out *out)
{
	const struct outcome_row **rows;
	struct json j;
	enum err e = outcome_sorted(o, &rows);

	if (e != ERR_OK)
		return e;
	json_init(&j, out);
	json_object(&j);
	put_head(&j, o);
	json_key(&j, "digests");
	json_array(&j);
	for (size_t i = 0; i < o->rows.count; i++)
		put_row(&j, o, rows[i]);
	json_end(&j);
	put_tail(&j, o);
	json_end(&j);
	json_newline(&j);
	mem_free(rows);
	return ERR_OK;
}
