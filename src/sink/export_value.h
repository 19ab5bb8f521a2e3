/*
 * export_value - parameters and responses as JSON. Internal to sink/.
 */
#ifndef SINK_EXPORT_VALUE_H
#define SINK_EXPORT_VALUE_H

#include "event/event.h"
#include "out/json.h"

/*
 * Values, one after the other, or, where SETS is not 0, so many arrays of them; SCRATCH is used for texts and
 * left in any state.
 */
void export_values(struct json *j, const struct myp_params *params, uint32_t sets,
		   uint16_t collation, struct buf *scratch);

/* An object of named values; of one name several times, the last. */
void export_attributes(struct json *j, const struct myp_params *attributes, uint16_t collation,
		       struct buf *scratch);

/*
 * "response" and the keys that belong to it. SECRET: of a statement with a password, which messages may repeat; they
 * are left out.
 */
void export_response(struct json *j, const struct response *r, bool secret);

#endif
