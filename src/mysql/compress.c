/*
 * compress - the compressed protocol.
 *
 * A frame is unpacked when all of it is there: then its state and memory are needed only for as long as its contents
 * are looked at, and sessions can share them. What has to be held of a frame meanwhile is at most its length.
 */
#include "mysql/compress.h"

#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

enum {
	LENGTH_MAX = 0xffffff, /* of both lengths */
	KEEP = 64 * 1024,      /* bytes of memory that are kept for the next frame */
	PEEK_AIM = 4096,       /* bytes of contents that are enough for a guess */
	PEEK_OVERHEAD = 1024,  /* bytes by which a payload may be longer than its contents */
};

/* RFC 1950: deflate with the largest window, checked by the second byte; RFC 8878, section 3.1.1. */
enum { ZLIB_FIRST = 0x78, ZLIB_CHECK = 31, ZLIB_DICTIONARY = 0x20 };
#define ZSTD_FRAME_MAGIC UINT32_C(0xfd2fb528)

struct myp_unpacker {
	struct buf payload;  /* of a frame that came in pieces, when it is whole; or spare */
	struct buf contents; /* of a frame that was unpacked */
	z_stream zlib;
	ZSTD_DCtx *zstd; /* NULL until it is needed */
};

/* A header's fields. */
struct lengths {
	uint32_t payload, contents;
	uint8_t sequence;
};

enum err myp_unpacker_new(struct myp_unpacker **out)
{
	struct myp_unpacker *u = mem_zalloc(sizeof(*u));

	if (!u)
		return ERR_NOMEM;
	buf_init(&u->payload, LENGTH_MAX);
	buf_init(&u->contents, LENGTH_MAX);
	if (inflateInit(&u->zlib) != Z_OK) {
		mem_free(u);
		return ERR_NOMEM;
	}
	*out = u;
	return ERR_OK;
}

void myp_unpacker_free(struct myp_unpacker *u)
{
	if (!u)
		return;
	(void)inflateEnd(&u->zlib);
	(void)ZSTD_freeDCtx(u->zstd);
	buf_release(&u->payload);
	buf_release(&u->contents);
	mem_free(u);
}

void myp_frame_reader_init(struct myp_frame_reader *r)
{
	*r = (struct myp_frame_reader){.header_len = 0};
	buf_init(&r->held, LENGTH_MAX);
}

void myp_frame_reader_release(struct myp_frame_reader *r)
{
	buf_release(&r->held);
	myp_frame_reader_reset(r);
}

void myp_frame_reader_reset(struct myp_frame_reader *r)
{
	buf_release(&r->held);
	myp_frame_reader_init(r);
}

static struct lengths lengths_of(struct slice header)
{
	struct cursor c = cur_of(header);
	struct lengths l = {.payload = cur_u24(&c)};

	l.sequence = cur_u8(&c);
	l.contents = cur_u24(&c);
	return l;
}

static enum myp_compression compression_of(const struct lengths *l, struct slice payload)
{
	struct cursor c = cur_of(payload);

	if (l->contents == 0)
		return MYP_COMPRESS_STORED;
	return cur_u32(&c) == ZSTD_FRAME_MAGIC ? MYP_COMPRESS_ZSTD : MYP_COMPRESS_ZLIB;
}

/* Inflates what there is of PAYLOAD into ROOM bytes at TO; what zlib says of it, and how much came out. */
static int inflate_some(struct myp_unpacker *u, struct slice payload, uint8_t *to, size_t room,
			size_t *made)
{
	z_stream *z = &u->zlib;
	int rc = inflateReset(z);

	/* zlib's own header says that it does not write through next_in. */
	memcpy(&z->next_in, &payload.ptr, sizeof(z->next_in));
	z->avail_in = (uInt)payload.len;
	z->next_out = to;
	z->avail_out = (uInt)room;
	if (rc == Z_OK)
		rc = inflate(z, Z_NO_FLUSH);
	*made = room - z->avail_out;
	return rc;
}

static enum err unpack_zlib(struct myp_unpacker *u, struct slice payload, uint8_t *to, size_t len)
{
	size_t made;
	int rc = inflate_some(u, payload, to, len, &made);

	if (rc == Z_MEM_ERROR)
		return ERR_NOMEM;
	return rc == Z_STREAM_END && made == len && u->zlib.avail_in == 0 ? ERR_OK : ERR_PROTO;
}

static enum err unpack_zstd(struct myp_unpacker *u, struct slice payload, uint8_t *to, size_t len)
{
	if (!u->zstd)
		u->zstd = ZSTD_createDCtx();
	if (!u->zstd)
		return ERR_NOMEM;
	return ZSTD_decompressDCtx(u->zstd, to, len, payload.ptr, payload.len) == len ? ERR_OK
										      : ERR_PROTO;
}

/* Fills OUT's contents from PAYLOAD, which is whole. */
static enum err unpack(struct myp_unpacker *u, const struct lengths *l, struct slice payload,
		       struct myp_frame *out)
{
	uint8_t *to;
	enum err e;

	if (out->how == MYP_COMPRESS_STORED) {
		out->contents = payload;
		return ERR_OK;
	}
	buf_shrink(&u->contents, KEEP);
	to = buf_reserve(&u->contents, l->contents);
	if (!to)
		return ERR_NOMEM;
	e = out->how == MYP_COMPRESS_ZLIB ? unpack_zlib(u, payload, to, l->contents)
					  : unpack_zstd(u, payload, to, l->contents);
	if (e != ERR_OK)
		return e;
	out->contents = slice_of(to, l->contents);
	return ERR_OK;
}

static enum err hand_out(struct myp_unpacker *u, const struct lengths *l, struct slice payload,
			 struct myp_frame *out)
{
	*out = (struct myp_frame){
		.how = compression_of(l, payload),
		.wire_len = MYP_COMPRESS_HEADER + l->payload,
		.sequence = l->sequence,
	};
	return unpack(u, l, payload, out);
}

/* The common case, which leaves the reader as it was: all of the frame is in BYTES. */
static bool take_whole(const struct myp_frame_reader *r, struct slice *bytes, struct lengths *l,
		       struct slice *payload)
{
	if (r->header_len > 0 || bytes->len < MYP_COMPRESS_HEADER)
		return false;
	*l = lengths_of(*bytes);
	if (l->payload > bytes->len - MYP_COMPRESS_HEADER)
		return false;
	*payload = slice_head(slice_skip(*bytes, MYP_COMPRESS_HEADER), l->payload);
	*bytes = slice_skip(*bytes, MYP_COMPRESS_HEADER + l->payload);
	return true;
}

/* True when the header is complete. */
static bool take_header(struct myp_frame_reader *r, struct slice *bytes)
{
	struct slice part = slice_head(*bytes, (size_t)(MYP_COMPRESS_HEADER - r->header_len));

	if (part.len > 0)
		memcpy(r->header + r->header_len, part.ptr, part.len);
	r->header_len = (uint8_t)(r->header_len + part.len);
	*bytes = slice_skip(*bytes, part.len);
	if (r->header_len < MYP_COMPRESS_HEADER)
		return false;
	r->payload_left = lengths_of(slice_of(r->header, MYP_COMPRESS_HEADER)).payload;
	return true;
}

/* Takes what BYTES have of the payload; what is spare in U is used to hold it. */
static void take_payload(struct myp_frame_reader *r, struct myp_unpacker *u, struct slice *bytes)
{
	struct slice part = slice_head(*bytes, r->payload_left);

	if (!r->held.ptr && !r->holed) {
		buf_shrink(&u->payload, KEEP);
		r->held = u->payload;
		buf_init(&u->payload, LENGTH_MAX);
	}
	if (!r->holed)
		buf_put_slice(&r->held, part);
	r->payload_left -= (uint32_t)part.len;
	*bytes = slice_skip(*bytes, part.len);
}

/* The frame ends here: what was held goes to U, and the reader holds nothing. */
static enum err end_frame(struct myp_frame_reader *r, struct myp_unpacker *u, struct myp_frame *out)
{
	struct lengths l = lengths_of(slice_of(r->header, MYP_COMPRESS_HEADER));
	bool holed = r->holed;

	if (buf_err(&r->held) != ERR_OK)
		return ERR_NOMEM;
	if (r->held.ptr) {
		buf_release(&u->payload);
		u->payload = r->held;
	}
	myp_frame_reader_init(r);
	if (!holed)
		return hand_out(u, &l, buf_slice(&u->payload), out);
	*out = (struct myp_frame){
		.wire_len = MYP_COMPRESS_HEADER + l.payload,
		.sequence = l.sequence,
		.holed = true,
	};
	return ERR_OK;
}

enum err myp_frame_next(struct myp_frame_reader *r, struct myp_unpacker *u, struct slice *bytes,
			struct myp_frame *out)
{
	struct slice payload;
	struct lengths l;

	if (take_whole(r, bytes, &l, &payload))
		return hand_out(u, &l, payload, out);
	if (r->header_len < MYP_COMPRESS_HEADER && !take_header(r, bytes))
		return ERR_AGAIN;
	take_payload(r, u, bytes);
	return r->payload_left > 0 ? ERR_AGAIN : end_frame(r, u, out);
}

bool myp_frame_skip(struct myp_frame_reader *r, uint64_t n, uint32_t *lost)
{
	struct lengths l;

	if (r->header_len < MYP_COMPRESS_HEADER || n > r->payload_left)
		return false;
	l = lengths_of(slice_of(r->header, MYP_COMPRESS_HEADER));
	*lost = r->holed ? 0 : l.contents ? l.contents : l.payload;
	r->holed = true;
	buf_release(&r->held);
	r->payload_left -= (uint32_t)n;
	if (r->payload_left == 0)
		myp_frame_reader_init(r);
	return true;
}

static bool lengths_are_plausible(const struct lengths *l)
{
	return l->payload > 0 && (l->contents == 0 || l->payload <= l->contents + PEEK_OVERHEAD);
}

/* The payload is not whole: what can be said of its first bytes. */
static enum myp_peek peek_zlib(struct myp_unpacker *u, const struct lengths *l,
			       struct slice payload, struct myp_frame *out)
{
	size_t made, room = l->contents < PEEK_AIM ? l->contents : PEEK_AIM;
	uint8_t *to;
	int rc;

	buf_shrink(&u->contents, KEEP);
	to = buf_reserve(&u->contents, room);
	if (!to)
		return MYP_PEEK_NONE;
	rc = inflate_some(u, payload, to, room, &made);
	if ((rc != Z_OK && rc != Z_BUF_ERROR) || made == 0)
		return MYP_PEEK_NONE;
	out->contents = slice_of(to, made);
	return MYP_PEEK_CONTENTS;
}

/* A block is unpacked only when it is whole, but the frame has a header of its own, with a length. */
static enum myp_peek peek_zstd(const struct lengths *l, struct slice payload)
{
	return ZSTD_getFrameContentSize(payload.ptr, payload.len) == l->contents ? MYP_PEEK_HEADER
										 : MYP_PEEK_NONE;
}

static bool is_zlib(struct slice payload)
{
	return payload.len >= 2 && payload.ptr[0] == ZLIB_FIRST &&
	       (payload.ptr[0] << 8 | payload.ptr[1]) % ZLIB_CHECK == 0 &&
	       !(payload.ptr[1] & ZLIB_DICTIONARY);
}

enum myp_peek myp_frame_peek(struct myp_unpacker *u, struct slice bytes, struct myp_frame *out)
{
	struct slice payload = slice_skip(bytes, MYP_COMPRESS_HEADER);
	struct lengths l;

	if (payload.len == 0)
		return MYP_PEEK_NONE;
	l = lengths_of(bytes);
	if (!lengths_are_plausible(&l))
		return MYP_PEEK_NONE;
	payload = slice_head(payload, l.payload);
	*out = (struct myp_frame){
		.how = compression_of(&l, payload),
		.wire_len = MYP_COMPRESS_HEADER + l.payload,
		.sequence = l.sequence,
	};
	if (out->how == MYP_COMPRESS_ZLIB && !is_zlib(payload))
		return MYP_PEEK_NONE;
	if (payload.len == l.payload)
		return unpack(u, &l, payload, out) == ERR_OK ? MYP_PEEK_FRAME : MYP_PEEK_NONE;
	if (out->how == MYP_COMPRESS_ZSTD)
		return peek_zstd(&l, payload);
	if (out->how == MYP_COMPRESS_ZLIB)
		return peek_zlib(u, &l, payload, out);
	out->contents = payload;
	return MYP_PEEK_CONTENTS;
}
