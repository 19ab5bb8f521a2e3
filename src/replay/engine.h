/*
 * engine - what the pump's thread and the workers share. Internal to replay/.
 *
 * The pump cuts events into items and puts them, in batches, into the workers' inboxes; a session
 * belongs to one worker from its first item to its end. Only what is here is touched by more than
 * one thread.
 */
#ifndef REPLAY_ENGINE_H
#define REPLAY_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "client/connection.h"
#include "replay/batch.h"
#include "replay/pace.h"
#include "replay/replay.h"
#include "replay/turns.h"

enum { BATCH_AIM = 64 << 10 }; /* bytes of items that are handed over at once */

struct kill_entry;
struct worker;

struct engine {
	const struct replay_options *options;
	struct client_tls *tls;
	bool target_is_mariadb;
	struct pace pace; /* set before the first item is handed out */
	struct rate send_rate, connect_rate;
	struct turns turns;
	struct worker *workers; /* WORKER_COUNT of them */
	unsigned worker_count;
	atomic_bool stopping;        /* no more commands are sent */
	atomic_bool giving_up;       /* answers are not waited for any more */
	atomic_bool ids_differ;      /* an INSERT drew another id than in the recording */
	atomic_bool bulk_by_set;     /* what was one INSERT in the recording was several */
	atomic_bool target_doubtful; /* a connection failed: does the target live? */
	pthread_mutex_t pump_lock;
	pthread_cond_t pump_wake; /* monotonic clock */
	pthread_mutex_t kill_lock;
	struct map kills; /* struct kill_entry by the recorded connection */
	/* What follows is written all the time, what all look at for each command stands far from it. */
	atomic_llong waiting_bytes; /* handed over, and not taken from their session's queue yet */
	unsigned ended;             /* workers that have; under PUMP_LOCK */
	atomic_bool room_wanted;    /* the pump waits for it */
	struct batch_pool handed;   /* batches on their way from the pump to the workers, */
	struct batch_pool queued;   /* and those that players' queues are made of */
};

enum err engine_init(struct engine *g, const struct replay_options *options,
		     struct errinfo *info) MUST_CHECK;
void engine_release(struct engine *g);

/* True if enough is waiting in memory. */
bool engine_is_full(const struct engine *g);

/* N bytes of items were taken: wakes a pump that waits for room, once half of it is free. */
void engine_took(struct engine *g, size_t n);

/* True if INFO, of a connection that failed, is not the target's fault: too many files or ports are in use here. */
bool engine_own_lack(const struct errinfo *info);

/* A worker has ended. */
void engine_ended(struct engine *g);

/*
 * For the pump: waits until it is woken or UNTIL_NS, monotonic. Returns how many workers have
 * ended.
 */
unsigned engine_wait(struct engine *g, int64_t until_ns, bool for_room);

/* A recorded connection in one of the copies; 0: its id is not known. */
static inline uint64_t engine_kill_key(uint32_t recorded_id, uint32_t copy)
{
	return recorded_id == 0 ? 0 : (uint64_t)copy << 32 | recorded_id;
}

/*
 * Which connection of the target stands for a recorded one, from when it is read until it is closed. TARGET_ID is 0
 * before it is open.
 */
void engine_kill_put(struct engine *g, uint64_t key, uint32_t target_id);
void engine_kill_remove(struct engine *g, uint64_t key, uint32_t target_id);

/* False: there is none. */
bool engine_kill_get(struct engine *g, uint64_t key, uint32_t *target_id);

#endif
