/* explain - what the target's EXPLAIN says of the statements that got slower. */
#include "replay/explain.h"

#include <poll.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/connection.h"
#include "mysql/query.h"
#include "replay/outcome_write.h"

static const int64_t EXPLAIN_WAIT_NS = 10 * NS_PER_S;

enum { TITLES_MAX = 32, TITLE_MAX = 64, STATEMENT_ROOM = EXAMPLE_TEXT_MAX + 256 };

struct explainer {
	struct connection *connection;
	struct buf command, plan;
	char titles[TITLES_MAX][TITLE_MAX];
	size_t title_count;
};

/* Waits for what the connection wants, until UNTIL_NS. */
static bool wait_io(struct connection *c, int64_t until_ns)
{
	const unsigned wants = connection_wants(c);
	const int64_t left_ns = until_ns - clock_mono_ns(), due_ns = connection_due_ns(c);
	struct pollfd p = {
		.fd = connection_fd(c),
		.events = (short)((wants & CONNECTION_WANT_READ ? POLLIN : 0) |
				  (wants & CONNECTION_WANT_WRITE ? POLLOUT : 0)),
	};

	if (left_ns <= 0 || connection_phase(c) == CONNECTION_FAILED)
		return false;
	if (due_ns > clock_mono_ns())
		(void)poll(&p, 1, left_ns < NS_PER_S ? (int)(left_ns / NS_PER_MS) + 1 : 1000);
	connection_io(c);
	return connection_phase(c) != CONNECTION_FAILED;
}

static void take_column(struct explainer *x, const struct myp_column *column)
{
	char *to;
	struct slice name = slice_head(column->name, TITLE_MAX - 1);

	if (x->title_count == TITLES_MAX)
		return;
	to = x->titles[x->title_count++];
	if (name.len > 0)
		memcpy(to, name.ptr, name.len);
	to[name.len] = '\0';
}

/* Columns that are NULL are left out; what is the only one, MySQL's plan as a tree, needs no title. */
static void take_row(struct explainer *x, struct slice payload)
{
	struct cursor c = cur_of(payload);

	for (size_t i = 0; i < x->title_count && cur_ok(&c) && cur_left(&c) > 0; i++) {
		struct slice value;

		if (cur_peek(&c) == MYP_LENENC_NULL) {
			cur_skip(&c, 1);
			continue;
		}
		value = myp_cur_lenenc_bytes(&c);
		if (!cur_ok(&c))
			break;
		buf_put_cstr(&x->plan, i > 0 ? "  " : "");
		if (x->title_count > 1) {
			buf_put_cstr(&x->plan, x->titles[i]);
			buf_put_cstr(&x->plan, ": ");
		}
		while (value.len > 0 && value.ptr[value.len - 1] == '\n')
			value.len--;
		buf_put_slice(&x->plan, value);
	}
	buf_put_u8(&x->plan, '\n');
}

static void take_item(struct explainer *x, const struct myp_item *item)
{
	char text[64];

	switch ((unsigned)item->kind) {
	case MYP_ITEM_COLUMN:
		take_column(x, &item->column);
		break;
	case MYP_ITEM_ROW:
		take_row(x, item->payload);
		break;
	case MYP_ITEM_ERR:
		snprintf(text, sizeof(text), "EXPLAIN failed: error %u (%s)", item->err.code,
			 item->err.sqlstate);
		buf_put_cstr(&x->plan, text);
		break;
	default: /* nothing of it is shown */
		break;
	}
}

/* Sends what is in COMMAND and reads the whole answer. */
static enum err ask(struct explainer *x, uint8_t code, struct errinfo *info)
{
	const int64_t until_ns = clock_mono_ns() + EXPLAIN_WAIT_NS;
	struct myp_packet packet;
	struct myp_answer answer;
	struct myp_item item;
	enum err e = buf_err(&x->command);

	x->title_count = 0;
	buf_reset(&x->plan);
	if (e == ERR_OK)
		e = connection_send(x->connection, buf_slice(&x->command));
	if (e != ERR_OK)
		return err_set(info, e, 0, "EXPLAIN: %s", err_text(e));
	myp_answer_begin(&answer, code, connection_caps(x->connection));
	while (!myp_answer_done(&answer)) {
		if (connection_receive(x->connection, &packet) == ERR_OK) {
			if (myp_answer_packet(&answer, &packet, &item) != ERR_OK)
				return err_set(info, ERR_IO, 0, "EXPLAIN: no answer to it");
			take_item(x, &item);
		} else if (!wait_io(x->connection, until_ns)) {
			return err_set(info, ERR_IO, 0, "EXPLAIN: the target does not answer");
		}
	}
	return ERR_OK;
}

static enum err explain_row(struct explainer *x, const struct example *example,
			    struct outcome_row *row, struct errinfo *info)
{
	const struct myp_params none = {.count = 0};
	struct buf text;
	enum err e = ERR_OK;

	if (*example->database) {
		buf_reset(&x->command);
		buf_put_u8(&x->command, MYP_COM_INIT_DB);
		buf_put_cstr(&x->command, example->database);
		e = ask(x, MYP_COM_INIT_DB, info);
		if (e != ERR_OK)
			return e;
	}
	buf_init(&text, STATEMENT_ROOM);
	buf_put_cstr(&text, "EXPLAIN ");
	buf_put_cstr(&text, example->text);
	buf_reset(&x->command);
	myp_query_put(&x->command, connection_caps(x->connection), buf_slice(&text), &none);
	e = ask(x, MYP_COM_QUERY, info);
	buf_release(&text);
	if (e != ERR_OK)
		return e;
	mem_free(row->plan);
	row->plan = mem_copy_str(x->plan.ptr, x->plan.len);
	return row->plan ? ERR_OK : err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
}

static enum err connect_to(struct explainer *x, const struct target *target, struct errinfo *info)
{
	const struct connection_options options = {.target = target, .payload_max = MYP_FRAME_MAX};
	const int64_t until_ns = clock_mono_ns() + EXPLAIN_WAIT_NS;
	enum err e = connection_open(&options, &x->connection, info);

	if (e != ERR_OK)
		return e;
	while (connection_phase(x->connection) == CONNECTION_CONNECTING)
		if (!wait_io(x->connection, until_ns))
			break;
	if (connection_phase(x->connection) == CONNECTION_FAILED)
		return connection_error(x->connection, info, NULL);
	if (connection_phase(x->connection) != CONNECTION_READY)
		return err_set(info, ERR_IO, 0, "EXPLAIN: the target does not answer");
	return ERR_OK;
}

static enum err explain_all(struct explainer *x, const struct examples *examples, struct outcome *o,
			    struct errinfo *info)
{
	const struct outcome_row **rows;
	size_t asked = 0;
	enum err e = outcome_sorted(o, &rows);

	if (e != ERR_OK)
		return err_set(info, e, 0, "%s", err_text(e));
	for (size_t i = 0; e == ERR_OK && i < o->rows.count && asked < EXPLAIN_ROWS_MAX; i++) {
		const struct example *example = examples_get(examples, rows[i]->key);

		if (!example || rows[i]->contrast.verdict != CONTRAST_SLOWER)
			continue;
		e = explain_row(x, example, map_get(&o->rows, rows[i]->key, NULL), info);
		asked++;
	}
	mem_free(rows);
	return e;
}

enum err explain_slower(const struct target *target, const struct examples *examples,
			struct outcome *o, struct errinfo *info)
{
	struct explainer x = {.connection = NULL};
	const uint8_t quit = MYP_COM_QUIT;
	enum err e;

	if (outcome_judged(o, CONTRAST_SLOWER) == 0)
		return ERR_OK;
	buf_init(&x.command, STATEMENT_ROOM);
	buf_init(&x.plan, EXPLAIN_PLAN_MAX);
	e = connect_to(&x, target, info);
	if (e == ERR_OK)
		e = explain_all(&x, examples, o, info);
	if (e == ERR_OK && connection_send(x.connection, slice_of(&quit, sizeof(quit))) != ERR_OK)
		e = ERR_OK; /* it goes anyway */
	connection_free(x.connection);
	buf_release(&x.command);
	buf_release(&x.plan);
	return e;
}
