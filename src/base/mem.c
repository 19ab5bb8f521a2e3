/* mem - allocation, in one place so that tests can make the n-th one fail. */
#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static size_t fail_countdown; /* 0: never fails; 1: every allocation fails from now on */

static bool must_fail(void)
{
	if (fail_countdown == 0)
		return false;
	if (fail_countdown == 1)
		return true;
	fail_countdown--;
	return false;
}

void mem_fail_from(size_t n)
{
	fail_countdown = n;
}

void *mem_alloc(size_t size)
{
	return must_fail() ? NULL : malloc(size ? size : 1);
}

void *mem_zalloc(size_t size)
{
	return must_fail() ? NULL : calloc(1, size ? size : 1);
}

void *mem_resize(void *ptr, size_t size)
{
	return must_fail() ? NULL : realloc(ptr, size ? size : 1);
}

void mem_free(void *ptr)
{
	free(ptr);
}

char *mem_copy_str(const void *src, size_t len)
{
	char *s = mem_alloc(len + 1);

	if (!s)
		return NULL;
	if (len)
		memcpy(s, src, len);
	s[len] = '\0';
	return s;
}
