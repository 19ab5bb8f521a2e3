/*
 * query - commands with parameters: COM_QUERY with its attributes, COM_STMT_EXECUTE.
 */
#ifndef MYSQL_QUERY_H
#define MYSQL_QUERY_H

#include "mysql/value.h"

struct myp_param {
	uint8_t type; /* enum myp_type, as sent or carried over */
	bool is_unsigned;
	bool is_long_data; /* sent before by COM_STMT_SEND_LONG_DATA: no value in the packet */
	uint8_t indicator; /* of a bulk execution: enum myp_indicator; if not NONE the value is NULL */
	struct slice
		name; /* query attributes, and named parameters of MySQL 8.0.23 on; else empty */
	struct myp_value value;
};

/* In a parameter's type as it stands on the wire: it is unsigned. */
enum { MYP_PARAM_UNSIGNED = 0x8000 };

static inline uint16_t myp_param_wire_type(const struct myp_param *p)
{
	return (uint16_t)(p->type | (p->is_unsigned ? MYP_PARAM_UNSIGNED : 0));
}

/* A list that is used again for every command; owned by the caller. All zero is empty. */
struct myp_params {
	struct myp_param *items;
	size_t count;
	size_t cap;
};

void myp_params_release(struct myp_params *p);

/* Makes room for COUNT items, zeroed, and sets the count. ERR_LIMIT over MYP_PARAMS_MAX, ERR_NOMEM. */
enum err myp_params_resize(struct myp_params *p, size_t count) MUST_CHECK;

/* Adds MORE items, zeroed, and leaves those there as they are; likewise. */
enum err myp_params_grow(struct myp_params *p, size_t more) MUST_CHECK;

struct myp_query {
	struct slice text;
};

/*
 * Decodes a COM_QUERY payload, first byte included, and its attributes under CLIENT_QUERY_ATTRIBUTES into
 * *ATTRIBUTES. ERR_PROTO, ERR_NOMEM; *OUT is untouched then, what *ATTRIBUTES held is lost. Slices live as
 * long as the payload.
 */
enum err myp_query_decode(struct slice payload, uint64_t caps, struct myp_params *attributes,
			  struct myp_query *out) MUST_CHECK;

/* Writes a COM_QUERY payload under CAPS; attributes are left out where CAPS lack them. */
void myp_query_put(struct buf *out, uint64_t caps, struct slice text,
		   const struct myp_params *attributes);

/* What a COM_STMT_EXECUTE means depends on what was said before. */
struct myp_execute_context {
	uint64_t caps;
	bool param_count_known; /* false: prepared before listening began */
	uint16_t param_count;
	const uint16_t *
		types; /* PARAM_COUNT types carried over (bit 15: unsigned), or NULL if none are known */
	const uint8_t
		*long_data; /* PARAM_COUNT flags: this one was sent by SEND_LONG_DATA; or NULL */
};

struct myp_execute {
	uint32_t statement_id;
	uint8_t flags; /* cursor type; 0x08: PARAMETER_COUNT_AVAILABLE */
	uint32_t iterations;
	bool types_sent;      /* new_params_bind_flag */
	bool values_known;    /* false: types are not known; both lists are empty */
	size_t left;          /* bytes behind the last value */
	uint16_t param_count; /* of the statement itself; attributes are apart; 0 if not known */
};

/*
 * Decodes a COM_STMT_EXECUTE payload, first byte included. Parameters into *PARAMS, query attributes
 * behind them (named, MySQL 8.0.23 on) into *ATTRIBUTES. ERR_PROTO, ERR_NOMEM; *OUT is untouched then,
 * what the lists held is lost. Bytes behind the last value are ignored, as by the servers.
 * Without a known count, it is taken from the packet under CLIENT_QUERY_ATTRIBUTES, where those with names
 * at the end are the attributes; else tried: the one count up to 1024 at which types are sent and all bytes
 * are used. Where none or several fit, values stay unknown.
 */
enum err myp_execute_decode(struct slice payload, const struct myp_execute_context *ctx,
			    struct myp_params *params, struct myp_params *attributes,
			    struct myp_execute *out) MUST_CHECK;

/*
 * True if PAYLOAD is a COM_STMT_EXECUTE of a statement of COUNT parameters, without query attributes, that sends no
 * types: those of the last execution hold.
 */
bool myp_execute_carries_types(struct slice payload, uint16_t count) MUST_CHECK;

/*
 * Writes a COM_STMT_EXECUTE payload under CAPS, from E's id, cursor type and iterations (0x08 of the flags is
 * set as CAPS say). Types are always sent. Parameters marked long data have none in it. ATTRIBUTES may be NULL;
 * left out where CAPS lack them.
 */
void myp_execute_put(struct buf *out, uint64_t caps, const struct myp_execute *e,
		     const struct myp_params *params, const struct myp_params *attributes);

#endif
