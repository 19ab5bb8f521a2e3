/*
 * bulk_client - sends a bulk execution as MariaDB's own client library does.
 *
 *   bulk_client PORT
 *
 * The tests compile it with the library's own header. Into shop.item of the server on 127.0.0.1, as root: four rows with one command, then two of them changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mysql.h>

enum { SETS = 4 };

static int fail(MYSQL *m, const char *what)
{
	(void)fprintf(stderr, "%s: %s\n", what, mysql_error(m));
	return 1;
}

/* Executes SQL with COUNT columns of parameters, SETS values each. */
static int execute(MYSQL *m, const char *sql, MYSQL_BIND *columns, unsigned sets)
{
	MYSQL_STMT *s = mysql_stmt_init(m);
	int bad = !s || mysql_stmt_prepare(s, sql, strlen(sql)) ||
		  mysql_stmt_attr_set(s, STMT_ATTR_ARRAY_SIZE, &sets) ||
		  mysql_stmt_bind_param(s, columns) || mysql_stmt_execute(s);

	if (bad)
		(void)fprintf(stderr, "%s: %s\n", sql, s ? mysql_stmt_error(s) : "no memory");
	if (s)
		mysql_stmt_close(s);
	return bad;
}

static int insert(MYSQL *m)
{
	int ids[SETS] = {101, 102, 103, 104};
	const char *names[SETS] = {"axe", "b\xc3\xa4r", "", ""};
	unsigned long lengths[SETS] = {3, 4, 0, 0};
	double weights[SETS] = {1.5, -2, 0, 0.25};
	char indicators[SETS] = {STMT_INDICATOR_NONE, STMT_INDICATOR_NULL, STMT_INDICATOR_DEFAULT,
				 STMT_INDICATOR_NONE};
	MYSQL_BIND columns[3];

	memset(columns, 0, sizeof(columns));
	columns[0].buffer_type = MYSQL_TYPE_LONG;
	columns[0].buffer = ids;
	columns[1].buffer_type = MYSQL_TYPE_STRING;
	columns[1].buffer = names;
	columns[1].length = lengths;
	columns[2].buffer_type = MYSQL_TYPE_DOUBLE;
	columns[2].buffer = weights;
	columns[2].u.indicator = indicators;
	return execute(m, "INSERT INTO item (id, name, weight) VALUES (?, ?, ?)", columns, SETS);
}

static int update(MYSQL *m)
{
	const char *names[2] = {"saw", "file"};
	unsigned long lengths[2] = {3, 4};
	int ids[2] = {101, 104};
	MYSQL_BIND columns[2];

	memset(columns, 0, sizeof(columns));
	columns[0].buffer_type = MYSQL_TYPE_STRING;
	columns[0].buffer = names;
	columns[0].length = lengths;
	columns[1].buffer_type = MYSQL_TYPE_LONG;
	columns[1].buffer = ids;
	return execute(m, "UPDATE item SET name = ? WHERE id = ?", columns, 2);
}

int main(int argc, char **argv)
{
	MYSQL *m = mysql_init(NULL);
	unsigned port = argc == 2 ? (unsigned)atoi(argv[1]) : 0;
	int bad;

	if (!m || port == 0)
		return 2;
	if (!mysql_real_connect(m, "127.0.0.1", "root", NULL, "shop", port, NULL, 0))
		return fail(m, "connect");
	bad = insert(m) || update(m);
	mysql_close(m);
	return bad;
}
