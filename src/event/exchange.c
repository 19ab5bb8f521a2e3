/*
 * exchange - command and response joined.
 *
 * Held commands wait in one queue per session. A held command keeps all its bytes in one buffer; done
 * ones go to a list and are used again, so that the steady state allocates nothing.
 */
#include "event/exchange.h"

#include "base/mem.h"

enum { HELD_KEEP = 16 << 10 }; /* bytes of buffer that a spare keeps */

struct held {
	struct held *next;
	struct command command;
	uint64_t serial; /* of its statement; 0: none */
	struct myp_params params, attributes;
	struct buf bytes;
};

struct queue {
	uint64_t session;
	struct held *first, *last;
};

struct exchange_join {
	exchange_fn *fn;
	void *ctx;
	struct map queues; /* struct queue by session id */
	struct held *spare;
	size_t pending;
};

enum err exchange_join_new(exchange_fn *fn, void *ctx, struct exchange_join **out)
{
	struct exchange_join *j = mem_zalloc(sizeof(*j));

	if (!j)
		return ERR_NOMEM;
	j->fn = fn;
	j->ctx = ctx;
	map_init(&j->queues, SIZE_MAX, NULL);
	*out = j;
	return ERR_OK;
}

static void held_free(struct held *h)
{
	myp_params_release(&h->params);
	myp_params_release(&h->attributes);
	buf_release(&h->bytes);
	mem_free(h);
}

static void free_list(struct held *h)
{
	while (h) {
		struct held *next = h->next;

		held_free(h);
		h = next;
	}
}

void exchange_join_free(struct exchange_join *j)
{
	struct queue *q;
	size_t at = 0;

	if (!j)
		return;
	while ((q = map_next(&j->queues, &at)) != NULL) {
		free_list(q->first);
		mem_free(q);
	}
	map_release(&j->queues);
	free_list(j->spare);
	mem_free(j);
}

static struct held *take_spare(struct exchange_join *j)
{
	struct held *h = j->spare;

	if (h) {
		j->spare = h->next;
		buf_shrink(&h->bytes, HELD_KEEP);
		return h;
	}
	h = mem_zalloc(sizeof(*h));
	if (h)
		buf_init(&h->bytes, SIZE_MAX / 2);
	return h;
}

static void give_spare(struct exchange_join *j, struct held *h)
{
	h->next = j->spare;
	j->spare = h;
}

static bool has_bytes(const struct myp_value *v)
{
	return v->kind == MYP_VALUE_TEXT || v->kind == MYP_VALUE_BYTES;
}

static size_t params_size(const struct myp_params *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += p->items[i].name.len +
		     (has_bytes(&p->items[i].value) ? p->items[i].value.bytes.len : 0);
	return n;
}

/* Puts S into B, in which there is room, and returns where it now is. */
static struct slice put(struct buf *b, struct slice s)
{
	size_t at = b->len;

	buf_put_slice(b, s);
	return slice_of(b->ptr + at, s.len);
}

static enum err copy_params(struct buf *bytes, struct myp_params *to, const struct myp_params *from)
{
	enum err e = myp_params_resize(to, from->count);

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < from->count; i++) {
		to->items[i] = from->items[i];
		to->items[i].name = put(bytes, from->items[i].name);
		if (has_bytes(&from->items[i].value))
			to->items[i].value.bytes = put(bytes, from->items[i].value.bytes);
	}
	return ERR_OK;
}

static enum err copy_command(struct held *h, const struct command *c)
{
	struct buf *b = &h->bytes;
	size_t size =
		c->text.len + c->database.len + params_size(c->params) + params_size(c->attributes);
	enum err e;

	/* All room at once, so that what is put does not move. */
	if (!buf_reserve(b, size))
		return ERR_NOMEM;
	h->command = *c;
	h->command.payload = (struct slice){.ptr = NULL, .len = 0};
	h->command.text = put(b, c->text);
	h->command.database = put(b, c->database);
	h->command.params = &h->params;
	h->command.attributes = &h->attributes;
	h->serial = c->statement ? c->statement->serial : 0;
	e = copy_params(b, &h->params, c->params);
	return e == ERR_OK ? copy_params(b, &h->attributes, c->attributes) : e;
}

static enum err queue_get(struct exchange_join *j, uint64_t session, struct queue **out)
{
	struct queue *q = map_get(&j->queues, session, NULL);
	enum err e;

	if (!q) {
		q = mem_zalloc(sizeof(*q));
		if (!q)
			return ERR_NOMEM;
		q->session = session;
		e = map_put(&j->queues, session, q);
		if (e != ERR_OK) {
			mem_free(q);
			return e;
		}
	}
	*out = q;
	return ERR_OK;
}

static enum err hold(struct exchange_join *j, const struct event *e)
{
	struct queue *q;
	struct held *h;
	enum err err = queue_get(j, e->session->id, &q);

	if (err != ERR_OK)
		return err;
	if (j->pending >= EXCHANGE_PENDING_MAX)
		return ERR_LIMIT;
	h = take_spare(j);
	if (!h)
		return ERR_NOMEM;
	err = copy_command(h, e->command);
	if (err != ERR_OK) {
		held_free(h);
		return err;
	}
	h->next = NULL;
	if (q->last)
		q->last->next = h;
	else
		q->first = h;
	q->last = h;
	j->pending++;
	return ERR_OK;
}

static struct held *pop(struct exchange_join *j, struct queue *q)
{
	struct held *h = q->first;

	if (h) {
		q->first = h->next;
		if (!q->first)
			q->last = NULL;
		j->pending--;
	}
	return h;
}

static enum err deliver(struct exchange_join *j, struct held *h, const struct event *e,
			struct errinfo *info)
{
	const struct response *r = e->response;
	struct command *c = &h->command;
	struct exchange x = {
		.session = e->session,
		.command = c,
		.response = r,
		.order = e->order,
		.latency_ns = r->heard ? r->first_ns - c->last_ns : -1,
		.duration_ns = r->heard ? r->last_ns - c->first_ns : -1,
	};

	/* Closed meanwhile, or another one of the same id? Then only its text is left. */
	c->statement = h->serial ? session_statement_get(e->session, c->statement_id) : NULL;
	if (c->statement && c->statement->serial != h->serial)
		c->statement = NULL;
	return j->fn(j->ctx, &x, info);
}

/* The command that the response answers; those before it in the queue will get no answer any more. */
static enum err answer(struct exchange_join *j, const struct event *e, struct errinfo *info)
{
	struct queue *q = map_get(&j->queues, e->session->id, NULL);
	struct held *h;
	enum err err;

	while (q && q->first && q->first->command.n < e->response->n)
		give_spare(j, pop(j, q));
	if (!q || !q->first || q->first->command.n != e->response->n)
		return ERR_OK; /* heard from a window that begins behind the command */
	h = pop(j, q);
	err = deliver(j, h, e, info);
	give_spare(j, h);
	return err;
}

static void end(struct exchange_join *j, uint64_t session)
{
	struct queue *q = map_take(&j->queues, session, NULL);

	if (!q)
		return;
	while (q->first)
		give_spare(j, pop(j, q));
	mem_free(q);
}

enum err exchange_join_event(struct exchange_join *j, const struct event *e, struct errinfo *info)
{
	enum err err = ERR_OK;

	switch (e->type) {
	case EVENT_COMMAND:
		err = hold(j, e);
		if (err != ERR_OK)
			return err_set(info, err, 0, "keeping a command until it is answered: %s",
				       err_text(err));
		break;
	case EVENT_RESPONSE:
		err = answer(j, e, info);
		break;
	case EVENT_END:
		end(j, e->session->id);
		break;
	case EVENT_SESSION:
	case EVENT_DATA:
	case EVENT_GAP:
	case EVENT_PACKET:
	case EVENT_TYPES:
		break;
	}
	return err;
}
