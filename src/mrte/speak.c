/* speak - events to units that MRTE-Player replays. */
#include "mrte/speak.h"

#include <assert.h>

#include "base/map.h"
#include "base/mem.h"
#include "mrte/message.h"
#include "mysql/charset.h"
#include "mysql/login.h"

enum {
	SESSIONS_MAX = 1 << 20,
	MESSAGE_MAX = 16 << 20, /* a bound; callers send much earlier */
	TEXT_MAX = 1 << 26,
};

/* A session that was introduced. */
struct spoken {
	uint64_t id;
	uint8_t client[4];
	uint16_t port;
	bool has_quit;
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

/* The player reads UTF-8, and puts U+FFFD where it finds something else. */
static bool is_text(struct mrte_speaker *s, uint16_t collation, struct slice text)
{
	static const uint8_t replaced[] = {0xef, 0xbf, 0xbd};

	buf_reset(&s->utf8);
	return myp_charset_to_utf8(collation, text, &s->utf8) ||
	       !memmem(s->utf8.ptr, s->utf8.len, replaced, sizeof(replaced));
}

static void put_text(struct mrte_speaker *s, const struct spoken *to, uint8_t code,
		     const struct command *c, struct slice text)
{
	if (text.len > s->packet_max) {
		s->left.too_long++;
		return;
	}
	if (!is_text(s, c->collation, text)) {
		s->left.not_utf8++;
		return;
	}
	begin_packet(s, 0);
	buf_put_u8(&s->packet, code);
	buf_put_slice(&s->packet, buf_slice(&s->utf8));
	put_packet(s, to);
}

static void put_login(struct mrte_speaker *s, const struct spoken *to,
		      const struct session *session)
{
	const struct myp_login login = {
		.caps = MYP_CAP_PROTOCOL_41 | MYP_CAP_SECURE_CONNECTION | MYP_CAP_CONNECT_WITH_DB,
		.max_packet = MYP_FRAME_MAX,
		.collation = session->collation,
		.user = fact_slice(&session->user),
		.database = fact_slice(&session->database),
	};

	begin_packet(s, 1);
	myp_login_put(&s->packet, &login);
	put_packet(s, to);
}

static void put_init_db(struct mrte_speaker *s, const struct spoken *to, struct slice database)
{
	begin_packet(s, 0);
	buf_put_u8(&s->packet, MYP_COM_INIT_DB);
	buf_put_slice(&s->packet, database);
	put_packet(s, to);
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
	if (map_put(&s->sessions, to->id, to) != ERR_OK) {
		mem_free(to);
		return ERR_NOMEM;
	}
	if (session->user.source != FACT_UNKNOWN || !c->database_known || c->database.len == 0)
		put_login(s, to, session);
	else
		put_init_db(s, to, c->database);
	*out = to;
	return ERR_OK;
}

static void put_execution(struct mrte_speaker *s, const struct spoken *to,
			  const struct session *session, const struct command *c)
{
	buf_reset(&s->text);
	if (command_put_text(session, c, &s->text))
		put_text(s, to, MYP_COM_QUERY, c, buf_slice(&s->text));
	else
		s->left.unknown++;
}

/* One statement for each set of values. */
static void put_bulk(struct mrte_speaker *s, const struct spoken *to, const struct session *session,
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
			put_text(s, to, MYP_COM_QUERY, c, buf_slice(&s->text));
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

static void put_command(struct mrte_speaker *s, struct spoken *to, const struct session *session,
			const struct command *c)
{
	switch (c->code) {
	case MYP_COM_QUERY:
	case MYP_COM_INIT_DB:
	case MYP_COM_FIELD_LIST:
		if (!c->text_known || c->cut)
			s->left.unknown++;
		else
			put_text(s, to, c->code, c, c->text);
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
	if (to)
		put_command(s, to, e->session, e->command);
	else
		s->left.not_ipv4++;
	return ERR_OK;
}

static void on_end(struct mrte_speaker *s, const struct event *e)
{
	struct spoken *to = map_take(&s->sessions, e->session->id, NULL);

	if (!to)
		return;
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
	case EVENT_SESSION:
	case EVENT_RESPONSE:
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
	while ((to = map_next(&s->sessions, &at)))
		mem_free(to);
	map_release(&s->sessions);
	buf_release(&s->message);
	buf_release(&s->packet);
	buf_release(&s->text);
	buf_release(&s->utf8);
	mem_free(s);
}
