/* answers - what one run of a replay was answered. */
#include "replay/answers.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum { GATHERED = 512 /* answers that are written at once */ };

struct key {
	uint64_t session, n;
	uint64_t at; /* the how manieth */
};

struct answers {
	int fd;
	pthread_mutex_t lock;
	struct facts *gathered;
	struct key *keys;
	size_t count, cap, written;
	struct errinfo failure;
};

enum err answers_new(struct answers **out, struct errinfo *info)
{
	const char *folder = getenv("TMPDIR");
	struct answers *a = mem_zalloc(sizeof(*a));

	if (!folder || !*folder)
		folder = "/tmp";
	if (a)
		a->gathered = mem_alloc(GATHERED * sizeof(*a->gathered));
	if (!a || !a->gathered) {
		mem_free(a);
		return err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	}
	a->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (a->fd < 0) {
		enum err e = err_set(info, ERR_IO, errno, "a temporary file in %s", folder);

		mem_free(a->gathered);
		mem_free(a);
		return e;
	}
	pthread_mutex_init(&a->lock, NULL);
	*out = a;
	return ERR_OK;
}

void answers_free(struct answers *a)
{
	if (!a)
		return;
	close(a->fd);
	pthread_mutex_destroy(&a->lock);
	mem_free(a->gathered);
	mem_free(a->keys);
	mem_free(a);
}

static bool make_room(struct answers *a)
{
	size_t cap = a->cap ? a->cap * 2 : GATHERED;
	struct key *keys;

	if (a->count < a->cap)
		return true;
	keys = mem_resize(a->keys, cap * sizeof(*keys));
	if (!keys) {
		(void)err_set(&a->failure, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
		return false;
	}
	a->keys = keys;
	a->cap = cap;
	return true;
}

static void write_gathered(struct answers *a)
{
	const size_t len = (a->count - a->written) * sizeof(struct facts);

	if (file_write_all(a->fd, slice_of(a->gathered, len)))
		a->written = a->count;
	else
		(void)err_set(&a->failure, ERR_IO, errno, "keeping a run's answers");
}

void answers_add(struct answers *a, uint64_t session, uint64_t n, const struct facts *f)
{
	pthread_mutex_lock(&a->lock);
	if (a->failure.code == ERR_OK && make_room(a)) {
		a->gathered[a->count - a->written] = *f;
		a->keys[a->count] = (struct key){.session = session, .n = n, .at = a->count};
		a->count++;
		if (a->count - a->written == GATHERED)
			write_gathered(a);
	}
	pthread_mutex_unlock(&a->lock);
}

static int by_key(const void *x, const void *y)
{
	const struct key *a = x, *b = y;

	if (a->session != b->session)
		return a->session < b->session ? -1 : 1;
	return a->n < b->n ? -1 : a->n > b->n;
}

enum err answers_seal(struct answers *a, struct errinfo *info)
{
	if (a->failure.code == ERR_OK)
		write_gathered(a);
	if (a->failure.code != ERR_OK)
		return err_set(info, a->failure.code, 0, "%s", a->failure.text);
	if (a->count > 0)
		qsort(a->keys, a->count, sizeof(*a->keys), by_key);
	return ERR_OK;
}

bool answers_get(const struct answers *a, uint64_t session, uint64_t n, struct facts *out)
{
	const struct key wanted = {.session = session, .n = n};
	const struct key *found =
		a->count ? bsearch(&wanted, a->keys, a->count, sizeof(wanted), by_key) : NULL;
	struct facts f;

	if (!found ||
	    pread(a->fd, &f, sizeof(f), (off_t)(found->at * sizeof(f))) != (ssize_t)sizeof(f))
		return false;
	*out = f;
	return true;
}

size_t answers_count(const struct answers *a)
{
	return a->count;
}
