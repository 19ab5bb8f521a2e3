/*
 * open - a client that stays: prepares, tells "ready", and goes on when a line comes. Arguments: port, user of the
 * names that it inserts.
 */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MARIADB_BASE_VERSION
typedef bool flag;
#else
typedef my_bool flag;
#endif

enum { ROUNDS = 3 };

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static MYSQL_STMT *prepare(MYSQL *m, const char *text)
{
	MYSQL_STMT *s = mysql_stmt_init(m);

	if (mysql_stmt_prepare(s, text, strlen(text)))
		fail(text, mysql_stmt_error(s));
	return s;
}

static void insert(MYSQL_STMT *s, const char *name, int round)
{
	unsigned long len = strlen(name);
	double weight = round + 0.5;
	MYSQL_BIND values[3];

	memset(values, 0, sizeof(values));
	values[0].buffer_type = MYSQL_TYPE_STRING;
	values[0].buffer = (void *)name;
	values[0].buffer_length = len;
	values[0].length = &len;
	values[1].buffer_type = MYSQL_TYPE_LONG;
	values[1].buffer = &round;
	values[2].buffer_type = MYSQL_TYPE_DOUBLE;
	values[2].buffer = &weight;
	if (mysql_stmt_bind_param(s, values) || mysql_stmt_execute(s))
		fail("insert", mysql_stmt_error(s));
}

int main(int argc, char **argv)
{
	MYSQL *m = mysql_init(NULL);
	MYSQL_STMT *first, *second;
	char line[16];

	(void)argc;
#ifdef MARIADB_BASE_VERSION
	flag no = 0;
	mysql_options(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
#else
	unsigned mode = SSL_MODE_DISABLED;
	mysql_options(m, MYSQL_OPT_SSL_MODE, &mode);
#endif
	if (!mysql_real_connect(m, "127.0.0.1", "root", "", "kept", (unsigned)atoi(argv[1]), NULL,
				0))
		fail("connect", mysql_error(m));
	first = prepare(m, "INSERT INTO t (name, round, weight) VALUES (?, ?, ?) /* first */");
	second = prepare(
		m, "INSERT INTO t (name, round, weight) VALUES (CONCAT(?, '?'), ?, ?) -- second?");
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		insert(first, argv[2], i);
		insert(second, argv[2], i);
	}
	mysql_stmt_close(first);
	mysql_stmt_close(second);
	mysql_close(m);
	return 0;
}
