/*
 * mem - allocation, in one place so that tests can make the n-th one fail.
 *
 * All return NULL when memory is out (or told to be); the caller turns that into ERR_NOMEM.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *mem_zalloc(size_t size) __attribute__((malloc, alloc_size(1))); /* zeroed */
void *mem_resize(void *ptr, size_t size);
void mem_free(void *ptr); /* NULL is fine */

/* A copy of LEN bytes at SRC with a NUL after them. */
char *mem_copy_str(const void *src, size_t len);

/*
 * For tests: the N-th allocation from now on fails; alone, or with all later ones. 0 ends it. Not for use
 * with threads.
 */
void mem_fail_at(size_t n);
void mem_fail_from(size_t n);

/* How many did, since one of these was called. */
size_t mem_failed(void);

#endif
