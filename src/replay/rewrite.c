/* rewrite - what must differ in a recorded command before the target gets it. */
#include "replay/rewrite.h"

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
