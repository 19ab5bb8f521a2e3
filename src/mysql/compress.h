/*
 * compress - the compressed protocol: frames whose contents, one after the other, are the stream of packets.
 * Source: MySQL source documentation, "Compression"; MariaDB KB, "0-packet".
 *
 *   3  length of the payload as it is on the wire
 *   1  sequence number, counted from 0 for each command, over both sides' frames
 *   3  length of the contents, 0: the payload is the contents
 *   n  payload: a zlib stream or a zstd frame, whole, and by itself
 *
 * It begins behind the OK that ends the login. Packets and frames have no common boundaries. The algorithm is
 * agreed on in the login, and can be seen in each payload: they begin differently.
 *
 * What contents are unpacked into is shared by all readers, so that an idle session holds nothing. A
 * length says how much may come out, and the room is no larger: a bomb is a wrong length.
 */
#ifndef MYSQL_COMPRESS_H
#define MYSQL_COMPRESS_H

#include "base/buf.h"
#include "mysql/proto.h"

enum { MYP_COMPRESS_HEADER = 7 };

enum myp_compression { MYP_COMPRESS_STORED, MYP_COMPRESS_ZLIB, MYP_COMPRESS_ZSTD };

/* Memory and state of decompression, for any number of readers of one thread. */
struct myp_unpacker;

enum err myp_unpacker_new(struct myp_unpacker **out) MUST_CHECK; /* ERR_NOMEM */
void myp_unpacker_free(struct myp_unpacker *u);                  /* NULL is fine */

struct myp_frame {
	struct slice contents; /* borrowed until the next call with its unpacker */
	enum myp_compression how;
	uint32_t wire_len; /* with the header */
	uint8_t sequence;
	bool holed; /* a part was skipped: there are no contents */
};

/* One direction of a conversation. All zero but for the limit is "at the start of a frame". */
struct myp_frame_reader {
	struct buf held; /* a payload that came in pieces; empty between frames */
	uint8_t header[MYP_COMPRESS_HEADER];
	uint8_t header_len;    /* bytes of the header so far */
	bool holed;            /* something of the current frame was skipped */
	uint32_t payload_left; /* bytes still to come, once the header is complete */
};

void myp_frame_reader_init(struct myp_frame_reader *r);
void myp_frame_reader_release(struct myp_frame_reader *r);

/* Forgets what is incomplete: the next byte is the first of a header. */
void myp_frame_reader_reset(struct myp_frame_reader *r);

/* True when part of a frame was taken and the rest is to come. */
static inline bool myp_frame_reader_partial(const struct myp_frame_reader *r)
{
	return r->header_len > 0;
}

/*
 * Takes bytes from the front of *BYTES. ERR_OK: one frame is complete in *OUT, the rest of *BYTES is for
 * the next call. ERR_AGAIN: all bytes are taken, the frame is not complete. ERR_PROTO: it is complete, but its
 * payload is not what its header says; the reader is at the next frame. ERR_NOMEM: it cannot be held or
 * unpacked; reset the reader. *OUT is filled also with ERR_PROTO, but for its contents, which are empty.
 */
enum err myp_frame_next(struct myp_frame_reader *r, struct myp_unpacker *u, struct slice *bytes,
			struct myp_frame *out) MUST_CHECK;

/*
 * N bytes will not come. True if they lie inside one frame's payload, so that the next frame has its place:
 * *LOST is then the number of bytes of the packet stream that will not come for it, all of the frame's; 0 if
 * that was said before. False if it is not known any more where the next frame begins; reset the reader.
 */
bool myp_frame_skip(struct myp_frame_reader *r, uint64_t n, uint32_t *lost);

/* How much of a frame's contents a look at its first bytes can give. */
enum myp_peek {
	MYP_PEEK_NONE,     /* a frame does not begin here */
	MYP_PEEK_FRAME,    /* all of it is here, and in order */
	MYP_PEEK_CONTENTS, /* the first of its contents, and all looks well so far */
	MYP_PEEK_HEADER,   /* none of its contents, but headers that agree with each other */
};

/* Can BYTES begin with a frame? Fills *OUT unless it is MYP_PEEK_NONE. ERR_NOMEM is taken for that. */
enum myp_peek myp_frame_peek(struct myp_unpacker *u, struct slice bytes, struct myp_frame *out);

#endif
