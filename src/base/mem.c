/* mem - allocation, in one place so that tests can make the n-th one fail. */
#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static size_t fail_countdown; /* 0: never fails; 1: the next allocation does */
static bool fail_goes_on;
static size_t failed;

static bool must_fail(void)
{
	if (fail_countdown == 0)
		return false;
	if (fail_countdown > 1) {
		fail_countdown--;
		return false;
	}
	fail_countdown = fail_goes_on;
	failed++;
	return true;
}

void mem_fail_at(size_t n)
{
	fail_countdown = n;
	fail_goes_on = false;
	failed = 0;
}

void mem_fail_from(size_t n)
{
	mem_fail_at(n);
	fail_goes_on = true;
}

size_t mem_failed(void)
{
	return failed;
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
