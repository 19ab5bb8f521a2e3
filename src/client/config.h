/*
 * config - my.cnf (base/option_file.h): the groups [client] and [myna] of it, as settings.
 *
 * '_' in a name is as good as '-'. Names that mean nothing here are passed over, since the file is for
 * all clients.
 */
#ifndef CLIENT_CONFIG_H
#define CLIENT_CONFIG_H

#include "base/option_file.h"
#include "client/settings.h"

/* As option_file_read(). */
enum err config_read(const char *path, bool required, struct settings *into,
		     struct errinfo *info) MUST_CHECK;

/* As option_file_read_default(). */
enum err config_read_default(struct settings *into, struct errinfo *info) MUST_CHECK;

#endif
