/* statements - recorded ids of prepared statements, and the target's. */
#include "replay/statements.h"

#include "base/hash.h"
#include "base/mem.h"
#include "event/session.h"

void statements_init(struct statements *s)
{
	map_init(&s->map, SESSION_STATEMENTS_MAX, NULL);
}

static void mapped_free(struct mapped *m)
{
	mem_free(m->long_data);
	mem_free(m->cursor.columns);
	text_drop(m->text);
	mem_free(m);
}

void statements_release(struct statements *s)
{
	struct mapped *m;

	for (size_t at = 0; (m = map_next(&s->map, &at));)
		mapped_free(m);
	map_release(&s->map);
}

/* Different ids have different hashes, so that no key has to be compared. */
static uint64_t id_hash(uint32_t id)
{
	return hash_mix(id, 0);
}

struct mapped *statements_get(const struct statements *s, uint32_t id)
{
	return map_get(&s->map, id_hash(id), NULL);
}

void statements_remove(struct statements *s, uint32_t id)
{
	struct mapped *m = map_take(&s->map, id_hash(id), NULL);

	if (m)
		mapped_free(m);
}

enum err statements_put(struct statements *s, const struct mapped *like)
{
	struct mapped *m = mem_alloc(sizeof(*m));
	enum err e;

	statements_remove(s, like->recorded_id);
	if (!m) {
		text_drop(like->text);
		return ERR_NOMEM;
	}
	*m = *like;
	e = map_put(&s->map, id_hash(m->recorded_id), m);
	if (e != ERR_OK)
		mapped_free(m);
	return e;
}

void statements_lose(struct statements *s)
{
	struct mapped *m;

	for (size_t at = 0; (m = map_next(&s->map, &at));) {
		m->stale = true;
		m->bound = false;
		m->data_lost |= m->long_data != NULL;
		mapped_clear_long_data(m);
	}
}

enum err mapped_set_long_data(struct mapped *m, uint16_t param)
{
	if (param >= m->params)
		return ERR_OK; /* the target will say what it thinks of it */
	if (!m->long_data)
		m->long_data = mem_zalloc(m->params);
	if (!m->long_data)
		return ERR_NOMEM;
	m->long_data[param] = 1;
	return ERR_OK;
}

void mapped_clear_long_data(struct mapped *m)
{
	mem_free(m->long_data);
	m->long_data = NULL;
}

enum err mapped_keep_cursor(struct mapped *m, const struct response *r)
{
	const struct result *first = r->result_count > 0 ? &r->results[0] : NULL;
	struct rowsum_column *columns;

	if (!first || !first->column_sums || !(first->status & MYP_STATUS_CURSOR_EXISTS))
		return ERR_OK;
	columns = mem_resize(m->cursor.columns, first->column_count * sizeof(*columns));
	if (!columns)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < first->column_count; i++)
		columns[i] = (struct rowsum_column){.type = first->column_sums[i].type,
						    .decimals = first->column_sums[i].decimals,
						    .flags = first->column_sums[i].flags};
	m->cursor.columns = columns;
	m->cursor.column_count = (uint16_t)first->column_count;
	return ERR_OK;
}
