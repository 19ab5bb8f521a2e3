/*
 * info - what is in a recording, without what was said in it.
 */
#ifndef SINK_INFO_H
#define SINK_INFO_H

#include "out/out.h"
#include "recording/reader.h"

enum info_format { INFO_TEXT, INFO_JSON };

enum { INFO_NAMES_MAX = 1000 }; /* servers, users, databases that are told one by one, of each */

/*
 * Reads R to its end and writes to OUT what was in it, as text or as a line of JSON. NAME is the file's. *DAMAGED: a
 * part of the file cannot be read. What reading fails with; ERR_NOMEM.
 */
enum err info_write(struct out *out, enum info_format format, const char *name,
		    struct recording_reader *r, bool *damaged, struct errinfo *info) MUST_CHECK;

#endif
