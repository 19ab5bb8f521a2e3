/* link - bytes to and from a server. */
#include "client/link.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "mysql/proto.h"

enum { SEND_SMALL = 512 }; /* bytes of a payload */

/* Enough for one payload of the largest size beside what may wait. */
static size_t out_max(void)
{
	size_t frames = MYP_PAYLOAD_MAX / MYP_FRAME_MAX + 1;

	return LINK_UNSENT_MAX + MYP_PAYLOAD_MAX + frames * MYP_HEADER;
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

void link_release(struct link *l)
{
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

enum err link_read(struct link *l, struct errinfo *info)
{
	enum err e;

	if (link_unread(l).len > 0)
		return ERR_AGAIN;
	if (!make_room(l))
		return err_set(info, ERR_NOMEM, 0, "no memory to read from the server");
	e = l->tls ? read_tls(l, info) : read_plain(l, info);
	link_rest(l);
	return e;
}

bool link_has_more(const struct link *l)
{
	return l->tls && l->in_filled;
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
	if (e == ERR_OK && l->tls)
		e = link_flush(l, info);
	return e == ERR_AGAIN ? ERR_OK : e;
}
