/*
 * err - how functions fail.
 *
 * A fallible function returns enum err and is MUST_CHECK. Where the world is to blame (a file, a
 * server, memory), it also takes a struct errinfo as its last parameter, which may be NULL, and
 * leaves in it one line for a person: what, where, and if possible what to do.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum err {
#define ERR_ITEM(name, text) ERR_##name,
#include "base/err_list.h"
#undef ERR_ITEM
};

enum { ERRINFO_TEXT_MAX = 512 }; /* bytes, with the NUL; longer texts are cut */

struct errinfo {
	enum err code;
	int sys_errno; /* 0 where the system had no part in it */
	char text[ERRINFO_TEXT_MAX];
};

/* A static text for E, for example "out of memory". */
const char *err_text(enum err e);

/*
 * Fills *INFO (which may be NULL) with CODE and the formatted text, to which ": strerror" is added
 * if SYS_ERRNO is not 0. Returns CODE, so that a failure is one line: return err_set(...).
 */
enum err err_set(struct errinfo *info, enum err code, int sys_errno, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

#endif
