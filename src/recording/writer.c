/* writer - events into a recording: the file around the builder's blocks. */
#include "recording/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "recording/block.h"
#include "recording/builder.h"

enum { PACKED_MAX = 32 << 20, PACKED_KEEP = 4 << 20 }; /* bytes */

struct recording_writer {
	char *path;
	int fd;
	struct recording_writer_options options;
	struct builder *builder;
	struct block_packer *packer;
	struct buf packed;
	uint64_t bytes;        /* of the file, all of them whole blocks */
	int64_t born_ns;       /* monotonic, of the first event in the block */
	struct errinfo failed; /* the first failure, for all later calls */
};

/* Says what is kept, and takes away the piece of a block that went out last. */
static enum err on_write_failed(struct recording_writer *w, struct errinfo *info)
{
	int sys_errno = errno;

	if (ftruncate(w->fd, (off_t)w->bytes) != 0)
		return err_set(info, ERR_IO, sys_errno,
			       "cannot write more to %s; its whole blocks can be read, a broken "
			       "one follows them",
			       w->path);
	return err_set(info, ERR_IO, sys_errno,
		       "cannot write more to %s; the %llu bytes written before are kept and can "
		       "be read",
		       w->path, (unsigned long long)w->bytes);
}

/* Takes a full block from the builder. */
static enum err on_block(void *ctx, const struct block *b, struct errinfo *info)
{
	struct recording_writer *w = ctx;
	enum err e;

	buf_shrink(&w->packed, PACKED_KEEP);
	e = block_pack(w->packer, b, &w->packed);
	if (e != ERR_OK)
		return err_set(info, e, 0, "cannot pack a block of %s: %s", w->path, err_text(e));
	if (!file_write_all(w->fd, buf_slice(&w->packed)))
		return on_write_failed(w, info);
	w->bytes += w->packed.len;
	if (w->options.sync_blocks && fdatasync(w->fd) != 0)
		return err_set(info, ERR_IO, errno, "cannot sync %s", w->path);
	return ERR_OK;
}

static enum err put_file_header(struct recording_writer *w, uint64_t recording,
				struct errinfo *info)
{
	struct buf *b = &w->packed;

	buf_put(b, RECORDING_MAGIC, RECORDING_MAGIC_LEN);
	buf_put_uint_le(b, RECORDING_VERSION, 2);
	buf_put_uint_le(b, RECORDING_HEADER, 2);
	buf_put_uint_le(b, 0, 4);
	buf_put_uint_le(b, (uint64_t)clock_wall_ns(), 8);
	buf_put_uint_le(b, recording, 8);
	buf_put_uint_le(b, hash_bytes(buf_slice(b)), 8);
	if (buf_err(b) != ERR_OK)
		return err_set(info, buf_err(b), 0, "cannot record to %s: %s", w->path,
			       err_text(buf_err(b)));
	if (!file_write_all(w->fd, buf_slice(b)))
		return err_set(info, ERR_IO, errno, "write %s", w->path);
	w->bytes = b->len;
	return ERR_OK;
}

static enum err open_file(struct recording_writer *w, const char *path, struct errinfo *info)
{
	uint64_t recording;
	enum err e;

	w->path = mem_copy_str(path, strlen(path));
	if (!w->path)
		return err_set(info, ERR_NOMEM, 0, "cannot record to %s: out of memory", path);
	if (getrandom(&recording, sizeof(recording), 0) != (ssize_t)sizeof(recording))
		return err_set(info, ERR_IO, errno, "cannot get a random number");
	w->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (w->fd < 0 && errno == EEXIST)
		return err_set(info, ERR_USAGE, 0,
			       "%s exists already and is not overwritten; give another name, or "
			       "remove it first",
			       path);
	if (w->fd < 0)
		return err_set(info, ERR_IO, errno, "cannot make %s", path);
	e = builder_new(recording, w->options.block_bytes, on_block, w, &w->builder);
	if (e == ERR_OK)
		e = block_packer_new(w->options.level, &w->packer);
	if (e != ERR_OK)
		return err_set(info, e, 0, "cannot record to %s: %s", path, err_text(e));
	return put_file_header(w, recording, info);
}

enum err recording_writer_new(const char *path, const struct recording_writer_options *options,
			      struct recording_writer **out, struct errinfo *info)
{
	struct recording_writer *w;
	enum err e;

	if (strcmp(path, "-") == 0)
		return err_set(info, ERR_USAGE, 0,
			       "a recording goes to a file, not to standard output: give its name");
	w = mem_zalloc(sizeof(*w));
	if (!w)
		return err_set(info, ERR_NOMEM, 0, "cannot record to %s: out of memory", path);
	w->fd = -1;
	if (options)
		w->options = *options;
	if (w->options.level == 0)
		w->options.level = RECORDING_LEVEL;
	if (w->options.block_bytes == 0)
		w->options.block_bytes = RECORDING_BLOCK_AIM;
	if (w->options.block_age_ns == 0)
		w->options.block_age_ns = NS_PER_S;
	buf_init(&w->packed, PACKED_MAX);
	e = open_file(w, path, info);
	if (e != ERR_OK) {
		recording_writer_free(w);
		return e;
	}
	*out = w;
	return ERR_OK;
}

void recording_writer_free(struct recording_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		(void)close(w->fd);
	builder_free(w->builder);
	block_packer_free(w->packer);
	buf_release(&w->packed);
	mem_free(w->path);
	mem_free(w);
}

/* Remembers a failure: E is what a call on the builder gave, FRESH its info. */
static enum err settle(struct recording_writer *w, enum err e, const struct errinfo *fresh,
		       struct errinfo *info)
{
	if (e == ERR_OK)
		return ERR_OK;
	w->failed = *fresh;
	if (info)
		*info = *fresh;
	return e;
}

static enum err failed_before(const struct recording_writer *w, struct errinfo *info)
{
	if (info)
		*info = w->failed;
	return w->failed.code;
}

enum err recording_writer_event(struct recording_writer *w, const struct event *e,
				struct errinfo *info)
{
	struct errinfo fresh;
	bool pending;

	if (w->failed.code != ERR_OK)
		return failed_before(w, info);
	pending = builder_pending(w->builder);
	if (!pending)
		w->born_ns = clock_mono_ns();
	return settle(w, builder_event(w->builder, e, &fresh), &fresh, info);
}

void recording_writer_retell(struct recording_writer *w, uint64_t session)
{
	builder_retell(w->builder, session);
}

enum err recording_writer_server(struct recording_writer *w, const struct server_facts *s,
				 struct errinfo *info)
{
	struct errinfo fresh;

	if (w->failed.code != ERR_OK)
		return failed_before(w, info);
	return settle(w, builder_server(w->builder, s, &fresh), &fresh, info);
}

enum err recording_writer_tick(struct recording_writer *w, const struct coverage *so_far,
			       struct errinfo *info)
{
	struct errinfo fresh;

	if (w->failed.code != ERR_OK)
		return failed_before(w, info);
	builder_set_coverage(w->builder, so_far);
	if (!builder_pending(w->builder) || clock_mono_ns() - w->born_ns < w->options.block_age_ns)
		return ERR_OK;
	return settle(w, builder_flush(w->builder, 0, &fresh), &fresh, info);
}

bool recording_writer_pending(const struct recording_writer *w)
{
	return builder_pending(w->builder);
}

uint64_t recording_writer_bytes(const struct recording_writer *w)
{
	return w->bytes;
}

enum err recording_writer_finish(struct recording_writer *w, const struct coverage *coverage,
				 struct errinfo *info)
{
	struct errinfo fresh;
	enum err e;

	if (w->failed.code != ERR_OK)
		return failed_before(w, info);
	builder_set_coverage(w->builder, coverage);
	e = builder_flush(w->builder, RECORDING_BLOCK_LAST, &fresh);
	if (e == ERR_OK && fsync(w->fd) != 0)
		e = err_set(&fresh, ERR_IO, errno, "cannot sync %s", w->path);
	return settle(w, e, &fresh, info);
}
