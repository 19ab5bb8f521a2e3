/*
 * facts - an answer reduced to what is compared: of the recorded one and of the target's the
 * same, in a fixed number of bytes, so that it can wait for its counterpart.
 */
#ifndef REPLAY_FACTS_H
#define REPLAY_FACTS_H

#include "event/response.h"

enum {
	FACTS_MESSAGE_MAX =
		120,            /* bytes of an error's message, with the NUL; longer ones are cut */
	FACTS_COLUMNS_MAX = 16, /* of which it is known one by one whether they differ */
};

struct facts {
	enum response_kind kind;
	uint16_t error_code; /* 0: no error */
	char sqlstate[6];
	uint16_t warnings; /* of the last result */
	uint16_t status;
	bool status_known;
	bool names_known; /* every result with columns has its definitions */
	bool sum_known;
	bool has_floats, has_ids; /* columns of FLOAT or DOUBLE; of AUTO_INCREMENT */
	uint32_t columns;         /* of all results */
	uint32_t statement_id;    /* PREPARED */
	uint16_t params;          /* PREPARED */
	uint64_t names;           /* hash of the columns' names */
	uint64_t types;           /* hash of the columns' kinds of types; with the names known */
	uint64_t results, rows, affected_rows, bytes;
	uint64_t insert_id;  /* the last one drawn; 0: none */
	struct rowsum sum;   /* of all results */
	uint64_t but_floats; /* of the columns other than FLOAT and DOUBLE, in any order */
	uint64_t but_ids;    /* of the columns other than AUTO_INCREMENT, likewise */
	uint32_t column_sums[FACTS_COLUMNS_MAX]; /* of the first columns, likewise */
	char column_kinds[FACTS_COLUMNS_MAX]; /* of their types, as below; with the names known */
	int64_t first_ns, last_ns; /* of the response, by whichever clock it was heard with */
	char message[FACTS_MESSAGE_MAX];
};

/* Reduces R. The facts do not borrow from it. */
void facts_of(const struct response *r, struct facts *out);

/* Bit i: column i differs, of the first FACTS_COLUMNS_MAX; 0 if the columns cannot be compared. */
uint32_t facts_other_columns(const struct facts *a, const struct facts *b);

/* What KIND of a column's type is called: "integer". */
const char *facts_kind_name(char kind);

/* Keeps TEXT, or its beginning. */
void facts_set_message(struct facts *f, struct slice text);

/* If F has a message, nobody sees it any more: it may repeat a password. */
void facts_hide_message(struct facts *f);

#endif
