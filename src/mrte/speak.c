/* speak - events to units that MRTE-Player replays. */
#include "mrte/speak.h"

#include <assert.h>

#include "base/map.h"
#include "base/mem.h"
#include "mrte/message.h"
#include "mysql/charset.h"
#include "mysql/login.h"
#include "sql/classify.h"

enum {
	SESSIONS_MAX = 1 << 20,
	MESSAGE_MAX = 16 << 20, /* a bound; callers send much earlier */
	TEXT_MAX = 1 << 26,
	LOAD_WORDS = 4, /* LOAD DATA [LOW_PRIORITY | CONCURRENT] LOCAL */
};

/* A session that was introduced. */
struct spoken {
	uint64_t id;
	uint8_t client[4];
	uint16_t port;
	bool has_quit;
	bool database_due; /* before the next command: a change of user may have chosen another */
	bool charset_changed; /* by a statement: what the player sends is not taken for UTF-8 */
	struct buf rest;      /* statements that wait for the answer to the first of their text */
	uint64_t rest_n;      /* ordinal of their command */
	uint16_t rest_collation;
};

struct mrte_speaker {
	uint8_t server[4]; /* of the message at hand */
	size_t packet_max;
	struct map sessions; /* struct spoken, by id */
	struct buf message;
	struct buf packet; /* with its header */
	struct buf text, utf8;
	uint64_t units;
	struct mrte_left left;
};

static void begin_packet(struct mrte_speaker *s, uint8_t sequence)
{
	buf_reset(&s->packet);
	buf_put_uint_le(&s->packet, (uint64_t)sequence << 24, MYP_HEADER);
}

/* Sends the packet as a unit of its own, unless the player would not take it. */
static void put_packet(struct mrte_speaker *s, const struct spoken *to)
{
	if (s->packet.len > s->packet_max) {
		s->left.too_long++;
		return;
	}
	buf_patch_uint_le(&s->packet, 0, s->packet.len - MYP_HEADER, 3);
	if (s->message.len == 0)
		mrte_message_begin(&s->message, s->server);
	mrte_message_put(&s->message, to->client, to->port, buf_slice(&s->packet));
	s->units++;
}

static void put_command_packet(struct mrte_speaker *s, const struct spoken *to, uint8_t code,
			       struct slice text)
{
	begin_packet(s, 0);
	buf_put_u8(&s->packet, code);
	buf_put_slice(&s->packet, text);
	put_packet(s, to);
}

/* Text that is sent in COLLATION, as the player reads it: in s->utf8. False, and counted, if it cannot be told. */
static bool to_utf8(struct mrte_speaker *s, struct spoken *to, uint16_t collation,
		    struct slice text)
{
	static const uint8_t replaced[] = {0xef, 0xbf, 0xbd};

	if (text.len > s->packet_max) {
		s->left.too_long++;
		return false;
	}
	buf_reset(&s->utf8);
	if (myp_charset_to_utf8(collation, text, &s->utf8))
		return true;
	if (memmem(s->utf8.ptr, s->utf8.len, replaced, sizeof(replaced))) {
		s->left.not_utf8++;
		return false;
	}
	if (to->charset_changed) /* the connection's and the results' stay as the client chose them */
		put_command_packet(s, to, MYP_COM_QUERY,
				   SLICE_LIT("SET character_set_client = utf8mb4"));
	to->charset_changed = false;
	return true;
}

static void put_text(struct mrte_speaker *s, struct spoken *to, uint8_t code, uint16_t collation,
		     struct slice text)
{
	if (to_utf8(s, to, collation, text))
		put_command_packet(s, to, code, buf_slice(&s->utf8));
}

/* The player says USE and the name as it is: would a server take it for a name? */
static bool is_plain_name(struct slice name)
{
	const struct sql_options options = {.charset = SQL_CHARSET_PLAIN};
	struct sql_lexer lexer;
	struct sql_token token;

	sql_lexer_init(&lexer, name, options);
	return sql_lexer_next(&lexer, &token) && token.kind == SQL_TOKEN_WORD &&
	       token.text.len == name.len && !sql_word_is_reserved(token.word);
}

static void put_use(struct mrte_speaker *s, const struct spoken *to, struct slice database)
{
	buf_reset(&s->text);
	buf_put_cstr(&s->text, "USE ");
	sql_quote_name(database, &s->text);
	put_command_packet(s, to, MYP_COM_QUERY, buf_slice(&s->text));
}

/* The text of an INIT_DB, or what a session is known to have chosen. */
static void put_database(struct mrte_speaker *s, struct spoken *to, uint16_t collation,
			 struct slice database)
{
	if (!to_utf8(s, to, collation, database))
		return;
	if (is_plain_name(buf_slice(&s->utf8)))
		put_command_packet(s, to, MYP_COM_INIT_DB, buf_slice(&s->utf8));
	else
		put_use(s, to, buf_slice(&s->utf8));
}

/* The player takes a login that promises a database and has none for a broken one. */
static void put_login(struct mrte_speaker *s, struct spoken *to, const struct session *session)
{
	const struct slice database = fact_slice(&session->database);
	const bool has_name = is_plain_name(database);
	const struct myp_login login = {
		.caps = MYP_CAP_PROTOCOL_41 | MYP_CAP_SECURE_CONNECTION |
			(has_name ? MYP_CAP_CONNECT_WITH_DB : 0),
		.max_packet = MYP_FRAME_MAX,
		.collation = session->collation,
		.user = fact_slice(&session->user),
		.database = has_name ? database : slice_of(NULL, 0),
	};

	begin_packet(s, 1);
	myp_login_put(&s->packet, &login);
	put_packet(s, to);
	if (database.len && !has_name)
		put_use(s, to, database);
}

/* Does it read a file of the client's, rather than of the server's? */
static bool loads_client_file(struct slice text, struct sql_options options)
{
	struct sql_lexer lexer;
	struct sql_token token;

	sql_lexer_init(&lexer, text, options);
	for (int i = 0; i < LOAD_WORDS && sql_lexer_next(&lexer, &token); i++)
		if (token.word == SQL_WORD_LOCAL)
			return true;
	return false;
}

/* One statement. Connections have other ids at the player's target, and their files are not there. */
static void put_statement(struct mrte_speaker *s, struct spoken *to, const struct session *session,
			  uint16_t collation, struct slice text, const struct sql_class *class)
{
	if (class->verb == SQL_VERB_KILL && class->kill_known && !class->kill_self) {
		s->left.unsupported++;
	} else if (class->verb == SQL_VERB_LOAD_DATA &&
		   loads_client_file(text, session_sql_options(session))) {
		s->left.file_statements++;
	} else {
		put_text(s, to, MYP_COM_QUERY, collation, text);
		to->charset_changed |= (class->changes & SQL_CHANGES_CHARSET) != 0;
	}
}

/* The first statement of *TEXT, which is left with what follows. */
static void put_first(struct mrte_speaker *s, struct spoken *to, const struct session *session,
		      uint16_t collation, struct slice *text)
{
	struct slice one = *text;
	struct sql_class class;

	sql_classify(one, session_sql_options(session), &class);
	if (class.rest.len) {
		one = slice_head(one, (size_t)(class.rest.ptr - one.ptr));
		while (one.len && one.ptr[one.len - 1] != ';')
			one.len--;
		one.len -= one.len > 0;
	}
	if (one.len)
		put_statement(s, to, session, collation, one, &class);
	*text = class.rest;
}

/* At most COUNT of the statements that wait. */
static void put_rest(struct mrte_speaker *s, struct spoken *to, const struct session *session,
		     uint64_t count)
{
	struct slice text = buf_slice(&to->rest);

	while (text.len && count--)
		put_first(s, to, session, to->rest_collation, &text);
	buf_release(&to->rest);
}

/*
 * What a client asked for, or an execution with its values. The player's connector takes one statement at a time: of
 * several, those behind the first wait for the answer, which tells how far the server came.
 */
static void put_query(struct mrte_speaker *s, struct spoken *to, const struct session *session,
		      const struct command *c, struct slice text)
{
	const bool is_one = c->code != MYP_COM_QUERY ||
			    (session->caps_known && !(session->caps & MYP_CAP_MULTI_STATEMENTS));
	struct sql_class class;

	if (sql_is_ordinary(text)) {
		put_text(s, to, MYP_COM_QUERY, c->collation, text);
	} else if (is_one) {
		sql_classify(text, session_sql_options(session), &class);
		put_statement(s, to, session, c->collation, text, &class);
	} else {
		put_first(s, to, session, c->collation, &text);
		to->rest_n = c->n;
		to->rest_collation = c->collation;
		buf_put_slice(&to->rest, text);
		if (buf_err(&to->rest) == ERR_LIMIT) {
			s->left.too_long++;
			buf_release(&to->rest);
		}
	}
}

/* What is known of a session of which the login was not heard. */
static void put_state(struct mrte_speaker *s, struct spoken *to, const struct session *session)
{
	for (size_t i = 0; i < session->state_count; i++) {
		struct slice text = session->state[i].text;

		put_first(s, to, session, session->collation, &text);
	}
}

/* C's session, introduced before this, its first command; NULL in *OUT if it cannot be carried. */
static enum err introduce(struct mrte_speaker *s, const struct session *session,
			  const struct command *c, struct spoken **out)
{
	struct spoken *to = map_get(&s->sessions, session->id, NULL);
	uint8_t client[4];

	*out = to;
	if (to || !mrte_addr_v4(&session->client.addr, client))
		return ERR_OK;
	to = mem_zalloc(sizeof(*to));
	if (!to)
		return ERR_NOMEM;
	to->id = session->id;
	memcpy(to->client, client, sizeof(client));
	to->port = session->client.port;
	buf_init(&to->rest, TEXT_MAX);
	if (map_put(&s->sessions, to->id, to) != ERR_OK) {
		mem_free(to);
		return ERR_NOMEM;
	}
	if (session->user.source != FACT_UNKNOWN || !c->database_known || c->database.len == 0)
		put_login(s, to, session);
	else
		put_database(s, to, c->collation, c->database);
	put_state(s, to, session);
	*out = to;
	return ERR_OK;
}

static void put_execution(struct mrte_speaker *s, struct spoken *to, const struct session *session,
			  const struct command *c)
{
	buf_reset(&s->text);
	if (command_put_text(session, c, &s->text))
		put_query(s, to, session, c, buf_slice(&s->text));
	else
		s->left.unknown++;
}

/* One statement for each set of values. */
static void put_bulk(struct mrte_speaker *s, struct spoken *to, const struct session *session,
		     const struct command *c)
{
	size_t each = command_param_count(c);

	if (!c->text_known || !c->params_known) {
		s->left.unknown++;
		return;
	}
	for (uint32_t i = 0; i < c->sets; i++) {
		const struct myp_params set = {.items = c->params->items + i * each, .count = each};

		buf_reset(&s->text);
		if (command_bind(c->text, &set, session_sql_options(session), c->collation,
				 &s->text))
			put_query(s, to, session, c, buf_slice(&s->text));
		else
			s->left.unknown++;
	}
}

static void put_quit(struct mrte_speaker *s, struct spoken *to)
{
	if (to->has_quit)
		return;
	to->has_quit = true;
	begin_packet(s, 0);
	buf_put_u8(&s->packet, MYP_COM_QUIT);
	put_packet(s, to);
}

/* QUERY, INIT_DB or FIELD_LIST. */
static void put_text_command(struct mrte_speaker *s, struct spoken *to,
			     const struct session *session, const struct command *c)
{
	if (!c->text_known || c->cut)
		s->left.unknown++;
	else if (c->code == MYP_COM_QUERY)
		put_query(s, to, session, c, c->text);
	else if (c->code == MYP_COM_INIT_DB)
		put_database(s, to, c->collation, c->text);
	else
		put_text(s, to, c->code, c->collation, c->text);
}

static void put_command(struct mrte_speaker *s, struct spoken *to, const struct session *session,
			const struct command *c)
{
	switch (c->code) {
	case MYP_COM_QUERY:
	case MYP_COM_INIT_DB:
	case MYP_COM_FIELD_LIST:
		put_text_command(s, to, session, c);
		break;
	case MYP_COM_STMT_EXECUTE:
		put_execution(s, to, session, c);
		break;
	case MYP_COM_STMT_BULK_EXECUTE:
		put_bulk(s, to, session, c);
		break;
	case MYP_COM_QUIT:
		put_quit(s, to);
		break;
	case MYP_COM_CHANGE_USER: /* the player has one user for all */
		s->left.unsupported++;
		to->database_due = true;
		break;
	case MYP_COM_PING: /* these do nothing where executions are text */
	case MYP_COM_STMT_PREPARE:
	case MYP_COM_STMT_SEND_LONG_DATA:
	case MYP_COM_STMT_CLOSE:
	case MYP_COM_STMT_RESET:
	case MYP_COM_STMT_FETCH:
		break;
	default: /* a number from the wire */
		s->left.unsupported++;
		break;
	}
}

static enum err on_command(struct mrte_speaker *s, const struct event *e)
{
	struct spoken *to;
	enum err err = introduce(s, e->session, e->command, &to);

	if (err != ERR_OK)
		return err;
	if (!to) {
		s->left.not_ipv4++;
		return ERR_OK;
	}
	put_rest(s, to, e->session, UINT64_MAX); /* sent before the answer came */
	if (to->database_due && e->command->database_known && e->command->database.len)
		put_database(s, to, e->command->collation, e->command->database);
	to->database_due = false;
	put_command(s, to, e->session, e->command);
	return buf_err(&to->rest);
}

/* The statements of a text up to the one that failed were executed. */
static void on_response(struct mrte_speaker *s, const struct event *e)
{
	struct spoken *to = map_get(&s->sessions, e->session->id, NULL);
	const struct response *r = e->response;

	if (to && to->rest.len && to->rest_n == r->n)
		put_rest(s, to, e->session,
			 r->kind != RESPONSE_LOST && response_error(r) ? r->results_all - 1
								       : UINT64_MAX);
}

static void on_end(struct mrte_speaker *s, const struct event *e)
{
	struct spoken *to = map_take(&s->sessions, e->session->id, NULL);

	if (!to)
		return;
	put_rest(s, to, e->session, UINT64_MAX);
	put_quit(s, to);
	mem_free(to);
}

static void address_of(const struct event *e, uint8_t to[4])
{
	if (!mrte_addr_v4(&e->session->server.addr, to))
		memset(to, 0, 4);
}

bool mrte_fits(const struct mrte_speaker *s, const struct event *e)
{
	uint8_t server[4];

	address_of(e, server);
	return s->message.len == 0 || memcmp(s->server, server, sizeof(server)) == 0;
}

enum err mrte_speak(struct mrte_speaker *s, const struct event *e)
{
	enum err err = ERR_OK;

	assert(mrte_fits(s, e));
	address_of(e, s->server);
	switch (e->type) {
	case EVENT_COMMAND:
		err = on_command(s, e);
		break;
	case EVENT_DATA:
		s->left.file_bytes += e->data.bytes.len;
		break;
	case EVENT_END:
		on_end(s, e);
		break;
	case EVENT_RESPONSE:
		on_response(s, e);
		break;
	case EVENT_SESSION:
	case EVENT_GAP:
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	}
	if (err == ERR_OK && (s->packet.no_memory || s->text.no_memory || s->utf8.no_memory))
		err = ERR_NOMEM;
	return err == ERR_OK ? buf_err(&s->message) : err;
}

struct slice mrte_message(const struct mrte_speaker *s)
{
	return buf_slice(&s->message);
}

void mrte_message_sent(struct mrte_speaker *s)
{
	buf_reset(&s->message);
}

uint64_t mrte_units(const struct mrte_speaker *s)
{
	return s->units;
}

const struct mrte_left *mrte_speaker_left(const struct mrte_speaker *s)
{
	return &s->left;
}

enum err mrte_speaker_new(size_t packet_max, struct mrte_speaker **out)
{
	struct mrte_speaker *s = mem_zalloc(sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->packet_max = packet_max ? packet_max : MRTE_PACKET_MAX;
	map_init(&s->sessions, SESSIONS_MAX, NULL);
	buf_init(&s->message, MESSAGE_MAX);
	buf_init(&s->packet, TEXT_MAX);
	buf_init(&s->text, TEXT_MAX);
	buf_init(&s->utf8, TEXT_MAX);
	*out = s;
	return ERR_OK;
}

void mrte_speaker_free(struct mrte_speaker *s)
{
	struct spoken *to;
	size_t at = 0;

	if (!s)
		return;
	while ((to = map_next(&s->sessions, &at))) {
		buf_release(&to->rest);
		mem_free(to);
	}
	map_release(&s->sessions);
	buf_release(&s->message);
	buf_release(&s->packet);
	buf_release(&s->text);
	buf_release(&s->utf8);
	mem_free(s);
}
