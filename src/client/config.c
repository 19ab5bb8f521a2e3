/* config - my.cnf. */
#include "client/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

struct config {
	struct settings *into;
	struct errinfo *info;
	unsigned files; /* read so far */
};

/* The file that is being read, and where in it. */
struct place {
	const char *path;
	unsigned line;
	unsigned depth; /* of inclusion */
	bool in_group;  /* in a group that is for us */
};

static enum err read_file(struct config *c, const char *path, bool required, unsigned depth);

/* VALUE without the comment that may stand behind it: a '#' that is not in quotes. */
static struct slice cut_comment(struct slice value)
{
	uint8_t quote = 0;

	for (size_t i = 0; i < value.len; i++) {
		uint8_t ch = value.ptr[i];

		if (ch == '\\' && quote)
			i++;
		else if (quote && ch == quote)
			quote = 0;
		else if (!quote && (ch == '"' || ch == '\''))
			quote = ch;
		else if (!quote && ch == '#')
			return slice_head(value, i);
	}
	return value;
}

static struct slice unquote(struct slice s)
{
	if (s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '\'') && s.ptr[s.len - 1] == s.ptr[0])
		return slice_of(s.ptr + 1, s.len - 2);
	return s;
}

/* What "\c" stands for, or 0 if the backslash has no meaning there and stays. */
static uint8_t unescape(uint8_t c)
{
	static const char from[] = "btnrs\\\"'", to[] = "\b\t\n\r \\\"'";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? (uint8_t)to[at - from] : 0;
}

static void put_unescaped(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t meant = 0;

		if (s.ptr[i] == '\\' && i + 1 < s.len)
			meant = unescape(s.ptr[i + 1]);
		buf_put_u8(out, meant ? meant : s.ptr[i]);
		if (meant)
			i++;
	}
}

static enum err set_value(struct config *c, const struct place *at, enum setting which,
			  struct slice value)
{
	char origin[SETTINGS_ORIGIN_MAX];
	struct buf plain;
	enum err e;

	(void)snprintf(origin, sizeof(origin), "%s:%u", at->path, at->line);
	buf_init(&plain, SETTINGS_TEXT_MAX);
	if (!buf_reserve(&plain, SETTINGS_TEXT_MAX)) /* at once: it may become a password */
		return err_set(c->info, ERR_NOMEM, 0, "no memory for %s", at->path);
	put_unescaped(unquote(slice_trim(cut_comment(value))), &plain);
	if (buf_err(&plain) != ERR_OK)
		e = err_set(c->info, ERR_USAGE, 0, "%s: the value of %s is too long", origin,
			    setting_name(which));
	else
		e = settings_set(c->into, which, buf_slice(&plain), SETTINGS_FILE, origin, c->info);
	explicit_bzero(plain.ptr, plain.cap);
	buf_release(&plain);
	return e;
}

static enum err read_setting(struct config *c, const struct place *at, struct slice line)
{
	const uint8_t *eq = memchr(line.ptr, '=', line.len);
	struct slice name = eq ? slice_head(line, (size_t)(eq - line.ptr)) : cut_comment(line);
	enum setting which;

	name = slice_trim(name);
	if (slice_eq(slice_head(name, 6), SLICE_LIT("loose-")))
		name = slice_skip(name, 6);
	which = setting_find(name);
	if (which != SETTING_COUNT && eq)
		return set_value(c, at, which, slice_skip(line, (size_t)(eq - line.ptr) + 1));
	if (which == SETTING_COMPRESS)
		return set_value(c, at, which, SLICE_LIT("1"));
	if (slice_eq(name, SLICE_LIT("skip-ssl")))
		return set_value(c, at, SETTING_SSL_MODE, SLICE_LIT("DISABLED"));
	return ERR_OK;
}

static int is_cnf(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > 4 && strcmp(d->d_name + len - 4, ".cnf") == 0;
}

static enum err include_dir(struct config *c, const struct place *at, const char *dir)
{
	struct dirent **names;
	int count = scandir(dir, &names, is_cnf, alphasort);
	enum err e = ERR_OK;

	if (count < 0) {
		log_warn(NULL, "%s:%u: cannot read %s: %s", at->path, at->line, dir,
			 strerror(errno));
		return ERR_OK;
	}
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		int n = snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);

		if (e == ERR_OK && n > 0 && (size_t)n < sizeof(path))
			e = read_file(c, path, false, at->depth + 1);
		free(names[i]);
	}
	free(names);
	return e;
}

static enum err read_directive(struct config *c, const struct place *at, struct slice line)
{
	static const struct slice file = {(const uint8_t *)"!include", 8};
	static const struct slice dir = {(const uint8_t *)"!includedir", 11};
	bool is_dir = slice_eq(slice_head(line, dir.len), dir);
	struct slice name = slice_skip(line, is_dir ? dir.len : file.len);
	char path[PATH_MAX];

	if (!slice_eq(slice_head(line, file.len), file) || !name.len ||
	    !slice_is_blank(name.ptr[0]))
		return err_set(c->info, ERR_USAGE, 0, "%s:%u: expected !include or !includedir",
			       at->path, at->line);
	name = slice_trim(name);
	if (name.len >= sizeof(path))
		return err_set(c->info, ERR_USAGE, 0, "%s:%u: the path is too long", at->path,
			       at->line);
	(void)snprintf(path, sizeof(path), "%.*s", (int)name.len, (const char *)name.ptr);
	if (is_dir)
		return include_dir(c, at, path);
	return read_file(c, path, false, at->depth + 1);
}

static enum err read_line(struct config *c, struct place *at, struct slice line)
{
	line = slice_trim(line);
	if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
		return ERR_OK;
	if (line.ptr[0] == '!')
		return read_directive(c, at, line);
	if (line.ptr[0] == '[') {
		const uint8_t *end = memchr(line.ptr, ']', line.len);
		struct slice group = slice_skip(line, 1);

		if (!end)
			return err_set(c->info, ERR_USAGE, 0, "%s:%u: a group without ']'",
				       at->path, at->line);
		group = slice_trim(slice_head(group, (size_t)(end - group.ptr)));
		at->in_group =
			slice_eq(group, SLICE_LIT("client")) || slice_eq(group, SLICE_LIT("myna"));
		return ERR_OK;
	}
	return at->in_group ? read_setting(c, at, line) : ERR_OK;
}

static enum err read_lines(struct config *c, const char *path, unsigned depth, struct slice text)
{
	struct place at = {.path = path, .depth = depth};
	enum err e = ERR_OK;

	while (e == ERR_OK && text.len > 0) {
		const uint8_t *end = memchr(text.ptr, '\n', text.len);
		size_t len = end ? (size_t)(end - text.ptr) : text.len;

		at.line++;
		e = read_line(c, &at, slice_head(text, len));
		text = slice_skip(text, len + 1);
	}
	return e;
}

/* Fills TEXT, which has room for one byte more than a file may have. */
static enum err load(struct config *c, const char *path, int fd, struct buf *text)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return err_set(c->info, ERR_IO, errno, "read %s", path);
	if (S_ISREG(st.st_mode) && st.st_mode & S_IWOTH) {
		log_warn(NULL, "%s is left out: everyone may write to it", path);
		return ERR_OK;
	}
	if (!buf_reserve(text, CONFIG_FILE_MAX + 1))
		return err_set(c->info, ERR_NOMEM, 0, "no memory for %s", path);
	do {
		n = read(fd, text->ptr + text->len, text->max - text->len);
		if (n < 0)
			return err_set(c->info, ERR_IO, errno, "read %s", path);
		buf_advance(text, (size_t)n);
	} while (n > 0 && text->len < text->max);
	if (text->len > CONFIG_FILE_MAX)
		return err_set(c->info, ERR_USAGE, 0, "%s is too long for an option file", path);
	return ERR_OK;
}

static enum err read_file(struct config *c, const char *path, bool required, unsigned depth)
{
	struct buf text;
	enum err e;
	int fd;

	if (depth > CONFIG_DEPTH_MAX || c->files >= CONFIG_FILES_MAX)
		return err_set(c->info, ERR_USAGE, 0, "%s: too many files include one another",
			       path);
	c->files++;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && required)
		return err_set(c->info, ERR_IO, errno, "open %s", path);
	if (fd < 0)
		return ERR_OK;
	buf_init(&text, CONFIG_FILE_MAX + 1);
	e = load(c, path, fd, &text);
	if (e == ERR_OK)
		e = read_lines(c, path, depth, buf_slice(&text));
	else if (!required && e == ERR_IO) /* a directory of that name, for example */
		e = ERR_OK;
	if (text.ptr)
		explicit_bzero(text.ptr, text.len);
	buf_release(&text);
	(void)close(fd);
	return e;
}

enum err config_read(const char *path, bool required, struct settings *into, struct errinfo *info)
{
	struct config c = {.into = into, .info = info};

	return read_file(&c, path, required, 0);
}

enum err config_read_default(struct settings *into, struct errinfo *info)
{
	static const char *const paths[] = {"/etc/my.cnf", "/etc/mysql/my.cnf"};
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < sizeof(paths) / sizeof(paths[0]); i++)
		e = config_read(paths[i], false, into, info);
	if (e != ERR_OK || !home || !*home)
		return e;
	(void)snprintf(path, sizeof(path), "%s/.my.cnf", home);
	return config_read(path, false, into, info);
}
