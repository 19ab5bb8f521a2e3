/*
 * redact - an error's message for eyes that may not see values.
 */
#ifndef REPLAY_REDACT_H
#define REPLAY_REDACT_H

#include "base/buf.h"

/*
 * Appends MESSAGE to OUT without what it quotes, from its first quote to its last one: a syntax error
 * quotes half a statement, with quotes in it. Numbers outside of the quotes are left out, too. One that an
 * application raised itself (error CODE 1644) is left out whole. OUT fails as buffers do.
 */
void redact_message(uint16_t code, struct slice message, struct buf *out);

#endif
