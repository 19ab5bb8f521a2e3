/*
 * item - what the pump hands to the workers: an event of the recording, reduced to what a replay
 * needs of it, in one piece of memory. A head, then the struct of its type, then the bytes that
 * it names, in order.
 */
#ifndef REPLAY_ITEM_H
#define REPLAY_ITEM_H

#include "event/receipt.h"
#include "replay/facts.h"
#include "replay/turns.h"
#include "sql/lex.h"

struct account;
struct player;

enum { ITEM_ALIGN = 8 };

/* STATE: what the session would have to be opened with from here on; it looks like OPEN. */
enum item_type { ITEM_OPEN, ITEM_STATE, ITEM_COMMAND, ITEM_DATA, ITEM_RESPONSE, ITEM_END };

struct item {
	uint32_t size; /* of all, a multiple of ITEM_ALIGN */
	enum item_type type;
	struct player *player;
	struct receipt *receipt; /* held until it is done with; NULL: nobody asks */
	int64_t at_ns;           /* when it happened, counted from the beginning of the recording */
};

/* Behind it: database, attributes, state. */
struct item_open {
	uint64_t caps;
	uint64_t session;
	uint32_t connection_id; /* 0: unknown */
	uint32_t copy;          /* of the session; 0: the first one */
	uint32_t room; /* sessions of the worker that were open in the recording, with this one */
	const struct account *account; /* NULL: the target's own */
	uint32_t database_len, attributes_len, state_len;
	uint16_t collation;
	bool caps_known, database_known;
	bool resumed;        /* what was open in it is not */
	bool in_transaction; /* which began before what is replayed of it */
	bool unsure;         /* whether it is in one, and commits by itself, is not known yet */
};

enum not_sent {
#define REASON(name, text, missing) NOT_SENT_##name,
#include "replay/reason_list.h"
#undef REASON
	NOT_SENT_REASONS,
	SENT = NOT_SENT_REASONS, /* no reason not to */
};

/* Behind it: types (2 bytes each), text, payload. */
struct item_command {
	uint64_t n;
	struct turn turn;              /* that it waits for */
	uint64_t key;                  /* of its row in the profile */
	const struct account *account; /* of CHANGE_USER; NULL: the target's own */
	uint64_t caps;                 /* that PAYLOAD is encoded under */
	int64_t first_ns, last_ns;     /* by the recording's clock */
	uint32_t payload_len;
	uint32_t text_len;    /* of the statement to prepare first; of CHANGE_USER's database */
	uint32_t types_count; /* of the parameters of an execution; 0: not known, or none */
	uint32_t statement_id;
	uint32_t kill_id;       /* the connection that it is to kill; 0: it is none of these */
	enum not_sent reason;   /* SENT, or why it must not be */
	struct sql_options sql; /* of the session */
	uint16_t collation;     /* of the session; of CHANGE_USER: the new one */
	uint8_t code;
	bool has_statement;
	bool kill_query;   /* not the connection, but what it does */
	bool among_others; /* other sessions were open */
	uint32_t depends;  /* enum sql_depends: on what its result depends */
	uint32_t open;     /* enum session_open: in the recording, before it */
	bool after_gap;    /* commands of its session were lost before it */
	bool may_write;    /* of a session that is UNSURE, within a transaction if there is one */
	bool begins;       /* whatever transaction is open ends with it */
	bool secret;       /* a password stands in it, which messages may repeat */
};

/* Behind it: the bytes of one packet of a LOCAL INFILE; none: its end. */
struct item_data {
	uint32_t len;
};

struct item_response {
	uint64_t n;
	uint64_t turn;  /* its number; 0: nobody waits for it */
	uint64_t after; /* numbers given before */
	struct facts facts;
};

static inline void *item_body(struct item *i)
{
	return i + 1;
}

#endif
