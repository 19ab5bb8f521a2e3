/*
 * block - the frame of a block: its header, its checksums, its compression. The only place with
 * <zstd.h> in this layer. What is inside a body is none of its business.
 */
#ifndef RECORDING_BLOCK_H
#define RECORDING_BLOCK_H

#include "base/buf.h"
#include "recording/format.h"

enum block_codec { BLOCK_PLAIN, BLOCK_ZSTD };

struct block_header {
	uint16_t version;
	uint8_t codec; /* enum block_codec */
	uint8_t rowsum_version;
	uint16_t flags; /* enum recording_block_flag */
	uint32_t stored_len, raw_len;
	uint64_t number;    /* of the block in its recording, from 0 */
	uint64_t recording; /* identity */
	int64_t first_ns, last_ns;
	uint64_t first_order;
	uint64_t events;   /* up to its end */
	uint64_t sessions; /* up to its end */
	uint64_t checksum; /* of the stored body */
};

/* A block before it is packed: what the header is to say, and the body. */
struct block {
	struct block_header header; /* number, recording, times, order, counts, flags */
	struct slice raw;           /* at most RECORDING_RAW_MAX bytes */
};

struct block_packer;

/* LEVEL: zstd's, negative is faster. */
enum err block_packer_new(int level, struct block_packer **out) MUST_CHECK;
void block_packer_free(struct block_packer *p);

/* Appends header and stored body of B to OUT. ERR_NOMEM, ERR_LIMIT. */
enum err block_pack(struct block_packer *p, const struct block *b, struct buf *out) MUST_CHECK;

/*
 * Reads the header at the start of BYTES, at least RECORDING_BLOCK_HEADER of them. ERR_PROTO: it is
 * none, or damaged; ERR_UNSUPPORTED: of a later version.
 */
enum err block_header_decode(struct slice bytes, struct block_header *out) MUST_CHECK;

struct block_unpacker;

enum err block_unpacker_new(struct block_unpacker **out) MUST_CHECK;
void block_unpacker_free(struct block_unpacker *u);

/*
 * Checks STORED, the body as H announces it, and unpacks it. *RAW lives until the next call, or as long
 * as STORED. ERR_PROTO: damaged. ERR_NOMEM.
 */
enum err block_unpack(struct block_unpacker *u, const struct block_header *h, struct slice stored,
		      struct slice *raw) MUST_CHECK;

#endif
