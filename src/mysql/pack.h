/*
 * pack - makes frames of the compressed protocol, which compress.h reads.
 */
#ifndef MYSQL_PACK_H
#define MYSQL_PACK_H

#include "mysql/compress.h"

enum {
	MYP_PACK_MIN = 50,            /* bytes; less is not worth it: stored, as the clients do */
	MYP_PACK_ZSTD_LEVEL = 3,      /* the servers' default, */
	MYP_PACK_ZSTD_LEVEL_MAX = 22, /* and what they take at most, from 1 on */
};

/* State of compression, for any number of connections of one thread. */
struct myp_packer;

/* ZSTD_LEVEL: from 1 to MYP_PACK_ZSTD_LEVEL_MAX. ERR_NOMEM. */
enum err myp_packer_new(int zstd_level, struct myp_packer **out) MUST_CHECK;
void myp_packer_free(struct myp_packer *p); /* NULL is fine */

/*
 * Appends a frame of SEQUENCE with CONTENTS, at most MYP_FRAME_MAX bytes of the stream of packets. What does not become
 * shorter by HOW is stored. ERR_NOMEM, ERR_LIMIT, as OUT fails.
 */
enum err myp_pack(struct myp_packer *p, enum myp_compression how, uint8_t sequence,
		  struct slice contents, struct buf *out) MUST_CHECK;

#endif
