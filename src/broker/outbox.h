/*
 * outbox - blocks on their way to the broker: a queue in a folder, from which a block is taken away when the broker
 * has confirmed it. It outlives the program, so what was put there before a kill is sent by the next start.
 *
 * In the folder are files of about 16 MiB, named by their number, of messages one behind the other, and the file "head"
 * that says up to where they are confirmed. Nothing is synced: a crash of the machine may cost what the disk did not
 * have. The folder belongs to one process at a time. One thread appends, one reads and confirms.
 */
#ifndef BROKER_OUTBOX_H
#define BROKER_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* A place between two messages. */
struct outbox_place {
	uint64_t file, offset;
};

struct outbox_message {
	uint32_t shard;
	uint32_t len;              /* of the body */
	uint64_t stream;           /* identity of the blocks' row, of which NUMBER counts */
	uint64_t number;           /* of the block in its stream */
	struct outbox_place after; /* where the next one is */
};

/* What was found when it was opened. */
struct outbox_left {
	uint64_t messages, bytes;
	bool killed; /* whoever had it did not end it */
	bool torn;   /* the last message was not written whole, and is none */
};

struct outbox;

/*
 * Makes FOLDER, mode 0700, if it is not there. ERR_USAGE: another process has it, or it is somebody else's;
 * ERR_IO, ERR_NOMEM.
 */
enum err outbox_open(const char *folder, struct outbox **out, struct outbox_left *left,
		     struct errinfo *info) MUST_CHECK;

/* CLEAN: nothing was lost; then the next start has nothing to say. NULL is fine. */
void outbox_close(struct outbox *o, bool clean);

/* Who puts messages here, on this machine, for all starts to come. */
uint64_t outbox_origin(const struct outbox *o);

/* Bytes that are not confirmed. From any thread. */
uint64_t outbox_bytes(const struct outbox *o);
uint64_t outbox_messages(const struct outbox *o);

/* Appends BODY. The file's name and head are the message's; AFTER is not looked at. ERR_IO, ERR_NOMEM. */
enum err outbox_put(struct outbox *o, const struct outbox_message *m, struct slice body,
		    struct errinfo *info) MUST_CHECK;

/* Up to where all is confirmed. */
struct outbox_place outbox_head(const struct outbox *o);

/* Behind the last message. From any thread. */
struct outbox_place outbox_end(struct outbox *o);

/* Reads the message at AT, its body into BODY. ERR_AGAIN: there is none yet; ERR_IO, ERR_NOMEM. */
enum err outbox_read(struct outbox *o, struct outbox_place at, struct outbox_message *out,
		     struct buf *body, struct errinfo *info) MUST_CHECK;

/* MESSAGES more are confirmed, with LEN bytes of bodies, up to AFTER. ERR_IO. */
enum err outbox_confirm(struct outbox *o, struct outbox_place after, uint64_t messages,
			uint64_t len, struct errinfo *info) MUST_CHECK;

#endif
