/*
 * banned - functions that cannot be used safely do not compile. Included before every file.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Macros of glibc's fortified headers where clang compiles. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol gets strncpy strncat

#endif
