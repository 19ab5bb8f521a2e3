/* series - the files of a recorder that begins a new one now and then. */
#include "recording/series.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "recording/reader.h"

static const char TIME_FORMAT[] = "%Y%m%dT%H%M%SZ";

/* PATH in three: the folder with its slash, the stem, the extension with its dot. */
struct parts {
	struct slice folder, stem, extension;
};

static struct parts split(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');
	size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);

	return (struct parts){
		.folder = slice_of(path, (size_t)(name - path)),
		.stem = slice_of(name, stem),
		.extension = slice_cstr(name + stem),
	};
}

void series_put_path(const char *path, int64_t since_1970_ns, unsigned number, struct buf *out)
{
	struct parts p = split(path);
	time_t t = (time_t)(since_1970_ns / NS_PER_S);
	char time[32];
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	(void)strftime(time, sizeof(time), TIME_FORMAT, &tm);
	buf_put_slice(out, p.folder);
	buf_put_slice(out, p.stem);
	buf_printf(out, "-%s", time);
	if (number > 1)
		buf_printf(out, "_%02u", number);
	buf_put_slice(out, p.extension);
	buf_put_u8(out, 0);
}

/* Takes PREFIX off the front of S. */
static bool take(struct slice *s, struct slice prefix)
{
	if (!slice_eq(slice_head(*s, prefix.len), prefix))
		return false;
	*s = slice_skip(*s, prefix.len);
	return true;
}

static bool take_digits(struct slice *s, size_t n, char *to)
{
	for (size_t i = 0; i < n; i++) {
		if (i >= s->len || s->ptr[i] < '0' || s->ptr[i] > '9')
			return false;
		to[i] = (char)s->ptr[i];
	}
	*s = slice_skip(*s, n);
	return true;
}

/* 20261120T143500Z */
static bool take_time(struct slice *s, char to[17])
{
	if (!take_digits(s, 8, to) || !take(s, SLICE_LIT("T")) || !take_digits(s, 6, to + 9) ||
	    !take(s, SLICE_LIT("Z")))
		return false;
	to[8] = 'T';
	to[15] = 'Z';
	to[16] = '\0';
	return true;
}

bool series_has(const char *path, const char *name, struct series_place *place)
{
	struct parts p = split(path);
	struct slice s = slice_cstr(name);
	struct series_place found = {.number = 1};
	char digits[2];

	if (!take(&s, p.stem) || !take(&s, SLICE_LIT("-")) || !take_time(&s, found.time))
		return false;
	if (take(&s, SLICE_LIT("_"))) {
		if (!take_digits(&s, sizeof(digits), digits))
			return false;
		found.number = (unsigned)(digits[0] - '0') * 10 + (unsigned)(digits[1] - '0');
	}
	if (!slice_eq(s, p.extension))
		return false;
	*place = found;
	return true;
}

static bool is_older(const struct series_place *a, const struct series_place *b)
{
	int order = strcmp(a->time, b->time);

	return order ? order < 0 : a->number < b->number;
}

/* The oldest so far, and how many there are. */
struct search {
	const char *path;
	size_t count;
	struct series_place oldest;
	char name[256]; /* NAME_MAX, with the NUL */
};

static bool is_recording(const char *path, const char *name)
{
	struct slice folder = split(path).folder;
	char whole[SERIES_PATH_MAX];
	bool is = false;
	struct stat st;
	int fd, n = snprintf(whole, sizeof(whole), "%.*s%s", (int)folder.len,
			     (const char *)folder.ptr, name);

	if (n <= 0 || (size_t)n >= sizeof(whole) || lstat(whole, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	fd = open(whole, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		is = recording_is(fd);
		(void)close(fd);
	}
	return is;
}

static void look_at(struct search *s, const char *name)
{
	struct series_place place;

	if (strlen(name) >= sizeof(s->name) || !series_has(s->path, name, &place) ||
	    !is_recording(s->path, name))
		return;
	if (s->count == 0 || is_older(&place, &s->oldest)) {
		s->oldest = place;
		memcpy(s->name, name, strlen(name) + 1);
	}
	s->count++;
}

enum err series_oldest(const char *path, size_t keep, struct buf *out, struct errinfo *info)
{
	struct search search = {.path = path};
	struct slice folder = split(path).folder;
	char where[SERIES_PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	(void)snprintf(where, sizeof(where), "%.*s", (int)folder.len, (const char *)folder.ptr);
	dir = opendir(folder.len ? where : ".");
	if (!dir)
		return err_set(info, ERR_IO, errno, "look for older recordings in %s",
			       folder.len ? where : ".");
	while ((entry = readdir(dir)) != NULL)
		look_at(&search, entry->d_name);
	(void)closedir(dir);
	if (search.count <= keep)
		return ERR_OK;
	buf_put_slice(out, folder);
	buf_put(out, search.name, strlen(search.name) + 1);
	return buf_err(out) == ERR_OK
		       ? ERR_OK
		       : err_set(info, buf_err(out), 0, "look for older recordings in %s: %s",
				 folder.len ? where : ".", err_text(buf_err(out)));
}
