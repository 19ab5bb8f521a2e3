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

		json_object(j);
		json_key(j, "session");
		json_cstr(j, session_id_format(s->session, id));
		put_count(j, "n", s->n);
		json_key(j, "verdict");
		json_cstr(j, verdict_text(s->verdict));
		put_facts(j, "recorded", &s->recorded);
		put_facts(j, "replayed", &s->replayed);
		json_end(j);
	}
	json_end(j);
}

static void put_row(struct json *j, const struct outcome *o, const struct outcome_row *row)
{
	json_object(j);
	json_key(j, "digest");
	json_cstr(j, outcome_row_text(o, row));
	put_count(j, "differences", outcome_row_differences(row));
	put_count(j, "not_sent", row->not_sent);
	if (o->dry)
		put_count(j, "would_send", row->would_send);
	put_verdicts(j, row->verdicts, false);
	put_stats(j, "recorded", &row->recorded);
	put_stats(j, "replayed", &row->replayed);
	put_samples(j, row);
	json_end(j);
}

static void put_head(struct json *j, const struct outcome *o)
{
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
	put_time(j, "idle_ns", o->idle_ns);
	put_count(j, "differences", outcome_differences(o));
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
	json_key_hist(j, "lateness", &o->lateness);
	json_key_hist(j, "own_lateness", &o->own_lateness);
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
