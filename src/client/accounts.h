/*
 * accounts - which account of the target stands for which recorded user.
 *
 * A file of lines "recorded user = target user, password source"; empty lines and what begins with '#' say nothing.
 * The recorded user may hold * and ?; the first line that fits counts. The source of the password is
 *
 *   env:NAME     the environment variable NAME
 *   file:PATH    the first line of a file
 *   plain:TEXT   TEXT, up to the end of the line
 *   none         there is none
 *
 * and the password of --target if nothing is said. A file with passwords in it must be closed to all but its owner.
 */
#ifndef CLIENT_ACCOUNTS_H
#define CLIENT_ACCOUNTS_H

#include "base/err.h"
#include "base/slice.h"
#include "client/target.h"

enum { ACCOUNTS_FILE_MAX = 1 << 20, ACCOUNT_TEXT_MAX = 4096 }; /* bytes */

struct account {
	char *recorded; /* a pattern */
	char *user;
	char *password; /* NULL: none */
};

struct accounts {
	struct account *items;
	size_t count;
};

/*
 * Reads PATH and all it names; TARGET gives the passwords that are not said. ERR_USAGE: INFO says what is wrong, and in which
 * line; ERR_IO: a file cannot be read; ERR_NOMEM.
 */
enum err accounts_read(const char *path, const struct target *target, struct accounts *out,
		       struct errinfo *info) MUST_CHECK;
void accounts_release(struct accounts *a); /* passwords are wiped */

/* The account for the recorded USER; NULL: the file says nothing of it. */
const struct account *accounts_find(const struct accounts *a, struct slice user);

#endif
