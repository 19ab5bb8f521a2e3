/* rewrite - what must differ in a recorded command before the target gets it. */
#include "replay/rewrite.h"

#include "mysql/bulk.h"
#include "sql/assign.h"

enum { REWRITE_KEEP = 64 << 10 }; /* bytes */

void rewriter_init(struct rewriter *w)
{
	*w = (struct rewriter){.params = {.count = 0}};
	buf_init(&w->out, (size_t)MYP_PAYLOAD_MAX + MYP_FRAME_MAX);
	buf_init(&w->text, MYP_PAYLOAD_MAX);
}

void rewriter_release(struct rewriter *w)
{
	buf_release(&w->out);
	buf_release(&w->text);
	myp_params_release(&w->params);
	myp_params_release(&w->attributes);
}

/* True if what is written under both is not written alike. */
static bool attributes_differ(uint64_t from, uint64_t to)
{
	return ((from ^ to) & MYP_CAP_QUERY_ATTRIBUTES) != 0;
}

static enum err take(struct rewriter *w, struct slice *payload)
{
	if (buf_err(&w->out) != ERR_OK)
		return buf_err(&w->out);
	*payload = buf_slice(&w->out);
	return ERR_OK;
}

enum err rewrite_query(struct rewriter *w, uint64_t from, uint64_t to, struct slice *payload)
{
	struct myp_query q;
	enum err e;

	if (!attributes_differ(from, to))
		return ERR_OK;
	e = myp_query_decode(*payload, from, &w->attributes, &q);
	if (e != ERR_OK)
		return e;
	buf_shrink(&w->out, REWRITE_KEEP);
	myp_query_put(&w->out, to, q.text, &w->attributes);
	return take(w, payload);
}

enum err rewrite_execute(struct rewriter *w, uint64_t from, uint64_t to, const struct mapped *m,
			 struct rewrite_types types, struct slice *payload)
{
	struct myp_execute_context ctx = {
		.caps = from,
		.param_count_known = true,
		.param_count = m->params,
		.types = types.count == m->params ? types.types : NULL,
		.long_data = m->long_data,
	};
	struct myp_execute x;
	enum err e;

	if ((m->params == 0 || m->bound) && !attributes_differ(from, to))
		return ERR_OK;
	e = myp_execute_decode(*payload, &ctx, &w->params, &w->attributes, &x);
	if (e != ERR_OK)
		return e;
	if (x.types_sent && !attributes_differ(from, to))
		return ERR_OK;
	if (!x.values_known)
		return ERR_PROTO;
	buf_shrink(&w->out, REWRITE_KEEP);
	myp_execute_put(&w->out, to, &x, &w->params, &w->attributes);
	return take(w, payload);
}

enum err rewrite_as_text(struct rewriter *w, uint64_t from, uint64_t to,
			 const struct rewrite_text *how, struct slice *payload)
{
	struct myp_execute_context ctx = {
		.caps = from,
		.param_count_known = true,
		.param_count = (uint16_t)how->types.count,
		.types = how->types.types,
	};
	struct myp_execute x;
	enum err e = myp_execute_decode(*payload, &ctx, &w->params, &w->attributes, &x);

	if (e != ERR_OK)
		return e;
	buf_shrink(&w->text, REWRITE_KEEP);
	if (!x.values_known ||
	    !command_bind(how->text, &w->params, how->options, how->collation, &w->text))
		return ERR_PROTO;
	if (buf_err(&w->text) != ERR_OK)
		return buf_err(&w->text);
	buf_shrink(&w->out, REWRITE_KEEP);
	myp_query_put(&w->out, to, buf_slice(&w->text), &w->attributes);
	return take(w, payload);
}

enum err rewrite_bulk_set(struct rewriter *w, uint64_t to, uint32_t id,
			  const struct myp_params *set, struct slice *payload)
{
	const struct myp_execute x = {.statement_id = id, .iterations = 1};

	buf_shrink(&w->out, REWRITE_KEEP);
	myp_execute_put(&w->out, to, &x, set, NULL);
	return take(w, payload);
}

/* What stands for the parameter AT of SET, which has an indicator; empty: nothing can. */
static struct slice words_for(const struct rewrite_text *how, const struct myp_params *set,
			      size_t at)
{
	static const char by_default[] = "DEFAULT";

	if (set->items[at].indicator == MYP_INDICATOR_IGNORE &&
	    !sql_is_insert(how->text, how->options))
		return sql_assigned_column(how->text, how->options, at);
	return slice_cstr(by_default);
}

/* Puts words into W's text in place of indicators; SET keeps the values that still have a placeholder. */
static enum err put_words(struct rewriter *w, const struct rewrite_text *how,
			  struct myp_params *set)
{
	const uint8_t *copied = how->text.ptr;
	struct sql_lexer lexer;
	struct sql_token token;
	size_t n = 0, kept = 0;

	sql_lexer_init(&lexer, how->text, how->options);
	while (sql_lexer_next(&lexer, &token)) {
		struct slice words;

		if (token.kind != SQL_TOKEN_PLACEHOLDER)
			continue;
		if (n == set->count)
			return ERR_PROTO;
		if (set->items[n].indicator <= MYP_INDICATOR_NULL) {
			set->items[kept++] = set->items[n++];
			continue;
		}
		words = words_for(how, set, n++);
		if (words.len == 0)
			return ERR_PROTO;
		buf_put(&w->text, copied, (size_t)(token.text.ptr - copied));
		buf_put_slice(&w->text, words);
		copied = token.text.ptr + token.text.len;
	}
	buf_put(&w->text, copied, (size_t)(how->text.ptr + how->text.len - copied));
	if (n != set->count)
		return ERR_PROTO;
	set->count = kept;
	return buf_err(&w->text);
}

enum err rewrite_bulk_set_as_text(struct rewriter *w, uint64_t to, const struct rewrite_text *how,
				  struct myp_params *set, struct slice *payload)
{
	const struct myp_params none = {.count = 0};
	struct buf bound;
	enum err e;

	buf_shrink(&w->text, REWRITE_KEEP);
	e = put_words(w, how, set);
	if (e != ERR_OK)
		return e;
	buf_init(&bound, MYP_PAYLOAD_MAX);
	if (!command_bind(buf_slice(&w->text), set, how->options, how->collation, &bound))
		e = ERR_PROTO;
	if (e == ERR_OK)
		e = buf_err(&bound);
	buf_shrink(&w->out, REWRITE_KEEP);
	if (e == ERR_OK)
		myp_query_put(&w->out, to, buf_slice(&bound), &none);
	buf_release(&bound);
	return e == ERR_OK ? take(w, payload) : e;
}

bool rewrite_statement_id(uint8_t *payload, size_t len, uint32_t id)
{
	if (len < 5)
		return false;
	for (size_t i = 0; i < 4; i++)
		payload[1 + i] = (uint8_t)(id >> (8 * i));
	return true;
}

enum err rewrite_kill(struct rewriter *w, uint64_t to, uint32_t id, bool query,
		      struct slice *payload)
{
	const struct myp_params none = {.count = 0};
	char text[32];
	int len = snprintf(text, sizeof(text), "KILL %s%u", query ? "QUERY " : "", id);

	buf_reset(&w->out);
	myp_query_put(&w->out, to, slice_of(text, (size_t)len), &none);
	return take(w, payload);
}
