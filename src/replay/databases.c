/* databases - recorded databases that have another name on the target. */
#include "replay/databases.h"

#include "mysql/command.h"
#include "sql/classify.h"

enum { NAME_MAX_LEN = 1024 }; /* bytes of a name with its quotes; servers' have 64 characters */

enum err databases_check(const struct opt_texts *map, struct errinfo *info)
{
	for (size_t i = 0; i < map->count; i++) {
		const char *equals = strchr(map->items[i], '=');

		if (!equals || equals == map->items[i] || !equals[1])
			return err_set(info, ERR_USAGE, 0, "--map-db takes OLD=NEW, not '%s'",
				       map->items[i]);
	}
	return ERR_OK;
}

struct slice databases_map(const struct opt_texts *map, struct slice name)
{
	for (size_t i = 0; i < map->count; i++) {
		const char *equals = strchr(map->items[i], '=');

		if (slice_eq(name, slice_of(map->items[i], (size_t)(equals - map->items[i]))))
			return slice_cstr(equals + 1);
	}
	return name;
}

static bool is_mapped(const struct opt_texts *map, struct slice name)
{
	return databases_map(map, name).ptr != name.ptr;
}

bool databases_use(const struct opt_texts *map, struct slice sql, struct sql_options options,
		   struct buf *out)
{
	struct sql_class class;
	struct slice name;
	struct buf plain;
	bool mapped;

	sql_classify(sql, options, &class);
	if (class.verb != SQL_VERB_USE || class.rest.len > 0)
		return false;
	buf_init(&plain, NAME_MAX_LEN);
	sql_unquote(class.name, options, &plain);
	name = buf_slice(&plain);
	mapped = buf_err(&plain) == ERR_OK && is_mapped(map, name);
	if (mapped) {
		buf_put_u8(out, MYP_COM_QUERY);
		buf_put_slice(out, SLICE_LIT("USE "));
		sql_quote_name(databases_map(map, name), out);
	}
	buf_release(&plain);
	return mapped;
}

static struct slice without_quotes(const struct sql_token *t)
{
	return t->kind == SQL_TOKEN_QUOTED && t->text.len >= 2
		       ? slice_of(t->text.ptr + 1, t->text.len - 2)
		       : t->text;
}

bool databases_named(const struct opt_texts *map, struct slice sql, struct sql_options options)
{
	struct sql_token t, before = {.kind = SQL_TOKEN_END};
	struct sql_lexer lx;

	options.comments = false;
	sql_lexer_init(&lx, sql, options);
	while (sql_lexer_next(&lx, &t)) {
		if (sql_token_is(&t, '.') &&
		    (before.kind == SQL_TOKEN_WORD || before.kind == SQL_TOKEN_QUOTED) &&
		    is_mapped(map, without_quotes(&before)))
			return true;
		before = t;
	}
	return false;
}
