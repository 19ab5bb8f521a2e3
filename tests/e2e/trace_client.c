/*
 * trace_client - talks to a server through libmysqlclient, in as many ways as need no headers of it.
 *
 *   trace_client LIBRARY PORT USER PASSWORD FILE [compress]
 *
 * FILE is one that LOAD DATA LOCAL sends.
 *
 * The library is loaded by its name, so that this can be built where there is none. Exit status 1 when a step that
 * has to succeed did not.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	COMPRESS = 1, /* enum mysql_option */
	LOCAL_INFILE = 8,
	SSL_MODE = 35,
	GET_SERVER_PUBLIC_KEY = 36,
	SSL_DISABLED = 1,     /* enum mysql_ssl_mode */
	STMT_CURSOR_TYPE = 1, /* enum enum_stmt_attr_type */
	MULTI_STATEMENTS = 1 << 16,
	MULTI_STATEMENTS_OFF = 1, /* enum enum_mysql_set_option */
};

static void *library;

static void *function(const char *name)
{
	void *f = dlsym(library, name);

	if (!f) {
		(void)fprintf(stderr, "no function %s\n", name);
		exit(1);
	}
	return f;
}

#define CALL(result, name, types, ...) (((result(*) types)function(#name))(__VA_ARGS__))

static void must(void *m, int failed, const char *what)
{
	if (!failed)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, CALL(const char *, mysql_error, (void *), m));
	exit(1);
}

/* All results of TEXT. STREAMED: row by row. */
static int query(void *m, const char *text, int streamed)
{
	int e = CALL(int, mysql_real_query, (void *, const char *, unsigned long), m, text,
		     strlen(text));

	while (e == 0) {
		void *r = streamed ? CALL(void *, mysql_use_result, (void *), m)
				   : CALL(void *, mysql_store_result, (void *), m);

		while (r && CALL(void *, mysql_fetch_row, (void *), r))
			;
		if (r)
			CALL(void, mysql_free_result, (void *), r);
		e = CALL(int, mysql_next_result, (void *), m);
	}
	return e > 0;
}

/* A statement is prepared and executed twice, its rows taken by ROWS of them if by a cursor. */
static void prepared(void *m, const char *text, unsigned long cursor)
{
	void *s = CALL(void *, mysql_stmt_init, (void *), m);

	if (CALL(int, mysql_stmt_prepare, (void *, const char *, unsigned long), s, text,
		 strlen(text)) == 0) {
		for (int i = 0; i < 2; i++) {
			if (cursor)
				(void)CALL(int, mysql_stmt_attr_set, (void *, int, const void *), s,
					   STMT_CURSOR_TYPE, &cursor);
			must(m, CALL(int, mysql_stmt_execute, (void *), s), text);
			while (CALL(int, mysql_stmt_fetch, (void *), s) == 0)
				;
			(void)CALL(int, mysql_stmt_free_result, (void *), s);
		}
		must(m, CALL(int, mysql_stmt_reset, (void *), s), "reset");
	}
	(void)CALL(int, mysql_stmt_close, (void *), s);
}

static void talk(void *m, const char *user, const char *password, const char *file)
{
	char load[256];

	(void)snprintf(load, sizeof(load), "LOAD DATA LOCAL INFILE '%s' INTO TABLE mysql.t (b)",
		       file);
	must(m, query(m, "SELECT 1, 'two'", 0), "query");
	must(m, query(m, "SELECT 1 UNION SELECT 2", 1), "query");
	must(m, query(m, "DO 1; SELECT 2; SELECT 3 WHERE 0; DO 4", 0), "several");
	must(m, !query(m, "SELECT * FROM nowhere.at_all", 0), "error");
	must(m, !query(m, "SELECT 1; SELEC", 0), "error in the second");
	must(m, query(m, "CREATE TEMPORARY TABLE mysql.t (a INT, b TEXT)", 0), "table");
	must(m, query(m, load, 0), "infile");
	must(m, query(m, "INSERT INTO mysql.t VALUES (1, 'x'), (2, NULL)", 0), "insert");
	prepared(m, "SELECT a, b FROM mysql.t", 0);
	prepared(m, "DELETE FROM mysql.t WHERE a = 7", 0);
	prepared(m, "SELECT 1 UNION SELECT 2 UNION SELECT 3", 1);
	prepared(m, "SELEC", 0);
	must(m, CALL(int, mysql_ping, (void *), m), "ping");
	must(m, CALL(int, mysql_select_db, (void *, const char *), m, "mysql"), "select_db");
	must(m, CALL(const char *, mysql_stat, (void *), m) == NULL, "stat");
	must(m, CALL(int, mysql_set_server_option, (void *, int), m, MULTI_STATEMENTS_OFF),
	     "option");
	must(m, CALL(int, mysql_reset_connection, (void *), m), "reset");
	must(m,
	     CALL(char, mysql_change_user, (void *, const char *, const char *, const char *), m,
		  user, password, "mysql"),
	     "change user");
	must(m, query(m, "SELECT CURRENT_USER()", 0), "query");
}

static void option(void *m, int which, unsigned value)
{
	must(m, CALL(int, mysql_options, (void *, int, const void *), m, which, &value), "option");
}

int main(int argc, char **argv)
{
	void *m;

	if (argc != 6 && argc != 7)
		return 2;
	library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
	if (!library) {
		(void)fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	m = CALL(void *, mysql_init, (void *), NULL);
	option(m, LOCAL_INFILE, 1);
	option(m, SSL_MODE, SSL_DISABLED);
	option(m, GET_SERVER_PUBLIC_KEY, 1);
	if (argc == 7)
		option(m, COMPRESS, 1);
	if (!CALL(void *, mysql_real_connect,
		  (void *, const char *, const char *, const char *, const char *, unsigned,
		   const char *, unsigned long),
		  m, "127.0.0.1", argv[3], argv[4], NULL, (unsigned)atoi(argv[2]), NULL,
		  MULTI_STATEMENTS))
		must(m, 1, "connect");
	talk(m, argv[3], argv[4], argv[5]);
	CALL(void, mysql_close, (void *), m);
	CALL(void, mysql_server_end, (void));
	return 0;
}
