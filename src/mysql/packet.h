/*
 * packet - the framing: 3-byte length, sequence id, payload. "Need more" exists only here.
 *
 * A payload of 16 MiB-1 or more spans several frames; the reader joins them. A payload that lies
 * whole in the bytes given is handed out from there, without a copy.
 */
#ifndef MYSQL_PACKET_H
#define MYSQL_PACKET_H

#include "base/buf.h"
#include "mysql/proto.h"

struct myp_packet {
	struct slice payload; /* without headers; borrowed until the next call on the reader */
	uint64_t wire_len;    /* bytes with all headers */
	uint64_t
		payload_len; /* whole length; more than payload.len if it was over the reader's limit */
	bool holed; /* a part was skipped: PAYLOAD is what came before and behind it, PAYLOAD_LEN is right */
	uint8_t sequence;      /* of its first frame */
	uint8_t last_sequence; /* of its last one */
};

/* One direction of a conversation. All zero but for the limit is "at the start of a packet". */
struct myp_reader {
	struct buf held; /* a payload that came in pieces; with the limit */
	uint8_t header[MYP_HEADER];
	uint8_t header_len;   /* bytes of the header so far */
	bool in_payload;      /* a frame's header is complete, its payload is not */
	bool goes_on;         /* the last frame begun is full: another belongs to the packet */
	bool holed;           /* something of the current packet was skipped */
	uint32_t frame_left;  /* payload bytes still to come of the current frame */
	uint64_t payload_len; /* so far, of the current packet */
	uint64_t wire_len;    /* so far, of the current packet */
	uint8_t sequence;     /* of the packet's first frame */
};

/* LIMIT: bytes of a payload to keep; what is longer is handed out cut, with its true payload_len. */
void myp_reader_init(struct myp_reader *r, size_t limit);
void myp_reader_release(struct myp_reader *r);

/* Forgets what is incomplete: the next byte is the first of a header. */
void myp_reader_reset(struct myp_reader *r);

/* True when part of a packet was taken and the rest is to come. */
static inline bool myp_reader_partial(const struct myp_reader *r)
{
	return r->wire_len > 0;
}

/*
 * True if BYTES begin with a packet of one frame, all of it; *PAYLOAD is what it carries. A frame that is full may
 * not be the last of its packet.
 */
static inline bool myp_packet_whole(struct slice bytes, struct slice *payload, uint8_t *sequence)
{
	struct cursor c = cur_of(bytes);
	uint32_t header = cur_u32(&c), len = header & MYP_FRAME_MAX;

	if (!cur_ok(&c) || len > cur_left(&c) || len == MYP_FRAME_MAX)
		return false;
	*payload = cur_bytes(&c, len);
	*sequence = (uint8_t)(header >> 24);
	return true;
}

/*
 * N bytes will not come. True if they lie inside one frame's payload, so that what follows has its place:
 * the packet will be handed out as holed, or is forgotten if it ends with them. False if it is not known
 * any more where the next packet begins; reset the reader.
 */
bool myp_reader_skip(struct myp_reader *r, uint64_t n);

/*
 * Takes bytes from the front of *BYTES. ERR_OK: one packet is complete in *OUT, the rest of *BYTES
 * is for the next call. ERR_AGAIN: all bytes are taken, the packet is not complete.
 * ERR_NOMEM: the packet cannot be held; reset the reader.
 */
enum err myp_reader_next(struct myp_reader *r, struct slice *bytes,
			 struct myp_packet *out) MUST_CHECK;

/*
 * Appends PAYLOAD to OUT as one or more frames, the first with *SEQUENCE, and leaves in *SEQUENCE the
 * number after the last. Failure is buf_err(OUT).
 */
void myp_packet_put(struct buf *out, struct slice payload, uint8_t *sequence);

#endif
