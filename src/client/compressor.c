/* compressor - what compression needs beside a connection. */
#include "client/compressor.h"

#include "base/mem.h"

enum err compressor_new(int zstd_level, struct compressor **out)
{
	struct compressor *c = mem_zalloc(sizeof(*c));

	if (!c)
		return ERR_NOMEM;
	buf_init(&c->plain, MYP_FRAME_MAX);
	if (myp_packer_new(zstd_level, &c->packer) != ERR_OK ||
	    myp_unpacker_new(&c->unpacker) != ERR_OK) {
		compressor_free(c);
		return ERR_NOMEM;
	}
	*out = c;
	return ERR_OK;
}

void compressor_free(struct compressor *c)
{
	if (!c)
		return;
	myp_packer_free(c->packer);
	myp_unpacker_free(c->unpacker);
	buf_release(&c->plain);
	mem_free(c);
}

enum myp_compression compressor_algorithm(uint64_t caps)
{
	if (caps & MYP_CAP_ZSTD_COMPRESSION)
		return MYP_COMPRESS_ZSTD;
	return caps & MYP_CAP_COMPRESS ? MYP_COMPRESS_ZLIB : MYP_COMPRESS_STORED;
}
