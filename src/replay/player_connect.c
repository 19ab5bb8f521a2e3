/* player_connect - a player's connection to the target: opened, and given the session's state. */
#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"
#include "replay/agreed.h"
#include "replay/player.h"

enum { PLAYER_PAYLOAD_MAX = 16 << 20 }; /* bytes of an answer's packet that are looked at */

/* The bytes behind an ITEM_OPEN. */
static struct slice open_part(const struct item *item, size_t at, size_t len)
{
	return slice_of((const uint8_t *)(item + 1) + sizeof(struct item_open) + at, len);
}

static const struct item_open *open_of(const struct player *p)
{
	return item_body(p->open);
}

void player_logged_in(struct player *p)
{
	if (p->logging_in)
		p->worker->logging_in--;
	p->logging_in = false;
}

void player_leave(struct player *p)
{
	player_logged_in(p);
	if (p->counted)
		p->worker->open--;
	p->counted = false;
}

void player_disconnect(struct player *p)
{
	struct worker *w = p->worker;

	engine_kill_remove(w->engine, p->kill_key, p->target_id);
	if (!p->connection)
		return;
	connection_free(p->connection); /* and so out of the epoll set */
	p->connection = NULL;
	p->fd = -1;
	if (p->target_id != 0)
		atomic_fetch_sub(&w->counters.connections, 1);
	p->target_id = 0;
}

void player_keep_state(struct player *p, const struct item *item)
{
	struct item *copy = mem_alloc(item->size);

	if (!copy) {
		p->worker->outcome.short_of_memory = true;
		return;
	}
	memcpy(copy, item, item->size);
	mem_free(p->open);
	p->open = copy;
}

static enum err connect_as(struct player *p, const struct item_open *o, struct errinfo *info)
{
	/* What is left out changes how an answer is packed, but not what it says. */
	const uint64_t left_out = MYP_CAP_MARIADB_CACHE_METADATA | MYP_CAP_COMPRESS |
				  MYP_CAP_ZSTD_COMPRESSION | MYP_CAP_SSL;
	const uint64_t usual = MYP_CAP_LONG_PASSWORD | MYP_CAP_LONG_FLAG | MYP_CAP_TRANSACTIONS |
			       MYP_CAP_LOCAL_FILES | MYP_CAP_MULTI_STATEMENTS |
			       MYP_CAP_MULTI_RESULTS | MYP_CAP_PS_MULTI_RESULTS;
	char *database =
		o->database_known
			? mem_copy_str(open_part(p->open, 0, o->database_len).ptr, o->database_len)
			: NULL;
	struct connection_options options = {
		.target = p->worker->engine->options->target,
		.tls = p->worker->engine->tls,
		.compressor = p->worker->compressor,
		.caps = (o->caps_known ? o->caps : o->caps | usual) & ~left_out,
		.collation = o->collation,
		.user = o->account ? o->account->user : NULL,
		.password = o->account ? o->account->password : NULL,
		.database = database,
		.attributes = open_part(p->open, o->database_len, o->attributes_len),
		.payload_max = PLAYER_PAYLOAD_MAX,
		.shared = p->worker->received,
	};
	enum err e = connection_open(&options, &p->connection, info);

	mem_free(database);
	return e;
}

void player_connect(struct player *p)
{
	struct errinfo info = {.code = ERR_OK};

	p->worker->logging_in++;
	p->logging_in = true;
	if (connect_as(p, open_of(p), &info) != ERR_OK)
		player_lose(p, NOT_SENT_NOT_CONNECTED, info.text);
	else
		player_set_phase(p, PLAYER_CONNECTING);
}

void player_open(struct player *p, const struct item *item)
{
	const struct item_open *o;

	player_keep_state(p, item);
	if (!p->open) {
		player_lose(p, NOT_SENT_NOT_CONNECTED, err_text(ERR_NOMEM));
		return;
	}
	o = open_of(p);
	p->copy = o->copy;
	p->mourns = o->resumed;
	p->kill_key = engine_kill_key(o->connection_id, o->copy);
	p->worker->open++;
	p->counted = true;
	player_connect(p);
}

void player_connected(struct player *p)
{
	struct worker *w = p->worker;
	int64_t now = clock_mono_ns();

	player_freed(p, now, HELD_BY_TARGET);
	timers_clear(&w->timers, &p->timer);
	worker_moved(w, now);
	player_logged_in(p);
	player_set_phase(p, PLAYER_READY);
	p->guard_due = w->engine->options->read_only;
	if (p->under_way) {
		const struct facts ok = {.kind = RESPONSE_OK, .results = 1};

		player_user_changed(p, &ok);
		return;
	}
	p->caps = connection_caps(p->connection);
	p->target_id = connection_greeting(p->connection)->connection_id;
	p->state_at = 0;
	p->transaction_due = open_of(p)->in_transaction && !p->was_connected ? PLAYER_BEGIN : NULL;
	p->unsure = open_of(p)->unsure && !p->was_connected;
	p->connections++;
	p->status = connection_greeting(p->connection)->status;
	p->wrote = false;
	agreed_note(&w->outcome, p->connection, open_of(p)->caps, open_of(p)->collation);
	agreed_note_compression(&w->outcome, p->connection, w->engine->options->target);
	engine_kill_put(w->engine, p->kill_key, p->target_id);
	atomic_fetch_add(&w->counters.connections, 1);
	w->outcome.connected += !p->was_connected;
	w->outcome.reconnected += p->was_connected;
	p->was_connected = true;
}

/* Statements that rebuild the state come one by one, each with its length in front. */
bool player_rebuild(struct player *p)
{
	const struct item_open *o;
	struct slice rest;
	struct cursor c;
	struct slice text;

	if (p->state_at == SIZE_MAX)
		return false;
	o = open_of(p);
	rest = slice_skip(
		open_part(p->open, (size_t)o->database_len + o->attributes_len, o->state_len),
		p->state_at);
	if (rest.len == 0) {
		p->state_at = SIZE_MAX;
		return false;
	}
	c = cur_of(rest);
	text = cur_bytes(&c, cur_u32(&c));
	p->state_at += sizeof(uint32_t) + text.len;
	return player_send_own(p, OWN_STATE, MYP_COM_QUERY, text);
}
