/* accounts - which account of the target stands for which recorded user. */
#include "client/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"

enum { USER_MAX = 256 }; /* bytes of a recorded user that are compared */

struct reading {
	const char *path;
	unsigned line;
	const struct target *target;
	struct accounts *into;
	struct errinfo *info;
};

static enum err no_memory(struct errinfo *info)
{
	return err_set(info, ERR_NOMEM, 0, "no memory for accounts");
}

/* All of the file at FD, which is PATH; a longer one than there is room for is refused. */
static enum err read_all(int fd, const char *path, struct buf *out, struct errinfo *info)
{
	struct stat st;
	ssize_t n = 1;

	if (fstat(fd, &st) != 0)
		return err_set(info, ERR_IO, errno, "read %s", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(info, ERR_USAGE, 0,
			       "%s holds passwords, and others may read or write it: chmod 600 %s",
			       path, path);
	/* In one piece from the start, so that no copy is left behind when it grows. */
	if (!buf_reserve(out, ACCOUNTS_FILE_MAX))
		return no_memory(info);
	while (n > 0 && out->len < ACCOUNTS_FILE_MAX) {
		n = read(fd, out->ptr + out->len, ACCOUNTS_FILE_MAX - out->len);
		if (n < 0 && errno != EINTR)
			return err_set(info, ERR_IO, errno, "read %s", path);
		out->len += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
	}
	if (out->len == ACCOUNTS_FILE_MAX)
		return err_set(info, ERR_USAGE, 0, "%s is too large", path);
	return ERR_OK;
}

static enum err read_secret_file(const char *path, struct buf *out, struct errinfo *info)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err e;

	buf_init(out, ACCOUNTS_FILE_MAX);
	if (fd < 0)
		return err_set(info, ERR_IO, errno, "open %s", path);
	e = read_all(fd, path, out, info);
	close(fd);
	if (e != ERR_OK)
		secret_release(out);
	return e;
}

/* Takes what is before the first MARK off *REST; false: there is none, and *REST stays. */
static bool cut_at(struct slice *rest, char mark, struct slice *before)
{
	const uint8_t *at = rest->len ? memchr(rest->ptr, mark, rest->len) : NULL;

	if (!at)
		return false;
	*before = slice_head(*rest, (size_t)(at - rest->ptr));
	*rest = slice_skip(*rest, before->len + 1);
	return true;
}

static bool takes(struct slice *s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (s->len < len || memcmp(s->ptr, prefix, len) != 0)
		return false;
	*s = slice_skip(*s, len);
	return true;
}

static enum err wrong(const struct reading *r, const char *what)
{
	return err_set(r->info, ERR_USAGE, 0, "%s:%u: %s", r->path, r->line, what);
}

static enum err keep(const struct reading *r, struct slice text, char **to)
{
	if (text.len > ACCOUNT_TEXT_MAX || (text.len && memchr(text.ptr, 0, text.len)))
		return wrong(r, "too long, or with a zero byte in it");
	*to = mem_copy_str(text.ptr, text.len);
	return *to ? ERR_OK : no_memory(r->info);
}

static enum err password_of_file(const struct reading *r, struct slice path, char **to)
{
	struct buf all;
	struct slice rest, first;
	char *name = NULL;
	enum err e = keep(r, path, &name);

	if (!name)
		return e;
	e = read_secret_file(name, &all, r->info);
	mem_free(name);
	if (e != ERR_OK)
		return e;
	rest = first = buf_slice(&all);
	if (!cut_at(&rest, '\n', &first))
		first = rest;
	if (first.len && first.ptr[first.len - 1] == '\r')
		first.len--;
	e = keep(r, first, to);
	secret_release(&all);
	return e;
}

static enum err password_of_environment(const struct reading *r, struct slice name, char **to)
{
	char *copy = NULL;
	const char *value;
	enum err e = keep(r, name, &copy);

	if (!copy)
		return e;
	value = getenv(copy);
	mem_free(copy);
	if (!value)
		return wrong(r, "there is no such environment variable");
	return keep(r, slice_cstr(value), to);
}

/* SOURCE is NULL if the line says nothing. */
static enum err password_of(const struct reading *r, const struct slice *source, char **to)
{
	struct slice rest = source ? *source : slice_of(NULL, 0);

	if (!source)
		return r->target->password ? keep(r, slice_cstr(r->target->password), to) : ERR_OK;
	if (takes(&rest, "env:"))
		return password_of_environment(r, rest, to);
	if (takes(&rest, "file:"))
		return password_of_file(r, rest, to);
	if (takes(&rest, "plain:"))
		return keep(r, rest, to);
	if (slice_eq(rest, SLICE_LIT("none")))
		return ERR_OK;
	return wrong(r, "the password comes from env:NAME, file:PATH, plain:TEXT or none");
}

static void account_release(struct account *a)
{
	mem_free(a->recorded);
	mem_free(a->user);
	secret_free(a->password);
}

static enum err read_line(struct reading *r, struct slice line)
{
	struct account account = {.user = NULL};
	struct slice recorded, user, rest = slice_trim(line);
	bool has_source;
	enum err e;

	if (rest.len == 0 || rest.ptr[0] == '#')
		return ERR_OK;
	if (!cut_at(&rest, '=', &recorded))
		return wrong(r, "not of the form 'recorded user = target user, password source'");
	has_source = cut_at(&rest, ',', &user);
	if (!has_source)
		user = rest;
	rest = slice_trim(rest);
	e = keep(r, slice_trim(recorded), &account.recorded);
	if (e == ERR_OK)
		e = keep(r, slice_trim(user), &account.user);
	if (e == ERR_OK)
		e = password_of(r, has_source ? &rest : NULL, &account.password);
	if (e == ERR_OK)
		r->into->items[r->into->count++] = account;
	else
		account_release(&account);
	return e;
}

/* Room for an account in each line of TEXT. */
static enum err make_room(struct accounts *a, struct slice text, struct errinfo *info)
{
	size_t lines = 1;

	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	a->items = mem_zalloc(lines * sizeof(*a->items));
	return a->items ? ERR_OK : no_memory(info);
}

enum err accounts_read(const char *path, const struct target *target, struct accounts *out,
		       struct errinfo *info)
{
	struct accounts a = {.count = 0};
	struct reading r = {.path = path, .target = target, .into = &a, .info = info};
	struct slice rest, line;
	struct buf all;
	enum err e = read_secret_file(path, &all, info);

	if (e != ERR_OK)
		return e;
	rest = buf_slice(&all);
	e = make_room(&a, rest, info);
	while (e == ERR_OK && rest.len > 0) {
		if (!cut_at(&rest, '\n', &line)) {
			line = rest;
			rest.len = 0;
		}
		r.line++;
		e = read_line(&r, line);
	}
	secret_release(&all);
	if (e == ERR_OK)
		*out = a;
	else
		accounts_release(&a);
	return e;
}

void accounts_release(struct accounts *a)
{
	for (size_t i = 0; i < a->count; i++)
		account_release(&a->items[i]);
	mem_free(a->items);
	*a = (struct accounts){.count = 0};
}

const struct account *accounts_find(const struct accounts *a, struct slice user)
{
	char name[USER_MAX];

	user = slice_head(user, sizeof(name) - 1);
	if (user.len > 0)
		memcpy(name, user.ptr, user.len);
	name[user.len] = '\0';
	for (size_t i = 0; i < a->count; i++)
		if (fnmatch(a->items[i].recorded, name, 0) == 0)
			return &a->items[i];
	return NULL;
}
