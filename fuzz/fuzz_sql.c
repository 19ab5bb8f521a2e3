/*
 * Target: sql_lexer_next, sql_digest_text, sql_digest_hash, sql_classify, sql_mask, sql_unquote, sql_shape,
 * sql_read_only_check.
 * The first byte chooses the options, the rest is the statement.
 */
#include <assert.h>

#include "base/hash.h"
#include "sql/classify.h"
#include "sql/digest.h"
#include "sql/mask.h"
#include "sql/readonly.h"
#include "sql/shape.h"

enum { TEXT_MAX = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tokens_cover_the_text(struct slice sql, struct sql_options options)
{
	const uint8_t *at = sql.ptr;
	struct sql_lexer lx;
	struct sql_token t;

	sql_lexer_init(&lx, sql, options);
	while (sql_lexer_next(&lx, &t)) {
		assert(t.text.len > 0 && t.text.ptr >= at);
		at = t.text.ptr + t.text.len;
		assert((size_t)(at - sql.ptr) <= sql.len);
	}
}

static void digest_holds_no_literal(struct slice sql, struct sql_options options)
{
	struct sql_lexer lx;
	struct sql_token t;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (sql_digest_text(sql, options, &text) == ERR_OK) {
		sql_lexer_init(&lx, buf_slice(&text), options);
		while (sql_lexer_next(&lx, &t))
			assert(t.kind < SQL_TOKEN_STRING || t.kind > SQL_TOKEN_NULL);
		if (text.len <= SQL_DIGEST_PIECE)
			assert(sql_digest_hash(sql, options) == hash_bytes(buf_slice(&text)));
	}
	buf_release(&text);
}

static void classes_end(struct slice sql, struct sql_options options)
{
	struct sql_class c;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	do {
		sql_classify(sql, options, &c);
		sql_unquote(c.name, options, &b);
		sql_unquote(c.prepared, options, &b);
		assert(c.rest.len < sql.len || sql.len == 0);
		sql = c.rest;
	} while (sql.len > 0);
	buf_release(&b);
}

static bool has_executable_comment(struct slice sql)
{
	for (size_t i = 0; i + 2 < sql.len; i++)
		if (sql.ptr[i] == '/' && sql.ptr[i + 1] == '*' &&
		    (sql.ptr[i + 2] == '!' || sql.ptr[i + 2] == 'M'))
			return true;
	return false;
}

/* What only reads is by its class no statement that writes, but for an EXECUTE, of which the caller knows more. */
static void readers_are_no_writers(struct slice sql, struct sql_options options)
{
	const struct sql_allowed none = {.count = 0};
	bool sure = !has_executable_comment(sql);
	struct sql_read_only r;
	struct sql_class c;

	do {
		sql_read_only_check(sql, options, none, &r);
		sql_classify(sql, options, &c);
		if (sure && r.harm == SQL_HARM_NONE && r.prepared == SQL_PREPARED_NONE)
			assert(!sql_verb_writes(c.verb));
		assert(r.rest.len < sql.len || sql.len == 0);
		sql = r.rest;
	} while (sql.len > 0);
}

/* The text with a 7 for every digit: where it has the same shape, it has the same digest. */
static void shapes_keep_their_promise(struct slice sql, struct sql_options options)
{
	uint64_t shape = sql_shape(sql, options);
	struct buf other;

	if (shape == 0)
		return;
	buf_init(&other, TEXT_MAX);
	for (size_t i = 0; i < sql.len; i++)
		buf_put_u8(&other, sql.ptr[i] >= '0' && sql.ptr[i] <= '9' ? '7' : sql.ptr[i]);
	if (sql_shape(buf_slice(&other), options) == shape)
		assert(sql_digest_hash(sql, options) ==
		       sql_digest_hash(buf_slice(&other), options));
	buf_release(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sql_options options = {.charset = SQL_CHARSET_PLAIN};
	struct slice sql = slice_skip(slice_of(data, size), 1);
	struct buf masked;

	if (size > 0)
		options = (struct sql_options){
			.charset = (enum sql_charset)(data[0] / 8 % 5),
			.no_backslash_escapes = data[0] & 1,
			.ansi_quotes = data[0] & 2,
			.comments = data[0] & 4,
		};
	tokens_cover_the_text(sql, options);
	digest_holds_no_literal(sql, options);
	classes_end(sql, options);
	readers_are_no_writers(sql, options);
	shapes_keep_their_promise(sql, options);
	buf_init(&masked, TEXT_MAX);
	if (sql_mask(sql, options, &masked) != ERR_OK)
		assert(masked.failed);
	buf_release(&masked);
	return 0;
}
