/*
 * streams - rows of blocks from a broker, each of one publisher in one queue, taken apart. Internal to input/.
 */
#ifndef INPUT_STREAMS_H
#define INPUT_STREAMS_H

#include "base/map.h"
#include "input/begun.h"
#include "input/source.h"
#include "recording/decoder.h"

struct stream {
	uint64_t id, origin;
	unsigned queue;
	struct decoder *decoder;
	struct block_unpacker *unpacker;
	struct delivery *waiting, **waiting_end;
	struct begun *block; /* being decoded; NULL: none */
	struct begun *last;  /* begun last, if the next one has to wait for it; NULL: it has not */
	struct begun *chain; /* that ended inside a record, which goes on in the next */
	size_t chain_len;
	struct begun *farewell; /* its queue is another's now: of the ends of its sessions */
	uint64_t next_number;
	bool begun;      /* NEXT_NUMBER is known */
	bool superseded; /* its publisher has begun another one */
	bool ending;     /* its sessions are being ended */
	bool restarts;   /* a gap: after that it begins anew */
	bool over;
	struct event event; /* the next one, if there is one */
	bool has_event;
	bool resent; /* all that came so far was perhaps sent twice, and somebody else had the first */
	bool again;       /* BLOCK may have been executed by somebody else */
	bool again_first; /* any of BLOCK, if so: it is the first that came, or was sent twice */
};

/* A queue that is to be another consumer's. */
struct leaving {
	int64_t since_ns;       /* monotonic; 0: it is not */
	struct begun *farewell; /* its sessions are being ended; NULL: its blocks are */
	bool released;          /* all ends were handed out */
};

/* The source. */
struct broker {
	struct place place;
	struct consumer *consumer;
	struct map streams; /* by id */
	struct begun_list begun;
	struct begun *handed_out; /* whole; what the sink made of them may not be written yet */
	struct coverage found, told;
	struct coverage ended; /* what streams that are over had said */
	uint64_t missing;      /* blocks */
	bool told_missing;
	struct {
		uint64_t blocks, commands, first_commands;
	} again;
	struct {
		bool executes; /* the sink: a stream's blocks one after the other */
		bool by_clock; /* and at their time */
	} how;
	bool given; /* something was, since the sink was last asked to pass it on */
	struct leaving leaving[PLACE_QUEUES_MAX];
	int64_t begin_ns; /* monotonic: no event before */
};

enum { STREAMS_MAX = 1 << 16 };

/* Whoever publishes D, of which nothing came before. ERR_NOMEM, ERR_LIMIT. */
enum err streams_add(struct broker *b, const struct delivery *d, struct stream **out) MUST_CHECK;

/* Fills S->EVENT, if there is one that may be handed out by now. */
enum err stream_advance(struct broker *b, struct stream *s, struct errinfo *info) MUST_CHECK;

/* S has nothing more to say. */
void stream_drop(struct broker *b, struct stream *s);

void streams_release(struct broker *b);

/* Superseded streams that have nothing more come to their end. */
enum err streams_end_superseded(struct broker *b, struct errinfo *info) MUST_CHECK;

/* Leaves the queues that are to be another consumer's, step by step. */
enum err streams_leave(struct broker *b, struct errinfo *info) MUST_CHECK;

#endif
