/*
 * packet - one packet of a conversation, told in the words of MySQL's client-side tracing: the stage that the
 * client is in, the events that its tracing would tell of, and what the packet means.
 *
 * The payload is fit to be shown: authentication data, and what holds or repeats a password, is overwritten in
 * it, and HIDDEN says where. Its form is as it was, so mysql/'s decoders read it under CAPS. What a client's
 * packet of the command phase says is in TEXT.
 */
#ifndef EVENT_PACKET_H
#define EVENT_PACKET_H

#include "event/command.h"
#include "mysql/answer.h"

enum packet_stage {
	STAGE_UNKNOWN, /* joined, or something was not heard */
#define STAGE(name) STAGE_##name,
#include "event/trace_list.h"
	STAGES,
};

enum packet_moment {
#define MOMENT(name) MOMENT_##name,
#include "event/trace_list.h"
	MOMENTS,
};

enum packet_meaning {
#define MEANING(name, text) PACKET_##name,
#include "event/trace_list.h"
	PACKET_MEANINGS,
};

enum packet_side {
	PACKET_OF_CLIENT,
	PACKET_OF_SERVER,
	PACKET_OF_NOBODY, /* something happened, without a packet: CONNECT, TLS, COMPRESSION, LEFT_OUT */
};

enum { PACKET_MOMENTS_MAX = 4 };

/* Borrowed, all of it, during the call that hands it over. */
struct packet {
	uint64_t n; /* ordinal of the command that it belongs to; 0: to none, as in the login */
	enum packet_side side;
	enum packet_stage stage;
	enum packet_meaning meaning;
	enum packet_moment moments[PACKET_MOMENTS_MAX]; /* in the order of the client's tracing */
	size_t moment_count;
	enum packet_moment moment; /* the one of them that says most */
	uint8_t command;           /* code of the command N */
	uint8_t sequence;
	int64_t first_ns; /* when its first byte came; the event's time is that of its last one */
	uint64_t length;  /* of the whole payload; of LEFT_OUT: packets */
	struct slice payload; /* shorter if a limit cut it */
	struct slice
		hidden; /* as long as PAYLOAD, 1 for each byte of it that is overwritten; or empty */
	struct slice
		text; /* COMMAND: as command_put_text(), passwords masked; empty if not known */
	uint16_t collation; /* that TEXT is in; 0: unknown */
	bool has_statement;
	uint32_t statement_id; /* COMMAND */
	uint64_t caps;         /* under which PAYLOAD is to be read */
	bool binary;           /* ROW: of the binary protocol */
	uint64_t index;        /* FIELD, PARAM, ROW: which one, from 1 */
	uint32_t count;        /* FIELD, PARAM: of so many; ROW: so many columns; 0: not known */
	bool ahead;            /* COMMAND: answers to others were still to come */
	bool doubtful; /* something was not heard: it may belong to another command, or mean something else */
	const char *violation; /* how it leaves the protocol; NULL: it does not */
};

const char *packet_stage_name(enum packet_stage s);     /* "READY_FOR_COMMAND"; of UNKNOWN NULL */
const char *packet_moment_name(enum packet_moment m);   /* "SEND_COMMAND" */
const char *packet_meaning_name(enum packet_meaning m); /* "column_count" */

/* The stage that the client is in until the next packet of the answer comes. */
enum packet_stage packet_stage_of(const struct myp_answer *a);

/* How PAYLOAD ends a list or a result: OK, or either style of EOF. ERR_PROTO. */
enum err packet_ok(const struct packet *p, struct myp_ok *out) MUST_CHECK;

/* A copy that owns what it points to, in one piece. NULL: no memory. */
struct packet *packet_copy(const struct packet *p);
void packet_free(struct packet *p);          /* of packet_copy(); NULL is fine */
size_t packet_bytes(const struct packet *p); /* that its copy takes */

#endif
