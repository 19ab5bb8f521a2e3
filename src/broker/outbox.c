/* outbox - blocks on their way to the broker. */
#include "broker/outbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"

enum {
	FILE_AIM = 16 << 20, /* bytes of a file at which the next begins */
	BODY_MAX = 32 << 20, /* bytes that are believed of a message */
	NAME_LEN = 24,       /* of a file, with the NUL */
	FOLDER_MODE = 0700,
};

#define MESSAGE_MAGIC 0x4d594e414f555431u /* "MYNAOUT1", on this machine */
#define HEAD_MAGIC 0x4d594e4148454144u

/* In front of each body. The folder is this machine's, so numbers are as it writes them. */
struct message_head {
	uint64_t magic;
	uint32_t shard, len;
	uint64_t stream, number;
	uint64_t checksum; /* of the body and of what stands before */
};

/* The file "head". */
struct head {
	uint64_t magic;
	uint64_t origin;
	uint64_t file, offset;
	uint64_t closed; /* 1: it was ended */
	uint64_t checksum;
};

struct outbox {
	char *folder;
	int folder_fd, head_fd;
	uint64_t origin;
	struct outbox_place head; /* the reader's */
	atomic_ullong messages, bytes;
	/* The writer's. */
	int tail_fd;
	uint64_t tail_file, tail_offset;
	/* What the reader may read up to. */
	pthread_mutex_t lock;
	struct outbox_place end; /* under LOCK */
	/* The reader's. */
	int read_fd;
	uint64_t read_file;
};

static const char *file_name(uint64_t file, char to[NAME_LEN])
{
	(void)snprintf(to, NAME_LEN, "%016llx.out", (unsigned long long)file);
	return to;
}

static uint64_t head_checksum(const struct head *h)
{
	return hash_bytes(slice_of(h, offsetof(struct head, checksum)));
}

static enum err write_head(struct outbox *o, bool closed, struct errinfo *info)
{
	struct head h = {
		.magic = HEAD_MAGIC,
		.origin = o->origin,
		.file = o->head.file,
		.offset = o->head.offset,
		.closed = closed,
	};

	h.checksum = head_checksum(&h);
	if (pwrite(o->head_fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		return err_set(info, ERR_IO, errno, "write %s/head", o->folder);
	return ERR_OK;
}

static uint64_t checksum_of(const struct message_head *h, struct slice body)
{
	return hash_mix(hash_bytes(slice_of(h, offsetof(struct message_head, checksum))),
			hash_bytes(body));
}

static bool read_all(int fd, void *to, size_t len, uint64_t at)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (uint8_t *)to + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* Opens the file that AT is in, to be read. */
static bool open_file(struct outbox *o, uint64_t file)
{
	char name[NAME_LEN];

	if (o->read_fd >= 0 && o->read_file == file)
		return true;
	if (o->read_fd >= 0)
		(void)close(o->read_fd);
	o->read_fd = openat(o->folder_fd, file_name(file, name), O_RDONLY | O_CLOEXEC);
	o->read_file = file;
	return o->read_fd >= 0;
}

/* The message at AT of a file that is open. False: there is no whole one. */
static bool read_message(struct outbox *o, struct outbox_place at, struct outbox_message *out,
			 struct buf *body)
{
	struct message_head h;
	uint8_t *to;

	if (!read_all(o->read_fd, &h, sizeof(h), at.offset) || h.magic != MESSAGE_MAGIC ||
	    h.len > BODY_MAX)
		return false;
	buf_reset(body);
	to = buf_reserve(body, h.len);
	if (!to || !read_all(o->read_fd, to, h.len, at.offset + sizeof(h)))
		return false;
	buf_advance(body, h.len);
	if (checksum_of(&h, buf_slice(body)) != h.checksum)
		return false;
	*out = (struct outbox_message){
		.shard = h.shard,
		.len = h.len,
		.stream = h.stream,
		.number = h.number,
		.after = {.file = at.file, .offset = at.offset + sizeof(h) + h.len},
	};
	return true;
}

/* The number of a file of ours; false: it is none. */
static bool is_file(const char *name, uint64_t *file)
{
	char own[NAME_LEN], *end;

	*file = strtoull(name, &end, 16);
	return strcmp(file_name(*file, own), name) == 0;
}

/* The lowest and the highest file there are; false: there is none. */
static bool find_files(const struct outbox *o, uint64_t *first, uint64_t *last)
{
	DIR *dir = fdopendir(dup(o->folder_fd));
	const struct dirent *d;
	bool found = false;
	uint64_t file;

	if (!dir)
		return false;
	rewinddir(dir);
	while ((d = readdir(dir))) {
		if (!is_file(d->d_name, &file))
			continue;
		*first = !found || file < *first ? file : *first;
		*last = !found || file > *last ? file : *last;
		found = true;
	}
	(void)closedir(dir);
	return found;
}

/* Counts what is left from the head on. The end is in O->END then. */
static void survey(struct outbox *o, uint64_t last, struct outbox_left *left)
{
	struct outbox_place at = o->head;
	struct outbox_message m;
	struct buf body;
	struct stat st;

	buf_init(&body, BODY_MAX);
	o->end = at;
	while (at.file <= last) {
		if (!open_file(o, at.file) || !read_message(o, at, &m, &body)) {
			left->torn |= o->read_fd >= 0 && fstat(o->read_fd, &st) == 0 &&
				      (uint64_t)st.st_size > at.offset;
			at = (struct outbox_place){.file = at.file + 1, .offset = 0};
			continue;
		}
		left->messages++;
		left->bytes += m.len;
		at = o->end = m.after;
	}
	buf_release(&body);
}

/* Removes the files before the head's. */
static void remove_files(const struct outbox *o, uint64_t from, uint64_t to)
{
	char name[NAME_LEN];

	for (uint64_t file = from; file < to; file++)
		(void)unlinkat(o->folder_fd, file_name(file, name), 0);
}

/* What the one before left. */
static enum err take_over(struct outbox *o, struct outbox_left *left, struct errinfo *info)
{
	struct head h;
	uint64_t first = 0, last = 0;
	bool is_new = !read_all(o->head_fd, &h, sizeof(h), 0) || h.magic != HEAD_MAGIC ||
		      h.checksum != head_checksum(&h);
	bool has_files = find_files(o, &first, &last);

	if (is_new && getrandom(&h.origin, sizeof(h.origin), 0) != (ssize_t)sizeof(h.origin))
		return err_set(info, ERR_IO, errno, "cannot get a random number");
	if (is_new) {
		h.file = first;
		h.offset = 0;
	}
	o->origin = h.origin;
	o->head = (struct outbox_place){.file = h.file, .offset = h.offset};
	left->killed = !is_new && !h.closed;
	if (has_files && first < h.file && h.file - first < UINT32_MAX)
		remove_files(o, first, h.file);
	if (has_files)
		survey(o, last, left);
	if (left->messages == 0) {
		o->head.file = has_files && last >= h.file ? last + 1 : h.file + 1;
		o->head.offset = 0;
		if (has_files)
			remove_files(o, h.file, o->head.file);
	}
	/* A new file, so that what may be torn at the end of the last one is not gone on with. */
	o->tail_file = (has_files && last > o->head.file ? last : o->head.file) + 1;
	o->end = (struct outbox_place){.file = o->tail_file, .offset = 0};
	atomic_store(&o->messages, left->messages);
	atomic_store(&o->bytes, left->bytes);
	return write_head(o, false, info);
}

static enum err open_folder(struct outbox *o, struct errinfo *info)
{
	struct stat st;

	if (mkdir(o->folder, FOLDER_MODE) != 0 && errno != EEXIST)
		return err_set(info, ERR_IO, errno, "make the spool %s", o->folder);
	o->folder_fd = open(o->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (o->folder_fd < 0 || fstat(o->folder_fd, &st) != 0)
		return err_set(info, ERR_IO, errno, "open the spool %s", o->folder);
	if (st.st_uid != geteuid())
		return err_set(info, ERR_USAGE, 0,
			       "the spool %s belongs to another user: name another with --spool",
			       o->folder);
	o->head_fd = openat(o->folder_fd, "head", O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (o->head_fd < 0)
		return err_set(info, ERR_IO, errno, "open %s/head", o->folder);
	if (flock(o->head_fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(info, ERR_USAGE, 0,
			       "the spool %s is in use by another myna: name another with --spool",
			       o->folder);
	return ERR_OK;
}

static void release(struct outbox *o)
{
	const int fds[] = {o->folder_fd, o->head_fd, o->tail_fd, o->read_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	pthread_mutex_destroy(&o->lock);
	mem_free(o->folder);
	mem_free(o);
}

enum err outbox_open(const char *folder, struct outbox **out, struct outbox_left *left,
		     struct errinfo *info)
{
	struct outbox *o = mem_zalloc(sizeof(*o));
	enum err e;

	*left = (struct outbox_left){.messages = 0};
	if (!o)
		return err_set(info, ERR_NOMEM, 0, "no memory for a spool");
	o->folder_fd = o->head_fd = o->tail_fd = o->read_fd = -1;
	pthread_mutex_init(&o->lock, NULL);
	o->folder = mem_copy_str(folder, strlen(folder));
	e = o->folder ? open_folder(o, info) : err_set(info, ERR_NOMEM, 0, "no memory for a spool");
	if (e == ERR_OK)
		e = take_over(o, left, info);
	if (e != ERR_OK) {
		release(o);
		return e;
	}
	*out = o;
	return ERR_OK;
}

void outbox_close(struct outbox *o, bool clean)
{
	if (!o)
		return;
	if (outbox_messages(o) == 0)
		remove_files(o, o->head.file, o->tail_file + 1);
	if (clean)
		(void)!write_head(o, true, NULL); /* else the next start says more than it had to */
	release(o);
}

uint64_t outbox_origin(const struct outbox *o)
{
	return o->origin;
}

uint64_t outbox_bytes(const struct outbox *o)
{
	return atomic_load(&o->bytes);
}

uint64_t outbox_messages(const struct outbox *o)
{
	return atomic_load(&o->messages);
}

/* The file to append to: the next one, if the last is long enough. */
static enum err open_tail(struct outbox *o, struct errinfo *info)
{
	char name[NAME_LEN];

	if (o->tail_fd >= 0 && o->tail_offset < FILE_AIM)
		return ERR_OK;
	if (o->tail_fd >= 0) {
		(void)close(o->tail_fd);
		o->tail_file++;
	}
	o->tail_offset = 0;
	o->tail_fd = openat(o->folder_fd, file_name(o->tail_file, name),
			    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
	return o->tail_fd >= 0 ? ERR_OK
			       : err_set(info, ERR_IO, errno, "make %s/%s", o->folder, name);
}

static bool write_parts(int fd, struct iovec parts[2], size_t len, uint64_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwritev(fd, parts, 2, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
		for (int i = 0; i < 2 && n > 0; i++) {
			size_t part = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;

			parts[i].iov_base = (uint8_t *)parts[i].iov_base + part;
			parts[i].iov_len -= part;
			n -= (ssize_t)part;
		}
	}
	return true;
}

enum err outbox_put(struct outbox *o, const struct outbox_message *m, struct slice body,
		    struct errinfo *info)
{
	struct message_head h = {
		.magic = MESSAGE_MAGIC,
		.shard = m->shard,
		.len = (uint32_t)body.len,
		.stream = m->stream,
		.number = m->number,
	};
	struct iovec parts[2] = {
		{.iov_base = &h, .iov_len = sizeof(h)},
		{.iov_base = (void *)(uintptr_t)body.ptr, .iov_len = body.len},
	};
	enum err e = open_tail(o, info);

	if (e != ERR_OK)
		return e;
	h.checksum = checksum_of(&h, body);
	if (!write_parts(o->tail_fd, parts, sizeof(h) + body.len, o->tail_offset))
		return err_set(info, ERR_IO, errno, "write the spool %s", o->folder);
	o->tail_offset += sizeof(h) + body.len;
	atomic_fetch_add(&o->messages, 1);
	atomic_fetch_add(&o->bytes, body.len);
	pthread_mutex_lock(&o->lock);
	o->end = (struct outbox_place){.file = o->tail_file, .offset = o->tail_offset};
	pthread_mutex_unlock(&o->lock);
	return ERR_OK;
}

struct outbox_place outbox_head(const struct outbox *o)
{
	return o->head;
}

struct outbox_place outbox_end(struct outbox *o)
{
	struct outbox_place end;

	pthread_mutex_lock(&o->lock);
	end = o->end;
	pthread_mutex_unlock(&o->lock);
	return end;
}

enum err outbox_read(struct outbox *o, struct outbox_place at, struct outbox_message *out,
		     struct buf *body, struct errinfo *info)
{
	struct outbox_place end = outbox_end(o);

	for (;;) {
		if (at.file > end.file || (at.file == end.file && at.offset >= end.offset))
			return ERR_AGAIN;
		if (open_file(o, at.file) && read_message(o, at, out, body))
			return ERR_OK;
		if (buf_err(body) != ERR_OK)
			return err_set(info, ERR_NOMEM, 0, "no memory for a block of the spool");
		if (at.file == end.file)
			return err_set(info, ERR_IO, 0, "the spool %s is damaged", o->folder);
		at = (struct outbox_place){.file = at.file + 1, .offset = 0};
	}
}

enum err outbox_confirm(struct outbox *o, struct outbox_place after, uint64_t messages,
			uint64_t len, struct errinfo *info)
{
	uint64_t first = o->head.file;

	o->head = after;
	atomic_fetch_sub(&o->messages, messages);
	atomic_fetch_sub(&o->bytes, len);
	remove_files(o, first, after.file);
	return write_head(o, false, info);
}
