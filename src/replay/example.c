/* example - one statement with its values for each row of the profile. */
#include "replay/example.h"

#include "base/mem.h"
#include "sql/classify.h"

void examples_init(struct examples *e)
{
	*e = (struct examples){.bytes = 0};
	map_init(&e->rows, PROFILE_ROWS_MAX + 1, NULL);
}

static void example_free(struct example *x)
{
	if (!x)
		return;
	mem_free(x->text);
	mem_free(x->database);
	mem_free(x);
}

void examples_release(struct examples *e)
{
	struct example *x;

	for (size_t at = 0; (x = map_next(&e->rows, &at));)
		example_free(x);
	map_release(&e->rows);
	examples_init(e);
}

/* What EXPLAIN takes, and does not execute. */
static bool is_explainable(const struct session *s, const struct command *c)
{
	struct sql_class class;

	if (!c->text_known || c->cut || c->text.len > EXAMPLE_TEXT_MAX ||
	    (c->code != MYP_COM_QUERY && c->code != MYP_COM_STMT_EXECUTE))
		return false;
	sql_classify(c->text, session_sql_options(s), &class);
	return class.rest.len == 0 && !class.secret &&
	       (class.verb == SQL_VERB_SELECT || class.verb == SQL_VERB_INSERT ||
		class.verb == SQL_VERB_UPDATE || class.verb == SQL_VERB_DELETE ||
		class.verb == SQL_VERB_REPLACE);
}

static struct example *example_new(const struct session *s, const struct command *c, uint64_t key)
{
	struct example *x = NULL;
	struct buf text;

	buf_init(&text, EXAMPLE_TEXT_MAX);
	if (command_put_text(s, c, &text) && buf_err(&text) == ERR_OK)
		x = mem_zalloc(sizeof(*x));
	if (x) {
		x->key = key;
		x->text = mem_copy_str(text.ptr, text.len);
		x->database = mem_copy_str(c->database.ptr, c->database.len);
	}
	buf_release(&text);
	if (x && (!x->text || !x->database)) {
		example_free(x);
		return NULL;
	}
	return x;
}

void examples_offer(struct examples *e, const struct session *s, const struct command *c,
		    const struct profile_row *row)
{
	struct example *x;

	if (row->kind != PROFILE_STATEMENT || e->bytes > EXAMPLES_BYTES_MAX ||
	    map_get(&e->rows, row->key, NULL) || !is_explainable(s, c))
		return;
	x = example_new(s, c, row->key);
	if (!x)
		return;
	e->bytes += strlen(x->text);
	if (map_put(&e->rows, row->key, x) != ERR_OK)
		example_free(x);
}

const struct example *examples_get(const struct examples *e, uint64_t key)
{
	return map_get(&e->rows, key, NULL);
}
