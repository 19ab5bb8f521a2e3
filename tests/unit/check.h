/*
 * check - what every unit test includes: cmocka, and a little for decoders.
 *
 * Tests are functions named by behaviour; the tests of a module are one program.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"

#define CHECK(x) assert_true(x)

/*
 * A copy of the first N bytes of S in a heap block of exactly that size, so that the address
 * sanitizer sees a read of one byte too far. The caller frees it.
 */
static inline uint8_t *exact_copy(struct slice s, size_t n)
{
	uint8_t *p = malloc(n ? n : 1);

	assert_non_null(p);
	if (n)
		memcpy(p, s.ptr, n);
	return p;
}

#endif
