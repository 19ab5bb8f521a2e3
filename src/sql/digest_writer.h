/*
 * digest_writer - puts the text of a digest together, for its number or to keep. For digest.c alone.
 */
#ifndef SQL_DIGEST_WRITER_H
#define SQL_DIGEST_WRITER_H

#include "base/buf.h"
#include "base/hash.h"
#include "sql/digest.h"

struct writer {
	struct buf *out; /* NULL: only the hash is wanted */
	uint64_t hash;   /* of the pieces before this one */
	bool hashed;
	bool glue;       /* no blank before what comes next */
	bool after_name; /* a bracket that follows is the name's */
	size_t len;
	uint8_t piece[SQL_DIGEST_PIECE];
};

static inline void writer_init(struct writer *w, struct buf *out)
{
	w->out = out;
	w->hash = 0;
	w->hashed = false;
	w->glue = true;
	w->after_name = false;
	w->len = 0;
}

static inline void writer_drain(struct writer *w)
{
	struct slice piece = slice_of(w->piece, w->len);

	if (w->out) {
		buf_put_slice(w->out, piece);
	} else {
		w->hash = w->hashed ? hash_seeded(piece, w->hash) : hash_bytes(piece);
		w->hashed = true;
	}
	w->len = 0;
}

static inline void put_more(struct writer *w, const uint8_t *p, size_t n)
{
	while (n > 0) {
		size_t room = sizeof(w->piece) - w->len, now = n < room ? n : room;

		memcpy(w->piece + w->len, p, now);
		w->len += now;
		p += now;
		n -= now;
		if (n > 0)
			writer_drain(w);
	}
}

/* memcpy for what is mostly shorter than a call to it: by two parts that overlap. */
static inline void copy(uint8_t *to, const uint8_t *from, size_t n)
{
	uint64_t head, tail;
	uint32_t head4, tail4;

	if (n > 16) {
		memcpy(to, from, n);
	} else if (n >= 8) {
		memcpy(&head, from, sizeof(head));
		memcpy(&tail, from + n - sizeof(tail), sizeof(tail));
		memcpy(to, &head, sizeof(head));
		memcpy(to + n - sizeof(tail), &tail, sizeof(tail));
	} else if (n >= 4) {
		memcpy(&head4, from, sizeof(head4));
		memcpy(&tail4, from + n - sizeof(tail4), sizeof(tail4));
		memcpy(to, &head4, sizeof(head4));
		memcpy(to + n - sizeof(tail4), &tail4, sizeof(tail4));
	} else {
		for (size_t i = 0; i < n; i++)
			to[i] = from[i];
	}
}

static inline void put_byte(struct writer *w, uint8_t b)
{
	if (w->len == sizeof(w->piece))
		writer_drain(w);
	w->piece[w->len++] = b;
}

/* Begins a word of the text: with a blank, unless it clings to what came before. */
static inline void put_space(struct writer *w, bool clings)
{
	if (!w->glue && !clings)
		put_byte(w, ' ');
	w->glue = false;
	w->after_name = false;
}

static inline void put(struct writer *w, struct slice s)
{
	put_space(w, false);
	if (s.len > sizeof(w->piece) - w->len) {
		put_more(w, s.ptr, s.len);
		return;
	}
	copy(w->piece + w->len, s.ptr, s.len);
	w->len += s.len;
}

static inline void put_open(struct writer *w)
{
	put_space(w, w->after_name);
	put_byte(w, '(');
	w->glue = true;
}

static inline void put_clinging(struct writer *w, uint8_t symbol)
{
	put_space(w, true);
	put_byte(w, symbol);
}

static const struct slice ellipsis = {.ptr = (const uint8_t *)"...", .len = 3};

#endif
