/*
 * compressed - the frames of a compressed session: what is in them is followed as in any other.
 *
 * There are two framings, and a side can be in step with the outer one alone: after a hole in a frame the next
 * frame has its place, but whether a packet begins there is seen by its contents. Frames are numbered from 0 for
 * each command, so a command, and nothing but a command or the 256th frame behind it, begins a frame 0.
 *
 * A frame is unpacked when it is whole. Its packets begin when the frame began and end when it ended, in time as
 * in the places of the stream that acknowledgements speak of.
 */
#include "track/conversation.h"

#include "base/mem.h"

struct compressed {
	struct myp_frame_reader readers[2]; /* by enum stream_side */
	int64_t first_ns[2];                /* when the first byte of the frame being read came */
	bool in_step; /* the client's frames are; the server's are if its packets are */
};

/* NULL: no memory; that is told. */
static struct myp_unpacker *unpacker(struct tracker *t)
{
	enum err e = t->unpacker ? ERR_OK : myp_unpacker_new(&t->unpacker);

	if (e != ERR_OK)
		tracker_fail(t, e);
	return t->unpacker;
}

bool compressed_begin(struct conversation *c, enum session_compression how)
{
	struct compressed *z = mem_zalloc(sizeof(*z));

	if (!z) {
		tracker_fail(c->tracker, ERR_NOMEM);
		return false;
	}
	myp_frame_reader_init(&z->readers[STREAM_CLIENT]);
	myp_frame_reader_init(&z->readers[STREAM_SERVER]);
	z->in_step = c->in_step[STREAM_CLIENT];
	c->compressed = z;
	c->session->compression = how;
	c->tracker->coverage.compressed++;
	return true;
}

void compressed_free(struct compressed *z)
{
	if (!z)
		return;
	myp_frame_reader_release(&z->readers[STREAM_CLIENT]);
	myp_frame_reader_release(&z->readers[STREAM_SERVER]);
	mem_free(z);
}

bool compressed_is_partial(const struct compressed *z, enum stream_side side)
{
	return myp_frame_reader_partial(&z->readers[side]);
}

void compressed_forget(struct compressed *z, enum stream_side side)
{
	myp_frame_reader_reset(&z->readers[side]);
	if (side == STREAM_CLIENT)
		z->in_step = false;
}

static bool is_in_step(const struct conversation *c, enum stream_side side)
{
	return side == STREAM_CLIENT ? c->compressed->in_step : c->in_step[STREAM_SERVER];
}

static bool begins_with_frame(struct conversation *c, const struct stream_chunk *chunk,
			      struct myp_frame *frame)
{
	struct myp_unpacker *u = unpacker(c->tracker);

	return u && guess_frame_start(u, chunk->bytes, frame);
}

bool compressed_step_in(struct conversation *c, const struct stream_chunk *chunk)
{
	struct myp_frame frame;

	if (is_in_step(c, chunk->from))
		return true;
	if (chunk->from == STREAM_SERVER || !begins_with_frame(c, chunk, &frame))
		return false;
	compressed_forget(c->compressed, STREAM_CLIENT);
	c->compressed->in_step = true;
	return true;
}

bool compressed_join(struct conversation *c, const struct stream_chunk *chunk)
{
	struct myp_frame frame;

	if (c->session->commands > 0 || c->session->caps_known ||
	    !begins_with_frame(c, chunk, &frame))
		return false;
	/* A frame that is stored does not tell; far more servers know the one than the other. */
	if (!compressed_begin(c, frame.how == MYP_COMPRESS_ZSTD ? SESSION_ZSTD : SESSION_ZLIB))
		return false;
	c->compressed->in_step = true;
	return true;
}

bool compressed_skip(struct conversation *c, const struct stream_chunk *chunk)
{
	struct compressed *z = c->compressed;
	uint32_t lost = 0;

	if (chunk->from == STREAM_SERVER || !z->in_step ||
	    !myp_frame_skip(&z->readers[STREAM_CLIENT], chunk->gap, &lost))
		return false;
	if (lost > 0 && c->in_step[STREAM_CLIENT] &&
	    !myp_reader_skip(&c->readers[STREAM_CLIENT], lost)) {
		c->in_step[STREAM_CLIENT] = false;
		myp_reader_reset(&c->readers[STREAM_CLIENT]);
	}
	return true;
}

/* What was in the frame is as lost as if it had not been heard. */
static void on_bad_frame(struct conversation *c, enum stream_side side, uint64_t wire_len)
{
	conversation_pass_over(c, wire_len);
	if (c->in_step[side])
		conversation_leave_protocol(c);
	if (side == STREAM_CLIENT) {
		c->lost_commands += wire_len;
		c->turns_in_doubt = true;
		effect_of_hole(c);
	}
	c->in_step[side] = false;
	conversation_forget(c, side);
}

static void note_algorithm(struct session *s, enum myp_compression how)
{
	switch (how) {
	case MYP_COMPRESS_STORED:
		break;
	case MYP_COMPRESS_ZLIB:
		s->compression = SESSION_ZLIB;
		break;
	case MYP_COMPRESS_ZSTD:
		s->compression = SESSION_ZSTD;
		break;
	}
}

static void on_frame(struct conversation *c, const struct stream_chunk *chunk,
		     const struct myp_frame *frame)
{
	enum stream_side side = chunk->from;

	note_algorithm(c->session, frame->how);
	c->last_sequence[side] = frame->sequence;
	if (!c->in_step[side] && frame->sequence == 0 && guess_command_start(frame->contents))
		c->in_step[side] = true;
	if (frame->holed || !c->in_step[side])
		conversation_pass_over(c, frame->wire_len);
	else
		(void)conversation_packets(c, chunk, frame->contents,
					   c->compressed->first_ns[side]);
}

void compressed_bytes(struct conversation *c, const struct stream_chunk *chunk, struct slice bytes)
{
	enum stream_side side = chunk->from;
	struct myp_frame_reader *r = &c->compressed->readers[side];
	struct myp_unpacker *u = unpacker(c->tracker);
	struct myp_frame frame;
	enum err e;

	while (u && bytes.len > 0 && c->phase != PHASE_DEAF && is_in_step(c, side)) {
		if (!myp_frame_reader_partial(r))
			c->compressed->first_ns[side] = chunk->time_ns;
		e = myp_frame_next(r, u, &bytes, &frame);
		if (e == ERR_AGAIN)
			return;
		c->position[side] = chunk->offset + (chunk->bytes.len - bytes.len);
		if (e == ERR_OK)
			on_frame(c, chunk, &frame);
		else
			on_bad_frame(c, side, e == ERR_PROTO ? frame.wire_len : 0);
		if (e == ERR_NOMEM)
			c->tracker->coverage.limits++;
	}
	conversation_pass_over(c, bytes.len);
}
