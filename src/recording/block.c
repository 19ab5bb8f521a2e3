/* block - the frame of a block: its header, its checksums, its compression. */
#include "recording/block.h"

#include <assert.h>
#include <zstd.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "base/mem.h"
#include "event/response.h"

enum { HEADER_CHECKED = RECORDING_BLOCK_HEADER - 8 }; /* bytes that the header's checksum is of */

struct block_packer {
	ZSTD_CCtx *zstd;
};

struct block_unpacker {
	ZSTD_DCtx *zstd;
	struct buf raw;
};

enum err block_packer_new(int level, struct block_packer **out)
{
	struct block_packer *p = mem_zalloc(sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->zstd = ZSTD_createCCtx();
	if (!p->zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, level))) {
		block_packer_free(p);
		return ERR_NOMEM;
	}
	*out = p;
	return ERR_OK;
}

void block_packer_free(struct block_packer *p)
{
	if (!p)
		return;
	(void)ZSTD_freeCCtx(p->zstd);
	mem_free(p);
}

static void put_header(struct buf *out, const struct block_header *h)
{
	size_t start = out->len;

	buf_put(out, RECORDING_BLOCK_MAGIC, RECORDING_MAGIC_LEN);
	buf_put_uint_le(out, RECORDING_VERSION, 2);
	buf_put_uint_le(out, RECORDING_BLOCK_HEADER, 2);
	buf_put_u8(out, h->codec);
	buf_put_u8(out, h->rowsum_version);
	buf_put_uint_le(out, h->flags, 2);
	buf_put_uint_le(out, h->stored_len, 4);
	buf_put_uint_le(out, h->raw_len, 4);
	buf_put_uint_le(out, h->number, 8);
	buf_put_uint_le(out, h->recording, 8);
	buf_put_uint_le(out, (uint64_t)h->first_ns, 8);
	buf_put_uint_le(out, (uint64_t)h->last_ns, 8);
	buf_put_uint_le(out, h->first_order, 8);
	buf_put_uint_le(out, h->events, 8);
	buf_put_uint_le(out, h->sessions, 8);
	buf_put_uint_le(out, h->checksum, 8);
	if (buf_err(out) == ERR_OK)
		buf_put_uint_le(out, hash_bytes(slice_of(out->ptr + start, HEADER_CHECKED)), 8);
}

enum err block_pack(struct block_packer *p, const struct block *b, struct buf *out)
{
	struct block_header h = b->header;
	size_t start = out->len, bound = ZSTD_compressBound(b->raw.len), stored;
	struct buf header;
	uint8_t *to;

	assert(b->raw.len <= RECORDING_RAW_MAX);
	to = buf_reserve(out, RECORDING_BLOCK_HEADER + bound);
	if (!to)
		return buf_err(out);
	to += RECORDING_BLOCK_HEADER;
	stored = ZSTD_compress2(p->zstd, to, bound, b->raw.ptr, b->raw.len);
	if (ZSTD_isError(stored))
		return ERR_NOMEM;
	h.codec = BLOCK_ZSTD;
	h.rowsum_version = ROWSUM_VERSION;
	h.stored_len = (uint32_t)stored;
	h.raw_len = (uint32_t)b->raw.len;
	h.checksum = hash_bytes(slice_of(to, stored));
	/* The header goes where room was left for it. */
	header = (struct buf){.ptr = out->ptr + start,
			      .cap = RECORDING_BLOCK_HEADER,
			      .max = RECORDING_BLOCK_HEADER};
	put_header(&header, &h);
	assert(header.len == RECORDING_BLOCK_HEADER);
	buf_advance(out, RECORDING_BLOCK_HEADER + stored);
	return ERR_OK;
}

enum err block_header_decode(struct slice bytes, struct block_header *out)
{
	struct cursor c = cur_of(bytes);
	struct slice magic = cur_bytes(&c, RECORDING_MAGIC_LEN);
	struct block_header h = {.version = cur_u16(&c)};
	uint16_t len = cur_u16(&c);
	uint64_t checksum;

	h.codec = cur_u8(&c);
	h.rowsum_version = cur_u8(&c);
	h.flags = cur_u16(&c);
	h.stored_len = cur_u32(&c);
	h.raw_len = cur_u32(&c);
	h.number = cur_u64(&c);
	h.recording = cur_u64(&c);
	h.first_ns = (int64_t)cur_u64(&c);
	h.last_ns = (int64_t)cur_u64(&c);
	h.first_order = cur_u64(&c);
	h.events = cur_u64(&c);
	h.sessions = cur_u64(&c);
	h.checksum = cur_u64(&c);
	checksum = cur_u64(&c);
	if (!cur_ok(&c) || !slice_eq(magic, slice_of(RECORDING_BLOCK_MAGIC, RECORDING_MAGIC_LEN)) ||
	    checksum != hash_bytes(slice_head(bytes, HEADER_CHECKED)))
		return ERR_PROTO;
	if (h.version > RECORDING_VERSION)
		return ERR_UNSUPPORTED;
	if (len != RECORDING_BLOCK_HEADER || h.stored_len > RECORDING_STORED_MAX ||
	    h.raw_len > RECORDING_RAW_MAX || h.codec > BLOCK_ZSTD)
		return ERR_PROTO;
	*out = h;
	return ERR_OK;
}

enum err block_unpacker_new(struct block_unpacker **out)
{
	struct block_unpacker *u = mem_zalloc(sizeof(*u));

	if (!u)
		return ERR_NOMEM;
	buf_init(&u->raw, RECORDING_RAW_MAX);
	u->zstd = ZSTD_createDCtx();
	if (!u->zstd) {
		block_unpacker_free(u);
		return ERR_NOMEM;
	}
	*out = u;
	return ERR_OK;
}

void block_unpacker_free(struct block_unpacker *u)
{
	if (!u)
		return;
	(void)ZSTD_freeDCtx(u->zstd);
	buf_release(&u->raw);
	mem_free(u);
}

enum err block_unpack(struct block_unpacker *u, const struct block_header *h, struct slice stored,
		      struct slice *raw)
{
	uint8_t *to;
	size_t n;

	if (stored.len != h->stored_len || hash_bytes(stored) != h->checksum)
		return ERR_PROTO;
	if (h->codec == BLOCK_PLAIN) {
		if (stored.len != h->raw_len)
			return ERR_PROTO;
		*raw = stored;
		return ERR_OK;
	}
	buf_reset(&u->raw);
	to = buf_reserve(&u->raw, h->raw_len);
	if (!to)
		return ERR_NOMEM;
	n = ZSTD_decompressDCtx(u->zstd, to, h->raw_len, stored.ptr, stored.len);
	if (ZSTD_isError(n) || n != h->raw_len)
		return ERR_PROTO;
	buf_advance(&u->raw, n);
	*raw = buf_slice(&u->raw);
	return ERR_OK;
}
