/*
 * target - which server to connect to, and as whom: what the mysql client's options, my.cnf, the
 * environment and a URL say.
 */
#ifndef CLIENT_TARGET_H
#define CLIENT_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"

enum target_ssl_mode {
	TARGET_SSL_DISABLED,
	TARGET_SSL_PREFERRED, /* TLS if the server offers it, without verification */
	TARGET_SSL_REQUIRED,
	TARGET_SSL_VERIFY_CA,
	TARGET_SSL_VERIFY_IDENTITY,
};

enum target_algorithm { TARGET_UNCOMPRESSED, TARGET_ZLIB, TARGET_ZSTD, TARGET_COMPRESSIONS };

/* The first one that the server has, too, is used. */
struct target_compression {
	uint8_t order[TARGET_COMPRESSIONS]; /* enum target_algorithm; COUNT of them */
	uint8_t count;                      /* 0: not compressed */
	int zstd_level;
};

/* Strings are owned. The password is wiped when released. */
struct target {
	char *host; /* NULL: local socket */
	uint16_t port;
	char *socket; /* path, or NULL */
	char *user;
	char *password; /* NULL: none given */
	char *database; /* NULL: none */
	enum target_ssl_mode ssl_mode;
	char *ssl_ca, *ssl_cert, *ssl_key; /* paths, or NULL */
	int64_t connect_timeout_ns;
	int64_t unreachable_ns; /* a machine that acknowledges nothing for so long is gone */
	struct target_compression compression;
};

/*
 * The mysql client's own options. A command's struct has one of these as a member, and its option table
 * the rows TARGET_OPTS(struct of the command, the member).
 */
struct target_args {
	const char *url; /* --target */
	const char *host, *port, *socket, *user;
	const char *password; /* opt_no_value: -p alone, ask for it */
	const char *database;
	const char *defaults_file;
	const char *ssl_mode, *ssl_ca, *ssl_cert, *ssl_key;
	const char *connect_timeout, *unreachable_after;
	bool compress;
	const char *compression_algorithms, *zstd_compression_level;
};

/* clang-format off */
#define TARGET_OPT(type, field, short_name, long_name, what, text)                                 \
	{                                                                                          \
		.letter = (short_name), .name = (long_name), .kind = OPT_TEXT,                     \
		.offset = offsetof(type, field), .placeholder = (what), .help = (text)             \
	}

/* All of them but --target, for a command that takes several. */
#define TARGET_OTHER_OPTS(type, member)                                                            \
	TARGET_OPT(type, member.host, 'h', "host", "HOST", "its name or address"),                 \
	TARGET_OPT(type, member.port, 'P', "target-port", "PORT", "its TCP port (default 3306)"),  \
	TARGET_OPT(type, member.socket, 'S', "socket", "PATH", "its local socket"),                \
	TARGET_OPT(type, member.user, 'u', "user", "USER", "log in as USER"),                      \
	{                                                                                          \
		.letter = 'p', .name = "password", .kind = OPT_TEXT,                               \
		.offset = offsetof(type, member.password), .placeholder = "PASSWORD",              \
		.help = "log in with this password; without a value, ask for it. Others can see "  \
			"what stands on a command line: MYSQL_PWD and my.cnf are safer",           \
		.optional_value = true                                                             \
	},                                                                                         \
	TARGET_OPT(type, member.database, 'D', "database", "NAME", "the default database"),        \
	TARGET_OPT(type, member.defaults_file, 0, "defaults-file", "FILE",                         \
		   "read this option file instead of the usual my.cnf"),                           \
	TARGET_OPT(type, member.ssl_mode, 0, "ssl-mode", "MODE",                                   \
		   "DISABLED, PREFERRED (the default), REQUIRED, VERIFY_CA or VERIFY_IDENTITY"),   \
	TARGET_OPT(type, member.ssl_ca, 0, "ssl-ca", "FILE",                                       \
		   "certificates to trust, in PEM; means VERIFY_CA unless --ssl-mode is given"),   \
	TARGET_OPT(type, member.ssl_cert, 0, "ssl-cert", "FILE", "our own certificate, in PEM"),   \
	TARGET_OPT(type, member.ssl_key, 0, "ssl-key", "FILE", "the key of our certificate"),      \
	TARGET_OPT(type, member.connect_timeout, 0, "connect-timeout", "TIME",                     \
		   "give up a connection that is not ready after this time (default 10s)"),        \
	TARGET_OPT(type, member.unreachable_after, 0, "unreachable-after", "TIME",                 \
		   "take a connection for lost when nothing was heard of the server's machine for "\
		   "so long, though it was asked for a sign of life; a statement may take longer " \
		   "(default 20s, at least 2s)"),                                                  \
	{                                                                                          \
		.name = "compress", .kind = OPT_FLAG, .offset = offsetof(type, member.compress),   \
		.help = "compress what is said, by zlib or zstd, if the server offers that"        \
	},                                                                                         \
	TARGET_OPT(type, member.compression_algorithms, 0, "compression-algorithms", "LIST",       \
		   "of zlib, zstd and uncompressed: the first that the server offers, too; a "     \
		   "server that offers none of them is refused"),                                  \
	TARGET_OPT(type, member.zstd_compression_level, 0, "zstd-compression-level", "N",          \
		   "from 1 to 22 (default 3)")

#define TARGET_OPTS(type, member)                                                                  \
	TARGET_OPT(type, member.url, 't', "target", "URL",                                         \
		   "the server to connect to, as mysql://user@host:port/database?ssl-mode=..."),   \
	TARGET_OTHER_OPTS(type, member)
/* clang-format on */

/*
 * Puts together, strongest first: options, the URL (mysql://user[:password]@host[:port][/db][?ssl-mode=..&socket=..]),
 * the environment (MYSQL_PWD, MYSQL_HOST, MYSQL_TCP_PORT, MYSQL_UNIX_PORT), the [client] and [myna] groups of
 * --defaults-file or else of /etc/my.cnf, /etc/mysql/my.cnf, ~/.my.cnf (!include and !includedir followed), built-in
 * defaults. -p without a value asks on the terminal. A password in argv is taken, with a warning on standard error.
 * No host, or "localhost", means the local socket, unless a port was said where no socket was, or more strongly.
 * ERR_USAGE: INFO says what is wrong and where (file and line). ERR_IO: the defaults file cannot be read.
 */
enum err target_resolve(const struct target_args *args, struct target *out,
			struct errinfo *info) MUST_CHECK;

/* True if it is to be compressed rather than not. */
bool target_wants_compression(const struct target *t);

void target_release(struct target *t);

/* "app@10.0.0.17:3306" for messages; never the password. Returns TO. */
const char *target_format(const struct target *t, char *to, size_t size);

#endif
