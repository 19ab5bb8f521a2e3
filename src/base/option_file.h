/*
 * option_file - files of options in groups, as my.cnf.
 *
 * As the mysql client reads it: '#' and ';' begin comments, values may stand in quotes and have the
 * escapes \b \t \n \r \s \\ \" \', !include FILE and !includedir DIR (its *.cnf, by name) are followed.
 * A file that everyone may write to is not believed: it is left out with a warning.
 */
#ifndef BASE_OPTION_FILE_H
#define BASE_OPTION_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

enum {
	OPTION_FILE_DEPTH_MAX = 10,      /* files that include one another */
	OPTION_FILE_FILES_MAX = 1000,    /* files read in all */
	OPTION_FILE_BYTES_MAX = 1 << 20, /* bytes of one file */
	OPTION_FILE_ORIGIN_MAX = 128,    /* bytes */
};

/* What is wanted of a file. */
struct option_file {
	const char *const *groups; /* names, ended by NULL */
	/* NAME = VALUE, said at ORIGIN ("/etc/my.cnf:12"); VALUE is wiped afterwards. What it returns ends the reading. */
	enum err (*on_value)(void *ctx, struct slice name, struct slice value, const char *origin,
			     struct errinfo *info);
	/* A name that stands alone. */
	enum err (*on_name)(void *ctx, struct slice name, const char *origin, struct errinfo *info);
	void *ctx;
};

/*
 * Reads PATH. REQUIRED: that it cannot be read is an error (ERR_IO), else it is as good as empty.
 * ERR_USAGE: INFO has file and line.
 */
enum err option_file_read(const struct option_file *what, const char *path, bool required,
			  struct errinfo *info) MUST_CHECK;

/* /etc/my.cnf, /etc/mysql/my.cnf, ~/.my.cnf: those of them that are there. */
enum err option_file_read_default(const struct option_file *what, struct errinfo *info) MUST_CHECK;

#endif
