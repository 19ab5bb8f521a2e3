/*
 * builder - events to blocks.
 *
 * All tables are of the current block and are emptied with it: what is in a table has been told in
 * this block.
 */
#include "recording/builder.h"

#include <assert.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"
#include "recording/put.h"
#include "recording/stamp.h"

enum {
	TABLES_MAX = 16 << 20, /* bytes of table entries of one block */
	TABLES_KEEP = 1 << 20, /* bytes of it kept for the next */
	PIECE_OVERHEAD = 32,   /* bytes of a PIECE record besides its bytes, at most */
	EVENT_HEAD_MAX = 3 * VARINT_MAX + 8, /* bytes up to the time */
	PIECE_MIN = 128, /* bytes; with less room than that a new block is begun */
};

/* A session that was told. */
struct told_session {
	uint64_t id;
	uint32_t number;
	uint32_t generation; /* grows when its statements are gone */
	bool stale;          /* told of another source's session */
	uint64_t last_n;
	struct session_stamp stamp;
};

/* A statement that was told. */
struct told_statement {
	uint64_t session;
	uint32_t id;
	uint32_t generation;
	bool long_data_told; /* what is collected of it was told in this block, or nothing was */
	struct statement_stamp stamp;
};

/* A list of columns that was told: bytes of the block. */
struct told_columns {
	size_t at, len;
	uint32_t number;
};

struct builder {
	builder_fn *fn;
	void *ctx;
	size_t aim;
	struct coverage coverage;
	struct block_header header; /* of the block being filled */
	bool has_events;            /* since the block was begun */
	struct buf raw;
	struct record record, columns; /* scratch */
	struct map sessions, statements, columns_told;
	struct arena told; /* of the three tables */
	uint32_t session_count, columns_count;
	uint64_t order, time; /* of the event before */
	uint64_t flushes;
};

static bool is_statement(const void *item, const void *key)
{
	const struct told_statement *a = item, *b = key;

	return a->session == b->session && a->id == b->id;
}

struct columns_key {
	const struct buf *raw;
	struct slice bytes;
};

static bool is_columns(const void *item, const void *key)
{
	const struct told_columns *a = item;
	const struct columns_key *k = key;

	return slice_eq(slice_of(k->raw->ptr + a->at, a->len), k->bytes);
}

enum err builder_new(uint64_t recording, size_t aim, builder_fn *fn, void *ctx,
		     struct builder **out)
{
	struct builder *b = mem_zalloc(sizeof(*b));

	assert(aim >= 512 && aim <= RECORDING_BLOCK_AIM);
	if (!b)
		return ERR_NOMEM;
	b->fn = fn;
	b->ctx = ctx;
	b->aim = aim;
	b->header.recording = recording;
	buf_init(&b->raw, RECORDING_RAW_MAX);
	record_init(&b->record);
	record_init(&b->columns);
	map_init(&b->sessions, SIZE_MAX, NULL);
	map_init(&b->statements, SIZE_MAX, is_statement);
	map_init(&b->columns_told, SIZE_MAX, is_columns);
	arena_init(&b->told, TABLES_MAX);
	*out = b;
	return ERR_OK;
}

void builder_free(struct builder *b)
{
	if (!b)
		return;
	buf_release(&b->raw);
	record_release(&b->record);
	record_release(&b->columns);
	map_release(&b->sessions);
	map_release(&b->statements);
	map_release(&b->columns_told);
	arena_release(&b->told);
	mem_free(b);
}

bool builder_pending(const struct builder *b)
{
	return b->has_events;
}

void builder_retell(struct builder *b, uint64_t session)
{
	struct told_session *told = map_get(&b->sessions, session, NULL);

	if (told)
		told->stale = true;
}

void builder_set_coverage(struct builder *b, const struct coverage *c)
{
	b->coverage = *c;
}

/* Adds the scratch record R to the block. */
static enum err append(struct builder *b, enum record_kind kind, const struct record *r)
{
	uint64_t len = record_len(r);
	uint8_t *to = buf_reserve(&b->raw, 1 + VARINT_MAX);

	if (record_err(r) != ERR_OK)
		return record_err(r);
	if (!to)
		return buf_err(&b->raw);
	*to = (uint8_t)kind;
	buf_advance(&b->raw, (size_t)(write_varint(to + 1, len) - to));
	assert(r->bytes.ptr || r->bytes.len == 0);
	if (r->part_count == 0)
		buf_put_slice(&b->raw, buf_slice(&r->bytes));
	else
		record_copy(r, 0, len, &b->raw);
	return buf_err(&b->raw);
}

static void begin_block(struct builder *b)
{
	b->header.number++;
	b->header.flags = 0;
	b->header.first_ns = b->header.last_ns = 0;
	b->header.first_order = 0;
	b->has_events = false;
	b->session_count = b->columns_count = 0;
	b->order = b->time = 0;
	b->flushes++;
	buf_reset(&b->raw);
	map_clear(&b->sessions);
	map_clear(&b->statements);
	map_clear(&b->columns_told);
	arena_reset(&b->told, TABLES_KEEP);
}

enum err builder_flush(struct builder *b, uint16_t flags, struct errinfo *info)
{
	struct block block;
	enum err e;

	record_reset(&b->columns);
	put_coverage(&b->columns, &b->coverage);
	e = append(b, RECORD_COVERAGE, &b->columns);
	if (e != ERR_OK)
		return err_set(info, e, 0, "cannot fill a block of the recording");
	block = (struct block){.header = b->header, .raw = buf_slice(&b->raw)};
	block.header.flags |= flags;
	e = b->fn(b->ctx, &block, info);
	begin_block(b);
	return e;
}

enum err builder_server(struct builder *b, const struct server_facts *s, struct errinfo *info)
{
	enum err e = b->raw.len >= b->aim ? builder_flush(b, 0, info) : ERR_OK;

	if (e != ERR_OK)
		return e;
	record_reset(&b->columns);
	put_server_facts(&b->columns, s);
	e = append(b, RECORD_SERVER, &b->columns);
	if (e != ERR_OK)
		return err_set(info, e, 0, "cannot record what the server says: %s", err_text(e));
	b->header.flags |= RECORDING_BLOCK_SERVER;
	return ERR_OK;
}

/* Counts the event's time and order in the header of the block that it, or a piece of it, is in. */
static void note_time(struct builder *b, const struct event *e)
{
	struct block_header *h = &b->header;

	if (!b->has_events) {
		h->first_ns = h->last_ns = e->time_ns;
		h->first_order = e->order;
		b->has_events = true;
	}
	if (e->time_ns < h->first_ns)
		h->first_ns = e->time_ns;
	if (e->time_ns > h->last_ns)
		h->last_ns = e->time_ns;
}

static enum err append_piece(struct builder *b, enum record_kind kind, uint64_t at, uint64_t n)
{
	struct buf *raw = &b->raw;
	uint64_t total = record_len(&b->record);
	uint8_t head[PIECE_OVERHEAD], *p = head;
	uint8_t *to = buf_reserve(raw, PIECE_OVERHEAD);

	if (!to)
		return buf_err(raw);
	*p++ = (uint8_t)kind;
	p = write_varint(p, total);
	p = write_varint(p, at);
	*to = RECORD_PIECE;
	buf_advance(raw, (size_t)(write_varint(to + 1, (uint64_t)(p - head) + n) - to));
	buf_put(raw, head, (size_t)(p - head));
	record_copy(&b->record, at, n, raw);
	return buf_err(raw);
}

/* The scratch record, which is too long for one block, in pieces: full blocks, and the start of the last. */
static enum err append_in_pieces(struct builder *b, enum record_kind kind, const struct event *e,
				 struct errinfo *info)
{
	uint64_t at = 0, total = record_len(&b->record);
	enum err x = record_err(&b->record);

	if (x == ERR_OK && total > RECORDING_PIECES_MAX)
		x = ERR_LIMIT;
	while (x == ERR_OK && at < total) {
		uint64_t room = b->raw.len + PIECE_MIN < b->aim ? b->aim - b->raw.len : PIECE_MIN;
		uint64_t n = room - PIECE_OVERHEAD;

		if (n > total - at)
			n = total - at;
		note_time(b, e);
		x = append_piece(b, kind, at, n);
		at += n;
		if (x == ERR_OK && at < total)
			x = builder_flush(b, RECORDING_BLOCK_CONTINUED, info);
	}
	return x;
}

static bool too_long(const struct builder *b)
{
	return record_len(&b->record) > b->aim;
}

/* Adds the scratch record, in one piece or in several. */
static enum err add(struct builder *b, enum record_kind kind, const struct event *e,
		    struct errinfo *info)
{
	return too_long(b) ? append_in_pieces(b, kind, e, info) : append(b, kind, &b->record);
}

static void begin_record(struct builder *b)
{
	record_reset(&b->record);
}

static enum err tell_change(struct builder *b, struct told_session *told, const struct event *e,
			    uint32_t groups, struct errinfo *info)
{
	if (groups & GROUP_STATEMENTS_GONE)
		told->generation++;
	begin_record(b);
	record_varint(&b->record, told->number);
	put_groups(&b->record, e->session, groups);
	if (too_long(b)) {
		begin_record(b);
		record_varint(&b->record, 0);
		record_u64(&b->record, e->session->id);
		put_groups(&b->record, e->session, groups);
	}
	return add(b, RECORD_CHANGE, e, info);
}

static enum err tell_whole(struct builder *b, const struct event *e,
			   const struct session_stamp *stamp, struct told_session **out,
			   struct errinfo *info)
{
	const struct session *s = e->session;
	const struct told_session *old;
	struct told_session *told;
	enum err x;

	begin_record(b);
	put_session(&b->record, s);
	x = add(b, RECORD_SESSION, e, info);
	if (x != ERR_OK)
		return x;
	old = map_take(&b->sessions, s->id, NULL);
	told = arena_alloc(&b->told, sizeof(*told));
	if (!told)
		return ERR_NOMEM;
	*told = (struct told_session){
		.id = s->id,
		.generation = old ? old->generation + 1 : 0,
		.number = ++b->session_count,
		.last_n = s->commands,
		.stamp = *stamp,
	};
	x = map_put(&b->sessions, s->id, told);
	*out = told;
	return x;
}

/* Sees to it that the block says what the event's session is, as of now. */
static enum err tell_session(struct builder *b, const struct event *e, struct told_session **out,
			     struct errinfo *info)
{
	const struct session *s = e->session;
	struct told_session *told = map_get(&b->sessions, s->id, NULL);
	struct session_stamp now;
	uint64_t flushes = b->flushes;
	uint32_t groups;
	enum err x;

	if (told && !told->stale && session_stamp_is(&told->stamp, s)) {
		*out = told;
		return ERR_OK;
	}
	session_stamp_take(&now, s);
	if (!told || told->stale)
		return tell_whole(b, e, &now, out, info);
	groups = session_stamp_groups(&told->stamp, &now);
	x = groups ? tell_change(b, told, e, groups, info) : ERR_OK;
	if (x != ERR_OK)
		return x;
	if (b->flushes != flushes) /* the change went over into a new block */
		return tell_whole(b, e, &now, out, info);
	told->stamp = now;
	*out = told;
	return ERR_OK;
}

/* Is what the block says of ST still so, for the command C? */
static bool is_told(const struct told_statement *told, uint32_t generation,
		    const struct statement_stamp *now, const struct command *c)
{
	if (!told || told->generation != generation || !statement_stamp_eq(&told->stamp, now))
		return false;
	return told->long_data_told || c->code != MYP_COM_STMT_EXECUTE || !c->statement->long_data;
}

/* Sees to it that the block says what the command's statement is. */
static enum err tell_statement(struct builder *b, const struct event *e, uint32_t number,
			       uint32_t generation, struct errinfo *info)
{
	const struct statement *st = e->command->statement;
	struct told_statement key = {.session = e->session->id, .id = st->id}, *told;
	uint64_t hash = hash_mix(key.session, key.id);
	bool executes = e->command->code == MYP_COM_STMT_EXECUTE;
	enum err x;

	statement_stamp_take(&key.stamp, st);
	told = map_get(&b->statements, hash, &key);
	if (is_told(told, generation, &key.stamp, e->command))
		return ERR_OK;
	begin_record(b);
	record_varint(&b->record, number);
	put_statement(&b->record, st, executes);
	if (too_long(b)) {
		begin_record(b);
		record_varint(&b->record, 0);
		record_u64(&b->record, key.session);
		put_statement(&b->record, st, executes);
	}
	x = add(b, RECORD_STATEMENT, e, info);
	if (x != ERR_OK)
		return x;
	told = map_get(&b->statements, hash, &key);
	if (!told) {
		told = arena_alloc(&b->told, sizeof(*told));
		if (!told)
			return ERR_NOMEM;
		x = map_put(&b->statements, hash, told);
	}
	key.generation = generation;
	key.long_data_told = executes || !st->long_data;
	*told = key;
	return x;
}

/* The number under which this block knows the result's columns; 0: they are to be told in place. */
static enum err tell_columns(struct builder *b, const struct result *x, uint32_t *number)
{
	struct columns_key key = {.raw = &b->raw};
	struct told_columns *told;
	uint64_t hash;
	enum err e;

	*number = 0;
	if (!x->columns)
		return ERR_OK;
	record_reset(&b->columns);
	put_columns(&b->columns, x->columns, x->column_count);
	if (b->columns.bytes.len > RECORDING_SHARED_COLUMNS_MAX)
		return record_err(&b->columns);
	key.bytes = buf_slice(&b->columns.bytes);
	hash = hash_bytes(key.bytes);
	told = map_get(&b->columns_told, hash, &key);
	if (told) {
		*number = told->number;
		return ERR_OK;
	}
	e = append(b, RECORD_COLUMNS, &b->columns);
	if (e != ERR_OK)
		return e;
	told = arena_alloc(&b->told, sizeof(*told));
	if (!told)
		return ERR_NOMEM;
	*told = (struct told_columns){
		.at = b->raw.len - key.bytes.len,
		.len = key.bytes.len,
		.number = ++b->columns_count,
	};
	*number = told->number;
	return map_put(&b->columns_told, hash, told);
}

static enum record_kind kind_of(const struct event *e)
{
	static const enum record_kind kinds[EVENT_TYPES] = {
		[EVENT_SESSION] = RECORD_LOGIN, [EVENT_COMMAND] = RECORD_COMMAND,
		[EVENT_DATA] = RECORD_DATA,     [EVENT_RESPONSE] = RECORD_RESPONSE,
		[EVENT_GAP] = RECORD_GAP,       [EVENT_END] = RECORD_END,
	};

	assert(e->type < EVENT_TYPES);
	return kinds[e->type];
}

/* What an event's record tells from. */
struct event_context {
	struct told_session *told; /* NULL: the record stands for itself */
	uint32_t shared[RECORDING_SHARED_RESULTS_MAX];
	size_t shared_count;
};

static void put_event(struct builder *b, const struct event *e, const struct event_context *ctx)
{
	struct record *r = &b->record;
	const struct told_session *told = ctx->told;
	uint64_t last_n = told ? told->last_n : 0;
	uint8_t *to;

	begin_record(b);
	to = record_room(r, EVENT_HEAD_MAX);
	if (!to)
		return;
	to = write_varint(to, told ? told->number : 0);
	if (!told)
		to = write_u64(to, e->session->id);
	to = write_difference(to, e->order, told ? b->order : 0);
	record_wrote(r, write_difference(to, (uint64_t)e->time_ns, told ? b->time : 0));
	switch (e->type) {
	case EVENT_COMMAND:
		put_command(r, e, last_n);
		break;
	case EVENT_DATA:
		put_data(r, e, last_n);
		break;
	case EVENT_RESPONSE:
		put_response(r, e, last_n, ctx->shared, ctx->shared_count);
		break;
	case EVENT_GAP:
		put_gap(r, e);
		break;
	case EVENT_END:
		put_end(r, e);
		break;
	case EVENT_SESSION:
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	}
}

/* What the event itself says of its session and statements. */
static void note_effect(struct builder *b, const struct event *e, struct told_session *told)
{
	const struct command *c = e->command;
	struct told_statement key;

	if (e->type != EVENT_COMMAND)
		return;
	told->last_n = c->n;
	if (c->code != MYP_COM_STMT_CLOSE || !c->has_statement)
		return;
	key = (struct told_statement){.session = e->session->id, .id = c->statement_id};
	(void)map_take(&b->statements, hash_mix(key.session, key.id), &key);
	if (c->statement && e->session->statements.count == 1)
		told->stamp.no_statements = true;
}

static enum err add_event(struct builder *b, const struct event *e, struct told_session *told,
			  struct errinfo *info)
{
	struct event_context ctx = {.told = told, .shared_count = 0};
	const struct response *p = e->type == EVENT_RESPONSE ? e->response : NULL;
	enum err x = ERR_OK;

	for (size_t i = 0; p && x == ERR_OK && i < p->result_count; i++) {
		if (i == RECORDING_SHARED_RESULTS_MAX)
			break;
		x = tell_columns(b, &p->results[i], &ctx.shared[i]);
		ctx.shared_count = i + 1;
	}
	if (x != ERR_OK)
		return x;
	put_event(b, e, &ctx);
	if (too_long(b)) {
		ctx = (struct event_context){.told = NULL, .shared_count = 0};
		put_event(b, e, &ctx);
		return append_in_pieces(b, kind_of(e), e, info);
	}
	x = append(b, kind_of(e), &b->record);
	b->order = e->order;
	b->time = (uint64_t)e->time_ns;
	note_effect(b, e, told);
	return x;
}

/* All that the block must say before the event. */
static enum err tell_before(struct builder *b, const struct event *e, struct told_session **told,
			    struct errinfo *info)
{
	uint64_t flushes;
	enum err x = tell_session(b, e, told, info);

	if (x != ERR_OK || e->type != EVENT_COMMAND || !e->command->statement)
		return x;
	flushes = b->flushes;
	x = tell_statement(b, e, (*told)->number, (*told)->generation, info);
	if (x == ERR_OK && b->flushes != flushes)
		x = tell_session(b, e, told, info); /* the statement went over into a new block */
	return x;
}

enum err builder_event(struct builder *b, const struct event *e, struct errinfo *info)
{
	struct told_session *told = NULL;
	enum err x = ERR_OK;

	if (b->raw.len >= b->aim)
		x = builder_flush(b, 0, info);
	if (x == ERR_OK)
		x = tell_before(b, e, &told, info);
	if (x == ERR_OK)
		x = add_event(b, e, told, info);
	if (x == ERR_NOMEM || x == ERR_LIMIT)
		return err_set(info, x, 0, "cannot record an event: %s", err_text(x));
	if (x != ERR_OK)
		return x;
	note_time(b, e);
	b->header.events++;
	b->header.sessions += e->type == EVENT_SESSION;
	return ERR_OK;
}
