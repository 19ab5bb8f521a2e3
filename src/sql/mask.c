/* mask - a statement without the passwords in it. */
#include "sql/mask.h"

#include "sql/secret.h"

enum err sql_mask(struct slice sql, struct sql_options options, struct buf *out)
{
	struct sql_secret secret = {.verb = SQL_NO_WORD};
	const uint8_t *copied = sql.ptr;
	struct sql_lexer lx;
	struct sql_token t;

	options.comments = false;
	sql_lexer_init(&lx, sql, options);
	while (sql_lexer_next(&lx, &t)) {
		if (!sql_secret_token(&secret, &t))
			continue;
		buf_put(out, copied, (size_t)(t.text.ptr - copied));
		buf_put_cstr(out, "'" SQL_MASK_TEXT "'");
		copied = t.text.ptr + t.text.len;
	}
	buf_put(out, copied, (size_t)(lx.end - copied));
	return buf_err(out);
}
