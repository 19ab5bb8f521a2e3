/*
 * bench_sql - CPU nanoseconds per statement of the lexer, the digest and the classification.
 * Not a test: nothing is judged.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "sql/classify.h"
#include "sql/digest.h"

enum { RUN_NS = 300 * 1000 * 1000 };

static const struct sql_options options = {.charset = SQL_CHARSET_PLAIN};

static uint64_t lex(struct slice sql)
{
	struct sql_lexer lx;
	struct sql_token t;
	uint64_t n = 0;

	sql_lexer_init(&lx, sql, options);
	while (sql_lexer_next(&lx, &t))
		n += t.kind;
	return n;
}

static uint64_t digest(struct slice sql)
{
	return sql_digest_hash(sql, options);
}

static uint64_t classify(struct slice sql)
{
	struct sql_class c;

	sql_classify(sql, options, &c);
	return c.verb;
}

static void measure(const char *what, const char *statement, struct slice sql,
		    uint64_t (*work)(struct slice))
{
	int64_t start = clock_thread_cpu_ns(), spent;
	uint64_t sum = 0, count = 0;
	double ns;

	do {
		for (int i = 0; i < 1000; i++)
			sum += work(sql);
		count += 1000;
		spent = clock_thread_cpu_ns() - start;
	} while (spent < RUN_NS);
	ns = (double)spent / (double)count;
	printf("%-10s %-22s %5zu bytes %8.1f ns %8.0f MB/s%s\n", what, statement, sql.len, ns,
	       (double)sql.len * 1e3 / ns, sum == 0 ? " " : "");
}

static void measure_all(const char *statement, struct slice sql)
{
	measure("lex", statement, sql, lex);
	measure("digest", statement, sql, digest);
	measure("classify", statement, sql, classify);
}

int main(void)
{
	struct buf rows, text;

	measure_all("sysbench point select", SLICE_LIT("SELECT c FROM sbtest1 WHERE id=49993"));
	measure_all("sysbench update", SLICE_LIT("UPDATE sbtest1 SET k=k+1 WHERE id=50123"));
	measure_all("join",
		    SLICE_LIT("SELECT o.id, o.total, c.name FROM orders AS o JOIN customers c "
			      "ON c.id = o.customer_id WHERE o.status IN ('new', 'paid') AND "
			      "o.created_at > '2026-01-01 00:00:00' ORDER BY o.id DESC LIMIT 20"));
	buf_init(&rows, 4096);
	buf_put_cstr(&rows, "INSERT INTO sbtest1 (id, k, c, pad) VALUES ");
	while (rows.len < 1000)
		buf_printf(&rows, "%s(%zu,50123,'68487932199-96439406143-93774651418','6784796')",
			   rows.len > 100 ? "," : "", rows.len);
	measure_all("insert, many rows", buf_slice(&rows));
	buf_init(&text, 4096);
	buf_put_cstr(&text, "INSERT INTO notes (id, body) VALUES (1,'");
	while (text.len < 1020)
		buf_put_cstr(&text, "A note of some length. ");
	buf_put_cstr(&text, "')");
	measure_all("insert, one long text", buf_slice(&text));
	buf_release(&rows);
	buf_release(&text);
	return 0;
}
