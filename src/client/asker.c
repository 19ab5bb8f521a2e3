/* asker - questions to a server, one statement at a time. */
#include "client/asker.h"

#include <poll.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mysql/answer.h"
#include "mysql/query.h"

enum { QUESTION_MAX = 1 << 20 }; /* bytes */

struct asker {
	struct connection *connection; /* NULL: it is lost */
	int64_t wait_ns;
	struct buf command;
	unsigned error;
};

/* Waits for what the connection wants, until UNTIL_NS. False: no more waiting makes sense. */
static bool wait_io(struct connection *c, int64_t until_ns)
{
	const unsigned wants = connection_wants(c);
	const int64_t now_ns = clock_mono_ns(), due_ns = connection_due_ns(c);
	int64_t left_ns = (due_ns < until_ns ? due_ns : until_ns) - now_ns;
	struct pollfd p = {
		.fd = connection_fd(c),
		.events = (short)((wants & CONNECTION_WANT_READ ? POLLIN : 0) |
				  (wants & CONNECTION_WANT_WRITE ? POLLOUT : 0)),
	};

	if (until_ns <= now_ns || connection_phase(c) == CONNECTION_FAILED)
		return false;
	if (left_ns > NS_PER_S)
		left_ns = NS_PER_S;
	if (left_ns > 0)
		(void)poll(&p, 1, (int)(left_ns / NS_PER_MS) + 1);
	connection_io(c);
	connection_check(c);
	return connection_phase(c) != CONNECTION_FAILED;
}

static enum err log_in(struct asker *a, struct errinfo *info)
{
	const int64_t until_ns = clock_mono_ns() + a->wait_ns;
	struct connection *c = a->connection;

	while (connection_phase(c) == CONNECTION_CONNECTING && wait_io(c, until_ns))
		;
	if (connection_phase(c) == CONNECTION_FAILED)
		return connection_error(c, info, NULL);
	if (connection_phase(c) != CONNECTION_READY)
		return err_set(info, ERR_IO, 0, "the server does not answer");
	return ERR_OK;
}

enum err asker_new(const struct target *t, int64_t wait_ns, struct asker **out,
		   struct errinfo *info)
{
	const struct connection_options options = {.target = t, .payload_max = ASKER_BYTES_MAX};
	struct asker *a = mem_zalloc(sizeof(*a));
	enum err e;

	if (!a)
		return err_set(info, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
	a->wait_ns = wait_ns;
	buf_init(&a->command, QUESTION_MAX);
	e = connection_open(&options, &a->connection, info);
	if (e == ERR_OK)
		e = log_in(a, info);
	if (e != ERR_OK) {
		asker_free(a);
		return e;
	}
	*out = a;
	return ERR_OK;
}

static void lose(struct asker *a)
{
	connection_free(a->connection);
	a->connection = NULL;
}

void asker_free(struct asker *a)
{
	const uint8_t quit = MYP_COM_QUIT;

	if (!a)
		return;
	if (a->connection && connection_phase(a->connection) == CONNECTION_READY &&
	    connection_send(a->connection, slice_of(&quit, sizeof(quit))) != ERR_OK)
		lose(a); /* it goes anyway */
	lose(a);
	buf_release(&a->command);
	mem_free(a);
}

bool asker_is_open(const struct asker *a)
{
	return a->connection != NULL;
}

unsigned asker_error(const struct asker *a)
{
	return a->error;
}

int asker_fd(const struct asker *a)
{
	return a->connection ? connection_fd(a->connection) : -1;
}

struct slice asker_server_version(const struct asker *a)
{
	return a->connection ? connection_greeting(a->connection)->server_version
			     : slice_of(NULL, 0);
}

/* A row of the text protocol. */
static enum err take_row(struct slice payload, asker_row_fn *fn, void *ctx)
{
	struct asker_row row = {.count = 0};
	struct cursor c = cur_of(payload);

	while (cur_left(&c) > 0 && row.count < ASKER_COLUMNS_MAX) {
		struct slice *value = &row.values[row.count++];

		if (cur_peek(&c) == MYP_LENENC_NULL)
			cur_skip(&c, 1);
		else
			*value = myp_cur_lenenc_bytes(&c);
	}
	if (!cur_ok(&c))
		return ERR_PROTO;
	return fn ? fn(ctx, &row) : ERR_OK;
}

/* Reads the answer. The server's error is noted, and its text in INFO. */
static enum err read_answer(struct asker *a, asker_row_fn *fn, void *ctx, struct errinfo *info)
{
	const int64_t until_ns = clock_mono_ns() + a->wait_ns;
	uint64_t bytes = 0;
	struct myp_packet packet;
	struct myp_answer answer;
	struct myp_item item;
	enum err e = ERR_OK;

	myp_answer_begin(&answer, MYP_COM_QUERY, connection_caps(a->connection));
	while (e == ERR_OK && !myp_answer_done(&answer)) {
		if (connection_receive(a->connection, &packet) != ERR_OK) {
			if (!wait_io(a->connection, until_ns))
				return err_set(info, ERR_IO, 0, "the server does not answer");
			continue;
		}
		bytes += packet.wire_len;
		e = bytes > ASKER_BYTES_MAX ? ERR_LIMIT
					    : myp_answer_packet(&answer, &packet, &item);
		if (e == ERR_OK && item.kind == MYP_ITEM_ROW)
			e = take_row(item.payload, fn, ctx);
		if (e != ERR_OK)
			return err_set(info, e, 0, "the server's answer: %s", err_text(e));
		if (item.kind == MYP_ITEM_ERR) {
			a->error = item.err.code;
			(void)err_set(info, ERR_UNSUPPORTED, 0, "%.*s", (int)item.err.message.len,
				      (const char *)item.err.message.ptr);
		}
	}
	return a->error ? ERR_UNSUPPORTED : ERR_OK;
}

enum err asker_ask(struct asker *a, const char *text, asker_row_fn *fn, void *ctx,
		   struct errinfo *info)
{
	const struct myp_params none = {.count = 0};
	enum err e;

	a->error = 0;
	if (!a->connection)
		return err_set(info, ERR_IO, 0, "the connection is lost");
	buf_reset(&a->command);
	myp_query_put(&a->command, connection_caps(a->connection), slice_cstr(text), &none);
	e = buf_err(&a->command);
	if (e == ERR_OK)
		e = connection_send(a->connection, buf_slice(&a->command));
	if (e == ERR_OK)
		e = read_answer(a, fn, ctx, info);
	else
		(void)err_set(info, e, 0, "%s", err_text(e));
	if (e != ERR_OK && e != ERR_UNSUPPORTED)
		lose(a);
	return e;
}
