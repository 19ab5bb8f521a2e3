/*
 * reply - what a server answers with: OK, ERR, EOF, column definitions, COM_STMT_PREPARE_OK.
 *
 * Decoders take a whole payload, first byte included, and the session's capabilities. ERR_PROTO: it
 * is not that message; *OUT is untouched. Slices in *OUT live as long as the payload.
 */
#ifndef MYSQL_REPLY_H
#define MYSQL_REPLY_H

#include "mysql/proto.h"

struct myp_ok {
	uint64_t affected_rows;
	uint64_t insert_id;
	uint16_t status;
	uint16_t warnings;
	struct slice info;  /* human text; empty if none */
	struct slice state; /* session state changes, as in the packet: see myp_states_of() */
};

/*
 * Also for an OK packet that begins with 0xfe: the end of a result under CLIENT_DEPRECATE_EOF.
 * What comes after the warnings never fails it: servers and proxies differ there, and long ones are
 * cut.
 */
enum err myp_ok_decode(struct slice payload, uint64_t caps, struct myp_ok *out) MUST_CHECK;

struct myp_err {
	uint16_t code;
	char sqlstate
		[6]; /* "HY000" if the packet has none, as before 4.1 and before the handshake */
	struct slice message;
};

/* The code is 2000, as the client library has it, where a server of version 9 of the protocol sent none. */
enum err myp_err_decode(struct slice payload, uint64_t caps, struct myp_err *out) MUST_CHECK;

struct myp_eof {
	uint16_t warnings;
	uint16_t status; /* 0 for the one-byte EOF of servers before 4.1 */
};

enum err myp_eof_decode(struct slice payload, uint64_t caps, struct myp_eof *out) MUST_CHECK;

/*
 * MariaDB's progress report: an ERR packet with code 0xffff. Before 10.2 the capability was bit 29,
 * which is CAPABILITY_EXTENSION in MySQL.
 */
bool myp_is_progress(struct slice payload, uint64_t caps);

enum myp_state_type {
	MYP_STATE_SYSTEM_VARIABLE = 0,
	MYP_STATE_SCHEMA = 1,
	MYP_STATE_CHANGED = 2,
	MYP_STATE_GTIDS = 3,
	MYP_STATE_TRANSACTION_CHARACTERISTICS = 4,
	MYP_STATE_TRANSACTION_STATE = 5,
};

struct myp_state {
	uint8_t type;       /* enum myp_state_type, or a number of a newer server */
	struct slice name;  /* of the variable */
	struct slice value; /* of the variable, schema name, GTIDs, ... */
};

/* Where the reader of a list of changes is. */
struct myp_states {
	struct cursor entries;
	struct cursor variables; /* of the entry begun: MariaDB puts several into one */
};

static inline struct myp_states myp_states_of(struct slice state)
{
	return (struct myp_states){.entries = cur_of(state)};
}

/*
 * The next change of myp_ok.state. True and *OUT filled, or false at the end or where the bytes are
 * not what they should be. Several system variables in one entry come one by one.
 */
bool myp_state_next(struct myp_states *s, struct myp_state *out);

struct myp_column {
	struct slice schema, table, org_table, name, org_name;
	struct slice
		extended; /* MariaDB's extended metadata (type name, format), raw; empty if none */
	struct slice def; /* default value of COM_FIELD_LIST; empty otherwise */
	uint32_t length;
	uint16_t charset;
	uint16_t flags;   /* enum myp_column_flag and more */
	uint8_t type;     /* enum myp_type */
	uint8_t decimals; /* 0x1f: none given */
};

/*
 * The form of 4.1 and the one before, which has table, name, length, type, flags and decimals only.
 * MariaDB's extended metadata are read under MARIADB_EXTENDED_METADATA.
 */
enum err myp_column_decode(struct slice payload, uint64_t caps, struct myp_column *out) MUST_CHECK;

/* True if myp_column_decode() would succeed; costs less. */
bool myp_is_column(struct slice payload, uint64_t caps);

struct myp_prepared {
	uint32_t statement_id;
	uint16_t columns;
	uint16_t params;
	uint16_t warnings;
	bool metadata_follows; /* false only under CLIENT_OPTIONAL_RESULTSET_METADATA */
};

/* Servers before 5.0 end it after the counts; the warnings are 0 then. */

enum err myp_prepared_decode(struct slice payload, uint64_t caps,
			     struct myp_prepared *out) MUST_CHECK;

#endif
