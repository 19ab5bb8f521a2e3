/*
 * slice - bytes that belong to somebody else.
 *
 * A slice borrows: it is valid as long as the function that handed it out says. The all-zero slice
 * is the empty one. Passed by value.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *ptr; /* may be NULL when LEN is 0 */
	size_t len;
};

/* The slice of a string literal, without its NUL. */
#define SLICE_LIT(s) ((struct slice){.ptr = (const uint8_t *)(s), .len = sizeof(s) - 1})

static inline struct slice slice_of(const void *ptr, size_t len)
{
	return (struct slice){.ptr = ptr, .len = len};
}

static inline struct slice slice_cstr(const char *s)
{
	return slice_of(s, strlen(s));
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Equal but for the case of ASCII letters. */
bool slice_eq_nocase(struct slice a, struct slice b);

/* A blank within a line of a file that people write. */
static inline bool slice_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* S without the blanks at its ends. */
struct slice slice_trim(struct slice s);

/* S without its first N bytes; empty if it has fewer. */
static inline struct slice slice_skip(struct slice s, size_t n)
{
	if (n >= s.len)
		return (struct slice){.ptr = NULL, .len = 0};
	return slice_of(s.ptr + n, s.len - n);
}

/* The first N bytes of S, or all of it if it has fewer. */
static inline struct slice slice_head(struct slice s, size_t n)
{
	return slice_of(s.ptr, n < s.len ? n : s.len);
}

/* Cuts *S at the first SEPARATOR, which goes, and returns what stood before; all of it if none. */
struct slice slice_cut_first(struct slice *s, char separator, bool *found);

#endif
