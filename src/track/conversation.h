/*
 * conversation - one session while it is followed. Internal to track/.
 *
 *   tracker.c       flows to conversations, events to the sink
 *   conversation.c  chunks to packets; gaps; who is in step
 *   compressed.c    a compressed session's chunks to bytes of packets
 *   phase.c         greeting and login
 *   command.c       a client's packet to a COMMAND event
 *   answer.c        a server's packets to a RESPONSE event
 *   effect.c        what a command or its response changes in the session
 *   proxy.c         the true client's address, in front of the login
 *   guess.c         where a command begins, when that is not known
 *   packets.c       each packet as an event, if that is asked for
 *   seed.c          what the server said of a session that was open before
 */
#ifndef TRACK_CONVERSATION_H
#define TRACK_CONVERSATION_H

#include "event/event.h"
#include "mysql/answer.h"
#include "mysql/compress.h"
#include "mysql/login.h"
#include "stream/chunk.h"
#include "track/proxy.h"
#include "track/tracker.h"

enum {
	PENDING_MAX = 4096, /* commands of one session that wait for their responses */
};

enum phase {
	PHASE_GREETING, /* the server speaks first */
	PHASE_LOGIN,    /* the client's handshake response */
	PHASE_AUTH,     /* the exchange up to OK or ERR */
	PHASE_COMMAND,
	PHASE_DEAF, /* nothing more can be heard: TLS, replication, no MySQL */
	PHASES,
};

/* A command that waits for its response. */
struct pending {
	struct pending *next;
	uint64_t n;
	uint8_t code;
	uint8_t last_sequence; /* of its packet or frame: the response begins with the next number */
	uint32_t statement_id;
	bool has_statement;
	int64_t last_ns;
	uint64_t end;    /* offset in the client's stream behind it */
	struct buf text; /* kept only where the response needs it: PREPARE, INIT_DB, SET, ... */
	struct myp_login *login; /* CHANGE_USER: slices into TEXT; NULL otherwise */
};

/* The paths to it are kept out of the way of others. */
#define RARE __attribute__((cold))

struct compressed;  /* what is kept of a session's frames */
struct packets;     /* what is kept of a session whose packets are told */
struct packet_room; /* and for all of them */

struct conversation {
	struct tracker *tracker;
	struct session *session;
	enum phase phase;
	struct packets *packets;      /* NULL: nobody asked */
	bool announced;               /* the SESSION event was given */
	bool wants_seed;              /* joined, and the server may yet say what it is like */
	bool unmatched;               /* counted as such */
	bool quit;                    /* COM_QUIT was heard */
	bool left_protocol;           /* counted as undecodable already */
	struct myp_reader readers[2]; /* by enum stream_side */
	bool in_step
		[2]; /* the next byte of that side is the first of a packet, or inside a known one */
	struct compressed *compressed; /* NULL: it is not, or not yet */
	uint8_t last_sequence[2];      /* of the frame that ended last, of a compressed session */
	uint64_t lost_commands; /* bytes of them in holes since the last one heard; 0: none */
	bool turns_in_doubt;    /* who waits for an answer is not known for sure, since a loss */
	uint32_t doubts; /* exchanges that must fit before responses are believed again; 0: none */
	uint32_t run;    /* commands since nothing waited */
	uint32_t longest_run; /* of the session: how long it may take until a wrong turn shows */
	uint64_t realigned;   /* ordinal of the last command at the last loss */
	uint32_t carried;     /* executions that relied on types sent before */
	bool types_vary;      /* executions of one statement were heard with different types */
	bool last_prepared_known;
	uint32_t last_prepared;     /* id of the statement prepared last */
	uint64_t position[2];       /* offset of that side's next byte, on the wire */
	int64_t packet_ns[2];       /* when the first byte of the packet being read came */
	bool past_proxy;            /* there was a header, or there is none */
	struct proxy_reader *proxy; /* of a header that came in part; NULL otherwise */
	int64_t greeting_ns;
	uint64_t server_caps;
	uint8_t server_collation; /* the default one, as its greeting says; 0: none */
	uint16_t login_collation; /* as the last login said; 0: unknown */
	struct pending *first, *last;
	size_t pending_count;
	bool answering; /* ANSWER and RESPONSE are of FIRST */
	bool held;      /* RESPONSE is whole, but it is not sure yet that it is FIRST's */
	struct myp_answer answer;
	struct response response;
	uint64_t census_seen;   /* number of the one that was looked at last */
	uint64_t infile_n;      /* command whose file the client is sending; 0: none */
	uint8_t infile_next[2]; /* its next piece's number, behind the last packet or frame */
};

struct tracker {
	struct tracker_options options;
	struct event_sink sink;
	struct coverage coverage;
	enum err failed;
	struct errinfo info;
	struct statement_pool statements;     /* of all sessions */
	struct myp_params params, attributes; /* of the command at hand */
	struct buf long_data_flags;
	struct pending *spare;
	bool informed;
	struct informant informant;
	struct census *census;              /* NULL: none came yet */
	struct response_room response_room; /* of all whose server is silent */
	struct myp_unpacker *unpacker;      /* of all sessions; NULL until it is needed */
	struct packet_room *room;           /* NULL: nobody asked for packets */
};

/* tracker.c */
void tracker_emit(struct tracker *t, const struct event *e);
void tracker_fail(struct tracker *t, enum err e);

/* conversation.c */
struct conversation *conversation_new(struct tracker *t, const struct stream_flow *flow);
void conversation_free(struct conversation *c);
void conversation_chunk(struct conversation *c, const struct stream_chunk *chunk);
void conversation_end(struct conversation *c, enum end_reason reason, int64_t time_ns,
		      uint64_t frame);
/* No command waits for its response, none is on its way, and no login is. */
bool conversation_is_idle(const struct conversation *c);
void conversation_set_phase(struct conversation *c, enum phase to);
void conversation_announce(struct conversation *c, int64_t time_ns, uint64_t frame);
void conversation_go_deaf(struct conversation *c); /* nothing more will be heard of it */
/* A part of the login was not heard; the commands may be. */
void conversation_give_up_login(struct conversation *c);
void conversation_leave_protocol(struct conversation *c); /* counts it once as undecodable */
/* Takes what can be of BYTES, of the stream of packets, whose first came at FIRST_NS; gives what is left if the
 * session is compressed from there on. */
struct slice conversation_packets(struct conversation *c, const struct stream_chunk *chunk,
				  struct slice bytes, int64_t first_ns);
/* Forgets what is incomplete of that side: its next byte is the first of a packet, and of a frame. */
void conversation_forget(struct conversation *c, enum stream_side side);
bool conversation_is_partial(const struct conversation *c, enum stream_side side);
/* When the packet that CHUNK ends was whole: its first byte may have come after its last. */
int64_t conversation_packet_end_ns(const struct conversation *c, const struct stream_chunk *chunk);
/* Counts bytes that nothing could be made of. */
void conversation_pass_over(struct conversation *c, uint64_t bytes);

/* compressed.c */
/* From here on the session speaks in frames. False: no memory, which is told. */
bool compressed_begin(struct conversation *c, enum session_compression how);
void compressed_free(struct compressed *z); /* NULL is fine */
/* A session that was joined, and of which nothing was heard: true if it turns out to be compressed. */
bool compressed_join(struct conversation *c, const struct stream_chunk *chunk);
/* True if the side's frames are in step, or come back at this chunk. */
bool compressed_step_in(struct conversation *c, const struct stream_chunk *chunk);
/* True if the gap leaves the client's frames in step. */
bool compressed_skip(struct conversation *c, const struct stream_chunk *chunk);
/* BYTES are the last ones of CHUNK. */
void compressed_bytes(struct conversation *c, const struct stream_chunk *chunk, struct slice bytes);
void compressed_forget(struct compressed *z, enum stream_side side);
bool compressed_is_partial(const struct compressed *z, enum stream_side side);

/* phase.c: a packet before the command phase. */
void phase_packet(struct conversation *c, const struct stream_chunk *chunk,
		  const struct myp_packet *p);

/* Bytes that are out of step: true if they are a handshake response whose greeting was not heard, and what it says
 * of the session is taken. */
bool phase_take_login(struct conversation *c, const struct stream_chunk *chunk);

/* The login has ended, or the rest of it was not heard: the session is compressed if that was agreed. */
void phase_end_login(struct conversation *c);

/* command.c: a client's packet in the command phase. */
void command_packet(struct conversation *c, const struct stream_chunk *chunk,
		    const struct myp_packet *p);

/* answer.c */
void answer_packet(struct conversation *c, const struct stream_chunk *chunk,
		   const struct myp_packet *p);
/* Takes the rows that *BYTES, which follow a packet of CHUNK, begins with. */
void answer_rows(struct conversation *c, const struct stream_chunk *chunk, struct slice *bytes);
/*
 * A command comes: the client took the answer before it for whole. Finds out where its response will begin, as
 * far as that is in doubt.
 */
void answer_before_command(struct conversation *c, const struct stream_chunk *chunk);
/* The conversation ends: nothing more can speak against the response that is held. */
void answer_release_held(struct conversation *c, int64_t time_ns, uint64_t frame);
/* No response will come, or not be known to be theirs, for all that wait: they are lost. */
void answer_lose_pending(struct conversation *c, int64_t time_ns, uint64_t frame);
/* The same at the end of the input: they may well come, but nobody hears them. */
void answer_leave_pending(struct conversation *c, int64_t time_ns, uint64_t frame);
/* Gives the responses of commands that have none, as far as it is their turn. */
void answer_settle_silent(struct conversation *c, const struct stream_chunk *chunk);
/* The client sends a file: what comes behind P is its next piece. */
void answer_expect_piece(struct conversation *c, const struct myp_packet *p);
struct pending *answer_push(struct conversation *c, uint64_t n, uint8_t code);
void pending_free(struct pending *p);

/* effect.c */
bool effect_needs_text(const struct command *command);
void effect_of_command(struct conversation *c, const struct command *command,
		       const struct myp_execute *execute);
void effect_of_hole(struct conversation *c); /* commands were not heard */
void effect_of_response(struct conversation *c, const struct pending *p, const struct response *r);

/*
 * packets.c: events of packets. Only where they are asked for: C->packets is NULL otherwise, and none but the
 * first two may be called.
 */
bool packets_begin(struct conversation *c); /* false: no memory */
void packets_free(struct packets *s);       /* NULL is fine */
bool packets_room_new(struct packet_room **out);
void packets_room_free(struct packet_room *room); /* NULL is fine */
RARE void packets_hear(struct conversation *c, const struct stream_chunk *chunk,
		       const struct myp_packet *p); /* P comes */
RARE void packets_heard(struct conversation *c);    /* it was followed */
void packets_gap(struct conversation *c);
/* What was found out of the packet that was heard last: it is a command, a piece of a file, a part of an answer. */
void packets_command(struct conversation *c, const struct command *cmd);
void packets_piece(struct conversation *c);
RARE void packets_item(struct conversation *c, const struct myp_item *item);

/* seed.c: at a chunk of a conversation that wants it */
RARE void conversation_seed(struct conversation *c, const struct stream_chunk *chunk);

/* guess.c */
bool guess_command_start(struct slice bytes);
bool guess_is_sent(uint8_t code); /* a command by that number, by clients */
/* A client's frame, the first of a command; fills *FRAME. */
bool guess_frame_start(struct myp_unpacker *u, struct slice bytes, struct myp_frame *frame);
/* A whole handshake response, and nothing else; fills *OUT. */
bool guess_login(struct slice bytes, struct myp_login *out);
bool guess_greeting(struct slice bytes); /* a whole one, and nothing else */
bool guess_is_tls(struct slice bytes);
/* Capabilities that the shape of a client's packet proves, where the login was not heard. */
uint64_t guess_caps(struct slice payload);

#endif
