/*
 * server - what a server said of itself at one moment: its version, its position in the binary log, and the settings
 * that change answers.
 */
#ifndef EVENT_SERVER_H
#define EVENT_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum { SERVER_TEXT_MAX = 64 << 10 }; /* bytes of one value; sets of GTIDs grow long */

enum server_kind {
	SERVER_IDENTITY,
	SERVER_POSITION, /* of its binary log */
	SERVER_SETTING,
};

enum server_fact_id {
#define SERVER_FACT(id, name, kind) SERVER_##id,
#include "event/server_list.h"
#undef SERVER_FACT
	SERVER_FACTS,
};

/* Where it stands in recordings: the number must not change. */
enum server_state {
	SERVER_UNASKED, /* or the server has no such thing */
	SERVER_KNOWN,
	SERVER_REFUSED, /* TEXT says why it could not be learnt */
	SERVER_STATES,
};

struct server_fact {
	char *text; /* owned; with a NUL; NULL is empty */
	size_t len;
	enum server_state state;
};

/* All zero is a server of which nothing is known. */
struct server_facts {
	int64_t asked_ns; /* by the machine's wall clock, when the position was told */
	char *name;       /* owned: how the server was named, such as "db1:3306" */
	struct server_fact items[SERVER_FACTS];
};

const char *server_fact_name(enum server_fact_id id);
enum server_kind server_fact_kind(enum server_fact_id id);

/* The fact of that NAME, in either case, or SERVER_FACTS. */
enum server_fact_id server_fact_find(struct slice name);

/* TEXT is copied, at most SERVER_TEXT_MAX of it. ERR_NOMEM. */
enum err server_fact_set(struct server_facts *s, enum server_fact_id id, enum server_state state,
			 struct slice text) MUST_CHECK;

static inline struct slice server_fact_slice(const struct server_facts *s, enum server_fact_id id)
{
	return slice_of(s->items[id].text, s->items[id].len);
}

/* NAME is copied. ERR_NOMEM. */
enum err server_facts_set_name(struct server_facts *s, struct slice name) MUST_CHECK;

/* A copy of FROM in *TO, which is empty. ERR_NOMEM: *TO is empty. */
enum err server_facts_copy(struct server_facts *to, const struct server_facts *from) MUST_CHECK;

/* True if both are known and differ. Words are compared in either case, of sql_mode the set of them. */
bool server_fact_differs(const struct server_facts *a, const struct server_facts *b,
			 enum server_fact_id id);

void server_facts_release(struct server_facts *s);

enum { SERVER_LOG_MAX = 64 }; /* entries; of more, the last one is the latest */

/* What servers said, in the order in which it was told. All zero is empty. */
struct server_log {
	struct server_facts *items;
	size_t count;
};

/* Adds a copy of S, unless the same is there. ERR_NOMEM. */
enum err server_log_add(struct server_log *log, const struct server_facts *s) MUST_CHECK;

/* What was said last at TIME_NS or before, else first after it; NULL: nothing was. */
const struct server_facts *server_log_at(const struct server_log *log, int64_t time_ns);

void server_log_release(struct server_log *log);

#endif
