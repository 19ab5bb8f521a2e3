/*
 * config - my.cnf: the groups [client] and [myna] of it, as settings.
 *
 * As the mysql client reads it: '#' and ';' begin comments, '_' in a name is as good as '-', values
 * may stand in quotes and have the escapes \b \t \n \r \s \\ \" \', !include FILE and !includedir DIR
 * (its *.cnf, by name) are followed. Names that mean nothing here are passed over, since the file is
 * for all clients. A file that everyone may write to is not believed: it is left out with a warning.
 */
#ifndef CLIENT_CONFIG_H
#define CLIENT_CONFIG_H

#include "client/settings.h"

enum {
	CONFIG_DEPTH_MAX = 10,     /* files that include one another */
	CONFIG_FILES_MAX = 1000,   /* files read in all */
	CONFIG_FILE_MAX = 1 << 20, /* bytes of one file */
};

/*
 * Reads PATH. REQUIRED: that it cannot be read is an error (ERR_IO), else it is as good as empty.
 * ERR_USAGE: INFO has file and line.
 */
enum err config_read(const char *path, bool required, struct settings *into,
		     struct errinfo *info) MUST_CHECK;

/* /etc/my.cnf, /etc/mysql/my.cnf, ~/.my.cnf: those of them that are there. */
enum err config_read_default(struct settings *into, struct errinfo *info) MUST_CHECK;

#endif
