/*
 * series - the files of a recorder that begins a new one now and then.
 *
 * From PATH "dir/prod.myna" come dir/prod-20261120T143500Z.myna, named by the time (UTC) at which each begins, and
 * dir/prod-20261120T143500Z_02.myna where one of that second is there already. Names sort by time.
 */
#ifndef RECORDING_SERIES_H
#define RECORDING_SERIES_H

#include "base/buf.h"

enum {
	SERIES_PATH_MAX = 4096, /* bytes, with the NUL */
	SERIES_SECOND_MAX = 99, /* files that begin in one second */
};

/* A member's place in its series. */
struct series_place {
	char time[17];   /* 20261120T143500Z, with the NUL */
	unsigned number; /* in that second, from 1 */
};

/* Appends the path, with a NUL, of the NUMBERth file that begins in the second of SINCE_1970_NS. */
void series_put_path(const char *path, int64_t since_1970_ns, unsigned number, struct buf *out);

/* True if NAME (without a folder) is one of the series of PATH; *PLACE tells which. */
bool series_has(const char *path, const char *name, struct series_place *place);

/*
 * Appends the path, with a NUL, of the oldest of the series' files to OUT if there are more than KEEP of them;
 * nothing if there are not. Only what is a plain file, and a recording by its first bytes, is counted. ERR_IO,
 * ERR_NOMEM.
 */
enum err series_oldest(const char *path, size_t keep, struct buf *out,
		       struct errinfo *info) MUST_CHECK;

#endif
