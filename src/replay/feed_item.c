/* feed_item - one session's events as items. */
#include "replay/feed_item.h"

#include "base/hash.h"
#include "base/mem.h"
#include "mysql/login.h"
#include "replay/databases.h"
#include "replay/plan.h"

/* Room for an item with BODY bytes behind its head; NULL: no memory. */
struct item *feed_item_new(struct feed *f, const struct feed_session *s, enum item_type type,
			   size_t body, int64_t at_ns)
{
	size_t size = (sizeof(struct item) + body + ITEM_ALIGN - 1) / ITEM_ALIGN * ITEM_ALIGN;
	struct batch *b = f->batches[s->worker];
	struct item *item;

	if (size > UINT32_MAX)
		return NULL;
	if (b && batch_room(b) < size) {
		feed_flush_one(f, s->worker);
		b = NULL;
	}
	if (!b) {
		b = batch_new(&f->engine->handed, size);
		if (!b)
			return NULL;
		f->batches[s->worker] = b;
	}
	item = (struct item *)(void *)(b->bytes + b->len);
	b->len += size;
	*item = (struct item){.size = (uint32_t)size,
			      .type = type,
			      .player = s->player,
			      .receipt = f->receipt,
			      .at_ns = at_ns - f->base_ns + s->shift_ns};
	receipt_hold(f->receipt);
	return item;
}

uint8_t *feed_put_bytes(uint8_t *to, struct slice s)
{
	if (s.len > 0)
		memcpy(to, s.ptr, s.len);
	return to + s.len;
}

/* May this statement, which rebuilds a part of the state of S, be sent? */
static bool state_passes(struct feed *f, struct feed_session *fs, const struct session *s, size_t i)
{
	return !f->guard || guard_state(f->guard, &fs->guarded, s, s->state[i].text);
}

size_t feed_state_len(struct feed *f, struct feed_session *fs, const struct session *s)
{
	size_t len = 0;

	for (size_t i = 0; i < s->state_count; i++)
		if (state_passes(f, fs, s, i))
			len += sizeof(uint32_t) + s->state[i].text.len;
	return len;
}

/* What the default database NAME is called on the target. */
static struct slice map_database(const struct feed *f, struct slice name)
{
	const struct opt_texts *map = f->engine->options->databases;

	return map ? databases_map(map, name) : name;
}

/* The account for the recorded USER, which is NULL if it is not known; NULL: the target's own. */
static const struct account *account_of(struct feed *f, const struct slice *user)
{
	const struct accounts *accounts = f->engine->options->accounts;
	const struct account *found = accounts && user ? accounts_find(accounts, *user) : NULL;
	char text[REMARK_TEXT_MAX];

	if (!accounts && user && !f->engine->options->dry &&
	    !map_get(&f->users, hash_bytes(*user), NULL) &&
	    map_put(&f->users, hash_bytes(*user), f) == ERR_NOMEM)
		f->outcome->short_of_memory = true;
	if (!accounts || found)
		return found;
	if (user)
		(void)snprintf(text, sizeof(text), "logged in as the target's own user: %.*s",
			       (int)slice_head(*user, sizeof(text)).len, (const char *)user->ptr);
	else
		(void)snprintf(text, sizeof(text),
			       "logged in as the target's own user: a session "
			       "whose user is not known");
	outcome_note(f->outcome, text);
	return NULL;
}

static struct feed_stamp stamp_of(const struct session *s)
{
	return (struct feed_stamp){
		.state = s->state_changes,
		.user = s->user.changes,
		.database = s->database.changes,
		.attributes = s->attributes.changes,
		.collation = s->collation,
	};
}

enum err feed_put_open(struct feed *f, struct feed_session *fs, const struct session *s,
		       enum item_type type, int64_t at_ns)
{
	const struct slice database = map_database(f, fact_slice(&s->database)),
			   user = fact_slice(&s->user);
	const struct item_open head = {
		.account = account_of(f, s->user.source != FACT_UNKNOWN ? &user : NULL),
		.caps = s->caps,
		.session = s->id,
		.connection_id = s->connection_id,
		.copy = fs->copy,
		.room = f->open[fs->worker],
		.database_len = (uint32_t)database.len,
		.attributes_len = (uint32_t)s->attributes.len,
		.state_len = (uint32_t)feed_state_len(f, fs, s),
		.collation = s->collation,
		.caps_known = s->caps_known,
		.database_known = s->database_known,
		.resumed = fs->resumed,
		.unsure = type == ITEM_OPEN && fs->unsure,
		.in_transaction = type == ITEM_OPEN && fs->was_open && !fs->resumed &&
				  s->open & SESSION_OPEN_TRANSACTION,
	};
	struct item *item = feed_item_new(
		f, fs, type,
		sizeof(head) + head.database_len + head.attributes_len + head.state_len, at_ns);
	uint8_t *to;

	if (!item)
		return ERR_NOMEM;
	fs->told = stamp_of(s);
	to = feed_put_bytes(item_body(item), slice_of(&head, sizeof(head)));
	to = feed_put_bytes(to, database);
	to = feed_put_bytes(to, fact_slice(&s->attributes));
	for (size_t i = 0; i < s->state_count; i++) {
		uint32_t len = (uint32_t)s->state[i].text.len;

		if (!state_passes(f, fs, s, i))
			continue;
		for (size_t b = 0; b < sizeof(len); b++)
			*to++ = (uint8_t)(len >> (8 * b));
		to = feed_put_bytes(to, s->state[i].text);
	}
	return ERR_OK;
}

/* Tells of the state of S, if it has changed: a connection that is lost is made anew with it. ERR_NOMEM. */
static enum err put_state(struct feed *f, struct feed_session *fs, const struct session *s,
			  int64_t at_ns)
{
	const struct feed_stamp now = stamp_of(s);

	if (f->engine->options->stop_if_lost ||
	    (now.state == fs->told.state && now.user == fs->told.user &&
	     now.database == fs->told.database && now.attributes == fs->told.attributes &&
	     now.collation == fs->told.collation))
		return ERR_OK;
	return feed_put_open(f, fs, s, ITEM_STATE, at_ns);
}

/* --- statements whose text the worker knows --- */

static uint64_t id_hash(uint32_t id)
{
	return hash_mix(id, 0);
}

/* Out of memory, the worker gets the text once more. */
void feed_announce(struct feed_session *fs, uint32_t id)
{
	if (!map_get(&fs->announced, id_hash(id), NULL) &&
	    map_put(&fs->announced, id_hash(id), fs) != ERR_OK)
		return;
}

/* The text to prepare before C, if that has to be done and can be. */
static struct slice text_before(struct feed_session *fs, const struct command *c)
{
	const struct slice none = {.ptr = NULL, .len = 0};

	if (c->code != MYP_COM_STMT_EXECUTE && c->code != MYP_COM_STMT_SEND_LONG_DATA &&
	    c->code != MYP_COM_STMT_BULK_EXECUTE)
		return none;
	if (!c->has_statement || !c->text_known ||
	    (map_get(&fs->announced, id_hash(c->statement_id), NULL) &&
	     c->code != MYP_COM_STMT_BULK_EXECUTE)) /* which may have to become other statements */
		return none;
	feed_announce(fs, c->statement_id);
	return c->text;
}

static void forget(struct feed_session *fs, const struct command *c)
{
	if (c->code == MYP_COM_STMT_CLOSE && c->has_statement)
		(void)map_take(&fs->announced, id_hash(c->statement_id), NULL);
	if (c->code == MYP_COM_CHANGE_USER || c->code == MYP_COM_RESET_CONNECTION)
		map_release(&fs->announced);
}

/* --- commands --- */

/* What a COM_CHANGE_USER asks for; without its bytes, what was in force stays so. */
static void new_user(struct feed *f, const struct session *s, const struct command *c,
		     struct slice *database, struct item_command *head)
{
	struct slice user = fact_slice(&s->user);
	struct myp_login login = {.database = c->database, .collation = s->collation, .user = user};

	if (c->payload.len == 0 || myp_change_user_decode(c->payload, s->caps, &login) != ERR_OK)
		login = (struct myp_login){
			.database = c->database, .collation = s->collation, .user = user};
	*database = map_database(f, login.database);
	head->collation = login.collation;
	head->account = account_of(f, &login.user);
}

/* Databases by their names on the target. ERR_NOMEM, ERR_LIMIT. */
static enum err rename_database(struct feed *f, const struct session *s, const struct command *c,
				struct slice *payload)
{
	const struct opt_texts *map = f->engine->options->databases;
	const struct sql_options options = session_sql_options(s);

	if (!map || !c->text_known || payload->ptr != c->payload.ptr)
		return ERR_OK;
	buf_reset(&f->payload);
	if (c->code == MYP_COM_INIT_DB) {
		buf_put_u8(&f->payload, MYP_COM_INIT_DB);
		buf_put_slice(&f->payload, databases_map(map, c->text));
		*payload = buf_slice(&f->payload);
	} else if (c->code == MYP_COM_QUERY && databases_use(map, c->text, options, &f->payload)) {
		*payload = buf_slice(&f->payload);
	} else if ((c->code == MYP_COM_QUERY || c->code == MYP_COM_STMT_PREPARE) &&
		   databases_named(map, c->text, options)) {
		outcome_note(f->outcome,
			     "sent as recorded, though it names a database of --map-db itself");
	}
	return buf_err(&f->payload);
}

/* Whether the command is sent, and its bytes as the target has to get them. ERR_NOMEM. */
static enum err decide(struct feed *f, struct feed_session *fs, const struct event *e,
		       struct plan *plan, struct slice *payload)
{
	const struct command *c = e->command;

	*payload = c->payload;
	plan_command(e->session, c, plan);
	if (f->guard && plan->reason == SENT)
		plan->reason = guard_command(f->guard, &fs->guarded, e->session, c, payload);
	if (plan->reason != SENT)
		return ERR_OK;
	return rename_database(f, e->session, c, payload) == ERR_OK ? ERR_OK : ERR_NOMEM;
}

/* A dry run only counts. */
enum err feed_count_command(struct feed *f, struct feed_session *fs, const struct event *e,
			    uint64_t key)
{
	struct outcome_row *row = outcome_row(f->outcome, key);
	struct slice payload;
	struct plan plan;
	enum err err = decide(f, fs, e, &plan, &payload);

	if (err != ERR_OK || !row)
		return ERR_NOMEM;
	if (plan.reason != SENT) {
		outcome_not_sent(f->outcome, key, plan.reason);
		return ERR_OK;
	}
	f->outcome->sent++;
	row->would_send++;
	return ERR_OK;
}

/* How many types of parameters C has, by itself or by what was sent before. */
static uint32_t types_count(const struct command *c)
{
	const bool executes =
		c->code == MYP_COM_STMT_EXECUTE || c->code == MYP_COM_STMT_BULK_EXECUTE;

	return executes && c->params_known ? (uint32_t)command_param_count(c) : 0;
}

enum err feed_put_command(struct feed *f, struct feed_session *fs, const struct event *e,
			  const struct profile_row *row)
{
	const struct command *c = e->command;
	struct slice text = text_before(fs, c), payload;
	struct item_command head = {
		.n = c->n,
		.turn = turns_command(&f->turns, &fs->turns, e->session, c),
		.key = row->key,
		.caps = e->session->caps,
		.first_ns = c->first_ns,
		.last_ns = c->last_ns,
		.types_count = types_count(c),
		.statement_id = c->statement_id,
		.collation = e->session->collation,
		.code = c->code,
		.has_statement = c->has_statement,
		.after_gap = fs->lost_commands,
		.sql = session_sql_options(e->session),
		.open = e->session->open,
		.depends = nature_of(&f->natures, e->session, c, row),
		.among_others = f->sessions.count > 1,
	};
	struct plan plan;
	struct item *item;
	uint8_t *to;

	head.secret = nature_is_secret(&f->natures, e->session, c, row);
	if (put_state(f, fs, e->session, c->first_ns) != ERR_OK ||
	    decide(f, fs, e, &plan, &payload) != ERR_OK)
		return ERR_NOMEM;
	if (payload.ptr != c->payload.ptr)
		head.caps = 0;
	head.reason = plan.reason;
	head.kill_id = plan.kill_id;
	head.kill_query = plan.kill_query;
	head.begins = plan.begins;
	head.may_write = fs->unsure && plan.reason == SENT && turns_writes_within(e->session, c);
	if (c->code == MYP_COM_CHANGE_USER)
		new_user(f, e->session, c, &text, &head);
	if (plan.reason != SENT || c->code == MYP_COM_CHANGE_USER)
		payload = (struct slice){.ptr = NULL, .len = 0};
	head.text_len = (uint32_t)text.len;
	head.payload_len = (uint32_t)payload.len;
	item = feed_item_new(f, fs, ITEM_COMMAND,
			     sizeof(head) + head.types_count * sizeof(uint16_t) + text.len +
				     payload.len,
			     c->first_ns);
	if (!item)
		return ERR_NOMEM;
	to = feed_put_bytes(item_body(item), slice_of(&head, sizeof(head)));
	for (uint32_t i = 0; i < head.types_count; i++) {
		const uint16_t type = myp_param_wire_type(&c->params->items[i]);

		to = feed_put_bytes(to, slice_of(&type, sizeof(type)));
	}
	to = feed_put_bytes(to, text);
	feed_put_bytes(to, payload);
	forget(fs, c);
	return ERR_OK;
}
