/* command - what a client asked for. */
#include "event/command.h"

#include "mysql/charset.h"
#include "sql/classify.h"
#include "sql/digest.h"

size_t command_param_count(const struct command *c)
{
	return c->sets ? c->params->count / c->sets : c->params->count;
}

enum err command_keep_types(const struct command *c, struct statement_pool *pool,
			    struct statement *st)
{
	const uint16_t count = (uint16_t)command_param_count(c);
	uint16_t *types = statement_types_room(pool, count);

	if (!types)
		return ERR_NOMEM;
	for (uint16_t i = 0; i < count; i++)
		types[i] = myp_param_wire_type(&c->params->items[i]);
	return statement_set_types(pool, st, types, count);
}

struct sql_options session_sql_options(const struct session *s)
{
	return (struct sql_options){
		.charset = s->charset,
		.no_backslash_escapes = s->no_backslash_escapes,
		.ansi_quotes = s->ansi_quotes,
	};
}

bool command_bind(struct slice text, const struct myp_params *params, struct sql_options options,
		  uint16_t collation, struct buf *out)
{
	const unsigned quotes =
		(options.no_backslash_escapes ? (unsigned)MYP_QUOTE_NO_BACKSLASH : 0) |
		(options.charset != SQL_CHARSET_PLAIN ? (unsigned)MYP_QUOTE_MULTIBYTE : 0);
	const char *charset = myp_charset_of(collation);
	const uint8_t *copied = text.ptr;
	struct sql_lexer lexer;
	struct sql_token token;
	size_t n = 0;

	sql_lexer_init(&lexer, text, options);
	while (sql_lexer_next(&lexer, &token)) {
		if (token.kind != SQL_TOKEN_PLACEHOLDER)
			continue;
		if (n == params->count)
			return false;
		buf_put(out, copied, (size_t)(token.text.ptr - copied));
		myp_value_put_literal(out, &params->items[n++].value, quotes, charset);
		copied = token.text.ptr + token.text.len;
	}
	buf_put(out, copied, (size_t)(text.ptr + text.len - copied));
	return n == params->count;
}

bool command_put_text(const struct session *s, const struct command *c, struct buf *out)
{
	size_t start = out->len;

	if (!c->text_known || c->cut)
		return false;
	if (c->code != MYP_COM_STMT_EXECUTE) {
		buf_put_slice(out, c->text);
		return true;
	}
	if (c->params_known &&
	    command_bind(c->text, c->params, session_sql_options(s), s->collation, out))
		return true;
	if (out->failed == ERR_OK)
		out->len = start;
	return false;
}

bool command_is_secret(const struct session *s, const struct command *c)
{
	struct sql_options options;
	struct slice rest = c->text;
	struct sql_class class;

	if (c->code != MYP_COM_QUERY && c->code != MYP_COM_STMT_PREPARE && !c->has_statement)
		return false;
	options = session_sql_options(s);
	while (rest.len) {
		sql_classify(rest, options, &class);
		if (class.secret)
			return true;
		rest = class.rest;
	}
	return false;
}

uint64_t command_digest(const struct session *s, const struct command *c)
{
	if (c->statement)
		return statement_digest(c->statement);
	if (!c->text_known || c->text.len == 0)
		return 0;
	return sql_digest_hash(c->text, session_sql_options(s));
}
