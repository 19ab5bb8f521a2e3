/*
 * reader - a recording back to events.
 *
 * Reads from the front, block by block, files and pipes alike; memory does not grow with the file. A
 * damaged block is passed over, a file that was cut off is read up to its last whole block; the coverage
 * says so. Sessions live from their first event to their last, across blocks. One thread.
 */
#ifndef RECORDING_READER_H
#define RECORDING_READER_H

#include "event/event.h"
#include "event/server.h"

struct recording_reader;

/*
 * True if what is open as FD begins like a recording. Nothing is taken from it; of a pipe it waits for the
 * first bytes.
 */
bool recording_is(int fd);

/*
 * PATH "-" is standard input. ERR_IO; ERR_PROTO: it is no recording; ERR_UNSUPPORTED: it is one of a later
 * version; ERR_NOMEM.
 */
enum err recording_reader_open(const char *path, struct recording_reader **out,
			       struct errinfo *info) MUST_CHECK;

/* The same of what is open already as FD, which is closed in the end, also when this fails; PATH is its name. */
enum err recording_reader_open_fd(int fd, const char *path, struct recording_reader **out,
				  struct errinfo *info) MUST_CHECK;
void recording_reader_free(struct recording_reader *r);

/*
 * The next event, borrowed until the next call on R. A session that occurs first without its login
 * (because reading began later, or the login is damaged) is announced by a SESSION event; one that is still open
 * at the end gets an END. ERR_EOF at the end; ERR_IO, ERR_NOMEM, ERR_UNSUPPORTED; ERR_PROTO: it is damaged
 * so often that reading on makes no sense; ERR_LIMIT: too many sessions at once.
 */
enum err recording_reader_next(struct recording_reader *r, struct event *out,
			       struct errinfo *info) MUST_CHECK;

/* The time of the first event; 0 if that is not known before it is read: of a pipe, or of a damaged file. */
int64_t recording_reader_begin_ns(const struct recording_reader *r);

/*
 * In a file, passes over the blocks at its beginning that have no event at SINCE_NS or later, by their headers alone; the last
 * of them is read, since it has the coverage up to there. To be called before the first event; some events before
 * SINCE_NS are still to come.
 */
void recording_reader_seek_time(struct recording_reader *r, int64_t since_ns);

/*
 * The recording's own coverage up to where it is read, with what the reader found: gaps, bad_input_bytes,
 * cut_off.
 */
void recording_reader_coverage(const struct recording_reader *r, struct coverage *out);

/*
 * Adds to LOG what servers said: of a file all that is in it, wherever reading is; of a pipe what was read so far.
 * ERR_IO, ERR_NOMEM. Damaged blocks are passed over.
 */
enum err recording_reader_servers(const struct recording_reader *r, struct server_log *log,
				  struct errinfo *info) MUST_CHECK;

/* Share of the file that is read, 0 to 1; negative: not known (a pipe). */
double recording_reader_progress(const struct recording_reader *r);

/* Bytes of the file, read so far. */
uint64_t recording_reader_bytes(const struct recording_reader *r);

struct recording_info {
	uint16_t version;
	int64_t created_ns;        /* 0: the header is damaged */
	uint64_t recording;        /* identity */
	uint64_t blocks;           /* good ones */
	uint64_t damaged, missing; /* blocks */
	uint64_t events, sessions;
	int64_t first_ns, last_ns; /* earliest and latest time of an event; 0: there is none */
	bool finished;             /* its end is there */
};

/* What is known by what was read so far. */
void recording_reader_info(const struct recording_reader *r, struct recording_info *out);

/*
 * The same of the whole file, from the blocks' headers only; up to the first damaged one. ERR_UNSUPPORTED: not
 * a file; ERR_IO.
 */
enum err recording_reader_survey(const struct recording_reader *r, struct recording_info *out,
				 struct errinfo *info) MUST_CHECK;

#endif
