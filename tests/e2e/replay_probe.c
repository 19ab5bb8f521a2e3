/*
 * replay_probe - the replay engine under a script, for tests: what a recording would say is read
 * from standard input, one event per line, fields apart by tabs, and replayed; the outcome goes
 * to standard output as JSON.
 *
 *	replay_probe URL SPEED THREADS
 *
 *	MS  SESSION  open     DATABASE          MS counts from the beginning
 *	MS  SESSION  joined   DATABASE
 *	MS  SESSION  state    STATEMENT         of a joined session, before its first command
 *	MS  SESSION  knows    ID PARAMS TEXT    prepared before the recording began
 *	MS  SESSION  types    ID TYPE...        the types that were sent then
 *	MS  SESSION  command  TEXT              with its code in front; \xNN and \\ are understood
 *	MS  SESSION  data     TEXT
 *	MS  SESSION  ok       AFFECTED STATUS   responses to the last command without one
 *	MS  SESSION  rows     COLUMNS ROWS
 *	MS  SESSION  prepared ID COLUMNS PARAMS
 *	MS  SESSION  error    CODE
 *	MS  SESSION  none
 *	MS  SESSION  lost
 *	MS  SESSION  gap                        commands were lost
 *	MS  SESSION  end
 *	MS  -        stop                       as Ctrl-C does
 */
#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "base/scan.h"
#include "replay/outcome_write.h"
#include "replay/replay.h"

enum { SESSIONS = 4096, FIELDS = 8, LINE_MAX_BYTES = 1 << 20 };

static const int64_t EPOCH_NS = INT64_C(1700000000) * NS_PER_S;

struct probe {
	struct replay *replay;
	struct event_sink sink;
	struct statement_pool pool;
	struct session *sessions[SESSIONS];
	uint64_t answered[SESSIONS];
	uint8_t codes[SESSIONS];
	struct myp_params params, attributes;
	int64_t time_ns;
};

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "replay_probe: %s\n", what);
	exit(1);
}

static uint64_t number(const char *text)
{
	uint64_t v;

	if (!text || scan_uint(text, &v) != ERR_OK)
		fail("not a number");
	return v;
}

static void check(enum err e)
{
	if (e != ERR_OK)
		fail(err_text(e));
}

/* The bytes that TEXT stands for, in place. */
static struct slice unescape(char *text)
{
	uint8_t *to = (uint8_t *)text, *start = to;

	for (const char *from = text; *from; from++) {
		char hex[3] = {0};

		if (from[0] != '\\') {
			*to++ = (uint8_t)*from;
		} else if (from[1] == 'x' && from[2] && from[3]) {
			memcpy(hex, from + 2, 2);
			*to++ = (uint8_t)strtoul(hex, NULL, 16);
			from += 3;
		} else {
			*to++ = (uint8_t) * ++from;
		}
	}
	return slice_of(start, (size_t)(to - start));
}

static void give(struct probe *p, struct event *e, uint64_t id)
{
	struct errinfo info;

	e->time_ns = p->time_ns;
	e->session = p->sessions[id];
	if (p->sink.event(p->sink.ctx, e, &info) != ERR_OK)
		fprintf(stderr, "replay_probe: %s\n", info.text);
}

static void open_session(struct probe *p, uint64_t id, const char *database, bool joined)
{
	const struct endpoint none = {.port = 0};
	struct event e = {.type = EVENT_SESSION};
	struct session *s = session_new(id + 1, p->time_ns, &none, &none, &p->pool);

	if (!s)
		fail("no memory");
	s->joined = joined;
	s->caps = MYP_CAP_PROTOCOL_41 | MYP_CAP_SECURE_CONNECTION | MYP_CAP_PLUGIN_AUTH |
		  MYP_CAP_LONG_FLAG | MYP_CAP_TRANSACTIONS | MYP_CAP_LOCAL_FILES |
		  MYP_CAP_MULTI_STATEMENTS | MYP_CAP_MULTI_RESULTS | MYP_CAP_PS_MULTI_RESULTS;
	s->caps_known = true;
	s->login = joined ? SESSION_LOGIN_NONE : SESSION_LOGIN_OK;
	s->database_known = true;
	s->connection_id = (uint32_t)(1000 + id);
	check(fact_set(&s->database, slice_cstr(database ? database : ""), FACT_LOGIN));
	p->sessions[id] = s;
	if (!joined)
		give(p, &e, id);
}

static void add_statement(struct session *s, char **f)
{
	struct slice text = slice_cstr(f[2]);
	struct statement *st;

	check(session_statement_put(s, (uint32_t)number(f[0]), &text, 0, &st));
	st->param_count = (uint16_t)number(f[1]);
	st->counts_known = true;
}

static void add_types(struct session *s, char **f)
{
	struct statement *st = session_statement_get(s, (uint32_t)number(f[0]));
	uint16_t types[FIELDS] = {0}, n = 0;

	for (; f[n + 1]; n++)
		types[n] = (uint16_t)number(f[n + 1]);
	check(statement_set_types(s->pool, st, types, n));
}

static void decode_execute(struct probe *p, struct command *c)
{
	struct myp_execute x;
	struct myp_execute_context ctx = {.param_count_known = true};

	if (!c->statement)
		return;
	ctx.param_count = c->statement->param_count;
	ctx.types = c->statement->types;
	c->params_known =
		myp_execute_decode(c->payload, &ctx, &p->params, &p->attributes, &x) == ERR_OK &&
		x.values_known;
}

static void command(struct probe *p, uint64_t id, struct slice payload)
{
	struct session *s = p->sessions[id];
	struct command c = {
		.n = ++s->commands,
		.first_ns = p->time_ns,
		.last_ns = p->time_ns,
		.code = payload.ptr[0],
		.params = &p->params,
		.attributes = &p->attributes,
		.payload = payload,
	};
	struct event e = {.type = EVENT_COMMAND, .command = &c};

	p->codes[id] = c.code;
	p->params.count = 0;
	if (c.code == MYP_COM_QUERY || c.code == MYP_COM_STMT_PREPARE) {
		c.text = slice_skip(payload, 1);
		c.text_known = true;
	} else if (myp_command_name(c.code) && strncmp(myp_command_name(c.code), "STMT_", 5) == 0) {
		struct cursor at = cur_of(slice_skip(payload, 1));

		c.has_statement = true;
		c.statement_id = cur_u32(&at);
		c.statement = session_statement_get(s, c.statement_id);
		c.text_known = c.statement && c.statement->text;
		c.text = c.text_known ? statement_text(c.statement) : c.text;
	}
	if (c.code == MYP_COM_STMT_EXECUTE)
		decode_execute(p, &c);
	give(p, &e, id);
}

/* A response of one result, or of none. */
static void response(struct probe *p, uint64_t id, const char *kind, char **f)
{
	struct result result = {.kind = RESPONSE_OK};
	struct response r = {
		.n = ++p->answered[id],
		.command = p->codes[id],
		.first_ns = p->time_ns,
		.last_ns = p->time_ns,
		.heard = true,
		.results = &result,
		.result_count = 1,
		.results_all = 1,
	};
	struct event e = {.type = EVENT_RESPONSE, .response = &r};

	if (strcmp(kind, "ok") == 0) {
		r.affected_rows = result.affected_rows = number(f[0]);
		result.status = f[1] ? (uint16_t)number(f[1]) : MYP_STATUS_AUTOCOMMIT;
	} else if (strcmp(kind, "rows") == 0) {
		r.kind = result.kind = RESPONSE_ROWS;
		result.column_count = (uint32_t)number(f[0]);
		r.rows = result.rows = number(f[1]);
		result.status = f[2] ? (uint16_t)number(f[2]) : MYP_STATUS_AUTOCOMMIT;
	} else if (strcmp(kind, "error") == 0) {
		r.kind = result.kind = RESPONSE_ERROR;
		result.error.code = (uint16_t)number(f[0]);
		memcpy(result.error.sqlstate, "HY000", 6);
		result.error.message = slice_cstr("recorded");
	} else if (strcmp(kind, "prepared") == 0) {
		r.kind = result.kind = RESPONSE_PREPARED;
		r.statement_id = (uint32_t)number(f[0]);
		r.prepared_columns = (uint16_t)number(f[1]);
		r.prepared_params = (uint16_t)number(f[2]);
		result.column_count = r.prepared_columns;
	} else {
		r.kind = strcmp(kind, "none") == 0 ? RESPONSE_NONE : RESPONSE_LOST;
		r.result_count = r.results_all = 0;
	}
	give(p, &e, id);
}

static void session_line(struct probe *p, uint64_t id, const char *what, char **f)
{
	struct event e = {.type = EVENT_END, .end = END_FIN};

	if (strcmp(what, "open") == 0) {
		open_session(p, id, f[0], false);
	} else if (strcmp(what, "joined") == 0) {
		open_session(p, id, f[0], true);
	} else if (strcmp(what, "state") == 0) {
		check(session_state_put(p->sessions[id], slice_cstr(f[0]), slice_cstr(f[0])));
	} else if (strcmp(what, "knows") == 0) {
		add_statement(p->sessions[id], f);
	} else if (strcmp(what, "types") == 0) {
		add_types(p->sessions[id], f);
	} else if (strcmp(what, "command") == 0) {
		command(p, id, unescape(f[0]));
	} else if (strcmp(what, "data") == 0) {
		e = (struct event){.type = EVENT_DATA};
		e.data.n = p->sessions[id]->commands;
		e.data.bytes = slice_cstr(f[0] ? f[0] : "");
		give(p, &e, id);
	} else if (strcmp(what, "gap") == 0) {
		e = (struct event){.type = EVENT_GAP, .gap.side = GAP_COMMANDS};
		give(p, &e, id);
	} else if (strcmp(what, "end") == 0) {
		give(p, &e, id);
	} else {
		response(p, id, what, f);
	}
}

static void line(struct probe *p, char *text)
{
	char *f[FIELDS + 3] = {NULL};
	char *at = text;
	size_t n = 0;
	uint64_t id;

	text[strcspn(text, "\n")] = '\0';
	while (n < FIELDS + 2 && (f[n] = strsep(&at, "\t")))
		n++;
	if (n < 3)
		fail("a line has three fields at least");
	p->time_ns = EPOCH_NS + (int64_t)number(f[0]) * NS_PER_MS;
	if (strcmp(f[2], "stop") == 0) {
		replay_stop(p->replay);
		return;
	}
	id = number(f[1]);
	if (id >= SESSIONS || (!p->sessions[id] && strcmp(f[2], "open") && strcmp(f[2], "joined")))
		fail("no such session");
	session_line(p, id, f[2], f + 3);
}

static enum err write_out(void *ctx, struct slice bytes, struct errinfo *info)
{
	return fwrite(bytes.ptr, 1, bytes.len, ctx) == bytes.len
		       ? ERR_OK
		       : err_set(info, ERR_IO, errno, "write");
}

static void run(struct probe *p)
{
	const struct coverage coverage = {.frames = 0};
	static char text[LINE_MAX_BYTES];
	struct errinfo info;

	while (fgets(text, sizeof(text), stdin))
		line(p, text);
	if (p->sink.finish(p->sink.ctx, &coverage, &info) != ERR_OK)
		fail(info.text);
	for (size_t i = 0; i < SESSIONS; i++)
		session_free(p->sessions[i]);
	myp_params_release(&p->params);
	myp_params_release(&p->attributes);
}

int main(int argc, char **argv)
{
	static struct probe p;
	static struct out out;
	struct target target;
	struct target_args args = {.url = argc > 1 ? argv[1] : NULL};
	struct replay_options options = {
		.target = &target,
		.patience_ns = 3 * NS_PER_S,
		.reconnect_ns = 1 * NS_PER_S,
	};
	struct errinfo info;
	bool text = argc > 4;

	if (argc < 4)
		fail("usage: replay_probe URL SPEED THREADS [text]");
	check(scan_double(argv[2], &options.speed));
	options.threads = (unsigned)number(argv[3]);
	if (target_resolve(&args, &target, &info) != ERR_OK)
		fail(info.text);
	if (replay_new(&options, &p.replay, &info) != ERR_OK)
		fail(info.text);
	p.sink = replay_sink(p.replay);
	statement_pool_init(&p.pool, SIZE_MAX);
	run(&p);
	statement_pool_release(&p.pool);
	out_init(&out, write_out, stdout);
	check(text ? outcome_write_text(replay_outcome(p.replay), 0, &out)
		   : outcome_write_json(replay_outcome(p.replay), &out));
	check(out_flush(&out, &info));
	replay_free(p.replay);
	target_release(&target);
	return 0;
}
