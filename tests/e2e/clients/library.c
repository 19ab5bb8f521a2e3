/*
 * library - what a program says that uses the C client library, MySQL's or MariaDB's.
 *
 *   library PORT LONG uncompressed|zlib|zstd
 *
 * LONG is the length of the longest statement and row, in bytes. The tests compile it with the library's own header.
 * Prints a line "name<tab>count" for each statement that it names in a comment: its rows, the rows it changed, or its error.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mysql.h>

#ifdef MARIADB_PACKAGE_VERSION
#define IS_MARIADB 1
typedef my_bool flag;
#else
#define IS_MARIADB 0
typedef bool flag;
#endif

static const char *database(void)
{
	const char *name = getenv("DATABASE");

	return name ? name : "shop";
}

static void check(MYSQL *m, int bad, const char *what)
{
	if (!bad)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, mysql_error(m));
	exit(1);
}

static void check_statement(MYSQL_STMT *s, int bad, const char *what)
{
	if (!bad)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, s ? mysql_stmt_error(s) : "no memory");
	exit(1);
}

static void tell(const char *name, uint64_t count)
{
	(void)printf("%s\t%llu\n", name, (unsigned long long)count);
}

/* Rows of all results that wait, or rows changed. */
static uint64_t results(MYSQL *m)
{
	uint64_t count = 0;
	int more = 0;

	while (more == 0) {
		MYSQL_RES *r = mysql_use_result(m);

		if (r)
			while (mysql_fetch_row(r))
				count++;
		else
			count += mysql_affected_rows(m);
		mysql_free_result(r);
		more = mysql_next_result(m);
	}
	return mysql_errno(m) ? mysql_errno(m) : count;
}

static void query(MYSQL *m, const char *name, const char *sql)
{
	int bad = mysql_real_query(m, sql, strlen(sql));

	if (name)
		tell(name, bad ? mysql_errno(m) : results(m));
	else
		check(m, bad || mysql_errno(m), sql);
	if (!name && !bad)
		(void)results(m);
}

static MYSQL_STMT *prepare(MYSQL *m, const char *sql)
{
	MYSQL_STMT *s = mysql_stmt_init(m);

	check_statement(s, !s || mysql_stmt_prepare(s, sql, strlen(sql)), sql);
	return s;
}

static void bind_int(MYSQL_BIND *b, int *value)
{
	*b = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG, .buffer = value};
}

static void bind_text(MYSQL_BIND *b, const char *text)
{
	*b = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
			  .buffer = (void *)text,
			  .buffer_length = strlen(text)};
}

static uint64_t rows(MYSQL_STMT *s)
{
	uint64_t count = 0;

	while (mysql_stmt_fetch(s) == 0)
		count++;
	return count;
}

static void text_protocol(MYSQL *m)
{
	query(m, "all", "/*all*/ SELECT id, name FROM item ORDER BY id");
	query(m, "wide", "/*wide*/ INSERT INTO item (name) VALUES ('g\xc3\xbcrtel \xe2\x98\x83')");
	query(m, "missing", "/*missing*/ SELECT * FROM nowhere");
	query(m, "many", "/*many*/ SELECT 1; DO 0; SELECT 2 UNION SELECT 3");
	query(m, "half", "/*half*/ SELECT 1; SELECT * FROM nowhere; SELECT 2");
	query(m, "none", "/*none*/ SELECT * FROM item WHERE 0");
}

static void insert_values(MYSQL *m)
{
	MYSQL_STMT *s = prepare(m, "/*insert*/ INSERT INTO item (name, price, weight, made, note) "
				   "VALUES (?, ?, ?, ?, ?)");
	MYSQL_TIME made = {.year = 2024, .month = 2, .day = 29, .hour = 12, .second_part = 250000};
	double weight = 0.1;
	MYSQL_BIND b[5];

	bind_text(&b[0], "it's \\ \"\xe2\x82\xac\"");
	bind_text(&b[1], "12.50");
	b[1].buffer_type = MYSQL_TYPE_NEWDECIMAL;
	b[2] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_DOUBLE, .buffer = &weight};
	b[3] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_DATETIME, .buffer = &made};
	bind_text(&b[4], "\xff'");
	b[4].buffer_type = MYSQL_TYPE_BLOB;
	check_statement(s, mysql_stmt_bind_param(s, b), "bind");
	for (int i = 0; i < 3; i++) {
		check_statement(s, mysql_stmt_execute(s), "insert");
		tell("insert", mysql_stmt_affected_rows(s));
	}
	check_statement(s, mysql_stmt_send_long_data(s, 4, "one ", 4), "long data");
	check_statement(s, mysql_stmt_send_long_data(s, 4, "two", 3), "long data");
	check_statement(s, mysql_stmt_execute(s), "insert");
	tell("insert", mysql_stmt_affected_rows(s));
	mysql_stmt_close(s);
}

static void walk_cursor(MYSQL *m)
{
	MYSQL_STMT *s = prepare(m, "/*cursor*/ SELECT id, name FROM item WHERE id > ? ORDER BY id");
	unsigned long type = CURSOR_TYPE_READ_ONLY, ahead = 2;
	int id = 0;
	MYSQL_BIND b;

	bind_int(&b, &id);
	check_statement(s, mysql_stmt_attr_set(s, STMT_ATTR_CURSOR_TYPE, &type), "cursor");
	check_statement(s, mysql_stmt_attr_set(s, STMT_ATTR_PREFETCH_ROWS, &ahead), "prefetch");
	check_statement(s, mysql_stmt_bind_param(s, &b) || mysql_stmt_execute(s), "cursor");
	tell("cursor", rows(s));
	id = 3;
	check_statement(s, mysql_stmt_execute(s), "cursor");
	check_statement(s, mysql_stmt_fetch(s) != 0 || mysql_stmt_reset(s), "cursor");
	tell("cursor", ahead); /* so many came, though only one was wanted */
	mysql_stmt_close(s);
}

/* Two results, one of OUT parameters, and the OK of the call itself. */
static void call(MYSQL *m)
{
	MYSQL_STMT *s = prepare(m, "/*call*/ CALL twice(?, ?)");
	int in = 20, out = 0, more = 0;
	uint64_t count = 0;
	MYSQL_BIND b[2];

	bind_int(&b[0], &in);
	bind_int(&b[1], &out);
	check_statement(s, mysql_stmt_bind_param(s, b) || mysql_stmt_execute(s), "call");
	while (more == 0) {
		if (mysql_stmt_field_count(s) > 0) {
			check_statement(s, mysql_stmt_store_result(s), "call");
			count += mysql_stmt_num_rows(s);
			mysql_stmt_free_result(s);
		}
		more = mysql_stmt_next_result(s);
	}
	tell("call", count);
	mysql_stmt_close(s);
}

static void tracking(MYSQL *m)
{
	query(m, NULL,
	      "SET session_track_schema = 1, session_track_state_change = 1, "
	      "session_track_system_variables = '*', session_track_transaction_info = "
	      "'CHARACTERISTICS'");
	query(m, NULL, "SET sql_mode = 'ANSI_QUOTES', @x = 1");
	query(m, NULL, "SET sql_mode = ''");
	query(m, NULL, "USE mysql");
	check(m, mysql_select_db(m, database()), "use");
	query(m, NULL, "START TRANSACTION READ ONLY");
	query(m, "within", "/*within*/ SELECT COUNT(*) FROM item");
	query(m, NULL, "COMMIT");
	query(m, NULL, "SET NAMES latin1");
	query(m, "latin", "/*latin*/ INSERT INTO item (name) VALUES ('caf\xe9')");
	query(m, NULL, "SET NAMES utf8mb4");
}

static void bulky(MYSQL *m, size_t size)
{
	MYSQL_STMT *s = prepare(m, "/*blob*/ INSERT INTO item (note) VALUES (?)");
	char *data = calloc(1, size + 1);
	MYSQL_BIND b = {.buffer_type = MYSQL_TYPE_BLOB, .buffer = data, .buffer_length = size};

	if (!data)
		exit(1);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)('a' + i * i % 23);
	check_statement(s, mysql_stmt_bind_param(s, &b) || mysql_stmt_execute(s), "blob");
	tell("blob", mysql_stmt_affected_rows(s));
	mysql_stmt_close(s);
	memcpy(data, "/*longest*/ SELECT '", 20);
	data[size - 1] = '\'';
	query(m, "longest", data);
	query(m, "row", "/*row*/ SELECT note FROM item WHERE LENGTH(note) >= 65536");
	free(data);
}

struct file {
	const char *text;
	int left;
};

static int file_open(void **file, const char *name, void *data)
{
	(void)name;
	*file = data;
	return 0;
}

static int file_read(void *file, char *to, unsigned room)
{
	struct file *f = file;
	size_t len = strlen(f->text);

	if (f->left == 0 || room < len)
		return 0;
	f->left--;
	memcpy(to, f->text, len);
	return (int)len;
}

static void file_close(void *file)
{
	(void)file;
}

static int file_error(void *file, char *message, unsigned room)
{
	(void)file;
	(void)snprintf(message, room, "none");
	return 0;
}

static void load(MYSQL *m)
{
	struct file file = {.text = "loaded\n", .left = 700};

	mysql_set_local_infile_handler(m, file_open, file_read, file_close, file_error, &file);
	query(m, "load", "/*load*/ LOAD DATA LOCAL INFILE 'rows' INTO TABLE item (name)");
}

static void rarer(MYSQL *m)
{
	check(m, mysql_ping(m), "ping");
	(void)mysql_stat(m);
	check(m, mysql_dump_debug_info(m), "debug");
	check(m, mysql_set_server_option(m, MYSQL_OPTION_MULTI_STATEMENTS_OFF), "option");
	query(m, "refused", "/*refused*/ SELECT 1; SELECT 2");
	check(m, mysql_set_server_option(m, MYSQL_OPTION_MULTI_STATEMENTS_ON), "option");
	(void)mysql_reset_connection(m);
	query(m, "after", "/*after*/ SELECT COUNT(*) FROM item");
	check(m, mysql_change_user(m, "root", "", database()), "change user");
	query(m, "again", "/*again*/ SELECT COUNT(*) FROM item");
}

#if IS_MARIADB

static void progress(const MYSQL *m, unsigned stage, unsigned stages, double percent,
		     const char *what, unsigned length)
{
	(void)m, (void)stage, (void)stages, (void)percent, (void)what, (void)length;
}

static void set_options(MYSQL *m, const char *compression)
{
	static const flag no = 0;

	mysql_optionsv(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
	mysql_optionsv(m, MYSQL_PROGRESS_CALLBACK, progress);
	if (strcmp(compression, "uncompressed") != 0)
		mysql_optionsv(m, MYSQL_OPT_COMPRESS, NULL);
}

/* Prepared and executed at once, by the id that means the statement prepared last. */
static void own(MYSQL *m)
{
	MYSQL_STMT *s = mysql_stmt_init(m);
	const char *sql = "/*direct*/ SELECT id FROM item WHERE id < ?";
	unsigned count = 1;
	int id = 3;
	MYSQL_BIND b;

	bind_int(&b, &id);
	check_statement(s,
			!s || mysql_stmt_attr_set(s, STMT_ATTR_PREBIND_PARAMS, &count) ||
				mysql_stmt_bind_param(s, &b) ||
				mariadb_stmt_execute_direct(s, sql, strlen(sql)),
			sql);
	tell("direct", rows(s));
	mysql_stmt_close(s);
	if (!mariadb_connection(m))
		return;
	query(m, NULL, "SET progress_report_time = 1");
	query(m, "alter",
	      "/*alter*/ ALTER TABLE slow ADD COLUMN x INT DEFAULT (LENGTH(SHA2(REPEAT(name, "
	      "600000), 512)))");
}

#else

static void set_options(MYSQL *m, const char *compression)
{
	enum mysql_ssl_mode mode = SSL_MODE_DISABLED;
	flag yes = true;

	mysql_options(m, MYSQL_OPT_SSL_MODE, &mode);
	mysql_options(m, MYSQL_OPT_COMPRESSION_ALGORITHMS, compression);
	mysql_options(m, MYSQL_OPT_OPTIONAL_RESULTSET_METADATA, &yes);
	mysql_options4(m, MYSQL_OPT_CONNECT_ATTR_ADD, "shop", "corner \xe2\x98\x83");
}

static void attributes(MYSQL *m)
{
	const char *names[] = {"trace", "n", "ratio", "", "gone", "when"};
	MYSQL_TIME when = {.hour = 25,
			   .minute = 1,
			   .neg = true,
			   .second_part = 5,
			   .time_type = MYSQL_TIMESTAMP_TIME};
	double ratio = -0.5;
	int64_t n = -7;
	MYSQL_BIND b[6];
	MYSQL_STMT *s;

	bind_text(&b[0], "a'b");
	b[1] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &n};
	b[2] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_DOUBLE, .buffer = &ratio};
	bind_text(&b[3], "no name");
	b[4] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL};
	b[5] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_TIME, .buffer = &when};
	check(m, mysql_bind_param(m, 6, b, names), "attributes");
	query(m, "attributes", "/*attributes*/ SELECT 1");
	s = prepare(m, "/*bound*/ SELECT id FROM item WHERE id < ?");
	names[0] = NULL;
	names[3] = "three";
	n = 3;
	b[0] = b[1];
	check_statement(s, mysql_stmt_bind_named_param(s, b, 6, names) || mysql_stmt_execute(s),
			"bound");
	tell("bound", rows(s));
	mysql_stmt_close(s);
	s = prepare(m, "/*unbound*/ SELECT id FROM item");
	names[0] = "only";
	check_statement(s, mysql_stmt_bind_named_param(s, b, 1, names) || mysql_stmt_execute(s),
			"unbound");
	tell("unbound", rows(s));
	mysql_stmt_close(s);
}

static void without_metadata(MYSQL *m)
{
	MYSQL_STMT *s;

	query(m, NULL, "SET resultset_metadata = NONE");
	query(m, "bare", "/*bare*/ SELECT id, name, note FROM item");
	query(m, "barer", "/*barer*/ SELECT 1; SELECT 2 WHERE 0; SELECT 3 UNION SELECT 4");
	s = prepare(m, "/*bared*/ SELECT id, name FROM item WHERE id < 4");
	check_statement(s, mysql_stmt_execute(s), "bared");
	(void)rows(s);
	mysql_stmt_close(s);
	query(m, NULL, "SET resultset_metadata = FULL");
}

static void own(MYSQL *m)
{
	attributes(m);
	without_metadata(m);
}

#endif

int main(int argc, char **argv)
{
	MYSQL *m = mysql_init(NULL);
	unsigned port = argc == 4 ? (unsigned)atoi(argv[1]) : 0, local = 1;

	if (!m || port == 0)
		return 2;
	set_options(m, argv[3]);
	mysql_options(m, MYSQL_OPT_LOCAL_INFILE, &local);
	mysql_options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	check(m,
	      !mysql_real_connect(m, "127.0.0.1", "root", NULL, database(), port, NULL,
				  CLIENT_MULTI_STATEMENTS | CLIENT_REMEMBER_OPTIONS),
	      "connect");
	text_protocol(m);
	insert_values(m);
	walk_cursor(m);
	call(m);
	if (mysql_get_server_version(m) >= 50700)
		tracking(m);
	bulky(m, strtoul(argv[2], NULL, 10));
	load(m);
	own(m);
	rarer(m);
	mysql_close(m);
	return 0;
}
