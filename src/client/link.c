/* link - bytes to and from a server. */
#include "client/link.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "mysql/proto.h"

enum {
	FRAME_AIM = 1 << 20, /* bytes that are compressed at once */
	SEND_SMALL = 512,    /* bytes of a payload */
};

/* What compression adds. */
struct link_frames {
	struct compressor *compressor;
	enum myp_compression how;
	uint8_t sequence; /* of the next frame that is sent */
	struct myp_frame_reader reader;
	uint8_t *raw; /* as received, and not unpacked yet; NULL: nothing */
	size_t raw_at, raw_len, raw_size;
};

/* Enough for one payload of the largest size beside what may wait. */
static size_t out_max(void)
{
	size_t frames = MYP_PAYLOAD_MAX / MYP_FRAME_MAX + 1;
	size_t compressed = MYP_PAYLOAD_MAX / FRAME_AIM + 2 * frames;

	return LINK_UNSENT_MAX + MYP_PAYLOAD_MAX + frames * MYP_HEADER +
	       compressed * MYP_COMPRESS_HEADER;
}

void link_init(struct link *l)
{
	*l = (struct link){.fd = -1};
	buf_init(&l->out, out_max());
}

static void drop_in(struct link *l)
{
	if (l->in && l->secret)
		explicit_bzero(l->in, l->in == l->shared ? l->in_len : l->in_size);
	if (l->in != l->shared)
		mem_free(l->in);
	l->in = NULL;
	l->in_at = l->in_len = l->in_size = 0;
}

static void drop_out(struct link *l)
{
	if (l->out.ptr && l->secret)
		explicit_bzero(l->out.ptr, l->out.cap);
	buf_release(&l->out);
	l->out_at = 0;
}

static void drop_raw(struct link *l)
{
	struct link_frames *f = l->frames;

	if (f->raw && l->secret)
		explicit_bzero(f->raw, f->raw_size);
	mem_free(f->raw);
	f->raw = NULL;
	f->raw_at = f->raw_len = f->raw_size = 0;
}

enum err link_compress(struct link *l, struct compressor *c, enum myp_compression how)
{
	struct link_frames *f;

	if (how == MYP_COMPRESS_STORED || l->frames)
		return ERR_OK;
	f = c ? mem_zalloc(sizeof(*f)) : NULL;
	if (!f)
		return ERR_NOMEM;
	f->compressor = c;
	f->how = how;
	myp_frame_reader_init(&f->reader);
	l->frames = f;
	drop_in(l); /* what is unpacked has memory of its own */
	l->shared = NULL;
	return ERR_OK;
}

void link_begin(struct link *l)
{
	if (l->frames)
		l->frames->sequence = 0;
}

void link_release(struct link *l)
{
	if (l->frames) {
		drop_raw(l);
		myp_frame_reader_release(&l->frames->reader);
		mem_free(l->frames);
	}
	drop_in(l);
	drop_out(l);
	tls_free(l->tls);
	if (l->fd >= 0)
		(void)close(l->fd);
	link_init(l);
}

void link_take(struct link *l, size_t left)
{
	assert(left <= l->in_len - l->in_at);
	l->in_at = l->in_len - left;
}

void link_rest(struct link *l)
{
	if (l->in_at == l->in_len)
		drop_in(l);
}

static enum err read_plain(struct link *l, struct errinfo *info)
{
	ssize_t n = recv(l->fd, l->in, l->in_size, 0);

	if (n > 0) {
		l->in_len = (size_t)n;
		l->in_filled = l->in_len == l->in_size;
		return ERR_OK;
	}
	if (n == 0)
		return ERR_EOF;
	if (errno == EAGAIN || errno == EINTR)
		return ERR_AGAIN;
	return err_set(info, ERR_IO, errno, "read from the server");
}

/* TLS hands out a record at most; several small ones are taken together. */
static enum err read_tls(struct link *l, struct errinfo *info)
{
	enum err e;

	do {
		size_t n = 0;

		e = tls_read(l->tls, l->in + l->in_len, l->in_size - l->in_len, &n, info);
		l->in_len += n;
	} while (e == ERR_OK && l->in_len < l->in_size);
	l->read_wants_write = e == ERR_AGAIN && tls_wants_write(l->tls);
	l->in_filled = e != ERR_AGAIN; /* an end or a failure comes again with the next read */
	return l->in_len > 0 ? ERR_OK : e;
}

static bool make_room(struct link *l)
{
	size_t size = l->shared || l->in_filled ? LINK_READ_MORE : LINK_READ;

	if (l->in_size != size)
		drop_in(l);
	l->in_at = l->in_len = 0;
	if (!l->in)
		l->in = l->shared ? l->shared : mem_alloc(size);
	l->in_size = l->in ? size : 0;
	return l->in != NULL;
}

/* What the socket has. */
static enum err read_some(struct link *l, struct errinfo *info)
{
	enum err e;

	if (!make_room(l))
		return err_set(info, ERR_NOMEM, 0, "no memory to read from the server");
	e = l->tls ? read_tls(l, info) : read_plain(l, info);
	link_rest(l);
	return e;
}

/* The next frame of what was received. ERR_AGAIN: it is not whole. */
static enum err next_frame(struct link_frames *f, struct myp_frame *out)
{
	struct slice bytes = slice_of(f->raw + f->raw_at, f->raw_len - f->raw_at);
	enum err e = myp_frame_next(&f->reader, f->compressor->unpacker, &bytes, out);

	f->raw_at = f->raw_len - bytes.len;
	return e;
}

/* Puts the contents of the next frame that has any in the place of what was received. */
static enum err unpack(struct link *l, struct errinfo *info)
{
	struct link_frames *f = l->frames;
	struct myp_frame frame;
	enum err e;

	if (!f->raw)
		return ERR_AGAIN;
	do {
		e = next_frame(f, &frame);
		if (e == ERR_OK)
			f->sequence = (uint8_t)(frame.sequence + 1);
	} while (e == ERR_OK && frame.contents.len == 0);
	if (e == ERR_OK) {
		l->in = mem_alloc(frame.contents.len);
		if (l->in) {
			memcpy(l->in, frame.contents.ptr, frame.contents.len);
			l->in_at = 0;
			l->in_len = l->in_size = frame.contents.len;
		} else {
			e = ERR_NOMEM;
		}
	}
	if (f->raw_at == f->raw_len)
		drop_raw(l);
	if (e == ERR_PROTO)
		return err_set(info, e, 0, "the server sent a frame that cannot be unpacked");
	if (e == ERR_NOMEM)
		return err_set(info, e, 0, "no memory to unpack what the server sent");
	return e;
}

static enum err read_compressed(struct link *l, struct errinfo *info)
{
	struct link_frames *f = l->frames;
	enum err e;

	drop_in(l);
	while ((e = unpack(l, info)) == ERR_AGAIN) {
		e = read_some(l, info);
		if (e != ERR_OK)
			return e;
		f->raw = l->in;
		f->raw_at = l->in_at;
		f->raw_len = l->in_len;
		f->raw_size = l->in_size;
		l->in = NULL;
		l->in_at = l->in_len = l->in_size = 0;
	}
	return e;
}

enum err link_read(struct link *l, struct errinfo *info)
{
	if (link_unread(l).len > 0)
		return ERR_AGAIN;
	return l->frames ? read_compressed(l, info) : read_some(l, info);
}

bool link_has_more(const struct link *l)
{
	return (l->tls && l->in_filled) || (l->frames && l->frames->raw);
}

static enum err write_some(struct link *l, struct slice bytes, size_t *done, struct errinfo *info)
{
	ssize_t n;
	enum err e;

	if (l->tls) {
		e = tls_write(l->tls, bytes.ptr, bytes.len, done, info);
		l->write_wants_read = e == ERR_AGAIN && !tls_wants_write(l->tls);
		if (e == ERR_EOF)
			return err_set(info, ERR_IO, 0, "the server closed the connection");
		return e;
	}
	n = send(l->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
	if (n >= 0) {
		*done = (size_t)n;
		return ERR_OK;
	}
	if (errno == EAGAIN || errno == EINTR)
		return ERR_AGAIN;
	return err_set(info, ERR_IO, errno, "write to the server");
}

enum err link_flush(struct link *l, struct errinfo *info)
{
	while (link_unsent(l) > 0) {
		struct slice rest = slice_skip(buf_slice(&l->out), l->out_at);
		size_t done = 0;
		enum err e = write_some(l, rest, &done, info);

		if (e != ERR_OK)
			return e;
		l->out_at += done;
	}
	if (l->out.ptr)
		drop_out(l);
	return ERR_OK;
}

/* As one piece: to copy a little costs less than to have the kernel look at two pieces. */
static ssize_t send_small(struct link *l, const uint8_t header[MYP_HEADER], struct slice part)
{
	uint8_t frame[MYP_HEADER + SEND_SMALL];

	memcpy(frame, header, MYP_HEADER);
	memcpy(frame + MYP_HEADER, part.ptr, part.len);
	return send(l->fd, frame, MYP_HEADER + part.len, MSG_NOSIGNAL);
}

static ssize_t send_pieces(struct link *l, uint8_t header[MYP_HEADER], struct slice part)
{
	uint8_t *payload;
	struct iovec parts[2];
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	memcpy(&payload, &part.ptr,
	       sizeof(payload)); /* an iovec is not const, but is not written */
	parts[0] = (struct iovec){.iov_base = header, .iov_len = MYP_HEADER};
	parts[1] = (struct iovec){.iov_base = payload, .iov_len = part.len};
	return sendmsg(l->fd, &message, MSG_NOSIGNAL);
}

/* Tries to send a frame from where it lies; *DONE bytes of it were taken. */
static enum err send_direct(struct link *l, uint8_t header[MYP_HEADER], struct slice part,
			    size_t *done, struct errinfo *info)
{
	const bool is_small = part.len > 0 && part.len <= SEND_SMALL && !l->secret;
	ssize_t n = is_small ? send_small(l, header, part) : send_pieces(l, header, part);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return err_set(info, ERR_IO, errno, "write to the server");
	*done = n > 0 ? (size_t)n : 0;
	return ERR_OK;
}

/* Adds CONTENTS as compressed frames to what waits. */
static enum err put_packed(struct link *l, struct slice contents, struct errinfo *info)
{
	struct link_frames *f = l->frames;
	enum err e = ERR_OK;

	for (; e == ERR_OK && contents.len > 0; contents = slice_skip(contents, FRAME_AIM))
		e = myp_pack(f->compressor->packer, f->how, f->sequence++,
			     slice_head(contents, FRAME_AIM), &l->out);
	return e == ERR_OK ? e : err_set(info, e, 0, "no memory to send to the server");
}

/* A frame's header goes with the beginning of its payload, the rest is taken from where it lies. */
static enum err send_packed(struct link *l, struct slice header, struct slice part,
			    struct errinfo *info)
{
	struct buf *plain = &l->frames->compressor->plain;
	struct slice first = slice_head(part, FRAME_AIM - MYP_HEADER);
	enum err e;

	buf_reset(plain);
	if (!buf_reserve(plain, FRAME_AIM)) /* at once: it may be a secret */
		return err_set(info, buf_err(plain), 0, "no memory to send to the server");
	buf_put_slice(plain, header);
	buf_put_slice(plain, first);
	e = put_packed(l, buf_slice(plain), info);
	if (l->secret)
		explicit_bzero(plain->ptr, plain->len);
	return e == ERR_OK ? put_packed(l, slice_skip(part, first.len), info) : e;
}

static enum err send_frame(struct link *l, struct slice part, uint8_t sequence,
			   struct errinfo *info)
{
	uint8_t header[MYP_HEADER] = {
		(uint8_t)part.len,
		(uint8_t)(part.len >> 8),
		(uint8_t)(part.len >> 16),
		sequence,
	};
	size_t done = 0;
	enum err e;

	if (l->frames)
		return send_packed(l, slice_of(header, sizeof(header)), part, info);
	if (!l->tls && link_unsent(l) == 0) {
		e = send_direct(l, header, part, &done, info);
		if (e != ERR_OK || done == MYP_HEADER + part.len)
			return e;
	}
	if (!buf_reserve(&l->out, MYP_HEADER + part.len)) /* at once: it may be a secret */
		return err_set(info, buf_err(&l->out), 0, "no memory to send to the server");
	if (done < MYP_HEADER)
		buf_put(&l->out, header + done, MYP_HEADER - done);
	buf_put_slice(&l->out, slice_skip(part, done < MYP_HEADER ? 0 : done - MYP_HEADER));
	return ERR_OK;
}

enum err link_send(struct link *l, struct slice payload, uint8_t sequence, struct errinfo *info)
{
	size_t n;
	enum err e;

	if (link_unsent(l) > LINK_UNSENT_MAX)
		return err_set(info, ERR_LIMIT, 0, "the server does not take what is sent");
	do {
		n = payload.len < MYP_FRAME_MAX ? payload.len : MYP_FRAME_MAX;
		e = send_frame(l, slice_head(payload, n), sequence++, info);
		payload = slice_skip(payload, n);
	} while (e == ERR_OK && n == MYP_FRAME_MAX);
	if (e == ERR_OK && (l->tls || l->frames))
		e = link_flush(l, info);
	return e == ERR_AGAIN ? ERR_OK : e;
}
