/*
 * secret - memory that holds a password is overwritten before it is given back.
 *
 * A buffer that may become a secret is reserved at once in the size it may come to: one that grows leaves copies.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/buf.h"

/* As mem_free(); TEXT may be NULL. */
void secret_free(char *text);

/* As buf_release(). */
void secret_release(struct buf *b);

#endif
