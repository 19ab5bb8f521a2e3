/* pack - makes frames of the compressed protocol. */
#include "mysql/pack.h"

#include <assert.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

struct myp_packer {
	int zstd_level;
	bool has_zlib; /* ZLIB was made ready */
	z_stream zlib;
	ZSTD_CCtx *zstd; /* NULL until it is needed */
};

enum err myp_packer_new(int zstd_level, struct myp_packer **out)
{
	struct myp_packer *p = mem_zalloc(sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->zstd_level = zstd_level;
	*out = p;
	return ERR_OK;
}

void myp_packer_free(struct myp_packer *p)
{
	if (!p)
		return;
	if (p->has_zlib)
		(void)deflateEnd(&p->zlib);
	(void)ZSTD_freeCCtx(p->zstd);
	mem_free(p);
}

/* Writes CONTENTS packed to ROOM bytes at TO; *MADE is 0 if they do not fit. */
static enum err deflate_into(struct myp_packer *p, struct slice contents, uint8_t *to, size_t room,
			     size_t *made)
{
	z_stream *z = &p->zlib;
	int rc = p->has_zlib ? deflateReset(z) : deflateInit(z, Z_DEFAULT_COMPRESSION);

	if (rc != Z_OK)
		return ERR_NOMEM;
	p->has_zlib = true;
	/* zlib's own header says that it does not write through next_in. */
	memcpy(&z->next_in, &contents.ptr, sizeof(z->next_in));
	z->avail_in = (uInt)contents.len;
	z->next_out = to;
	z->avail_out = (uInt)room;
	*made = deflate(z, Z_FINISH) == Z_STREAM_END ? room - z->avail_out : 0;
	return ERR_OK;
}

static enum err zstd_into(struct myp_packer *p, struct slice contents, uint8_t *to, size_t room,
			  size_t *made)
{
	size_t n;

	if (!p->zstd)
		p->zstd = ZSTD_createCCtx();
	if (!p->zstd)
		return ERR_NOMEM;
	n = ZSTD_compressCCtx(p->zstd, to, room, contents.ptr, contents.len, p->zstd_level);
	*made = ZSTD_isError(n) ? 0 : n;
	return ERR_OK;
}

enum err myp_pack(struct myp_packer *p, enum myp_compression how, uint8_t sequence,
		  struct slice contents, struct buf *out)
{
	const size_t start = out->len;
	size_t made = 0;
	uint8_t *at;
	enum err e = ERR_OK;

	assert(contents.len <= MYP_FRAME_MAX);
	at = buf_reserve(out, MYP_COMPRESS_HEADER + contents.len);
	if (!at)
		return buf_err(out);
	at += MYP_COMPRESS_HEADER;
	if (contents.len >= MYP_PACK_MIN && how == MYP_COMPRESS_ZLIB)
		e = deflate_into(p, contents, at, contents.len - 1, &made);
	if (contents.len >= MYP_PACK_MIN && how == MYP_COMPRESS_ZSTD)
		e = zstd_into(p, contents, at, contents.len - 1, &made);
	if (e != ERR_OK)
		return e;
	if (made == 0 && contents.len > 0)
		memcpy(at, contents.ptr, contents.len);
	buf_put_uint_le(out, made ? made : contents.len, 3);
	buf_put_u8(out, sequence);
	buf_put_uint_le(out, made ? contents.len : 0, 3);
	out->len = start + MYP_COMPRESS_HEADER + (made ? made : contents.len);
	return ERR_OK;
}
