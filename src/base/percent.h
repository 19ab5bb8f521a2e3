/*
 * percent - the escapes of URLs: "%41" is "A".
 */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include "base/buf.h"

/* Appends S, decoded, to OUT. False: a '%' has no two hexadecimal digits behind it. */
bool percent_decode(struct slice s, struct buf *out);

/* Appends S with everything escaped that is no letter, digit, '-', '.', '_' or '~' (RFC 3986, section 2.3). */
void percent_encode(struct slice s, struct buf *out);

#endif
