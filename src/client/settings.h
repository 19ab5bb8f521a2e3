/*
 * settings - what the sources say about a target, as text, each with where it was said.
 *
 * A source has a rank; of two that name the same setting the lower rank wins, and within one rank
 * the later. The password's text is wiped whenever it is released.
 */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Names as in my.cnf, in a URL's query and, with dashes in front, on the command line. */
#define SETTINGS(SETTING)                                                                          \
	SETTING(HOST, "host")                                                                      \
	SETTING(PORT, "port")                                                                      \
	SETTING(SOCKET, "socket")                                                                  \
	SETTING(USER, "user")                                                                      \
	SETTING(PASSWORD, "password")                                                              \
	SETTING(DATABASE, "database")                                                              \
	SETTING(SSL_MODE, "ssl-mode")                                                              \
	SETTING(SSL_CA, "ssl-ca")                                                                  \
	SETTING(SSL_CERT, "ssl-cert")                                                              \
	SETTING(SSL_KEY, "ssl-key")                                                                \
	SETTING(CONNECT_TIMEOUT, "connect-timeout")                                                \
	SETTING(UNREACHABLE_AFTER, "unreachable-after")                                            \
	SETTING(COMPRESS, "compress")                                                              \
	SETTING(COMPRESSION_ALGORITHMS, "compression-algorithms")                                  \
	SETTING(ZSTD_COMPRESSION_LEVEL, "zstd-compression-level")

enum setting {
#define SETTING(id, name) SETTING_##id,
	SETTINGS(SETTING)
#undef SETTING
		SETTING_COUNT,
};

enum settings_rank {
	SETTINGS_OPTION,
	SETTINGS_URL,
	SETTINGS_ENVIRONMENT,
	SETTINGS_FILE,
	SETTINGS_NONE, /* nobody said anything */
};

enum { SETTINGS_TEXT_MAX = 4096, SETTINGS_ORIGIN_MAX = 128 }; /* bytes */

struct setting_value {
	char *text; /* owned; NULL: nobody said anything */
	enum settings_rank rank;
	char origin[SETTINGS_ORIGIN_MAX]; /* for messages: "--port", "/etc/my.cnf:12" */
};

struct settings {
	struct setting_value items[SETTING_COUNT];
};

void settings_init(struct settings *s);
void settings_release(struct settings *s);

/*
 * TEXT, said at ORIGIN, for WHICH, unless somebody of a lower rank spoke. ERR_USAGE if it is longer
 * than SETTINGS_TEXT_MAX or has a NUL in it; ERR_NOMEM.
 */
enum err settings_set(struct settings *s, enum setting which, struct slice text,
		      enum settings_rank rank, const char *origin, struct errinfo *info) MUST_CHECK;

const char *setting_name(enum setting which);

/* The setting of that NAME ('_' is as good as '-'), or SETTING_COUNT. */
enum setting setting_find(struct slice name);

/* Where a value stands, in one line, for messages. */
const char *settings_origin(const struct settings *s, enum setting which);

#endif
