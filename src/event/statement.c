/* statement - the server-side prepared statements of a session. */
#include "event/statement.h"

#include <assert.h>

#include "base/mem.h"

enum {
	BLOCK_STATEMENTS = 64,
	TABLE_FIRST = 4,      /* slots of a session's first table */
	ROOM_KEEP = 16 << 10, /* bytes of room that a pool in rest keeps */
};

struct statement_block {
	struct statement_block *next;
	struct statement places[BLOCK_STATEMENTS];
};

void statement_pool_init(struct statement_pool *pool, size_t max_bytes)
{
	*pool = (struct statement_pool){.count = 0};
	intern_init(&pool->shared, max_bytes);
	buf_init(&pool->room, SIZE_MAX / 2);
}

void statement_pool_release(struct statement_pool *pool)
{
	assert(pool->count == 0);
	while (pool->blocks) {
		struct statement_block *block = pool->blocks;

		pool->blocks = block->next;
		mem_free(block);
	}
	pool->spare = NULL;
	intern_release(&pool->shared);
	buf_release(&pool->room);
}

/* Room for SIZE bytes until the next call. */
static void *room(struct statement_pool *pool, size_t size)
{
	buf_shrink(&pool->room, ROOM_KEEP);
	return buf_reserve(&pool->room, size);
}

struct slice statement_text(const struct statement *st)
{
	return st->text ? intern_bytes(st->text) : slice_of(NULL, 0);
}

uint64_t statement_digest(const struct statement *st)
{
	return st->text ? intern_mark(st->text) : 0;
}

uint16_t *statement_types_room(struct statement_pool *pool, uint16_t count)
{
	return room(pool, count * sizeof(uint16_t));
}

void statement_drop_types(struct statement_pool *pool, struct statement *st)
{
	intern_drop(&pool->shared, st->types);
	st->types = NULL;
}

enum err statement_set_types(struct statement_pool *pool, struct statement *st,
			     const uint16_t *types, uint16_t count)
{
	const struct slice bytes = slice_of(types, count * sizeof(*types));
	const void *shared = NULL;
	enum err e;

	if (count == 0)
		return ERR_OK;
	if (st->types && st->param_count == count && memcmp(st->types, types, bytes.len) == 0)
		return ERR_OK;
	e = intern_take(&pool->shared, bytes, 0, &shared);
	statement_drop_types(pool, st);
	if (st->param_count != count)
		statement_drop_long_data(st); /* its buffers are counted by param_count */
	st->types = shared;
	st->param_count = count;
	return e;
}

void statement_drop_columns(struct statement_pool *pool, struct statement *st)
{
	intern_drop(&pool->shared, st->columns);
	st->columns = NULL;
}

enum err statement_set_columns(struct statement_pool *pool, struct statement *st,
			       const struct rowsum_column *columns, uint16_t count)
{
	const size_t size = count * sizeof(*columns);
	struct rowsum_column *bare = room(pool, size);
	const void *shared = NULL;
	enum err e = ERR_NOMEM;

	if (bare) {
		memset(bare, 0, size); /* what lies between the fields is compared, too */
		for (uint16_t i = 0; i < count; i++) {
			bare[i].type = columns[i].type;
			bare[i].decimals = columns[i].decimals;
			bare[i].flags = columns[i].flags;
		}
		e = intern_take(&pool->shared, slice_of(bare, size), 0, &shared);
	}
	statement_drop_columns(pool, st);
	st->columns = (struct rowsum_column *)(uintptr_t)shared;
	st->column_count = count;
	return e;
}

enum err statement_add_long_data(struct statement *st, uint16_t param, struct slice bytes,
				 size_t limit)
{
	if (param >= st->param_count)
		return ERR_PROTO;
	if (!st->long_data) {
		st->long_data = mem_zalloc(st->param_count * sizeof(*st->long_data));
		if (!st->long_data)
			return ERR_NOMEM;
	}
	if (!st->long_data[param].max)
		buf_init(&st->long_data[param], limit);
	buf_reserve(&st->long_data[param], 1); /* an empty piece is data, too */
	buf_put_slice(&st->long_data[param], bytes);
	return buf_err(&st->long_data[param]);
}

bool statement_has_long_data(const struct statement *st, uint16_t param)
{
	return st->long_data && param < st->param_count && st->long_data[param].ptr;
}

void statement_drop_long_data(struct statement *st)
{
	if (!st->long_data)
		return;
	for (uint16_t i = 0; i < st->param_count; i++)
		buf_release(&st->long_data[i]);
	mem_free(st->long_data);
	st->long_data = NULL;
}

/* A block of places, where there is no spare one. */
static bool add_block(struct statement_pool *pool)
{
	struct statement_block *block = mem_alloc(sizeof(*block));

	if (!block)
		return false;
	block->next = pool->blocks;
	pool->blocks = block;
	for (size_t i = 0; i < BLOCK_STATEMENTS; i++) {
		block->places[i].next_spare = pool->spare;
		pool->spare = &block->places[i];
	}
	return true;
}

static void statement_free(struct statement_pool *pool, struct statement *st)
{
	statement_drop_long_data(st);
	statement_drop_types(pool, st);
	statement_drop_columns(pool, st);
	intern_drop(&pool->shared, st->text);
	st->next_spare = pool->spare;
	pool->spare = st;
	pool->count--;
}

static enum err statement_new(struct statement_pool *pool, uint32_t id, const struct slice *text,
			      uint64_t digest, struct statement **out)
{
	struct statement *st;
	enum err e;

	if (!pool->spare && !add_block(pool))
		return ERR_NOMEM;
	st = pool->spare;
	pool->spare = st->next_spare;
	pool->count++;
	*st = (struct statement){
		.id = id,
		.serial = ++pool->serial & ((UINT64_C(1) << STATEMENT_SERIAL_BITS) - 1),
	};
	e = text ? intern_take(&pool->shared, *text, digest, &st->text) : ERR_OK;
	if (e != ERR_OK) {
		statement_free(pool, st);
		return e;
	}
	*out = st;
	return ERR_OK;
}

/*
 * The slot where ID's search begins. Ids are small and in order: the golden ratio keeps them apart, and others, whatever
 * they are multiples of.
 */
static uint32_t home(const struct statement_table *t, uint32_t id)
{
	return (uint32_t)((uint64_t)(id * UINT32_C(0x9e3779b1)) * t->cap >> 32);
}

/* The slot that holds ID, or the free one where it would go. */
static uint32_t find(const struct statement_table *t, uint32_t id)
{
	uint32_t i = home(t, id);

	while (t->slots[i] && t->slots[i]->id != id)
		i = (i + 1) & (t->cap - 1);
	return i;
}

struct statement *statement_table_get(const struct statement_table *t, uint32_t id)
{
	return t->count > 0 ? t->slots[find(t, id)] : NULL;
}

static enum err grow(struct statement_table *t)
{
	struct statement_table larger = {
		.cap = t->cap ? t->cap * 2 : TABLE_FIRST,
		.count = t->count,
	};

	larger.slots = mem_zalloc(larger.cap * sizeof(struct statement *));
	if (!larger.slots)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < t->cap; i++)
		if (t->slots[i])
			larger.slots[find(&larger, t->slots[i]->id)] = t->slots[i];
	mem_free(t->slots);
	*t = larger;
	return ERR_OK;
}

enum err statement_table_put(struct statement_table *t, struct statement_pool *pool, uint32_t id,
			     const struct slice *text, uint64_t digest, struct statement **out)
{
	struct statement *st = NULL;
	enum err e = statement_new(pool, id, text, digest, &st);

	statement_table_remove(t, pool, id);
	if (e != ERR_OK)
		return e;
	if (t->count == SESSION_STATEMENTS_MAX)
		e = ERR_LIMIT;
	else if ((t->count + 1) * 4 > t->cap * 3)
		e = grow(t);
	if (e != ERR_OK) {
		statement_free(pool, st);
		return e;
	}
	t->slots[find(t, id)] = st;
	t->count++;
	*out = st;
	return ERR_OK;
}

void statement_table_remove(struct statement_table *t, struct statement_pool *pool, uint32_t id)
{
	const uint32_t mask = t->cap - 1;
	struct statement *st = statement_table_get(t, id);
	uint32_t hole;

	if (!st)
		return;
	hole = find(t, id);
	statement_free(pool, st);
	t->count--;
	/* Moves later ones of the same run back, so that no search ends too early. */
	for (uint32_t i = (hole + 1) & mask; t->slots[i]; i = (i + 1) & mask) {
		if (((i - home(t, t->slots[i]->id)) & mask) >= ((i - hole) & mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = NULL;
}

void statement_table_clear(struct statement_table *t, struct statement_pool *pool)
{
	struct statement *st;
	size_t at = 0;

	while ((st = statement_table_next(t, &at)) != NULL)
		statement_free(pool, st);
	mem_free(t->slots);
	*t = (struct statement_table){.cap = 0};
}

struct statement *statement_table_next(const struct statement_table *t, size_t *at)
{
	while (*at < t->cap) {
		struct statement *st = t->slots[(*at)++];

		if (st)
			return st;
	}
	return NULL;
}
