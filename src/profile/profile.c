/* profile - statistics per digest. */
#include "profile/profile.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"
#include "sql/digest.h"
#include "sql/shape.h"

/* What takes the digest's place in keys of rows without one. */
static const uint64_t COMMAND_SEED = UINT64_C(0x434f4d4d414e4400);
static const uint64_t OTHERS_KEY = UINT64_C(0x4f54484552530000);

enum {
	SHAPES_LOG2 = 12,
	FIRST_SHIFT = 16, /* an exchange's order stands above so many bits of its row's first */
};

/* The row of the statements of a shape, as found before. */
struct shape_row {
	uint64_t shape; /* 0: free */
	struct profile_row *row;
};

struct profile {
	struct map rows;                           /* struct profile_row by key */
	struct shape_row shapes[1 << SHAPES_LOG2]; /* by the shape's lowest bits; the newer wins */
	size_t rows_max;                           /* without the one for what is over it */
	uint64_t last_first;                       /* of the row that came last */
	struct buf text;                           /* in which a new row's text is made */
};

enum err profile_new(size_t rows_max, struct profile **out)
{
	struct profile *p = mem_zalloc(sizeof(*p));

	assert(rows_max > 0 && rows_max <= PROFILE_ROWS_MAX);
	if (!p)
		return ERR_NOMEM;
	p->rows_max = rows_max;
	map_init(&p->rows, 2 * rows_max + 1, NULL); /* so many while another is merged in */
	buf_init(&p->text, MYP_PAYLOAD_MAX);
	*out = p;
	return ERR_OK;
}

static void row_free(struct profile_row *row)
{
	profile_stats_release(&row->stats);
	mem_free(row->text);
	mem_free(row);
}

void profile_free(struct profile *p)
{
	struct profile_row *row;

	if (!p)
		return;
	for (size_t at = 0; (row = map_next(&p->rows, &at));)
		row_free(row);
	map_release(&p->rows);
	buf_release(&p->text);
	mem_free(p);
}

/*
 * What is put before a statement's text when the command is not its execution; NULL: not such a
 * command.
 */
static const char *handling_of(uint8_t command)
{
	switch (command) {
	case MYP_COM_STMT_PREPARE:
		return "PREPARE";
	case MYP_COM_STMT_CLOSE:
		return "CLOSE";
	case MYP_COM_STMT_RESET:
		return "RESET";
	case MYP_COM_STMT_FETCH:
		return "FETCH";
	case MYP_COM_STMT_SEND_LONG_DATA:
		return "LONG DATA";
	default:
		return NULL;
	}
}

static bool is_execution(uint8_t command)
{
	return command == MYP_COM_QUERY || command == MYP_COM_STMT_EXECUTE ||
	       command == MYP_COM_STMT_BULK_EXECUTE;
}

static enum profile_kind kind_of(const struct command *c, uint64_t digest)
{
	if (digest != 0 && is_execution(c->code))
		return PROFILE_STATEMENT;
	if (digest != 0 && handling_of(c->code))
		return PROFILE_HANDLING;
	return PROFILE_COMMAND;
}

static uint64_t key_of(enum profile_kind kind, uint8_t command, uint64_t digest)
{
	if (kind == PROFILE_STATEMENT)
		return digest;
	return hash_mix(kind == PROFILE_HANDLING ? digest : COMMAND_SEED, command);
}

uint64_t profile_key(const struct session *s, const struct command *c)
{
	uint64_t digest = command_digest(s, c);

	return key_of(kind_of(c, digest), c->code, digest);
}

/* A copy of the row's text, which stands in P->text and may be too long. */
static char *text_keep(const struct buf *text)
{
	static const char more[] = "...";
	size_t len = text->len;
	char *copy;

	if (len <= PROFILE_TEXT_MAX)
		return mem_copy_str(text->ptr, len);
	len = PROFILE_TEXT_MAX - (sizeof(more) - 1);
	while (len > 0 && (text->ptr[len] & 0xc0) == 0x80) /* not inside a character */
		len--;
	copy = mem_copy_str(text->ptr, PROFILE_TEXT_MAX);
	if (copy)
		memcpy(copy + len, more, sizeof(more));
	return copy;
}

/* A failure is OUT's. */
static void put_digest(struct buf *out, const struct session *s, const struct command *c)
{
	struct slice text = c->statement ? statement_text(c->statement) : c->text;

	if (sql_digest_text(text, session_sql_options(s), out) != ERR_OK)
		return;
}

static void text_put(struct buf *out, enum profile_kind kind, const struct session *s,
		     const struct command *c)
{
	const char *name = myp_command_name(c->code);

	switch (kind) {
	case PROFILE_HANDLING:
		buf_printf(out, "%s: ", handling_of(c->code));
		put_digest(out, s, c);
		break;
	case PROFILE_STATEMENT:
		put_digest(out, s, c);
		break;
	case PROFILE_COMMAND:
		if (name)
			buf_put_cstr(out, name);
		else
			buf_printf(out, "0x%02x", c->code);
		if (is_execution(c->code) || handling_of(c->code))
			buf_put_cstr(out, " (statement not known)");
		break;
	case PROFILE_OTHERS: /* it is no command's */
		break;
	}
}

static enum err row_add(struct profile *p, const struct profile_row *like, struct profile_row **out)
{
	struct profile_row *row = mem_zalloc(sizeof(*row));

	if (!row)
		return ERR_NOMEM;
	*row = *like;
	profile_stats_init(&row->stats);
	row->text = text_keep(&p->text);
	if (!row->text || map_put(&p->rows, row->key, row) != ERR_OK) {
		row_free(row);
		return ERR_NOMEM;
	}
	*out = row;
	return ERR_OK;
}

static enum err others_find(struct profile *p, struct profile_row **out)
{
	struct profile_row like = {.key = OTHERS_KEY, .kind = PROFILE_OTHERS};

	*out = map_get(&p->rows, OTHERS_KEY, NULL);
	if (*out)
		return ERR_OK;
	buf_reset(&p->text);
	buf_put_cstr(&p->text, "(others)");
	return row_add(p, &like, out);
}

static enum err find_by_digest(struct profile *p, const struct session *s, const struct command *c,
			       struct profile_row **out)
{
	struct profile_row like = {.digest = command_digest(s, c), .command = c->code};
	struct profile_row *row;
	enum err e;

	like.kind = kind_of(c, like.digest);
	like.key = key_of(like.kind, c->code, like.digest);
	row = map_get(&p->rows, like.key, NULL);
	if (row) {
		*out = row;
		return ERR_OK;
	}
	if (p->rows.count >= p->rows_max)
		return others_find(p, out);
	buf_reset(&p->text);
	text_put(&p->text, like.kind, s, c);
	e = buf_err(&p->text) == ERR_OK ? row_add(p, &like, out) : ERR_NOMEM;
	buf_shrink(&p->text, PROFILE_TEXT_MAX);
	return e;
}

/* The shape of C; 0: it is of no kind for that. */
static uint64_t shape_of(const struct session *s, const struct command *c)
{
	if (c->code != MYP_COM_QUERY || !c->text_known)
		return 0;
	return sql_shape(c->text, session_sql_options(s));
}

enum err profile_find(struct profile *p, const struct session *s, const struct command *c,
		      struct profile_row **out)
{
	const uint64_t shape = shape_of(s, c);
	struct shape_row *known = &p->shapes[shape & ((1u << SHAPES_LOG2) - 1)];
	enum err e;

	if (shape && known->shape == shape) {
		*out = known->row;
		return ERR_OK;
	}
	e = find_by_digest(p, s, c, out);
	if (e == ERR_OK && shape && (*out)->kind == PROFILE_STATEMENT)
		*known = (struct shape_row){.shape = shape, .row = *out};
	return e;
}

struct profile_row *profile_get(const struct profile *p, uint64_t key)
{
	return map_get(&p->rows, key, NULL);
}

void profile_call_of(const struct exchange *x, struct profile_call *out)
{
	const struct response *r = x->response;
	const struct result *last = response_last(r);

	*out = (struct profile_call){
		.time_ns = x->command->first_ns,
		.latency_ns = x->latency_ns,
		.duration_ns = x->duration_ns,
		.error = r->kind == RESPONSE_ERROR,
		.lost = r->kind == RESPONSE_LOST,
		.rows = r->rows,
		.affected_rows = r->affected_rows,
		.warnings = last ? last->warnings : 0,
		.bytes = r->bytes,
	};
}

/* Above all before it, also of exchanges with the same order. */
static uint64_t next_first(struct profile *p, uint64_t order)
{
	uint64_t first = order << FIRST_SHIFT;

	p->last_first = first > p->last_first ? first : p->last_first + 1;
	return p->last_first;
}

enum err profile_add(struct profile *p, const struct exchange *x)
{
	struct profile_call call;
	struct profile_row *row;
	enum err e = profile_find(p, x->session, x->command, &row);

	if (e != ERR_OK)
		return e;
	if (row->first == 0)
		row->first = next_first(p, x->order);
	profile_call_of(x, &call);
	return profile_stats_add(&row->stats, &call);
}

/* The row of INTO that FROM's row counts under. */
static enum err merge_find(struct profile *into, const struct profile_row *from,
			   struct profile_row **out)
{
	*out = map_get(&into->rows, from->key, NULL);
	if (*out)
		return ERR_OK;
	if (from->kind == PROFILE_OTHERS)
		return others_find(into, out);
	buf_reset(&into->text);
	buf_put_cstr(&into->text, from->text);
	return buf_err(&into->text) == ERR_OK ? row_add(into, from, out) : ERR_NOMEM;
}

/* Others come last of all. */
static int first_cmp(const void *a, const void *b)
{
	const struct profile_row *x = *(const struct profile_row *const *)a;
	const struct profile_row *y = *(const struct profile_row *const *)b;

	if ((x->kind == PROFILE_OTHERS) != (y->kind == PROFILE_OTHERS))
		return x->kind == PROFILE_OTHERS ? 1 : -1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static enum err become_others(struct profile *p, struct profile_row *row)
{
	struct profile_row *others;
	enum err e = others_find(p, &others);

	if (e == ERR_OK)
		e = profile_stats_merge(&others->stats, &row->stats);
	if (e != ERR_OK)
		return e;
	(void)map_take(&p->rows, row->key, NULL);
	row_free(row);
	return ERR_OK;
}

/* What came first is what a single profile would have given rows to. */
static enum err keep_first(struct profile *p)
{
	struct profile_row **list;
	enum err e = ERR_OK;
	size_t n = 0;

	if (p->rows.count <= p->rows_max)
		return ERR_OK;
	memset(p->shapes, 0, sizeof(p->shapes));
	list = mem_alloc((p->rows.count + 1) * sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (size_t at = 0; (list[n] = map_next(&p->rows, &at));)
		n++;
	qsort(list, n, sizeof(*list), first_cmp);
	for (size_t i = p->rows_max; e == ERR_OK && i < n; i++)
		if (list[i]->kind != PROFILE_OTHERS)
			e = become_others(p, list[i]);
	mem_free(list);
	return e;
}

enum err profile_merge(struct profile *into, const struct profile *from)
{
	const struct profile_row *row;

	for (size_t at = 0; (row = map_next(&from->rows, &at));) {
		struct profile_row *to;
		enum err e = merge_find(into, row, &to);

		if (e == ERR_OK)
			e = profile_stats_merge(&to->stats, &row->stats);
		if (e != ERR_OK)
			return e;
		if (to->first == 0 || row->first < to->first)
			to->first = row->first;
	}
	return keep_first(into);
}

size_t profile_count(const struct profile *p)
{
	return p->rows.count;
}

enum err profile_total(const struct profile *p, struct profile_stats *total)
{
	struct profile_stats sum;
	const struct profile_row *row;
	enum err e = ERR_OK;

	profile_stats_init(&sum);
	for (size_t at = 0; e == ERR_OK && (row = map_next(&p->rows, &at));)
		e = profile_stats_merge(&sum, &row->stats);
	if (e != ERR_OK)
		profile_stats_release(&sum);
	else
		*total = sum;
	return e;
}

/* What rows are sorted by. */
static double weight(const struct profile_row *row, enum profile_order order)
{
	const struct profile_stats *s = &row->stats;

	switch (order) {
	case PROFILE_BY_TIME:
		return (double)s->total_ns;
	case PROFILE_BY_CALLS:
		return (double)s->calls;
	case PROFILE_BY_MEAN:
		return hist_mean_ns(&s->latency);
	case PROFILE_BY_MAX:
		return (double)s->latency.max_ns;
	case PROFILE_BY_ROWS:
		return (double)s->rows;
	case PROFILE_BY_ERRORS:
		return (double)s->errors;
	}
	return 0;
}

static int row_cmp(const void *a, const void *b, void *order)
{
	const struct profile_row *x = *(const struct profile_row *const *)a;
	const struct profile_row *y = *(const struct profile_row *const *)b;
	double wx = weight(x, *(const enum profile_order *)order);
	double wy = weight(y, *(const enum profile_order *)order);

	if (wx != wy)
		return wx > wy ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

enum err profile_sorted(const struct profile *p, enum profile_order order,
			const struct profile_row ***rows)
{
	const struct profile_row **list =
		mem_alloc((p->rows.count + 1) * sizeof(struct profile_row *));
	size_t n = 0;

	if (!list)
		return ERR_NOMEM;
	for (size_t at = 0; (list[n] = map_next(&p->rows, &at));)
		n++;
	qsort_r(list, n, sizeof(struct profile_row *), row_cmp, &order);
	*rows = list;
	return ERR_OK;
}
