/*
 * compressor - what compression needs beside a connection: state and memory, for all of one thread.
 */
#ifndef CLIENT_COMPRESSOR_H
#define CLIENT_COMPRESSOR_H

#include "mysql/pack.h"

struct compressor {
	struct myp_packer *packer;
	struct myp_unpacker *unpacker;
	struct buf plain; /* of a frame that is being made */
};

/* ERR_NOMEM. */
enum err compressor_new(int zstd_level, struct compressor **out) MUST_CHECK;
void compressor_free(struct compressor *c); /* NULL is fine */

/* What is compressed by after a login that agreed on CAPS. */
enum myp_compression compressor_algorithm(uint64_t caps);

#endif
