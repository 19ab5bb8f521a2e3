/* file - what write(2) leaves to its caller. */
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

bool file_write_all(int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.ptr, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = slice_skip(s, (size_t)n);
	}
	return true;
}
