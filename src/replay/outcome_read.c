/* outcome_read - an outcome that was written as JSON, read again. */
#include "replay/outcome_read.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replay/outcome_write.h"

/* What is read, and what was wrong first. */
struct reading {
	const char *path;
	struct errinfo *info;
	enum err e;
};

static void bad(struct reading *r, const char *what)
{
	if (r->e == ERR_OK)
		r->e = err_set(r->info, ERR_PROTO, 0, "%s: %s", r->path, what);
}

static void short_of_memory(struct reading *r)
{
	if (r->e == ERR_OK)
		r->e = err_set(r->info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
}

/* The lists of the source are in upper case, the keys of JSON in lower case. */
static const json_t *get_listed(const json_t *object, const char *name)
{
	char lower[64];
	size_t n = 0;

	for (; n < sizeof(lower) - 1 && name[n]; n++)
		lower[n] = (char)(name[n] >= 'A' && name[n] <= 'Z' ? name[n] | 0x20 : name[n]);
	lower[n] = '\0';
	return json_object_get(object, lower);
}

/* A count; what is missing, negative or no number is 0. */
static uint64_t count_of(const json_t *v)
{
	const json_int_t n = json_integer_value(v);

	return n > 0 ? (uint64_t)n : 0;
}

static int64_t time_of(const json_t *v)
{
	return (int64_t)json_integer_value(v);
}

/* Pairs of the top of a bucket and a count. */
static void read_buckets(struct reading *r, const json_t *list, struct hist *h)
{
	for (size_t i = 0; r->e == ERR_OK && i < json_array_size(list); i++) {
		const json_t *pair = json_array_get(list, i);
		const uint64_t count = count_of(json_array_get(pair, 1));

		if (json_array_size(pair) != 2 || count == 0 || count > UINT32_MAX)
			bad(r, "a bucket that is none");
		else if (hist_add_many(h, time_of(json_array_get(pair, 0)), (uint32_t)count) !=
			 ERR_OK)
			short_of_memory(r);
	}
}

static void read_stats(struct reading *r, const json_t *from, struct profile_stats *s)
{
	const json_t *latency = json_object_get(from, "latency");
	struct hist *h = &s->latency;

	s->calls = count_of(json_object_get(from, "calls"));
	s->errors = count_of(json_object_get(from, "errors"));
	s->lost = count_of(json_object_get(from, "lost"));
	s->rows = count_of(json_object_get(from, "rows"));
	s->affected_rows = count_of(json_object_get(from, "affected_rows"));
	s->warnings = count_of(json_object_get(from, "warnings"));
	s->bytes = count_of(json_object_get(from, "bytes"));
	s->total_ns = time_of(json_object_get(from, "total_ns"));
	read_buckets(r, json_object_get(from, "buckets"), h);
	if (h->count == 0)
		return;
	/* The buckets have the ends and the sum only nearly. */
	h->min_ns = time_of(json_object_get(latency, "min_ns"));
	h->max_ns = time_of(json_object_get(latency, "max_ns"));
	h->sum_ns = count_of(json_object_get(from, "latency_sum_ns"));
}

static void read_counts(const json_t *from, uint64_t verdicts[VERDICTS], uint64_t apart[APARTS])
{
	const json_t *compared = json_object_get(from, "verdicts");
	const json_t *set_apart = json_object_get(from, "set_apart");

	for (int v = 0; v < VERDICTS; v++)
		verdicts[v] = count_of(get_listed(compared, verdict_name((enum verdict)v)));
	for (int a = 0; a < APARTS; a++)
		apart[a] = count_of(get_listed(set_apart, apart_name((enum apart)a)));
}

static void read_row(struct reading *r, const json_t *from, struct outcome *o)
{
	const char *key = json_string_value(json_object_get(from, "key"));
	const char *text = json_string_value(json_object_get(from, "digest"));
	struct outcome_row *row;
	char *end = NULL;
	uint64_t id = key ? strtoull(key, &end, 16) : 0;

	if (!key || !*key || *end || !text) {
		bad(r, "a digest without a key or a text");
		return;
	}
	row = outcome_row(o, id);
	if (row && !row->text)
		row->text = mem_copy_str(text, strlen(text));
	if (!row || !row->text) {
		short_of_memory(r);
		return;
	}
	row->not_sent = count_of(json_object_get(from, "not_sent"));
	row->contrast.noise =
		json_number_value(json_object_get(json_object_get(from, "latency_ratio"), "noise"));
	read_counts(from, row->verdicts, row->apart);
	read_stats(r, json_object_get(from, "recorded"), &row->recorded);
	read_stats(r, json_object_get(from, "replayed"), &row->replayed);
}

static void read_line(struct reading *r, const json_t *from, struct timeline *t)
{
	const json_t *slots = json_object_get(from, "slots");
	const int64_t width_ns = time_of(json_object_get(from, "width_ns"));

	if (timeline_widen(t, width_ns) != ERR_OK)
		short_of_memory(r);
	if (t->width_ns != width_ns || json_array_size(slots) > TIMELINE_SLOTS)
		bad(r, "a timeline that is none");
	for (size_t i = 0; r->e == ERR_OK && i < json_array_size(slots); i++) {
		const json_t *slot = json_array_get(slots, i);

		t->errors[i] = count_of(json_object_get(slot, "errors"));
		read_buckets(r, json_object_get(slot, "buckets"), &t->slots[i]);
	}
}

static void read_head(struct reading *r, const json_t *from, struct outcome *o)
{
	const json_t *not_sent = json_object_get(from, "not_sent");

#define COUNT(name, text) o->name = count_of(json_object_get(from, #name));
	OUTCOME_COUNTS(COUNT)
#undef COUNT
	for (int i = 0; i < NOT_SENT_REASONS; i++)
		o->not_sent[i] = count_of(get_listed(not_sent, not_sent_name((enum not_sent)i)));
	read_counts(from, o->verdicts, o->apart);
	o->speed = json_number_value(json_object_get(from, "speed"));
	o->recorded_ns = time_of(json_object_get(from, "recorded_ns"));
	o->replayed_ns = time_of(json_object_get(from, "replayed_ns"));
	o->contrast.noise =
		json_number_value(json_object_get(json_object_get(from, "latency_ratio"), "noise"));
	if (json_is_string(json_object_get(from, "ended")))
		o->ended = "one of the replays did not run to its end";
	o->short_of_memory = json_is_true(json_object_get(from, "short_of_memory"));
	read_line(r, json_object_get(from, "recorded_timeline"), &o->recorded_line);
	read_line(r, json_object_get(from, "replayed_timeline"), &o->replayed_line);
}

static void read_all(struct reading *r, const json_t *from, struct outcome *o)
{
	const char *kind = json_string_value(json_object_get(from, "kind"));
	const json_t *digests = json_object_get(from, "digests");

	if (!kind || strcmp(kind, "myna-outcome") != 0) {
		bad(r, "not an outcome of `myna replay --format json`");
		return;
	}
	if (json_integer_value(json_object_get(from, "version")) != OUTCOME_VERSION) {
		bad(r, "an outcome of another version of myna");
		return;
	}
	read_head(r, from, o);
	for (size_t i = 0; r->e == ERR_OK && i < json_array_size(digests); i++)
		read_row(r, json_array_get(digests, i), o);
}

enum err outcome_read(const char *path, struct outcome *out, struct errinfo *info)
{
	struct reading r = {.path = path, .info = info, .e = ERR_OK};
	json_error_t why;
	json_t *all = strcmp(path, "-") == 0 ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &why)
					     : json_load_file(path, JSON_REJECT_DUPLICATES, &why);

	if (!all)
		return err_set(info,
			       json_error_code(&why) == json_error_cannot_open_file ? ERR_IO
										    : ERR_PROTO,
			       0, "%s: %s (line %d)", path, why.text, why.line);
	read_all(&r, all, out);
	json_decref(all);
	return r.e;
}

/* --- two as one --- */

static uint64_t more(uint64_t a, uint64_t b)
{
	return b > a ? b - a : 0;
}

/* What B has more of. What is no difference is B's own. */
static void contrast_counts(const uint64_t a[VERDICTS], const uint64_t b[VERDICTS],
			    uint64_t into[VERDICTS])
{
	for (int v = 0; v < VERDICTS; v++)
		into[v] = verdict_differs((enum verdict)v) ? more(a[v], b[v]) : b[v];
}

/* A row of which one side may be empty, without a text. */
static enum err contrast_row(const struct outcome_row *a, const struct outcome_row *b,
			     struct outcome *into)
{
	const struct outcome_row *some = b->text ? b : a;
	struct outcome_row *row = outcome_row(into, some->key);
	enum err e;

	if (row)
		row->text = mem_copy_str(some->text, strlen(some->text));
	if (!row || !row->text)
		return ERR_NOMEM;
	contrast_counts(a->verdicts, b->verdicts, row->verdicts);
	row->contrast.noise = fmax(a->contrast.noise, b->contrast.noise);
	row->not_sent = b->not_sent;
	memcpy(row->apart, b->apart, sizeof(row->apart));
	e = profile_stats_merge(&row->recorded, &a->replayed);
	return e == ERR_OK ? profile_stats_merge(&row->replayed, &b->replayed) : e;
}

static const struct outcome_row *row_or_none(const struct outcome *o, uint64_t key)
{
	static const struct outcome_row none;
	const struct outcome_row *row = map_get(&o->rows, key, NULL);

	return row ? row : &none;
}

static void contrast_head(const struct outcome *a, const struct outcome *b, struct outcome *into)
{
#define COUNT(name, text) into->name = b->name;
	OUTCOME_COUNTS(COUNT)
#undef COUNT
	contrast_counts(a->verdicts, b->verdicts, into->verdicts);
	memcpy(into->not_sent, b->not_sent, sizeof(into->not_sent));
	memcpy(into->apart, b->apart, sizeof(into->apart));
	into->unanswered = more(a->unanswered, b->unanswered);
	into->speed = b->speed;
	into->recorded_ns = b->recorded_ns;
	into->replayed_ns = b->replayed_ns;
	into->ended = b->ended ? b->ended : a->ended;
	into->short_of_memory = a->short_of_memory || b->short_of_memory;
	into->contrast.noise = fmax(a->contrast.noise, b->contrast.noise);
}

enum err outcome_contrast(const struct outcome *a, const struct outcome *b, struct outcome *into)
{
	const struct outcome_row *row;
	enum err e;

	contrast_head(a, b, into);
	e = timeline_merge(&into->recorded_line, &a->replayed_line);
	if (e == ERR_OK)
		e = timeline_merge(&into->replayed_line, &b->replayed_line);
	if (e == ERR_OK)
		e = timeline_widen(&into->recorded_line, into->replayed_line.width_ns);
	if (e == ERR_OK)
		e = timeline_widen(&into->replayed_line, into->recorded_line.width_ns);
	for (size_t at = 0; e == ERR_OK && (row = map_next(&b->rows, &at));)
		e = contrast_row(row_or_none(a, row->key), row, into);
	for (size_t at = 0; e == ERR_OK && (row = map_next(&a->rows, &at));)
		if (!map_get(&b->rows, row->key, NULL))
			e = contrast_row(row, row_or_none(b, row->key), into);
	return e;
}
