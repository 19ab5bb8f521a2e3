/*
 * link - bytes to and from a server: a non-blocking socket, TLS over it once it was begun, and the
 * buffers of both directions.
 *
 * Lean when idle: there is a receive buffer only while it holds something unread, and a send buffer
 * only while the socket does not take what was sent. Both are wiped before they are given back if the
 * link was told that secrets pass (link.secret).
 *
 * Links of one thread may share the memory that they receive into (link.shared), if each takes all that it has
 * read before another reads.
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include "base/buf.h"
#include "client/tls.h"

enum {
	LINK_READ = 16 << 10,      /* bytes asked for at once, */
	LINK_READ_MORE = 64 << 10, /* and after a read that filled its buffer */
};

#define LINK_UNSENT_MAX ((size_t)64 << 20) /* bytes; more makes link_send() refuse */

struct link {
	int fd;          /* -1: none */
	struct tls *tls; /* NULL: not begun */
	uint8_t *in;     /* NULL: nothing was read, or all was given back */
	uint8_t *shared; /* borrowed, LINK_READ_MORE bytes; NULL: none */
	size_t in_at, in_len, in_size;
	bool in_filled; /* the last read took all the room it had: there may be more */
	bool read_wants_write, write_wants_read;
	bool secret;
	struct buf out;
	size_t out_at; /* of OUT is written already */
};

void link_init(struct link *l);
void link_release(struct link *l);

/* What was received and not taken yet. Valid until link_read() or link_rest(). */
static inline struct slice link_unread(const struct link *l)
{
	return l->in ? slice_of(l->in + l->in_at, l->in_len - l->in_at) : slice_of(NULL, 0);
}

/* All but the last LEFT unread bytes are taken; they stay valid, too. */
void link_take(struct link *l, size_t left);

/* Gives the receive buffer back if all of it was taken. */
void link_rest(struct link *l);

static inline size_t link_unsent(const struct link *l)
{
	return l->out.len - l->out_at;
}

/*
 * Reads once, into an empty buffer. ERR_AGAIN: nothing there, or something is still unread; ERR_EOF: the
 * peer closed; ERR_IO, ERR_NOMEM.
 */
enum err link_read(struct link *l, struct errinfo *info) MUST_CHECK;

/* True if bytes wait inside TLS, for which the socket will not become readable. */
bool link_has_more(const struct link *l);

/* Writes what waits. ERR_OK: nothing waits any more; ERR_AGAIN; ERR_IO. */
enum err link_flush(struct link *l, struct errinfo *info) MUST_CHECK;

/*
 * Sends PAYLOAD framed as a packet of SEQUENCE, as far as the socket takes it, and keeps the rest.
 * ERR_LIMIT, and nothing is sent, if more than LINK_UNSENT_MAX wait already; ERR_IO; ERR_NOMEM.
 */
enum err link_send(struct link *l, struct slice payload, uint8_t sequence,
		   struct errinfo *info) MUST_CHECK;

#endif
