/*
 * player - plays one recorded session on one connection to the target. Internal to replay/.
 *
 * Its items wait in a queue, in the order in which they happened. A command goes out when it is
 * due and nothing is under way; when the target has answered, its facts wait for the recorded
 * response, which may be anywhere behind it in the queue. Then both are compared.
 */
#ifndef REPLAY_PLAYER_H
#define REPLAY_PLAYER_H

#include "replay/fifo.h"
#include "replay/worker.h"

enum player_phase {
	PLAYER_WAITING,    /* not connected yet */
	PLAYER_CONNECTING, /* also while a user is changed */
	PLAYER_READY,      /* the next item may be done */
	PLAYER_BUSY, /* a command's answer, or that to a statement of our own, is not complete */
	PLAYER_FILE, /* the target waits for the content of a file */
	PLAYER_LOST, /* no connection at this moment: it is made anew when a command needs it */
	PLAYER_GONE, /* no connection any more: what comes is only counted */
	PLAYER_PHASES,
};

/* A statement of our own that is under way, in phase BUSY. */
enum player_own {
	OWN_NONE,
	OWN_GUARD,
	OWN_STATE,
	OWN_TRANSACTION, /* begins or ends one, as the recorded session had it */
	OWN_PREPARE,
	OWN_ROLLBACK,
	OWN_CLOCK,
	OWN_STATUS, /* whose answer tells whether a transaction is open */
	OWN_REPEAT, /* a recorded command, once more */
	OWN_BULK,   /* a part of a bulk execution that the target lacks */
};

/* For what a command waited last, beyond the time at which it was due. */
enum held_by { HELD_BY_TARGET, HELD_BY_ORDER, HELD_BY_RATE };

/* What comes after a step. */
enum step { STEP_WAIT, STEP_ON, STEP_ENDED };

#define PLAYER_BEGIN "BEGIN /* myna: a transaction was open */"

enum { RETRY_LOG_MAX = 1 << 20 };   /* bytes of a transaction that can be repeated */
enum { RETRY_LOGS_MAX = 64 << 20 }; /* of all that are open in a worker */

/* What the target was sent since its transaction began, to be sent again. */
struct retry {
	struct buf log;    /* items, one behind the other */
	size_t at;         /* while repeating: of what is sent next */
	size_t last_at;    /* of what was added last */
	uint64_t last_n;   /* and which command that is */
	unsigned attempts; /* made */
	uint32_t gone;     /* statements that were closed since it began, kept for a repeat */
	bool bad;          /* it cannot be repeated: too long, or not all of it is there */
	bool repeating;
	bool sent_ahead; /* the last command is long data, for an execution that follows */
};

struct player {
	struct worker *worker;
	struct player *prev, *next; /* all of the worker's */
	struct player *gate_next;
	enum player_phase phase;
	enum player_own own;
	struct fifo queue;
	struct timer timer;
	struct item *open;         /* what it connects with, and its state, as it is now; or NULL */
	size_t state_at;           /* how much of the state was sent */
	struct progress *progress; /* for the checkpoint, the pump's; NULL: none is wanted */
	uint64_t session;
	uint64_t kill_key; /* of its recorded connection, for engine_kill_put() */
	uint32_t copy, target_id;
	int64_t kill_since_ns; /* since when a KILL waits for its connection; 0: none does */
	struct connection *connection; /* NULL: none (yet, or any more) */
	int fd;                        /* as epoll knows it; -1: it does not */
	unsigned wants;                /* likewise */
	uint64_t caps;                 /* agreed with the target */
	uint16_t status;               /* as the target said last: enum myp_status */
	struct statements statements;
	struct pending *first, **end; /* commands sent and not compared, by ordinal */
	struct pending *under_way;    /* the one that is being answered; among those above */
	struct bulk *bulk;            /* that is executed set by set; or NULL */
	struct mapped *statement;     /* that it belongs to, while it is answered; or NULL */
	struct myp_answer answer;
	struct response *response;
	int64_t asked_ns;      /* when what is answered now was sent */
	int64_t first_byte_ns; /* of the answer under way; 0: none yet */
	int64_t free_ns;       /* since when nobody but us is to blame for a delay */
	enum held_by held_by;  /* who was until then */
	bool may_send;         /* the command at the front has waited for all it has to */
	int64_t slot_ns;       /* of a rate, taken and not used yet; 0: none */
	struct timer turn;     /* by the number that is waited for */
	int64_t turn_since_ns; /* since when no turn came, while one is waited for; 0: none is */
	uint64_t turn_reached; /* which one came last */
	int64_t clock_us;      /* what the session's clock was set to last */
	enum not_sent gone;    /* why, in phase GONE */
	const char *transaction_due; /* the statement for it; NULL: none */
	char *trouble;               /* what was wrong, until it is known to matter; or NULL */
	uint32_t own_statement;      /* recorded id of what OWN_PREPARE prepares */
	uint32_t room;               /* in the gate: how many may be open with it */
	int64_t lost_ns;      /* since when a connection is wanted that was lost; 0: none is */
	uint32_t connections; /* that it has had; which one a statement was prepared on */
	int64_t again_ns;     /* when the next attempt may be made */
	int64_t backoff_ns;   /* between the attempts */
	bool in_gate, let_in, counted, logging_in;
	bool wrote;         /* its open transaction has changed something, or may have */
	bool was_connected; /* the target has let it in once */
	bool mourns; /* the connection was lost, and what was open on it was not looked for yet */
	bool after_loss;       /* what differs may come from that */
	bool lost_transaction; /* why SKIPPING: else a deadlock */
	bool quit;             /* COM_QUIT was sent: that the connection ends is as it should be */
	bool skipping;         /* the transaction was rolled back on the target only */
	bool ids_differ;       /* an INSERT of it drew another id than in the recording */
	bool diverged;         /* until the end of the transaction, differences are consequences */
	bool unsure;           /* as item_open's */
	bool guard_due;        /* the connection has to be made read only */
	bool rollback_due;     /* the transaction was rolled back in the recording only */
	bool status_due;  /* a lock wait was given up: was the whole transaction rolled back? */
	bool rolled_back; /* it was */
	struct retry retry;
};

/*
 * A player that waits for its items. NULL: no memory. It has no worker until its first item
 * comes.
 */
struct player *player_new(void);
void player_free(struct player *p);

/* Goes on as far as it can be done now. Frees P when its session has ended. */
void player_step(struct player *p);

/* Something happened at its connection: takes what came. P has to be stepped next. */
void player_hear(struct player *p);

/* It waits for long: is its target still there? If not, goes on as player_step(). */
void player_check(struct player *p);

/* The time has come that it waited for: goes on, as player_step(). */
void player_timer(struct player *p);

/* Nothing more is sent; what is under way may still be answered, unless AT_ONCE. Likewise. */
void player_stop(struct player *p, bool at_once);

/* True while an answer of the target is awaited. */
bool player_is_waiting(const struct player *p);

/*
 * When that answer is there if it takes as long as the recorded one; INT64_MAX: none is awaited,
 * or it is not known yet.
 */
int64_t player_expected_ns(const struct player *p);

/* --- between the files of the player --- */

void player_set_phase(struct player *p, enum player_phase to);

/* player_wait.c: may the item at the front be done now? False: P will be stepped when that may have changed, or is
 * lost. Asked until it is true. */
bool player_may_open(struct player *p, const struct item *item);
bool player_may_send(struct player *p, struct item *item);
bool player_may_connect_again(struct player *p, const struct item *item);
bool player_may_end(struct player *p, const struct item *item);

/* At NOW_NS somebody ceased to hold P up. */
void player_freed(struct player *p, int64_t now_ns, enum held_by by);

/* R was dealt with: who waits for that may go on. */
void player_turn_done(struct player *p, const struct item_response *r);

/* --- player_connect.c --- */

/* Opens the connection that ITEM speaks of. */
void player_open(struct player *p, const struct item *item);

/* Opens it once more. */
void player_connect(struct player *p);

/* The target has let it in. */
void player_connected(struct player *p);

/* The session would have to be opened like this from now on. */
void player_keep_state(struct player *p, const struct item *item);

/* Sends the next statement that rebuilds the state. False: there is none any more. */
bool player_rebuild(struct player *p);

/* Lets go of the connection. */
void player_disconnect(struct player *p);

/* It does not count any more among those that log in; nor among those that are open. */
void player_logged_in(struct player *p);
void player_leave(struct player *p);

/* --- player_lost.c --- */

/* The connection has failed: connection_error() says how. */
void player_failed(struct player *p);

/* The end of the session, if that is what came in the recording in place of an answer; ITEM is at the front. */
struct item *player_end_without_answer(const struct player *p, struct item *item);

/* From now on what comes is only counted. */
void player_go(struct player *p, enum not_sent reason);

/*
 * Counts that the connection was lost. Not done before something is missing by it: sessions that were killed, or
 * left to time out, in the recording end so in the replay, too.
 */
void player_tell_loss(struct player *p);

/* If the connection was lost before C, counts what was open on it. */
void player_mourn(struct player *p, const struct item_command *c);

/* True if C is done with though there is no connection. */
bool player_does_without(struct player *p, const struct item_command *c);

/* Tries to connect again. False: it will be tried later, or P is given up. */
bool player_connect_again(struct player *p);

/* The connection is no good any more; TEXT, which may be NULL, says why. */
void player_lose(struct player *p, enum not_sent reason, const char *text);

/* Sends what sets the session's clock to the time of C, if it is not so already and is wanted. True: it was sent, or P was lost by
 * it. */
bool player_set_clock(struct player *p, const struct item_command *c);

/* Sends a statement of our own and waits for its answer. */
bool player_send_own(struct player *p, enum player_own own, uint8_t code, struct slice text);

/* Why C, which belongs to a transaction that is not there any more, is left out; SENT: it is not. */
enum not_sent player_skips(struct player *p, const struct item_command *c);

/* Sends the command at the front, or counts it as not sent. False: it has to wait. */
bool player_send(struct player *p, struct item *item);

/* What is behind C: the types of its parameters; the text of the statement to prepare before it; its payload. */
const uint16_t *player_types_of(struct item_command *c);
struct slice player_text_of(struct item_command *c);
struct slice player_payload_of(struct item_command *c);

/* C is counted as not sent. True: it is done with. */
bool player_leave_out(struct player *p, const struct item_command *c, enum not_sent reason);

/* What the command at the front asks for is about to be sent in parts, each with an answer of its own; then P may be lost. */
void player_begin(struct player *p, struct item *item);

/* A part of it, which CODE is the command of. False: it has to wait, or P is lost. */
bool player_send_part(struct player *p, uint8_t code, struct slice payload);

/* All parts were answered: as FACTS say. */
void player_end(struct player *p, const struct facts *facts);

/* player_bulk.c: does the target lack what C, if it is a bulk execution, asks for? */
bool player_lacks_bulk(const struct player *p, struct item_command *c);

/* Sends the sets of the bulk execution at the front one by one; as player_send(). */
bool player_send_bulk(struct player *p, struct item *item, struct mapped *m);

/* The answer to a part of it. */
void player_take_bulk(struct player *p, const struct facts *facts);
void player_drop_bulk(struct player *p); /* if there is any */

/* A statement that the recorded session does not have (any more) is closed on the target. */
void player_close_statement(struct player *p, uint32_t target_id);

/* --- player_retry.c --- */

void retry_init(struct retry *t);
void retry_release(struct retry *t);

/* A command was sent. */
void player_retry_note(struct player *p, const struct item *item, const struct item_command *c);

/* True if M, which is closed, has to be kept, to be prepared anew for a repeat. */
bool player_retry_keeps(struct player *p, struct mapped *m);

/* The transaction is over, or cannot be repeated any more. */
void player_retry_forget(struct player *p);

/* True while what R, at the front, answers in the recording is repeated on the target. */
bool player_repeats(struct player *p, const struct item_response *r);

/* A command of a repeat was answered. */
void player_repeated(struct player *p, const struct facts *facts);

/* The target's packets that have come. */
void player_receive(struct player *p);

/* COM_CHANGE_USER has ended: as FACTS say. */
void player_user_changed(struct player *p, const struct facts *facts);

/*
 * Begins a transaction before C if that may write, and it is not known yet whether the recorded session was in one, or
 * without autocommit: the recorded answer tells, and then it is committed, or goes on. True: it was sent, or P was lost by it.
 */
bool player_begins_unsure(struct player *p, const struct item_command *c);

/* The recorded response at the front. */
void player_recorded(struct player *p, const struct item_response *r);

/* No response will come for what is still pending. */
void player_settle_rest(struct player *p);

#endif
