/*
 * worker - one thread of a replay: its sessions, its epoll set, its timers. Internal to replay/.
 */
#ifndef REPLAY_WORKER_H
#define REPLAY_WORKER_H

#include "replay/engine.h"
#include "replay/figures.h"
#include "replay/rewrite.h"
#include "replay/texts.h"

/* A command that was sent and whose comparison is not done. */
struct pending {
	struct pending *next;
	uint64_t n, key;
	uint8_t code;
	bool answered;
	bool secret;         /* messages may repeat a password */
	bool after_gap;      /* commands of its session were lost before it */
	bool after_loss;     /* its session's connection was made anew */
	uint32_t connection; /* of its player, by number */
	bool among_others;   /* as in struct item_command */
	uint32_t depends;    /* likewise */
	int64_t at_ns;       /* of the command: when it happened, from the recording's beginning */
	int64_t recorded_first_ns, recorded_last_ns; /* likewise, by the recording's clock */
	int64_t sent_ns;                             /* monotonic, just before */
	struct receipt *receipt;                     /* held until it is answered, or lost */
	char *text; /* of a STMT_PREPARE, owned: its executions may have to do without it; or NULL */
	size_t text_len;
	struct facts replayed;
};

struct player;

/* Written by the worker's thread alone. */
struct worker_counters {
	atomic_llong sent, answered, errors;
	atomic_llong moves; /* packets and logins, which show that the target lives */
	atomic_llong connections, in_flight;
	atomic_llong late_ns, reached_ns;
	atomic_llong overdue; /* under way for longer than in the recording, by the patience */
};

/* In one thread, so that no processor has to be kept from writing. */
static inline void counter_add(atomic_llong *c, long long n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

struct worker {
	struct engine *engine;
	pthread_t thread;
	bool started;
	int epoll_fd, wake_fd;
	pthread_mutex_t lock;
	struct batch *inbox, **inbox_end; /* under LOCK */
	bool input_ended;                 /* under LOCK */
	atomic_bool woken;                /* there is something in the inbox, or to be looked at */
	struct worker_counters counters;
	struct figures_board board; /* what the pump may know of OUTCOME */
	/* The rest is the thread's alone until it has ended. */
	struct outcome outcome;
	struct timers timers;
	struct player *players;          /* all */
	struct player *gate, **gate_end; /* those that wait for others */
	uint32_t open;                   /* players that have begun and not ended */
	uint32_t logging_in;             /* of those, the ones that the target has not let in yet */
	struct rewriter rewriter;
	size_t retry_bytes;            /* of the transactions that can be repeated */
	struct texts texts;            /* of prepared statements */
	struct compressor *compressor; /* NULL: nothing is compressed */
	uint8_t *
		received; /* CONNECTION_SHARED bytes, which all connections read into; NULL: no memory */
	struct pending *free_pending;
	struct response **free_responses;
	size_t free_response_count, free_response_cap;
	size_t taken_bytes;        /* not told to the engine yet */
	struct timers turns;       /* players that wait for their turn, by its number */
	atomic_ullong turn_wanted; /* the lowest of them; UINT64_MAX: none */
	bool told_to_stop;
	int64_t stop_by_ns;
	int64_t first_ns, last_ns; /* monotonic: of what was sent or answered; 0: nothing */
};

enum err worker_init(struct worker *w, struct engine *g, struct errinfo *info) MUST_CHECK;
enum err worker_start(struct worker *w, struct errinfo *info) MUST_CHECK;

/* Hands over B, of the engine's pool for that, which may be NULL; ENDED: it is the last one. */
void worker_push(struct worker *w, struct batch *b, bool ended);

/* Makes it look around. For signal handlers, too. */
void worker_wake(struct worker *w);

/* Waits for its end. */
void worker_join(struct worker *w);
void worker_release(struct worker *w);

/*
 * For its players.
 *
 * May P open its connection, where ROOM may be open with it? If not, P waits and is stepped when it may. Not too
 * many are at the target's door; and without a pace, no more sessions are open at once than there were in the
 * recording when this one began. Who came first is let in first: a later one that went before it would count as
 * one that it has to wait for.
 */
bool worker_lets_in(struct worker *w, struct player *p, uint32_t room);

/* What R is of was done, or cannot be. What is left out because the replay is stopped is neither. */
void worker_settle(struct worker *w, struct receipt *r);
void worker_settle_item(struct worker *w, const struct item *item);
/* May one more be at the target's door? */
bool worker_has_door(const struct worker *w);
struct pending *worker_pending_new(struct worker *w); /* NULL: no memory */
void worker_pending_free(struct worker *w, struct pending *p);
struct response *worker_response_take(struct worker *w); /* NULL: no memory */
void worker_response_give(struct worker *w, struct response *r);
/* The answer that has turn N is there: who waits for it is woken, in all workers. */
void worker_turn_done(struct worker *w, uint64_t n);

/* P waits for turn N. True: it is there already. ERR_NOMEM: it need not wait. */
bool worker_awaits_turn(struct worker *w, struct player *p, uint64_t n);

void worker_moved(struct worker *w, int64_t now_ns); /* the target said something */
void worker_said(struct worker *w, int64_t now_ns);  /* we did */

#endif
