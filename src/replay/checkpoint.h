/*
 * checkpoint - how far a replay came: written now and then, and read to go on from there.
 *
 * Of each session that is not over it tells the last command that was sent, and whether it was answered; of all others
 * it is enough to know up to which event the recording was read. A file, JSON, 0600, replaced at once or not at all.
 */
#ifndef REPLAY_CHECKPOINT_H
#define REPLAY_CHECKPOINT_H

#include <stdatomic.h>

#include "event/event.h"

enum { CHECKPOINT_VERSION = 1, CHECKPOINT_TARGET_MAX = 160 };

/* Of one session; the worker's thread writes, the pump's reads. Owned by the list. */
struct progress {
	struct progress *next;
	uint64_t session;
	atomic_ullong sent, answered; /* ordinals of commands; what was left out is both */
	atomic_bool ended;
};

struct progress_list {
	struct progress *first;
};

/* NULL: no memory. */
struct progress *progress_add(struct progress_list *l, uint64_t session);
void progress_release(struct progress_list *l);

/* What it belongs to, and how far the recording was read. */
struct checkpoint_place {
	uint64_t session; /* of the first event */
	int64_t begin_ns; /* likewise */
	uint64_t options; /* hash of those that decide what is sent */
	char target[CHECKPOINT_TARGET_MAX];
	uint64_t events, sum; /* so many were read; a hash of them */
	bool last;            /* the replay has said all that it had to say */
};

/* Takes note of E as the next one that was read. */
void checkpoint_count(struct checkpoint_place *place, const struct event *e);

/* Replaces PATH. ERR_IO, ERR_NOMEM. */
enum err checkpoint_write(const char *path, const struct checkpoint_place *place,
			  struct progress_list *l, struct errinfo *info) MUST_CHECK;

struct checkpoint;

/* ERR_IO, ERR_NOMEM, ERR_PROTO: it is no checkpoint. */
enum err checkpoint_read(const char *path, struct checkpoint **out,
			 struct errinfo *info) MUST_CHECK;
void checkpoint_free(struct checkpoint *c); /* NULL is fine */

const struct checkpoint_place *checkpoint_of(const struct checkpoint *c);

/* What is left to be done goes on L, so that the next checkpoint has it, too. ERR_NOMEM. */
enum err checkpoint_carry(const struct checkpoint *c, struct progress_list *l) MUST_CHECK;

/* How far SESSION came, if it was not over, as checkpoint_carry() has put it on its list; else NULL. */
struct progress *checkpoint_progress(const struct checkpoint *c, uint64_t session);

/* True if E, of the part of the recording that was read then, was not dealt with. */
bool checkpoint_lacks(const struct checkpoint *c, const struct event *e);

#endif
