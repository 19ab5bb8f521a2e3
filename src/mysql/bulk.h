/*
 * bulk - COM_STMT_BULK_EXECUTE: one prepared statement with many sets of parameters, of MariaDB.
 *
 * Source: MariaDB's client/server protocol, COM_STMT_BULK_EXECUTE; sql_prepare.cc of the server.
 */
#ifndef MYSQL_BULK_H
#define MYSQL_BULK_H

#include "mysql/query.h"

/* What stands before a value, or in its place. */
enum myp_indicator {
	MYP_INDICATOR_NONE,    /* the value follows */
	MYP_INDICATOR_NULL,    /* NULL */
	MYP_INDICATOR_DEFAULT, /* the column's default */
	MYP_INDICATOR_IGNORE,  /* of an UPDATE: the column stays as it is; else the default */
	MYP_INDICATORS,
};

const char *myp_indicator_name(enum myp_indicator i); /* "default" */

enum myp_bulk_flag {
	MYP_BULK_RETURN_GENERATED_IDS = 64,
	MYP_BULK_SEND_TYPES = 128,
};

struct myp_bulk_execute {
	uint32_t statement_id;
	uint16_t flags; /* enum myp_bulk_flag */
	bool values_known;
	uint32_t sets; /* of parameters: that many times the statement's count of them */
};

/*
 * Decodes the payload, first byte included, all sets one behind the other into *PARAMS. CTX tells the count of
 * parameters, and their types if they were sent before; without a count, or without types, values are not known,
 * and so they are where there are more than MYP_PARAMS_MAX. ERR_PROTO, ERR_NOMEM; *OUT is untouched then, what
 * *PARAMS held is lost.
 */
enum err myp_bulk_decode(struct slice payload, const struct myp_execute_context *ctx,
			 struct myp_params *params, struct myp_bulk_execute *out) MUST_CHECK;

/* A place among the sets, for who takes them one by one: then their number has no limit. */
struct myp_bulk_reader {
	uint16_t flags;  /* enum myp_bulk_flag */
	size_t types_at; /* in the payload; 0: they were sent before */
	size_t at;       /* of the next set */
};

/*
 * Reads what stands before the sets. ERR_PROTO: it is not whole, or the count of parameters or their types, which CTX
 * has to tell if they are not sent, are not known; *OUT is untouched then.
 */
enum err myp_bulk_open(struct slice payload, const struct myp_execute_context *ctx,
		       struct myp_bulk_reader *out) MUST_CHECK;

/*
 * Reads the next set into *PARAMS. PAYLOAD and CTX say the same as to myp_bulk_open(), but may have moved.
 * ERR_EOF: there is none; ERR_PROTO, ERR_NOMEM: as above, and R stays where it is.
 */
enum err myp_bulk_next(struct myp_bulk_reader *r, struct slice payload,
		       const struct myp_execute_context *ctx, struct myp_params *params) MUST_CHECK;

#endif
