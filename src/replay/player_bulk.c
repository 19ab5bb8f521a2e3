/*
 * player_bulk - a bulk execution for a target that does not have it: one execution for each set of parameters.
 *
 * As MariaDB does it: the first error ends it and is its answer. Of an INSERT or REPLACE none of the rows stays then, since
 * it is one statement to MariaDB; so it is bracketed, unless it is of one row only, by a savepoint or by a transaction of
 * its own: by autocommit, as BEGIN would unlock tables. Other statements are executed set by set also by MariaDB.
 */
#include "base/mem.h"
#include "mysql/bulk.h"
#include "replay/compare.h"
#include "replay/player.h"
#include "sql/assign.h"

enum bulk_phase { BULK_OPENING, BULK_SETS, BULK_UNDOING, BULK_CLOSING, BULK_ENDED };

enum bulk_bracket { BRACKET_NONE, BRACKET_AUTOCOMMIT, BRACKET_SAVEPOINT };

static const char *const opening[] = {
	[BRACKET_AUTOCOMMIT] = "SET autocommit=0",
	[BRACKET_SAVEPOINT] = "SAVEPOINT myna_bulk",
};
static const char *const closing[] = {
	[BRACKET_AUTOCOMMIT] = "SET autocommit=1", /* commits */
	[BRACKET_SAVEPOINT] = "RELEASE SAVEPOINT myna_bulk",
};
static const char *const undoing[] = {
	[BRACKET_AUTOCOMMIT] = "ROLLBACK",
	[BRACKET_SAVEPOINT] = "ROLLBACK TO SAVEPOINT myna_bulk",
};

struct bulk {
	enum bulk_phase phase;
	enum bulk_bracket bracket;
	struct myp_bulk_reader reader;
	struct facts answer; /* to all of it */
	struct response
		*units; /* an answer of one row for each set, where that was asked for; or NULL */
};

bool player_lacks_bulk(const struct player *p, struct item_command *c)
{
	struct cursor flags = cur_of(slice_skip(player_payload_of(c), 5));

	if (c->code != MYP_COM_STMT_BULK_EXECUTE)
		return false;
	return !(p->caps & MYP_CAP_MARIADB_STMT_BULK_OPERATIONS) ||
	       (cur_u16(&flags) & MYP_BULK_RETURN_GENERATED_IDS &&
		!(p->caps & MYP_CAP_MARIADB_BULK_UNIT_RESULTS));
}

void player_drop_bulk(struct player *p)
{
	if (p->bulk)
		worker_response_give(p->worker, p->bulk->units);
	mem_free(p->bulk);
	p->bulk = NULL;
}

static struct myp_execute_context context_of(struct item_command *c, const struct mapped *m)
{
	return (struct myp_execute_context){
		.param_count_known = true,
		.param_count = c->types_count ? (uint16_t)c->types_count : m->params,
		.types = c->types_count ? player_types_of(c) : m->bulk_types,
	};
}

/* --- results by row, as MariaDB answers them --- */

static void put_unit_column(struct response *r, const char *name)
{
	const struct slice text = slice_cstr(name);
	const struct myp_item item = {
		.kind = MYP_ITEM_COLUMN,
		.payload = text,
		.column = {.name = text, .type = MYP_TYPE_LONGLONG},
	};

	response_add(r, &item, true, NULL);
}

static bool begin_units(struct player *p, const struct item_command *c)
{
	const struct myp_item head = {.kind = MYP_ITEM_COLUMN_COUNT, .column_count = 2};
	struct response *r = worker_response_take(p->worker);

	if (!r)
		return false;
	response_begin(r, c->n, c->code);
	response_add(r, &head, true, NULL);
	put_unit_column(r, "Id");
	put_unit_column(r, "Affected_rows");
	p->bulk->units = r;
	return true;
}

static void put_u64(uint8_t to[8], uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		to[i] = (uint8_t)(v >> (8 * i));
}

static void add_unit(struct response *r, const struct facts *f)
{
	uint8_t row[18] = {0}; /* head, bitmap of NULLs, two numbers */
	const struct myp_item item = {.kind = MYP_ITEM_ROW, .payload = slice_of(row, sizeof(row))};

	put_u64(row + 2, f->insert_id);
	put_u64(row + 10, f->affected_rows);
	response_add(r, &item, true, NULL);
}

static void end_units(struct bulk *b)
{
	const struct myp_item end = {
		.kind = MYP_ITEM_ROWS_END,
		.ok = {.warnings = b->answer.warnings, .status = b->answer.status},
	};
	int64_t first_ns = b->answer.first_ns, last_ns = b->answer.last_ns;

	response_add(b->units, &end, true, NULL);
	response_end(b->units, true);
	facts_of(b->units, &b->answer);
	b->answer.first_ns = first_ns;
	b->answer.last_ns = last_ns;
}

/* --- answers --- */

static void add_warnings(struct facts *sum, const struct facts *f)
{
	const unsigned all = (unsigned)sum->warnings + f->warnings;

	sum->warnings = all < UINT16_MAX ? (uint16_t)all : UINT16_MAX;
}

/* The answer to one set. */
static void add_answer(struct bulk *b, const struct facts *f)
{
	struct facts *sum = &b->answer;

	if (f->error_code != 0) {
		*sum = *f;
		return;
	}
	if (b->units)
		add_unit(b->units, f);
	if (sum->results == 0) {
		*sum = *f;
		return;
	}
	sum->affected_rows += f->affected_rows;
	sum->rows += f->rows;
	sum->bytes += f->bytes;
	sum->status = f->status;
	if (sum->insert_id == 0)
		sum->insert_id = f->insert_id;
	if (f->rows > 0)
		sum->sum_known = false;
	add_warnings(sum, f);
}

static void tell_trouble(struct player *p, const struct facts *f)
{
	char text[REMARK_TEXT_MAX];

	snprintf(text, sizeof(text), "executing a bulk set by set: error %u (%s): %s",
		 f->error_code, f->sqlstate, f->message);
	outcome_trouble(&p->worker->outcome, text);
}

/* After an error; a deadlock takes the savepoint with it. */
static enum bulk_phase after_error(const struct bulk *b)
{
	if (b->bracket == BRACKET_NONE ||
	    (b->bracket == BRACKET_SAVEPOINT && chance_of(b->answer.error_code) == CHANCE_DEADLOCK))
		return BULK_ENDED;
	return BULK_UNDOING;
}

/* A commit that fails is what the client would have heard of. */
static void take_closing(struct player *p, const struct facts *f)
{
	struct bulk *b = p->bulk;

	if (f->error_code != 0 && b->answer.error_code == 0)
		b->answer = *f;
	else if (f->error_code != 0)
		tell_trouble(p, f);
	else
		b->answer.status = f->status;
}

void player_take_bulk(struct player *p, const struct facts *facts)
{
	struct bulk *b = p->bulk;

	switch (b->phase) {
	case BULK_OPENING:
		if (facts->error_code != 0) {
			tell_trouble(p, facts);
			b->bracket = BRACKET_NONE;
		}
		b->phase = BULK_SETS;
		break;
	case BULK_SETS:
		add_answer(b, facts);
		if (facts->error_code != 0)
			b->phase = after_error(b);
		break;
	case BULK_UNDOING:
		if (facts->error_code != 0)
			tell_trouble(p, facts);
		b->phase = BULK_CLOSING;
		break;
	case BULK_CLOSING:
		take_closing(p, facts);
		b->phase = BULK_ENDED;
		break;
	case BULK_ENDED:
		break;
	}
	b->answer.first_ns = facts->first_ns;
	b->answer.last_ns = facts->last_ns;
}

/* --- sending --- */

static enum bulk_bracket bracket_for(const struct player *p, struct item_command *c,
				     const struct myp_bulk_reader *first)
{
	if (first->at == player_payload_of(c).len || !sql_is_insert(player_text_of(c), c->sql))
		return BRACKET_NONE;
	return p->status & MYP_STATUS_AUTOCOMMIT && !(p->status & MYP_STATUS_IN_TRANS)
		       ? BRACKET_AUTOCOMMIT
		       : BRACKET_SAVEPOINT;
}

/* Those that came with this one: of so many values nobody else has kept them. False: no memory. */
static bool keep_types(struct mapped *m, struct slice payload, const struct myp_bulk_reader *r)
{
	return r->types_at == 0 || m->params == 0 ||
	       mapped_keep_types(m, slice_skip(payload, r->types_at)) == ERR_OK;
}

/* Makes ready for C, of which M stands on the target. False: its sets cannot be read. */
static bool begin(struct player *p, struct item *item, struct mapped *m)
{
	struct item_command *c = item_body(item);
	const struct myp_execute_context ctx = context_of(c, m);
	struct myp_bulk_reader reader, first;
	const struct slice payload = player_payload_of(c);

	if (myp_bulk_open(payload, &ctx, &reader) != ERR_OK)
		return false;
	first = reader;
	if (myp_bulk_next(&first, payload, &ctx, &p->worker->rewriter.params) != ERR_OK)
		return false;
	p->bulk = mem_zalloc(sizeof(*p->bulk));
	if (!p->bulk || !keep_types(m, payload, &reader) ||
	    (reader.flags & MYP_BULK_RETURN_GENERATED_IDS && !begin_units(p, c))) {
		player_lose(p, NOT_SENT_CONNECTION_LOST, err_text(ERR_NOMEM));
		return true;
	}
	p->bulk->reader = reader;
	p->bulk->bracket = bracket_for(p, c, &first);
	p->bulk->phase = p->bulk->bracket == BRACKET_NONE ? BULK_SETS : BULK_OPENING;
	p->worker->outcome.bulk_by_set++;
	atomic_store_explicit(&p->worker->engine->bulk_by_set, true, memory_order_relaxed);
	player_begin(p, item);
	return true;
}

static bool has_words(const struct myp_params *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].indicator > MYP_INDICATOR_NULL)
			return true;
	return false;
}

/* The payload for the set that the rewriter holds; *CODE is that of its command. */
static enum err make_set(struct player *p, struct item_command *c, const struct mapped *m,
			 uint8_t *code, struct slice *payload)
{
	const struct rewrite_text how = {
		.text = player_text_of(c), .options = c->sql, .collation = c->collation};
	struct rewriter *w = &p->worker->rewriter;

	*code = MYP_COM_STMT_EXECUTE;
	if (!m->as_text && !has_words(&w->params))
		return rewrite_bulk_set(w, p->caps, m->target_id, &w->params, payload);
	*code = MYP_COM_QUERY;
	return rewrite_bulk_set_as_text(w, p->caps, &how, &w->params, payload);
}

/* Sends the next set; those that cannot be sent are passed over. False: there is none, or P has to wait or is lost. */
static bool send_set(struct player *p, struct item_command *c, const struct mapped *m)
{
	const struct myp_execute_context ctx = context_of(c, m);
	struct outcome *o = &p->worker->outcome;
	struct bulk *b = p->bulk;
	struct myp_bulk_reader next = b->reader;
	struct slice payload;
	uint8_t code;
	enum err e;

	while ((e = myp_bulk_next(&next, player_payload_of(c), &ctx,
				  &p->worker->rewriter.params)) == ERR_OK) {
		if (make_set(p, c, m, &code, &payload) == ERR_OK) {
			if (!player_send_part(p, code, payload))
				return false;
			b->reader = next;
			o->bulk_sets++;
			return true;
		}
		b->reader = next;
		o->bulk_sets_left_out++;
	}
	o->bulk_sets_left_out += e != ERR_EOF;
	b->phase = b->bracket == BRACKET_NONE ? BULK_ENDED : BULK_CLOSING;
	return false;
}

static void send_words(struct player *p, const char *const *words)
{
	(void)player_send_own(p, OWN_BULK, MYP_COM_QUERY, slice_cstr(words[p->bulk->bracket]));
}

/* All sets were dealt with. */
static void end(struct player *p)
{
	struct bulk *b = p->bulk;

	if (b->answer.results == 0) /* none of them was sent */
		b->answer = (struct facts){.kind = RESPONSE_LOST};
	else if (b->units && b->answer.error_code == 0)
		end_units(b);
	player_end(p, &b->answer);
	player_drop_bulk(p);
}

bool player_send_bulk(struct player *p, struct item *item, struct mapped *m)
{
	struct item_command *c = item_body(item);

	if (!p->bulk && !begin(p, item, m))
		return player_leave_out(p, c, NOT_SENT_PARAMETERS_UNKNOWN);
	while (p->bulk && p->phase == PLAYER_READY) {
		switch (p->bulk->phase) {
		case BULK_OPENING:
			send_words(p, opening);
			break;
		case BULK_SETS:
			if (!send_set(p, c, m) && p->bulk && p->bulk->phase == BULK_SETS)
				return false;
			break;
		case BULK_UNDOING:
			send_words(p, undoing);
			break;
		case BULK_CLOSING:
			send_words(p, closing);
			break;
		case BULK_ENDED:
			end(p);
			return true;
		}
	}
	return false;
}
