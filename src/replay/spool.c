/* spool - batches that wait on disk. */
#include "replay/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"

enum { SPOOL_GIVE_BACK = 16 << 20 }; /* bytes taken out that are given back at once */

/* In front of each batch. */
struct spooled {
	uint64_t len;
	unsigned worker;
};

void spool_init(struct spool *s, const char *folder, uint64_t limit)
{
	*s = (struct spool){.fd = -1, .folder = folder, .limit = limit};
}

void spool_release(struct spool *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* Not all file systems make files without a name: then it is made with one, which is taken away again. */
static int open_nameless(const char *folder)
{
	char path[4096];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	if (snprintf(path, sizeof(path), "%s/myna-spool-XXXXXX", folder) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

static enum err write_all(struct spool *s, const struct iovec *parts, int count, size_t len)
{
	struct iovec left[2];
	size_t done = 0;

	memcpy(left, parts, sizeof(*left) * (size_t)count);
	while (done < len) {
		ssize_t n = pwritev(s->fd, left, count, (off_t)(s->tail + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		done += (size_t)n;
		for (int i = 0; i < count && n > 0; i++) {
			size_t part = (size_t)n < left[i].iov_len ? (size_t)n : left[i].iov_len;

			left[i].iov_base = (uint8_t *)left[i].iov_base + part;
			left[i].iov_len -= part;
			n -= (ssize_t)part;
		}
	}
	s->tail += len;
	return ERR_OK;
}

enum err spool_put(struct spool *s, unsigned worker, const struct batch *b, struct errinfo *info)
{
	struct spooled head = {.len = b->len, .worker = worker};
	const struct iovec parts[] = {
		{.iov_base = &head, .iov_len = sizeof(head)},
		{.iov_base = (void *)(uintptr_t)b->bytes, .iov_len = b->len},
	};

	if (s->fd < 0)
		s->fd = open_nameless(s->folder);
	if (s->fd < 0)
		return err_set(info, ERR_IO, errno, "make a spool in %s", s->folder);
	if (write_all(s, parts, 2, sizeof(head) + b->len) != ERR_OK)
		return err_set(info, ERR_IO, errno, "write the spool in %s", s->folder);
	return ERR_OK;
}

static enum err read_at(const struct spool *s, void *to, size_t len, uint64_t at)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(s->fd, (uint8_t *)to + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		done += (size_t)n;
	}
	return ERR_OK;
}

/* What was taken out needs no place any more. A file system that keeps it will be full sooner. */
static void give_back(struct spool *s)
{
	if (s->head == s->tail) {
		if (ftruncate(s->fd, 0) == 0)
			s->head = s->tail = s->given_back = 0;
	} else if (s->head - s->given_back >= SPOOL_GIVE_BACK) {
		(void)fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)s->given_back, (off_t)(s->head - s->given_back));
		s->given_back = s->head;
	}
}

enum err spool_take(struct spool *s, unsigned *worker, struct batch **out, struct errinfo *info)
{
	struct spooled head;
	struct batch *b;

	if (read_at(s, &head, sizeof(head), s->head) != ERR_OK)
		return err_set(info, ERR_IO, errno, "read the spool in %s", s->folder);
	b = mem_alloc(sizeof(*b) + head.len);
	if (!b)
		return err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	b->len = b->cap = head.len;
	if (read_at(s, b->bytes, b->len, s->head + sizeof(head)) != ERR_OK) {
		mem_free(b);
		return err_set(info, ERR_IO, errno, "read the spool in %s", s->folder);
	}
	*worker = head.worker;
	*out = b;
	s->head += sizeof(head) + head.len;
	give_back(s);
	return ERR_OK;
}
