/* target - which server to connect to, and as whom. */
#include "client/target.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/scan.h"
#include "base/secret.h"
#include "client/config.h"
#include "client/settings.h"
#include "client/url.h"
#include "mysql/pack.h"

enum { DEFAULT_PORT = 3306, PASSWORD_MAX = 4096 };

#define DEFAULT_CONNECT_TIMEOUT_NS (10 * NS_PER_S)
#define DEFAULT_UNREACHABLE_NS (20 * NS_PER_S)
#define UNREACHABLE_MIN_NS (2 * NS_PER_S)

/* One line from TTY; the signals that OPEN lets through interrupt it. The number of bytes, or -1. */
static ssize_t read_line(int tty, const sigset_t *open, char *to, size_t size)
{
	struct pollfd typed = {.fd = tty, .events = POLLIN};
	size_t len = 0;

	while (len < size && ppoll(&typed, 1, NULL, open) > 0 && read(tty, to + len, 1) == 1)
		if (to[len++] == '\n')
			return (ssize_t)len - 1;
	return -1;
}

/*
 * getpass() would do, but that Ctrl-C becomes a part of the password with it. What is typed is not shown; the
 * terminal is afterwards what it was.
 */
static ssize_t read_secret(int tty, const char *prompt, char *to, size_t size)
{
	struct termios before, silent;
	sigset_t ends, open;
	ssize_t len;

	if (tcgetattr(tty, &before) != 0)
		return -1;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ECHONL | ICANON | ISIG;
	if (tcsetattr(tty, TCSAFLUSH, &silent) != 0)
		return -1;
	/* A signal between the prompt and the wait for an answer is not to be missed. */
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGINT);
	(void)sigaddset(&ends, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &ends, &open);
	len = write(tty, prompt, strlen(prompt)) < 0 ? -1 : read_line(tty, &open, to, size);
	(void)pthread_sigmask(SIG_SETMASK, &open, NULL);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	if (len < 0)
		(void)!write(tty, "\n", 1);
	return len;
}

static enum err ask_password(struct settings *s, struct errinfo *info)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	char typed[PASSWORD_MAX];
	ssize_t len;
	enum err e;

	if (tty < 0)
		return err_set(info, ERR_USAGE, 0,
			       "there is no terminal to ask for the password; put it into "
			       "MYSQL_PWD or a --defaults-file");
	len = read_secret(tty, "Enter password: ", typed, sizeof(typed));
	(void)close(tty);
	if (len < 0)
		return err_set(info, ERR_USAGE, 0, "no password was entered");
	e = settings_set(s, SETTING_PASSWORD, slice_of(typed, (size_t)len), SETTINGS_OPTION,
			 "the terminal", info);
	explicit_bzero(typed, sizeof(typed));
	return e;
}

static enum err take_password(const char *password, struct settings *s, struct errinfo *info)
{
	if (!password)
		return ERR_OK;
	if (password == opt_no_value)
		return ask_password(s, info);
	return settings_set(s, SETTING_PASSWORD, slice_cstr(password), SETTINGS_OPTION,
			    "--password", info);
}

/* Of options and URLs, only the command line is read here. */
static void warn_of_argv(const struct target_args *args, const struct settings *s)
{
	const struct setting_value *password = &s->items[SETTING_PASSWORD];

	if (!password->text || !*password->text)
		return;
	if (password->rank == SETTINGS_URL ||
	    (password->rank == SETTINGS_OPTION && args->password != opt_no_value))
		log_warn(NULL, "a password on the command line can be seen by others");
}

static enum err take_options(const struct target_args *args, struct settings *s,
			     struct errinfo *info)
{
	const struct {
		enum setting which;
		const char *value, *origin;
	} rows[] = {
		{SETTING_HOST, args->host, "--host"},
		{SETTING_PORT, args->port, "--target-port"},
		{SETTING_SOCKET, args->socket, "--socket"},
		{SETTING_USER, args->user, "--user"},
		{SETTING_DATABASE, args->database, "--database"},
		{SETTING_SSL_MODE, args->ssl_mode, "--ssl-mode"},
		{SETTING_SSL_CA, args->ssl_ca, "--ssl-ca"},
		{SETTING_SSL_CERT, args->ssl_cert, "--ssl-cert"},
		{SETTING_SSL_KEY, args->ssl_key, "--ssl-key"},
		{SETTING_CONNECT_TIMEOUT, args->connect_timeout, "--connect-timeout"},
		{SETTING_UNREACHABLE_AFTER, args->unreachable_after, "--unreachable-after"},
		{SETTING_COMPRESSION_ALGORITHMS, args->compression_algorithms,
		 "--compression-algorithms"},
		{SETTING_ZSTD_COMPRESSION_LEVEL, args->zstd_compression_level,
		 "--zstd-compression-level"},
	};
	enum err e = take_password(args->password, s, info);

	if (e == ERR_OK && args->compress)
		e = settings_set(s, SETTING_COMPRESS, SLICE_LIT("1"), SETTINGS_OPTION, "--compress",
				 info);

	for (size_t i = 0; e == ERR_OK && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value)
			e = settings_set(s, rows[i].which, slice_cstr(rows[i].value),
					 SETTINGS_OPTION, rows[i].origin, info);
	return e;
}

static enum err take_environment(struct settings *s, struct errinfo *info)
{
	static const struct {
		enum setting which;
		const char *name;
	} rows[] = {
		{SETTING_PASSWORD, "MYSQL_PWD"},
		{SETTING_HOST, "MYSQL_HOST"},
		{SETTING_PORT, "MYSQL_TCP_PORT"},
		{SETTING_SOCKET, "MYSQL_UNIX_PORT"},
	};
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *value = getenv(rows[i].name);

		if (value)
			e = settings_set(s, rows[i].which, slice_cstr(value), SETTINGS_ENVIRONMENT,
					 rows[i].name, info);
	}
	return e;
}

static bool said(const struct settings *s, enum setting which)
{
	return s->items[which].text && *s->items[which].text;
}

static enum err resolve_port(const struct settings *s, struct target *t, struct errinfo *info)
{
	const char *text = s->items[SETTING_PORT].text;
	uint64_t port;

	t->port = DEFAULT_PORT;
	if (!said(s, SETTING_PORT))
		return ERR_OK;
	if (scan_uint(text, &port) != ERR_OK || port == 0 || port > UINT16_MAX)
		return err_set(info, ERR_USAGE, 0, "%s: '%s' is not a port number",
			       settings_origin(s, SETTING_PORT), text);
	t->port = (uint16_t)port;
	return ERR_OK;
}

/* Fills *NS with what WHICH says, if anything; it is MIN_NS or longer. */
static enum err resolve_duration(const struct settings *s, enum setting which, int64_t min_ns,
				 int64_t *ns, struct errinfo *info)
{
	const char *text = s->items[which].text;
	int64_t value;

	if (!said(s, which))
		return ERR_OK;
	if (scan_duration(text, &value) != ERR_OK || value < min_ns)
		return err_set(info, ERR_USAGE, 0, "%s: '%s' is not a duration such as 10s%s",
			       settings_origin(s, which), text, min_ns > 1 ? ", or too short" : "");
	*ns = value;
	return ERR_OK;
}

static enum err resolve_times(const struct settings *s, struct target *t, struct errinfo *info)
{
	enum err e;

	t->connect_timeout_ns = DEFAULT_CONNECT_TIMEOUT_NS;
	t->unreachable_ns = DEFAULT_UNREACHABLE_NS;
	e = resolve_duration(s, SETTING_CONNECT_TIMEOUT, 1, &t->connect_timeout_ns, info);
	if (e != ERR_OK)
		return e;
	return resolve_duration(s, SETTING_UNREACHABLE_AFTER, UNREACHABLE_MIN_NS,
				&t->unreachable_ns, info);
}

static enum err resolve_ssl_mode(const struct settings *s, struct target *t, struct errinfo *info)
{
	static const char *const names[] = {
		[TARGET_SSL_DISABLED] = "DISABLED",
		[TARGET_SSL_PREFERRED] = "PREFERRED",
		[TARGET_SSL_REQUIRED] = "REQUIRED",
		[TARGET_SSL_VERIFY_CA] = "VERIFY_CA",
		[TARGET_SSL_VERIFY_IDENTITY] = "VERIFY_IDENTITY",
	};
	const char *text = s->items[SETTING_SSL_MODE].text;

	t->ssl_mode = said(s, SETTING_SSL_CA) ? TARGET_SSL_VERIFY_CA : TARGET_SSL_PREFERRED;
	if (!said(s, SETTING_SSL_MODE))
		return ERR_OK;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq_nocase(slice_cstr(text), slice_cstr(names[i]))) {
			t->ssl_mode = (enum target_ssl_mode)i;
			return ERR_OK;
		}
	}
	return err_set(info, ERR_USAGE, 0,
		       "%s: the SSL mode is DISABLED, PREFERRED, REQUIRED, VERIFY_CA or "
		       "VERIFY_IDENTITY, not '%s'",
		       settings_origin(s, SETTING_SSL_MODE), text);
}

static enum err resolve_zstd_level(const struct settings *s, struct target *t, struct errinfo *info)
{
	const char *text = s->items[SETTING_ZSTD_COMPRESSION_LEVEL].text;
	uint64_t level = MYP_PACK_ZSTD_LEVEL;

	if (said(s, SETTING_ZSTD_COMPRESSION_LEVEL) &&
	    (scan_uint(text, &level) != ERR_OK || level < 1 || level > MYP_PACK_ZSTD_LEVEL_MAX))
		return err_set(info, ERR_USAGE, 0, "%s: a level of zstd is from 1 to %d, not '%s'",
			       settings_origin(s, SETTING_ZSTD_COMPRESSION_LEVEL),
			       MYP_PACK_ZSTD_LEVEL_MAX, text);
	t->compression.zstd_level = (int)level;
	return ERR_OK;
}

static enum err add_algorithm(struct slice name, const char *origin, struct target_compression *c,
			      struct errinfo *info)
{
	static const char *const names[TARGET_COMPRESSIONS] = {
		[TARGET_UNCOMPRESSED] = "uncompressed",
		[TARGET_ZLIB] = "zlib",
		[TARGET_ZSTD] = "zstd",
	};

	for (size_t i = 0; i < TARGET_COMPRESSIONS; i++) {
		if (!slice_eq_nocase(name, slice_cstr(names[i])))
			continue;
		for (uint8_t k = 0; k < c->count; k++)
			if (c->order[k] == i)
				return ERR_OK;
		c->order[c->count++] = (uint8_t)i;
		return ERR_OK;
	}
	return err_set(info, ERR_USAGE, 0,
		       "%s: compression algorithms are zlib, zstd and uncompressed, not '%.*s'",
		       origin, (int)slice_head(name, 40).len, (const char *)name.ptr);
}

static enum err resolve_algorithms(const char *list, const char *origin, struct target *t,
				   struct errinfo *info)
{
	struct slice rest = slice_cstr(list);
	enum err e = ERR_OK;

	do {
		const uint8_t *comma = rest.len ? memchr(rest.ptr, ',', rest.len) : NULL;
		size_t len = comma ? (size_t)(comma - rest.ptr) : rest.len;

		e = add_algorithm(slice_trim(slice_head(rest, len)), origin, &t->compression, info);
		rest = slice_skip(rest, len + 1);
	} while (e == ERR_OK && rest.len > 0);
	return e;
}

static enum err resolve_compression(const struct settings *s, struct target *t,
				    struct errinfo *info)
{
	static const char *const on[] = {"1", "on", "true"}, *const off[] = {"0", "off", "false"};
	const char *text = s->items[SETTING_COMPRESS].text;
	const char *list = s->items[SETTING_COMPRESSION_ALGORITHMS].text;
	enum err e = resolve_zstd_level(s, t, info);

	if (e != ERR_OK)
		return e;
	if (said(s, SETTING_COMPRESSION_ALGORITHMS))
		return resolve_algorithms(list, settings_origin(s, SETTING_COMPRESSION_ALGORITHMS),
					  t, info);
	for (size_t i = 0; said(s, SETTING_COMPRESS) && i < sizeof(on) / sizeof(on[0]); i++) {
		if (slice_eq_nocase(slice_cstr(text), slice_cstr(on[i])))
			return resolve_algorithms("zlib,zstd,uncompressed", "", t, info);
		if (slice_eq_nocase(slice_cstr(text), slice_cstr(off[i])))
			return ERR_OK;
	}
	if (!said(s, SETTING_COMPRESS))
		return ERR_OK;
	return err_set(info, ERR_USAGE, 0, "%s: compress is 1 or 0, not '%s'",
		       settings_origin(s, SETTING_COMPRESS), text);
}

/* Moves the text out of S, so that a password is not copied once more. */
static char *take_text(struct settings *s, enum setting which)
{
	char *text = s->items[which].text;

	s->items[which].text = NULL;
	return text;
}

static char *copy_text(const char *text)
{
	return mem_copy_str(text, strlen(text));
}

static bool use_socket(const struct settings *s)
{
	const struct setting_value *host = &s->items[SETTING_HOST];
	const struct setting_value *socket = &s->items[SETTING_SOCKET];
	const struct setting_value *port = &s->items[SETTING_PORT];

	if (said(s, SETTING_HOST) && strcmp(host->text, "localhost") != 0)
		return said(s, SETTING_SOCKET) && socket->rank < host->rank;
	if (!said(s, SETTING_PORT))
		return true;
	return said(s, SETTING_SOCKET) && socket->rank <= port->rank;
}

static const char *default_socket(void)
{
	static const char *const usual[] = {
		"/run/mysqld/mysqld.sock",
		"/var/lib/mysql/mysql.sock",
		"/tmp/mysql.sock",
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (access(usual[i], F_OK) == 0)
			return usual[i];
	return usual[0];
}

static bool resolve_place(struct settings *s, struct target *t)
{
	if (use_socket(s))
		t->socket = said(s, SETTING_SOCKET) ? take_text(s, SETTING_SOCKET)
						    : copy_text(default_socket());
	else
		t->host =
			said(s, SETTING_HOST) ? take_text(s, SETTING_HOST) : copy_text("localhost");
	return t->host || t->socket;
}

static bool resolve_user(struct settings *s, struct target *t)
{
	struct passwd *me;

	if (said(s, SETTING_USER)) {
		t->user = take_text(s, SETTING_USER);
		return true;
	}
	me = getpwuid(geteuid());
	t->user = copy_text(me ? me->pw_name : "");
	return t->user != NULL;
}

static enum err resolve_all(struct settings *s, struct target *t, struct errinfo *info)
{
	enum err e = resolve_port(s, t, info);

	if (e == ERR_OK)
		e = resolve_times(s, t, info);
	if (e == ERR_OK)
		e = resolve_ssl_mode(s, t, info);
	if (e == ERR_OK)
		e = resolve_compression(s, t, info);
	if (e != ERR_OK)
		return e;
	if (!resolve_place(s, t) || !resolve_user(s, t))
		return err_set(info, ERR_NOMEM, 0, "no memory for a target");
	t->password = take_text(s, SETTING_PASSWORD);
	if (said(s, SETTING_DATABASE))
		t->database = take_text(s, SETTING_DATABASE);
	if (said(s, SETTING_SSL_CA))
		t->ssl_ca = take_text(s, SETTING_SSL_CA);
	if (said(s, SETTING_SSL_CERT))
		t->ssl_cert = take_text(s, SETTING_SSL_CERT);
	if (said(s, SETTING_SSL_KEY))
		t->ssl_key = take_text(s, SETTING_SSL_KEY);
	return ERR_OK;
}

enum err target_resolve(const struct target_args *args, struct target *out, struct errinfo *info)
{
	struct settings s;
	struct target t = {0};
	enum err e;

	settings_init(&s);
	e = take_options(args, &s, info);
	if (e == ERR_OK && args->url)
		e = url_parse(args->url, &s, info);
	if (e == ERR_OK)
		warn_of_argv(args, &s);
	if (e == ERR_OK)
		e = take_environment(&s, info);
	if (e == ERR_OK && args->defaults_file)
		e = config_read(args->defaults_file, true, &s, info);
	else if (e == ERR_OK)
		e = config_read_default(&s, info);
	if (e == ERR_OK)
		e = resolve_all(&s, &t, info);
	settings_release(&s);
	if (e == ERR_OK)
		*out = t;
	else
		target_release(&t);
	return e;
}

bool target_wants_compression(const struct target *t)
{
	return t->compression.count > 0 && t->compression.order[0] != TARGET_UNCOMPRESSED;
}

void target_release(struct target *t)
{
	mem_free(t->host);
	mem_free(t->socket);
	mem_free(t->user);
	secret_free(t->password);
	mem_free(t->database);
	mem_free(t->ssl_ca);
	mem_free(t->ssl_cert);
	mem_free(t->ssl_key);
	*t = (struct target){0};
}

const char *target_format(const struct target *t, char *to, size_t size)
{
	const char *user = t->user ? t->user : "";

	if (!t->host)
		(void)snprintf(to, size, "%s@%s", user, t->socket ? t->socket : "");
	else
		(void)snprintf(to, size, strchr(t->host, ':') ? "%s@[%s]:%u" : "%s@%s:%u", user,
			       t->host, (unsigned)t->port);
	return to;
}
