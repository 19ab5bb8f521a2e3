/*
 * facts - an answer reduced to what is compared: of the recorded one and of the target's the
 * same, in a fixed number of bytes, so that it can wait for its counterpart.
 */
#ifndef REPLAY_FACTS_H
#define REPLAY_FACTS_H

#include "event/response.h"

enum {
	FACTS_MESSAGE_MAX = 120
}; /* bytes of an error's message, with the NUL; longer ones are cut */

struct facts {
	enum response_kind kind;
	uint16_t error_code; /* 0: no error */
	char sqlstate[6];
	uint16_t warnings; /* of the last result */
	uint16_t status;
	bool status_known;
	bool names_known; /* every result with columns has its definitions */
	bool sum_known;
	uint32_t columns;      /* of all results */
	uint32_t statement_id; /* PREPARED */
	uint16_t params;       /* PREPARED */
	uint64_t names;        /* hash of the columns' names */
	uint64_t results, rows, affected_rows, bytes;
	struct rowsum sum;         /* of all results */
	int64_t first_ns, last_ns; /* of the response, by whichever clock it was heard with */
	char message[FACTS_MESSAGE_MAX];
};

/* Reduces R. The facts do not borrow from it. */
void facts_of(const struct response *r, struct facts *out);

/* Keeps TEXT, or its beginning. */
void facts_set_message(struct facts *f, struct slice text);

/* If F has a message, nobody sees it any more: it may repeat a password. */
void facts_hide_message(struct facts *f);

#endif
