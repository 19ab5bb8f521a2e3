/*
 * reader - a recording back to events: finds the blocks in the file, the decoder does the rest.
 */
#include "recording/reader.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "base/mem.h"
#include "recording/block.h"
#include "recording/decoder.h"
#include "recording/servers.h"

enum {
	WINDOW_MAX = RECORDING_STORED_MAX + (1 << 20), /* bytes of the file held */
	WINDOW_KEEP = 4 << 20,
	READ_SIZE = 256 << 10,
	PEEK_PAUSE_NS = 10 * 1000 * 1000,
	DAMAGED_MAX =
		10000, /* bad bodies: each costs their length, and a hostile file may nest them */
};

enum reader_phase { READER_BLOCKS, READER_END, READER_DONE };

struct recording_reader {
	char *path;
	int fd;
	bool is_file;
	uint64_t size;   /* of a file */
	uint64_t offset; /* in the file, of the window's end */
	struct buf window;
	size_t at;   /* of the window: what comes next */
	bool at_end; /* no more bytes */
	enum reader_phase phase;
	uint64_t next_number; /* of the block that should come next */
	bool recording_known; /* the file header is good, or a block said it */
	uint64_t unclear;     /* bytes passed over since the last good block */
	uint64_t block_bytes; /* of the block that the decoder has */
	bool cut;             /* the bytes passed over look like a block that was cut off */
	struct recording_info info;
	struct coverage found; /* by the reader itself */
	struct coverage told;  /* what it has given: sessions, joined, commands */
	struct block_unpacker *unpacker;
	struct decoder *decoder;
};

/* What of the window comes next. */
static struct slice ahead(const struct recording_reader *r)
{
	return slice_skip(buf_slice(&r->window), r->at);
}

/* Sees to it that N bytes are in the window, if there are so many. ERR_EOF if not. */
static enum err fill(struct recording_reader *r, size_t n, struct errinfo *info)
{
	if (r->window.len - r->at >= n)
		return ERR_OK;
	buf_consume(&r->window, r->at);
	r->at = 0;
	while (!r->at_end && r->window.len < n) {
		uint8_t *to = buf_reserve(&r->window, READ_SIZE);
		ssize_t got;

		if (!to)
			return err_set(info, ERR_NOMEM, 0, "cannot read %s: out of memory",
				       r->path);
		got = read(r->fd, to, READ_SIZE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(info, ERR_IO, errno, "read %s", r->path);
		r->at_end = got == 0;
		r->offset += (uint64_t)got;
		buf_advance(&r->window, (size_t)got);
	}
	return r->window.len >= n ? ERR_OK : ERR_EOF;
}

/* Moves on to the next block magic behind the byte that comes next. ERR_EOF if there is none. */
static enum err resync(struct recording_reader *r, struct errinfo *info)
{
	bool found = false;

	while (!found) {
		enum err e = fill(r, 1 + RECORDING_MAGIC_LEN, info);
		struct slice s = slice_skip(ahead(r), 1);
		const uint8_t *p;
		size_t step;

		if (e == ERR_EOF) {
			r->unclear += ahead(r).len;
			r->at = r->window.len;
		}
		if (e != ERR_OK)
			return e;
		assert(s.ptr);
		p = memmem(s.ptr, s.len, RECORDING_BLOCK_MAGIC, RECORDING_MAGIC_LEN);
		found = p != NULL;
		/* The last bytes may be the beginning of one. */
		step = found ? 1 + (size_t)(p - s.ptr) : s.len - (RECORDING_MAGIC_LEN - 1);
		r->unclear += step;
		r->at += step;
	}
	return ERR_OK;
}

/* A body, or a whole block, that is not what it should be. */
static enum err on_damaged(struct recording_reader *r, struct errinfo *info)
{
	r->info.damaged++;
	decoder_damage(r->decoder);
	if (r->info.damaged > DAMAGED_MAX)
		return err_set(info, ERR_PROTO, 0,
			       "%s is damaged in more than %d places: it is not read further",
			       r->path, DAMAGED_MAX);
	return resync(r, info);
}

static enum err refuse_version(const struct recording_reader *r, unsigned version,
			       struct errinfo *info)
{
	return err_set(info, ERR_UNSUPPORTED, 0,
		       "%s is a recording of format version %u, this myna reads versions up to %d: "
		       "read it with the myna that made it, or with a newer one",
		       r->path, version, RECORDING_VERSION);
}

static void note_block(struct recording_reader *r, const struct block_header *h)
{
	struct recording_info *i = &r->info;

	if (h->first_ns && (i->first_ns == 0 || h->first_ns < i->first_ns))
		i->first_ns = h->first_ns;
	if (h->last_ns && (i->last_ns == 0 || h->last_ns > i->last_ns))
		i->last_ns = h->last_ns;
	i->blocks++;
	i->events = h->events;
	i->sessions = h->sessions;
	i->finished = h->flags & RECORDING_BLOCK_LAST;
}

/* Is H the header of a block that may come next: of this recording, and not an older one? */
static bool is_next(struct recording_reader *r, const struct block_header *h)
{
	if (r->recording_known && h->recording != r->info.recording)
		return false;
	if (h->number < r->next_number)
		return false;
	r->info.recording = h->recording;
	r->recording_known = true;
	return true;
}

/* A good block: what was passed over before it was damaged. */
static void on_good(struct recording_reader *r, const struct block_header *h)
{
	if (h->number > r->next_number) {
		r->info.missing += h->number - r->next_number;
		decoder_damage(r->decoder);
	}
	if (r->unclear)
		decoder_damage(r->decoder);
	r->next_number = h->number + 1;
	r->found.bad_input_bytes += r->unclear;
	r->unclear = 0;
	r->cut = false;
	note_block(r, h);
}

/* Takes the block whose header H comes next. *TAKEN: its body is with the decoder. */
static enum err take_block(struct recording_reader *r, const struct block_header *h, bool *taken,
			   struct errinfo *info)
{
	size_t whole = (size_t)RECORDING_BLOCK_HEADER + h->stored_len;
	struct slice raw;
	enum err e;

	e = fill(r, whole, info);
	if (e == ERR_EOF) {
		r->cut = true;
		return resync(r, info);
	}
	if (e != ERR_OK)
		return e;
	e = block_unpack(r->unpacker, h,
			 slice_head(slice_skip(ahead(r), RECORDING_BLOCK_HEADER), h->stored_len),
			 &raw);
	if (e == ERR_PROTO)
		return on_damaged(r, info);
	if (e != ERR_OK)
		return err_set(info, e, 0, "cannot read %s: %s", r->path, err_text(e));
	on_good(r, h);
	r->at += whole;
	r->block_bytes = whole;
	decoder_begin(r->decoder, raw);
	*taken = true;
	return ERR_OK;
}

/* Finds the next good block and gives it to the decoder. ERR_EOF if there is none. */
static enum err next_block(struct recording_reader *r, struct errinfo *info)
{
	struct block_header h;
	bool taken = false;
	enum err e;

	/* A plain body lies in the window itself: only now is it done with. */
	if (r->at == r->window.len) {
		buf_shrink(&r->window, WINDOW_KEEP);
		r->at = 0;
	}
	while (!taken) {
		e = fill(r, RECORDING_BLOCK_HEADER, info);
		if (e == ERR_EOF) {
			r->cut = r->cut || ahead(r).len > 0;
			r->unclear += ahead(r).len;
			r->at = r->window.len;
		}
		if (e != ERR_OK)
			return e;
		e = block_header_decode(ahead(r), &h);
		if (e == ERR_UNSUPPORTED)
			return refuse_version(r, h.version, info);
		if (e == ERR_OK && is_next(r, &h))
			e = take_block(r, &h, &taken, info);
		else
			e = resync(r, info);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/* The end of the file: what was passed over last is a cut off block, or garbage. */
static void on_end(struct recording_reader *r)
{
	if (!r->info.finished || r->cut)
		r->found.cut_off = 1;
	if (!r->cut)
		r->found.bad_input_bytes += r->unclear;
	r->unclear = 0;
	r->phase = READER_END;
}

/* No more of the current block: on to the next one. */
static enum err go_on(struct recording_reader *r, enum err why, struct errinfo *info)
{
	enum err e;

	if (why == ERR_PROTO) {
		r->info.damaged++;
		r->found.bad_input_bytes += r->block_bytes;
		decoder_damage(r->decoder);
	} else if (why != ERR_EOF) {
		return err_set(info, why, 0, "cannot read %s: %s", r->path, err_text(why));
	}
	e = next_block(r, info);
	if (e != ERR_EOF)
		return e;
	on_end(r);
	return ERR_OK;
}

static void count(struct coverage *c, const struct event *e)
{
	c->sessions += e->type == EVENT_SESSION;
	c->joined += e->type == EVENT_SESSION && e->session->joined;
	c->commands += e->type == EVENT_COMMAND;
}

static void at_least(uint64_t *n, uint64_t least)
{
	if (*n < least)
		*n = least;
}

enum err recording_reader_next(struct recording_reader *r, struct event *out, struct errinfo *info)
{
	enum err e = ERR_OK;

	while (r->phase == READER_BLOCKS && e == ERR_OK) {
		e = decoder_next(r->decoder, out);
		if (e == ERR_OK) {
			count(&r->told, out);
			return ERR_OK;
		}
		e = go_on(r, e, info);
	}
	if (e == ERR_OK && r->phase == READER_END) {
		e = decoder_end(r->decoder, out);
		if (e == ERR_OK)
			return ERR_OK;
		r->phase = READER_DONE;
	}
	return e == ERR_OK ? ERR_EOF : e;
}

/* The header of the block at AT, of which all is there. */
static bool read_header(const struct recording_reader *r, uint64_t at, struct block_header *out)
{
	uint8_t bytes[RECORDING_BLOCK_HEADER];
	struct block_header h;

	if (!r->is_file || pread(r->fd, bytes, sizeof(bytes), (off_t)at) != (ssize_t)sizeof(bytes))
		return false;
	if (block_header_decode(slice_of(bytes, sizeof(bytes)), &h) != ERR_OK)
		return false;
	if (!r->recording_known || h.recording != r->info.recording)
		return false;
	*out = h;
	return at + sizeof(bytes) + h.stored_len <= r->size;
}

int64_t recording_reader_begin_ns(const struct recording_reader *r)
{
	struct block_header h;

	return read_header(r, recording_reader_bytes(r), &h) ? h.first_ns : 0;
}

/* Where reading may begin. */
struct place {
	uint64_t at, number;
	struct recording_info info; /* of what is before it */
};

/* A block that ends inside a record is of use only with those behind it. */
void recording_reader_seek_time(struct recording_reader *r, int64_t since_ns)
{
	struct place begin = {.at = recording_reader_bytes(r), .info = r->info}, chain = begin;
	uint64_t at = begin.at, number = 0;
	struct block_header h;

	while (read_header(r, at, &h) && h.number == number && h.last_ns < since_ns &&
	       !(h.flags & RECORDING_BLOCK_LAST)) {
		begin = chain;
		note_block(r, &h);
		at += RECORDING_BLOCK_HEADER + h.stored_len;
		number++;
		if (!(h.flags & RECORDING_BLOCK_CONTINUED))
			chain = (struct place){.at = at, .number = number, .info = r->info};
	}
	r->info = begin.info;
	if (begin.number == 0 || lseek(r->fd, (off_t)begin.at, SEEK_SET) != (off_t)begin.at)
		return;
	r->offset = begin.at;
	r->at = r->window.len;
	r->at_end = false;
	r->next_number = begin.number;
}

void recording_reader_coverage(const struct recording_reader *r, struct coverage *out)
{
	decoder_coverage(r->decoder, out);
	coverage_add(out, &r->found);
	/* A recording that was cut off has the writer's coverage as of some time before its end. */
	at_least(&out->sessions, r->told.sessions);
	at_least(&out->joined, r->told.joined);
	at_least(&out->commands, r->told.commands);
}

uint64_t recording_reader_bytes(const struct recording_reader *r)
{
	return r->offset - ahead(r).len;
}

double recording_reader_progress(const struct recording_reader *r)
{
	uint64_t done = recording_reader_bytes(r);

	if (!r->is_file)
		return -1.0;
	if (r->size == 0 || done >= r->size)
		return 1.0;
	return (double)done / (double)r->size;
}

void recording_reader_info(const struct recording_reader *r, struct recording_info *out)
{
	*out = r->info;
}

enum err recording_reader_survey(const struct recording_reader *r, struct recording_info *out,
				 struct errinfo *info)
{
	struct recording_reader walk = {.info = {.version = r->info.version,
						 .created_ns = r->info.created_ns,
						 .recording = r->info.recording}};
	uint8_t bytes[RECORDING_BLOCK_HEADER];
	uint64_t at = RECORDING_HEADER;
	struct block_header h;

	if (!r->is_file)
		return err_set(info, ERR_UNSUPPORTED, 0,
			       "%s is not a file: only reading it says "
			       "what is in it",
			       r->path);
	for (;;) {
		ssize_t n = pread(r->fd, bytes, sizeof(bytes), (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(info, ERR_IO, errno, "read %s", r->path);
		if (n < (ssize_t)sizeof(bytes) ||
		    block_header_decode(slice_of(bytes, sizeof(bytes)), &h) != ERR_OK)
			break;
		at += sizeof(bytes) + h.stored_len;
		if (at > r->size)
			break;
		note_block(&walk, &h);
	}
	*out = walk.info;
	return ERR_OK;
}

enum err recording_reader_servers(const struct recording_reader *r, struct server_log *log,
				  struct errinfo *info)
{
	const struct server_log *read = decoder_servers(r->decoder);
	enum err e = ERR_OK;

	if (r->is_file) {
		e = servers_scan(r->fd, r->size, log);
	} else {
		for (size_t i = 0; e == ERR_OK && i < read->count; i++)
			e = server_log_add(log, &read->items[i]);
	}
	return e == ERR_OK ? e
			   : err_set(info, e, e == ERR_IO ? errno : 0, "cannot read %s", r->path);
}

/* At least one of the first bytes of a pipe, at most N, left in it. */
static ssize_t peek_pipe(int fd, uint8_t *to, size_t n)
{
	ssize_t got;
	int copy[2];

	if (pipe2(copy, O_CLOEXEC) != 0)
		return -1;
	got = tee(fd, copy[1], n, 0);
	if (got > 0)
		got = read(copy[0], to, (size_t)got);
	(void)close(copy[0]);
	(void)close(copy[1]);
	return got;
}

/* The first N bytes of a file, a socket or a pipe, left in it; fewer at its end. */
static ssize_t peek(int fd, uint8_t *to, size_t n)
{
	const struct timespec pause = {.tv_nsec = PEEK_PAUSE_NS};
	struct pollfd more = {.fd = fd, .events = POLLIN};
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t got;

	if (at >= 0)
		return pread(fd, to, n, at);
	got = recv(fd, to, n, MSG_PEEK | MSG_WAITALL);
	if (got >= 0 || errno != ENOTSOCK)
		return got;
	/* What is in a pipe already keeps it ready: no way to be told of more than to look again. */
	for (;;) {
		got = peek_pipe(fd, to, n);
		if (got <= 0 || (size_t)got == n)
			return got;
		if (poll(&more, 1, 0) < 0 || more.revents & POLLHUP)
			return got;
		(void)nanosleep(&pause, NULL);
	}
}

bool recording_is(int fd)
{
	uint8_t magic[RECORDING_MAGIC_LEN];

	return peek(fd, magic, sizeof(magic)) == RECORDING_MAGIC_LEN &&
	       memcmp(magic, RECORDING_MAGIC, sizeof(magic)) == 0;
}

/* The file header comes next. One that is damaged is done without: the blocks know all of it. */
static enum err take_file_header(struct recording_reader *r, struct errinfo *info)
{
	enum err e = fill(r, RECORDING_HEADER, info);
	struct slice all = ahead(r), magic = slice_head(all, RECORDING_MAGIC_LEN);
	struct cursor c = cur_of(slice_skip(all, RECORDING_MAGIC_LEN));
	uint16_t version = cur_u16(&c), len = cur_u16(&c);
	int64_t created_ns;

	if (e != ERR_OK && e != ERR_EOF)
		return e;
	if (all.len == 0)
		return err_set(info, ERR_PROTO, 0, "%s is empty: nothing was recorded", r->path);
	if (memcmp(magic.ptr, RECORDING_MAGIC, magic.len) != 0)
		return err_set(info, ERR_PROTO, 0, "%s is not a recording made by myna", r->path);
	if (e == ERR_EOF)
		return ERR_OK; /* cut off in the header */
	if (version > RECORDING_VERSION)
		return refuse_version(r, version, info);
	cur_skip(&c, 4);
	created_ns = (int64_t)cur_u64(&c);
	r->info.version = RECORDING_VERSION; /* at most */
	if (len != RECORDING_HEADER ||
	    hash_bytes(slice_head(all, RECORDING_HEADER - 8)) !=
		    cur_uint_le(&(struct cursor){.pos = all.ptr + RECORDING_HEADER - 8,
						 .end = all.ptr + RECORDING_HEADER},
				8))
		return ERR_OK; /* the bytes up to the first block are counted as bad */
	r->info.version = version;
	r->info.created_ns = created_ns;
	r->info.recording = cur_u64(&c);
	r->recording_known = true;
	r->at += RECORDING_HEADER;
	return ERR_OK;
}

static enum err open_input(struct recording_reader *r, const char *path, struct errinfo *info)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat st;
	enum err e;

	r->path = mem_copy_str(is_stdin ? "standard input" : path,
			       is_stdin ? strlen("standard input") : strlen(path));
	if (!r->path)
		return err_set(info, ERR_NOMEM, 0, "cannot read %s: out of memory", path);
	if (fstat(r->fd, &st) != 0)
		return err_set(info, ERR_IO, errno, "cannot open %s", r->path);
	if (S_ISDIR(st.st_mode))
		return err_set(info, ERR_USAGE, 0, "%s is a folder, not a recording", r->path);
	/* Standard input may be a file that somebody has begun to read. */
	r->is_file = S_ISREG(st.st_mode) && !is_stdin;
	r->size = (uint64_t)st.st_size;
	e = block_unpacker_new(&r->unpacker);
	if (e == ERR_OK)
		e = decoder_new(&r->decoder);
	if (e != ERR_OK)
		return err_set(info, e, 0, "cannot read %s: %s", r->path, err_text(e));
	decoder_begin(r->decoder, (struct slice){.ptr = NULL, .len = 0});
	return take_file_header(r, info);
}

enum err recording_reader_open(const char *path, struct recording_reader **out,
			       struct errinfo *info)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
					: open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(info, ERR_IO, errno, "cannot open %s", path);
	return recording_reader_open_fd(fd, path, out, info);
}

enum err recording_reader_open_fd(int fd, const char *path, struct recording_reader **out,
				  struct errinfo *info)
{
	struct recording_reader *r = mem_zalloc(sizeof(*r));
	enum err e;

	if (!r) {
		(void)close(fd);
		return err_set(info, ERR_NOMEM, 0, "cannot read %s: out of memory", path);
	}
	r->fd = fd;
	buf_init(&r->window, WINDOW_MAX);
	e = open_input(r, path, info);
	if (e != ERR_OK) {
		recording_reader_free(r);
		return e;
	}
	*out = r;
	return ERR_OK;
}

void recording_reader_free(struct recording_reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		(void)close(r->fd);
	decoder_free(r->decoder);
	block_unpacker_free(r->unpacker);
	buf_release(&r->window);
	mem_free(r->path);
	mem_free(r);
}
