/*
 * unpack - compressed bytes in, plain bytes out: gzip and zstd, told apart by their first bytes.
 * Several compressed files behind each other are read as one, as gzip and zstd themselves do.
 */
#ifndef CAPTURE_UNPACK_H
#define CAPTURE_UNPACK_H

#include "base/err.h"
#include "base/slice.h"

enum unpack_kind { UNPACK_NONE, UNPACK_GZIP, UNPACK_ZSTD };

enum { UNPACK_MAGIC_LEN = 4 }; /* bytes that unpack_detect() wants to see */

struct unpack;

enum unpack_kind unpack_detect(struct slice first);

/* KIND is not UNPACK_NONE. ERR_NOMEM. */
enum err unpack_new(enum unpack_kind kind, struct unpack **out) MUST_CHECK;

/*
 * Takes bytes from the front of *IN and writes up to ROOM bytes to TO; *MADE says how many. It goes
 * on until *IN is empty or ROOM is full. ERR_PROTO: *IN is damaged; *MADE bytes are still good.
 */
enum err unpack_run(struct unpack *u, struct slice *in, uint8_t *to, size_t room,
		    size_t *made) MUST_CHECK;

/* True if the bytes given so far end where a compressed file may end. */
bool unpack_whole(const struct unpack *u);

void unpack_free(struct unpack *u); /* NULL is fine */

#endif
