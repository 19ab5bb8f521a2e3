/*
 * file - what write(2) leaves to its caller.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>

#include "base/slice.h"

/* Writes all of S to FD, a file, pipe or terminal that blocks. False: not all of it; errno says why. */
bool file_write_all(int fd, struct slice s);

#endif
