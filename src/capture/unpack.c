/* unpack - compressed bytes in, plain bytes out: gzip and zstd. */
#include "capture/unpack.h"

#include <assert.h>
#include <limits.h>

#include <zlib.h>
#include <zstd.h>

#include "base/cursor.h"
#include "base/mem.h"

enum { GZIP_WINDOW = 15 + 16 }; /* zlib.h: the largest window, and a gzip header is expected */

/* RFC 1952 and RFC 8878, section 3.1; the latter's frames may also begin with a skippable one. */
#define GZIP_MAGIC UINT32_C(0x8b1f)
#define ZSTD_FRAME_MAGIC UINT32_C(0xfd2fb528)
#define ZSTD_SKIPPABLE_MAGIC UINT32_C(0x184d2a50) /* the low 4 bits are free */

struct unpack {
	enum unpack_kind kind;
	bool whole;
	z_stream gzip;
	ZSTD_DStream *zstd;
};

enum unpack_kind unpack_detect(struct slice first)
{
	struct cursor c = cur_of(first);
	uint32_t magic = cur_u32(&c);

	if ((magic & 0xffff) == GZIP_MAGIC)
		return UNPACK_GZIP;
	if (magic == ZSTD_FRAME_MAGIC || (magic & ~UINT32_C(0xf)) == ZSTD_SKIPPABLE_MAGIC)
		return UNPACK_ZSTD;
	return UNPACK_NONE;
}

enum err unpack_new(enum unpack_kind kind, struct unpack **out)
{
	struct unpack *u = mem_zalloc(sizeof(*u));
	bool ready = false;

	assert(kind != UNPACK_NONE);
	if (!u)
		return ERR_NOMEM;
	u->kind = kind;
	if (kind == UNPACK_GZIP) {
		ready = inflateInit2(&u->gzip, GZIP_WINDOW) == Z_OK;
	} else {
		u->zstd = ZSTD_createDStream();
		ready = u->zstd != NULL;
	}
	if (!ready) {
		mem_free(u);
		return ERR_NOMEM;
	}
	*out = u;
	return ERR_OK;
}

static enum err run_gzip(struct unpack *u, struct slice *in, uint8_t *to, size_t room, size_t *made)
{
	z_stream *z = &u->gzip;
	size_t in_len = in->len < UINT_MAX ? in->len : UINT_MAX;
	size_t out_len = room < UINT_MAX ? room : UINT_MAX;
	int rc;

	/* zlib's own header says that it does not write through next_in. */
	memcpy(&z->next_in, &in->ptr, sizeof(z->next_in));
	z->avail_in = (uInt)in_len;
	z->next_out = to;
	z->avail_out = (uInt)out_len;
	if (u->whole && inflateReset(z) != Z_OK)
		return ERR_PROTO;
	u->whole = false;
	rc = inflate(z, Z_NO_FLUSH);
	*in = slice_skip(*in, in_len - z->avail_in);
	*made = out_len - z->avail_out;
	if (rc == Z_STREAM_END)
		u->whole = true;
	return rc == Z_STREAM_END || rc == Z_OK || rc == Z_BUF_ERROR ? ERR_OK : ERR_PROTO;
}

static enum err run_zstd(struct unpack *u, struct slice *in, uint8_t *to, size_t room, size_t *made)
{
	ZSTD_inBuffer from = {.src = in->ptr, .size = in->len, .pos = 0};
	ZSTD_outBuffer into = {.dst = to, .size = room, .pos = 0};
	size_t rc = ZSTD_decompressStream(u->zstd, &into, &from);

	*in = slice_skip(*in, from.pos);
	*made = into.pos;
	u->whole = rc == 0;
	return ZSTD_isError(rc) ? ERR_PROTO : ERR_OK;
}

enum err unpack_run(struct unpack *u, struct slice *in, uint8_t *to, size_t room, size_t *made)
{
	enum err e = ERR_OK;

	*made = 0;
	while (e == ERR_OK && *made < room && !(u->whole && in->len == 0)) {
		size_t step = 0, before = in->len;

		e = u->kind == UNPACK_GZIP ? run_gzip(u, in, to + *made, room - *made, &step)
					   : run_zstd(u, in, to + *made, room - *made, &step);
		*made += step;
		if (e == ERR_OK && step == 0 && in->len == before)
			return before > 0 ? ERR_PROTO : ERR_OK;
	}
	return e;
}

bool unpack_whole(const struct unpack *u)
{
	return u->whole;
}

void unpack_free(struct unpack *u)
{
	if (!u)
		return;
	if (u->kind == UNPACK_GZIP)
		(void)inflateEnd(&u->gzip);
	(void)ZSTD_freeDStream(u->zstd);
	mem_free(u);
}
