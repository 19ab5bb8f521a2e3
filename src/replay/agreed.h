/*
 * agreed - what a connection to the target lacks of what the recorded client had agreed on.
 */
#ifndef REPLAY_AGREED_H
#define REPLAY_AGREED_H

#include "client/connection.h"
#include "replay/outcome.h"

/*
 * Notes in O what of ASKED, capabilities and collation (0: none), C has not got and what can change an answer.
 */
void agreed_note(struct outcome *o, const struct connection *c, uint64_t asked, uint16_t collation);

/* Likewise that C is not compressed, though T is to be. */
void agreed_note_compression(struct outcome *o, const struct connection *c, const struct target *t);

#endif
