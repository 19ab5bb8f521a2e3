/* option_file - files of options in groups, as my.cnf. */
#include "base/option_file.h"

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
#include "base/secret.h"

struct reading {
	const struct option_file *what;
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

static enum err read_file(struct reading *c, const char *path, bool required, unsigned depth);

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

/* VALUE is NULL for a name that stands alone. */
static enum err set_value(struct reading *c, const struct place *at, struct slice name,
			  const struct slice *value)
{
	const struct option_file *what = c->what;
	char origin[OPTION_FILE_ORIGIN_MAX];
	struct buf plain;
	enum err e;

	(void)snprintf(origin, sizeof(origin), "%s:%u", at->path, at->line);
	if (!value)
		return what->on_name(what->ctx, name, origin, c->info);
	buf_init(&plain, OPTION_FILE_BYTES_MAX);
	if (!buf_reserve(&plain, value->len + 1)) /* at once: it may become a password */
		return err_set(c->info, ERR_NOMEM, 0, "no memory for %s", at->path);
	put_unescaped(unquote(slice_trim(cut_comment(*value))), &plain);
	e = what->on_value(what->ctx, name, buf_slice(&plain), origin, c->info);
	secret_release(&plain);
	return e;
}

static enum err read_setting(struct reading *c, const struct place *at, struct slice line)
{
	const uint8_t *eq = memchr(line.ptr, '=', line.len);
	struct slice name = eq ? slice_head(line, (size_t)(eq - line.ptr)) : cut_comment(line);
	struct slice value = {.ptr = NULL, .len = 0};

	name = slice_trim(name);
	if (slice_eq(slice_head(name, 6), SLICE_LIT("loose-")))
		name = slice_skip(name, 6);
	if (eq)
		value = slice_skip(line, (size_t)(eq - line.ptr) + 1);
	return set_value(c, at, name, eq ? &value : NULL);
}

static bool is_ours(const struct reading *c, struct slice group)
{
	for (const char *const *name = c->what->groups; *name; name++)
		if (slice_eq(group, slice_cstr(*name)))
			return true;
	return false;
}

static int is_cnf(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > 4 && strcmp(d->d_name + len - 4, ".cnf") == 0;
}

static enum err include_dir(struct reading *c, const struct place *at, const char *dir)
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

static enum err read_directive(struct reading *c, const struct place *at, struct slice line)
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

static enum err read_line(struct reading *c, struct place *at, struct slice line)
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
		at->in_group = is_ours(c, group);
		return ERR_OK;
	}
	return at->in_group ? read_setting(c, at, line) : ERR_OK;
}

static enum err read_lines(struct reading *c, const char *path, unsigned depth, struct slice text)
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
static enum err load(struct reading *c, const char *path, int fd, struct buf *text)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return err_set(c->info, ERR_IO, errno, "read %s", path);
	if (S_ISREG(st.st_mode) && st.st_mode & S_IWOTH) {
		log_warn(NULL, "%s is left out: everyone may write to it", path);
		return ERR_OK;
	}
	if (!buf_reserve(text, OPTION_FILE_BYTES_MAX + 1))
		return err_set(c->info, ERR_NOMEM, 0, "no memory for %s", path);
	do {
		n = read(fd, text->ptr + text->len, text->max - text->len);
		if (n < 0)
			return err_set(c->info, ERR_IO, errno, "read %s", path);
		buf_advance(text, (size_t)n);
	} while (n > 0 && text->len < text->max);
	if (text->len > OPTION_FILE_BYTES_MAX)
		return err_set(c->info, ERR_USAGE, 0, "%s is too long for an option file", path);
	return ERR_OK;
}

static enum err read_file(struct reading *c, const char *path, bool required, unsigned depth)
{
	struct buf text;
	enum err e;
	int fd;

	if (depth > OPTION_FILE_DEPTH_MAX || c->files >= OPTION_FILE_FILES_MAX)
		return err_set(c->info, ERR_USAGE, 0, "%s: too many files include one another",
			       path);
	c->files++;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && required)
		return err_set(c->info, ERR_IO, errno, "open %s", path);
	if (fd < 0)
		return ERR_OK;
	buf_init(&text, OPTION_FILE_BYTES_MAX + 1);
	e = load(c, path, fd, &text);
	if (e == ERR_OK)
		e = read_lines(c, path, depth, buf_slice(&text));
	else if (!required && e == ERR_IO) /* a directory of that name, for example */
		e = ERR_OK;
	secret_release(&text);
	(void)close(fd);
	return e;
}

enum err option_file_read(const struct option_file *what, const char *path, bool required,
			  struct errinfo *info)
{
	struct reading c = {.what = what, .info = info};

	return read_file(&c, path, required, 0);
}

enum err option_file_read_default(const struct option_file *what, struct errinfo *info)
{
	static const char *const paths[] = {"/etc/my.cnf", "/etc/mysql/my.cnf"};
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < sizeof(paths) / sizeof(paths[0]); i++)
		e = option_file_read(what, paths[i], false, info);
	if (e != ERR_OK || !home || !*home)
		return e;
	(void)snprintf(path, sizeof(path), "%s/.my.cnf", home);
	return option_file_read(what, path, false, info);
}
