/*
 * sql_soup - random statements with deterministic seeds, and samples, for the tests of sql/.
 */
#ifndef TESTS_SQL_SOUP_H
#define TESTS_SQL_SOUP_H

#include "base/buf.h"
#include "sql/lex.h"

static const char *const soup_samples[] = {
	"SELECT c FROM sbtest1 WHERE id=4999",
	"insert into t (a,b) values (1,'it''s'),(2,\"x\\\"y\"),(-3,_utf8mb4'z') -- end",
	"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, sql_mode='ANSI_QUOTES,NO_AUTO_VALUE_ON_ZERO' */;",
	"create user 'u'@'h', `r`@localhost identified with x by 'pw' replace 'old' require ssl",
	"set password for 'u'@'%' = password('abc'); change master to master_password='x'",
	"select /*+ SET_VAR(a=1M) */ @a:=1,N'x', x'4D', 0x4D79, b'01', 1e10,.5, 1t.2c from `b`",
	"with x as (select 1) update t set a = null where b in ((1,2),(3,4)) # c",
	"start transaction; kill query 5; use `my db`; lock tables t write, u read /*",
	"prepare s from 'create user x identified by ''y'''; execute s using @a; drop prepare s",
	"set names 'gbk', session sql_mode = concat(@@sql_mode, ',ANSI'), autocommit=0",
	"'\\",
};

enum { SOUP_SAMPLES = sizeof(soup_samples) / sizeof(soup_samples[0]) };

static inline uint64_t soup_random(uint64_t *seed, uint64_t below)
{
	*seed += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = (*seed ^ *seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);

	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

static inline struct sql_options soup_options(uint64_t *seed)
{
	uint64_t r = soup_random(seed, 64);

	return (struct sql_options){
		.charset = (enum sql_charset)(r / 8 % 5),
		.no_backslash_escapes = r & 1,
		.ansi_quotes = r & 2,
		.comments = r & 4,
	};
}

/* N pieces that need not fit: quotes that do not close, bytes of all kinds. */
static inline void soup_cook(uint64_t *seed, size_t n, struct buf *out)
{
	static const char *const pieces[] = {
		"'",        "\"",  "`",    "\\",  "/*",         "*/",     "/*!",    "/*!50000 ",
		"/*+ ",     "-- ", "#",    "\n",  "@",          "@@",     "?",      ";",
		"(",        ")",   ",",    ".",   "...",        "-",      "+",      "1",
		"0x4D",     "1e5", "b'1'", "x'",  "N'",         "_utf8",  "select", "in",
		"values",   "row", "null", "not", "is",         "true",   " ",      "a",
		"set",      "*",   "=",    ":=",  "<=>",        "key",    "\x81",   "\xe3",
		"password", "by",  "'x'",  "1.5", "identified", "create", "status", "`a`",
		"5e",       "\\N",
	};

	for (size_t i = soup_random(seed, n) + 1; i > 0; i--) {
		if (soup_random(seed, 12) == 0)
			buf_put_u8(out, (uint8_t)soup_random(seed, 256));
		else
			buf_put_cstr(out,
				     pieces[soup_random(seed, sizeof(pieces) / sizeof(pieces[0]))]);
		if (soup_random(seed, 3) == 0)
			buf_put_cstr(out, " ");
	}
}

/* Tokens that are whole, in any order, apart from each other, but for dots. */
static inline void soup_statement(uint64_t *seed, struct buf *out)
{
	static const char *const tokens[] = {
		"select",
		"from",
		"where",
		"in",
		"values",
		"insert into",
		"row",
		"null",
		"true",
		"is",
		"not",
		"set",
		"(",
		")",
		",",
		"(",
		")",
		",",
		"1",
		"'x'",
		"-",
		"+",
		"*",
		"=",
		"a",
		"b",
		"`select`",
		"`a b`",
		"status",
		"@a",
		"@@b",
		"t.c",
		"t.key",
		";",
		"0x4D",
		"?",
		"1tab",
		"/*+ A(1) */",
		"/* c */",
		"on duplicate key update",
		"limit",
		"interval",
		"current_date",
		"'u'@'h'",
		"case",
		"end",
		"int",
		"_utf8'x'",
		"\\N",
		":=",
		"->>",
		"count",
		"now()",
	};

	for (uint64_t i = soup_random(seed, 40) + 1; i > 0; i--) {
		buf_put_cstr(out, tokens[soup_random(seed, sizeof(tokens) / sizeof(tokens[0]))]);
		buf_put_cstr(out, " ");
	}
}

/* A statement whose literals, but nothing else, depend on VARIANT. */
static inline void soup_with_literals(uint64_t *seed, int variant, struct buf *out)
{
	static const char *const literals[][2] = {
		{"1", "-25"},  {"'a'", "'it''s; -- \\' ?'"}, {"1.5", "0x4D79"},   {"null", "1e10"},
		{"true", "?"}, {"x'41'", "_utf8mb4 'z'"},    {"'a' 'b'", "N'c'"},
	};
	static const char *const others[] = {
		"select ",     " from t where a = ",
		" and b in (", ") =",
		", ",          " values (",
		"), (",        " + ",
		" limit ",     "(",
		" - ",         " between ",
	};

	for (uint64_t i = soup_random(seed, 20) + 1; i > 0; i--) {
		uint64_t n = soup_random(seed, sizeof(literals) / sizeof(literals[0]));

		buf_put_cstr(out, others[soup_random(seed, sizeof(others) / sizeof(others[0]))]);
		buf_printf(out, " %s ", literals[n][variant]);
	}
}

#endif
