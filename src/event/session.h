/*
 * session - one client connection to one server: who speaks, under which rules, and what rebuilds its
 * state on another server.
 *
 * A producer (the tracker, a recording's reader) owns sessions and changes them only through the functions here;
 * consumers see them const, valid during the call that hands over an event.
 */
#ifndef EVENT_SESSION_H
#define EVENT_SESSION_H

#include "base/err.h"
#include "base/slice.h"
#include "event/statement.h"
#include "mysql/proto.h"
#include "mysql/reply.h"
#include "net/addr.h"
#include "sql/charset.h"

enum {
	SESSION_STATE_MAX = 1 << 16, /* bytes of statements kept to rebuild a session's state */
	SESSION_ATTRIBUTES_MAX = 1 << 16, /* bytes of connection attributes */
	SESSION_ID_TEXT = 17,             /* hexadecimal, with the NUL */
};

/* From where a fact is known. */
enum fact_source {
	FACT_UNKNOWN,
	FACT_LOGIN,     /* handshake or COM_CHANGE_USER */
	FACT_STATEMENT, /* a command or statement heard, or the server's session tracking */
	FACT_ASKED,     /* the server, asked over a connection of our own */
};

/* A text that may change; owned by the session. With source UNKNOWN the text is empty. */
struct fact {
	char *text;
	size_t len;
	enum fact_source source;
	uint32_t changes; /* times it was set */
};

static inline struct slice fact_slice(const struct fact *f)
{
	return slice_of(f->text, f->len);
}

enum err fact_set(struct fact *f, struct slice text, enum fact_source source) MUST_CHECK;

enum session_login {
	SESSION_LOGIN_NONE, /* the client left, or the answer was not heard; also of joined sessions */
	SESSION_LOGIN_OK,
	SESSION_LOGIN_ERROR, /* also an error in place of the greeting */
	SESSION_LOGIN_TLS,   /* the rest is encrypted */
};

enum session_compression { SESSION_PLAIN, SESSION_ZLIB, SESSION_ZSTD };

/* What may be open in a session and lost with it; flags. */
enum session_open {
	SESSION_OPEN_TRANSACTION = 1 << 0,
	SESSION_OPEN_TEMPORARY_TABLE = 1 << 1,
	SESSION_OPEN_USER_LOCK = 1 << 2,
	SESSION_OPEN_TABLE_LOCK = 1 << 3,
	SESSION_OPEN_CURSOR = 1 << 4,
};

/* An error of the server's that answers no command. */
struct session_error {
	uint16_t code; /* 0: none */
	char sqlstate[6];
	char *message; /* owned; NULL is empty */
};

/* Copies what ERR says; ERR_NOMEM leaves the message empty. */
enum err session_error_set(struct session_error *e, const struct myp_err *err) MUST_CHECK;
struct slice session_error_message(const struct session_error *e);

/* One statement that rebuilds a part of the state; the newest of a key wins. */
struct state_item {
	struct slice key;  /* "sql_mode", "names", "@x", "prepare p" ... */
	struct slice text; /* the statement, as sent; owned */
};

struct session {
	uint64_t id; /* the same on every run over one file, unique in practice between machines */
	int64_t start_ns;
	struct endpoint client, server;
	struct endpoint
		proxy; /* who connected, where a PROXY header told CLIENT; port 0: no such */
	bool joined;
	enum session_login login;
	int64_t login_ns; /* from the greeting to the end of the login; negative: unknown */
	struct session_error login_error;
	struct session_error
		end_error; /* said unasked: before the server ended it, or in the middle of a command */
	struct fact server_version;
	uint32_t connection_id; /* 0: unknown */
	struct fact user, database, auth_plugin;
	bool database_known; /* false: joined, and nothing said it yet; true with empty text: none is chosen */
	uint16_t collation; /* that statements are sent in; 0: unknown; session_set_collation() */
	enum sql_charset charset; /* of COLLATION, as far as it matters to a lexer */
	enum fact_source collation_source;
	uint64_t caps; /* agreed by both sides; of a joined session what was found out so far */
	bool caps_known;
	struct fact attributes; /* raw: see myp_attribute_next() */
	enum session_compression compression;
	bool is_mariadb;
	bool no_backslash_escapes, ansi_quotes; /* of sql_mode */
	uint32_t open;                          /* enum session_open */
	uint64_t commands;                      /* heard so far: the ordinal of the last one */
	uint64_t gaps;                          /* holes so far */
	uint64_t last_gap;        /* ordinal of the last command before the last hole */
	struct state_item *state; /* in the order in which they have to be sent */
	size_t state_count, state_cap, state_bytes;
	uint32_t state_changes; /* times something of it was put or removed */
	bool state_incomplete;  /* a limit was reached, or a hole may have hidden a part */
	struct statement_table statements;
	struct statement_pool *pool; /* of its statements; not owned */
};

/* A session with its identity and nothing else known; POOL outlives it. NULL: out of memory. */
struct session *session_new(uint64_t id, int64_t start_ns, const struct endpoint *client,
			    const struct endpoint *server, struct statement_pool *pool);
void session_free(struct session *s);

/* True if a part of what is known of S was told by the server, asked over a connection of our own. */
bool session_was_asked(const struct session *s);

/* "5f03a1..."; returns TO. */
const char *session_id_format(uint64_t id, char to[SESSION_ID_TEXT]);

/* Takes note of what statements are sent in from now on, in all fields that depend on it. */
void session_set_collation(struct session *s, uint16_t collation, enum fact_source source);

/* Forgets what a new login or COM_RESET_CONNECTION ends: statements, state, sql_mode, what is open. */
void session_reset_state(struct session *s);

/* Puts (or replaces) a statement that rebuilds state. Over the limit: state_incomplete is set, ERR_OK. */
enum err session_state_put(struct session *s, struct slice key, struct slice text) MUST_CHECK;
void session_state_remove(struct session *s, struct slice key);

struct statement *session_statement_get(const struct session *s, uint32_t id);

/*
 * Adds the statement ID, replacing one of the same id. TEXT is copied, and DIGEST is its digest; NULL: not known.
 * ERR_LIMIT, ERR_NOMEM: then there is none of that id.
 */
enum err session_statement_put(struct session *s, uint32_t id, const struct slice *text,
			       uint64_t digest, struct statement **out) MUST_CHECK;
void session_statement_remove(struct session *s, uint32_t id);
void session_statements_drop(struct session *s); /* all of them */

#endif
