/*
 * statements - the prepared statements of one connection: the recorded id of each and what the
 * target calls it.
 */
#ifndef REPLAY_STATEMENTS_H
#define REPLAY_STATEMENTS_H

#include "base/map.h"
#include "event/response.h"
#include "replay/texts.h"

/*
 * MariaDB's id for "the statement prepared last", which lets a client execute before it has heard
 * the id.
 */
static const uint32_t STATEMENT_LAST = UINT32_MAX;

struct mapped {
	uint32_t recorded_id, target_id;
	uint16_t params; /* on the target */
	bool failed;     /* the target did not prepare it */
	bool as_text;    /* to be executed as a statement: the target does not prepare it */
	bool stale;      /* prepared on a connection that was lost */
	bool gone;       /* it was closed, and is kept to repeat what was done with it */
	bool data_lost; /* long data for its next execution was sent on a connection that was lost */
	struct text *text;       /* owned; NULL: not known */
	bool bound;              /* the target was told the parameters' types */
	uint8_t *long_data;      /* PARAMS flags: SEND_LONG_DATA brought it; NULL: none */
	struct statement cursor; /* of an open cursor its columns, owned; nothing else is set */
};

struct statements {
	struct map map; /* struct mapped by recorded id, and by STATEMENT_LAST */
};

void statements_init(struct statements *s);
void statements_release(struct statements *s); /* can be used again */

/* Their connection was lost: whatever the target had of them. */
void statements_lose(struct statements *s);

/* The one that the recording calls ID; NULL: not known. */
struct mapped *statements_get(const struct statements *s, uint32_t id);

/*
 * Adds LIKE, whose text it takes over in any case, replacing one of the same recorded id. ERR_NOMEM, ERR_LIMIT.
 */
enum err statements_put(struct statements *s, const struct mapped *like) MUST_CHECK;
void statements_remove(struct statements *s, uint32_t id);

/* Notes that a piece of long data was sent for PARAM. ERR_NOMEM. */
enum err mapped_set_long_data(struct mapped *m, uint16_t param) MUST_CHECK;
void mapped_clear_long_data(struct mapped *m);

/* Keeps the columns of R if it has opened a cursor, since fetched rows come without. ERR_NOMEM. */
enum err mapped_keep_cursor(struct mapped *m, const struct response *r) MUST_CHECK;

#endif
