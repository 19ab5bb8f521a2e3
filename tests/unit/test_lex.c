#include "check.h"

#include "base/buf.h"
#include "sql/lex.h"

static const char letters[] = "EWQSX0N?oVYHIC"; /* one for each kind of token */

/* Writes the tokens of SQL as K[text] K[text]. */
static void describe(struct slice sql, struct sql_options options, struct buf *out)
{
	struct sql_lexer lx;
	struct sql_token t;

	buf_reset(out);
	sql_lexer_init(&lx, sql, options);
	while (sql_lexer_next(&lx, &t))
		buf_printf(out, "%s%c[%.*s]", out->len ? " " : "", letters[t.kind], (int)t.text.len,
			   (const char *)t.text.ptr);
	CHECK(t.kind == SQL_TOKEN_END && t.text.len == 0);
}

static void expect_in(struct slice sql, struct sql_options options, const char *tokens)
{
	uint8_t *exact = exact_copy(sql, sql.len);
	struct buf b;

	buf_init(&b, 1 << 16);
	describe(slice_of(exact, sql.len), options, &b);
	if (!slice_eq(buf_slice(&b), slice_cstr(tokens)))
		fail_msg("%.*s\n is   %.*s\n not  %s", (int)sql.len, (const char *)sql.ptr,
			 (int)b.len, (const char *)b.ptr, tokens);
	buf_release(&b);
	free(exact);
}

static void expect(const char *sql, const char *tokens)
{
	expect_in(slice_cstr(sql), (struct sql_options){.ansi_quotes = false}, tokens);
}

static void literals_are_found_whatever_stands_around_them(void **state)
{
	(void)state;
	expect("b<'x'", "W[b] o[<] S['x']");
	expect("c<>'x'", "W[c] o[<>] S['x']");
	expect("a>5", "W[a] o[>] 0[5]");
	expect("like'x'", "W[like] S['x']");
	expect("x'4D79'", "X[x'4D79']");
	expect("b'101' B'1'", "X[b'101'] X[B'1']");
	expect("N'x' n'y'", "S[N'x'] S[n'y']");
	expect("_utf8mb4'x' _latin1 \"y\" _binary 0x41 _utf8 x'41'",
	       "S[_utf8mb4'x'] S[_latin1 \"y\"] X[_binary 0x41] X[_utf8 x'41']");
	expect("_unknown'x'", "W[_unknown] S['x']");
	expect("a%7", "W[a] o[%] 0[7]");
	expect("'u'@'h'", "S['u'] H[@'h']");
	expect("u@h.example.org", "W[u] H[@h.example.org]");
	expect("0x4D79 0b01 0xZZ 0X41 0b2", "X[0x4D79] X[0b01] W[0xZZ] W[0X41] W[0b2]");
	expect("1e10 1E+5 1e-5 1.5e3 .5 5. 1e 1e+",
	       "0[1e10] 0[1E+5] 0[1e-5] 0[1.5e3] 0[.5] 0[5.] W[1e] W[1e] o[+]");
	expect("db.1tab 1tab 1.5tab 1e10x",
	       "W[db] o[.] W[1tab] W[1tab] 0[1.5] W[tab] 0[1e10] W[x]");
	expect("t.1 t .1 t.select", "W[t] o[.] W[1] W[t] 0[.1] W[t] o[.] W[select]");
	expect("\\N ?", "N[\\N] ?[?]");
}

static void strings_end_where_the_server_says(void **state)
{
	(void)state;
	expect("'it''s' 'a\\'b' \"a\"\"b\"", "S['it''s'] S['a\\'b'] S[\"a\"\"b\"]");
	expect("'a' 'b'", "S['a'] S['b']");
	expect("'\\\\' 'x", "S['\\\\'] S['x]");
	expect("'abcdefghijklmnopq\\'rstuvwxyz''ABC' d",
	       "S['abcdefghijklmnopq\\'rstuvwxyz''ABC'] W[d]");
	expect("'\\", "S['\\]");
	expect("`a``b` `c", "Q[`a``b`] Q[`c]");
	expect_in(SLICE_LIT("'a\\' b"), (struct sql_options){.no_backslash_escapes = true},
		  "S['a\\'] W[b]");
	expect_in(SLICE_LIT("\"a\\\" 'b'"), (struct sql_options){.ansi_quotes = true},
		  "Q[\"a\\\"] S['b']");
}

static void comments_are_blanks_and_their_executable_kind_is_code(void **state)
{
	(void)state;
	expect("1--1", "0[1] o[-] o[-] 0[1]");
	expect("1 -- 1\n2 --", "0[1] 0[2]");
	expect("1 # '\n2", "0[1] 0[2]");
	expect("1/*'*/2/* /* */3", "0[1] 0[2] 0[3]");
	expect("/*!40101 SET*/ a", "W[SET] W[a]");
	expect("/*!a*/ /*M!100501 'b' */ c", "W[a] S['b'] W[c]");
	expect("/*! 1 /* x */ 2 */ 3", "0[1] 0[2] 0[3]");
	expect("/*!99999 '*/1/*!999999\\- x /* y */ */2/*!1234 5*/", "0[1] 0[2] 0[1234] 0[5]");
	expect("select /*+ NO_ICP(t) */ a*/b", "W[select] I[/*+ NO_ICP(t) */] W[a] o[*] o[/] W[b]");
	expect("1 /* open", "0[1]");
	expect("1 /*/ 2", "0[1]");
	expect("/*! 1", "0[1]");
	expect_in(SLICE_LIT("/*a*/ /*!50000 b*/ -- c"), (struct sql_options){.comments = true},
		  "C[/*a*/] C[/*!50000] W[b] C[*/] C[-- c]");
}

static void variables_and_operators(void **state)
{
	(void)state;
	expect("@a @`x y` @'x' @\"y\" @a.b$c @",
	       "V[@a] V[@`x y`] V[@'x'] V[@\"y\"] V[@a.b$c] o[@]");
	expect("@@x @@global.x @@`x`", "Y[@@x] Y[@@global] o[.] W[x] Y[@@`x`]");
	expect("select@a,(@b)", "W[select] V[@a] o[,] o[(] V[@b] o[)]");
	expect("a<=>b<=c>=d<>e!=f<<g>>h:=i->j->>k||l&&m|n&o!p",
	       "W[a] o[<=>] W[b] o[<=] W[c] o[>=] W[d] o[<>] W[e] o[!=] W[f] o[<<] W[g] o[>>] "
	       "W[h] o[:=] W[i] o[->] W[j] o[->>] W[k] o[||] W[l] o[&&] W[m] o[|] W[n] o[&] "
	       "W[o] o[!] W[p]");
	expect("a;b", "W[a] o[;] W[b]");
	expect("", "");
}

static void a_second_byte_may_be_a_backslash_or_a_quote(void **state)
{
	(void)state;
	expect_in(SLICE_LIT("'\x95\x5c' a"), (struct sql_options){.charset = SQL_CHARSET_GBK},
		  "S['\x95\x5c'] W[a]");
	expect_in(SLICE_LIT("'\x95\x5c' a"), (struct sql_options){.charset = SQL_CHARSET_PLAIN},
		  "S['\x95\x5c' a]");
	expect_in(SLICE_LIT("'\x83\x5c' \x83\x5c"),
		  (struct sql_options){.charset = SQL_CHARSET_SJIS}, "S['\x83\x5c'] W[\x83\x5c]");
	expect_in(SLICE_LIT("'\xa5\x5c' a"), (struct sql_options){.charset = SQL_CHARSET_BIG5},
		  "S['\xa5\x5c'] W[a]");
	expect_in(SLICE_LIT("`\x81\x60` '\x81\x30\x81\x30'"),
		  (struct sql_options){.charset = SQL_CHARSET_GB18030},
		  "Q[`\x81\x60`] S['\x81\x30\x81\x30']");
	CHECK(sql_charset_find(SLICE_LIT("CP932")) == SQL_CHARSET_SJIS);
	CHECK(sql_charset_find(SLICE_LIT("utf8mb4")) == SQL_CHARSET_PLAIN);
}

static void every_word_is_found_in_either_case_and_nothing_else(void **state)
{
	char lower[64];

	(void)state;
	for (enum sql_word w = SQL_NO_WORD + 1; w < SQL_WORDS; w++) {
		struct slice name = sql_word_name(w);
		uint8_t *exact = exact_copy(name, name.len);

		CHECK(sql_word_find(slice_of(exact, name.len)) == w);
		CHECK(name.len < sizeof(lower));
		for (size_t i = 0; i < name.len; i++)
			lower[i] =
				(char)(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? name.ptr[i] | 0x20
										: name.ptr[i]);
		CHECK(sql_word_find_in((const uint8_t *)lower, name.len, sizeof(lower)) == w);
		CHECK(sql_word_find(slice_of(exact, name.len - 1)) != w);
		free(exact);
	}
	CHECK(sql_word_find(SLICE_LIT("sbtest1")) == SQL_NO_WORD);
	CHECK(sql_word_find(SLICE_LIT("")) == SQL_NO_WORD);
	CHECK(sql_word_find(SLICE_LIT("master_ssl_verify_XXXXXX_cert")) == SQL_NO_WORD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_are_found_whatever_stands_around_them),
		cmocka_unit_test(strings_end_where_the_server_says),
		cmocka_unit_test(comments_are_blanks_and_their_executable_kind_is_code),
		cmocka_unit_test(variables_and_operators),
		cmocka_unit_test(a_second_byte_may_be_a_backslash_or_a_quote),
		cmocka_unit_test(every_word_is_found_in_either_case_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
