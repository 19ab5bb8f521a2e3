/*
 * filter - which events pass.
 *
 * Of every open session it remembers whether it was told, and which of its commands passed and wait for their responses;
 * and packets, while it is not known whether they pass.
 */
#include "filter/filter.h"

#include <fnmatch.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/scan.h"
#include "event/exchange.h"
#include "event/tally.h"
#include "filter/held.h"
#include "filter/match.h"

enum {
	TEXT_MAX = 256,         /* bytes of a name that are compared */
	PASSED_MAX = 8 * 65536, /* bytes: ordinals of commands that passed and wait */
	LATE_S =
		60, /* so much later than it was sent a command may still come, behind bytes that were lost */
};

struct follow {
	uint64_t id;
	bool told;
	bool judged;       /* its beginning was: it is told, or will only be with an exchange */
	struct buf passed; /* uint64_t each, rising */
	uint64_t waiting;  /* of its commands */
	struct held_list held;
};

struct filter {
	struct filter_options options;
	struct event_sink next;
	bool begun; /* the window is known */
	int64_t since_ns, until_ns;
	struct map sessions;        /* struct follow by id */
	struct match *match;        /* NULL: nothing is asked of statements */
	struct exchange_join *join; /* NULL: nothing is asked of responses */
	uint64_t waiting;           /* commands that passed and were not answered yet */
	uint64_t left_out;          /* commands in the window */
	struct tally tally;         /* what passed */
	size_t held_bytes;          /* of all sessions */
	struct receipt *receipt;    /* of the response that JOIN is given */
};

bool filter_is_asked(const struct filter_options *o)
{
	return o->since || o->until || o->sessions.count || o->users.count || o->databases.count ||
	       o->commands.count || o->clients.count || o->digests.count || o->match || o->errors ||
	       o->slower_ns > 0;
}

static bool fits(const char *pattern, struct slice text, int flags)
{
	char copy[TEXT_MAX];
	size_t n = text.len < sizeof(copy) ? text.len : sizeof(copy) - 1;

	if (n)
		memcpy(copy, text.ptr, n);
	copy[n] = '\0';
	return fnmatch(pattern, copy, flags) == 0;
}

/* True if TEXT is what the patterns ask for. NULL: it is not known, which no pattern fits. FLAGS: fnmatch()'s. */
static bool passes(const struct opt_texts *patterns, const struct slice *text, int flags)
{
	bool asked = false, found = false;

	for (size_t i = 0; i < patterns->count; i++) {
		const char *p = patterns->items[i];
		bool negated = *p == '!';

		if (negated && text && fits(p + 1, *text, flags))
			return false;
		asked = asked || !negated;
		found = found || (!negated && text && fits(p, *text, flags));
	}
	return found || !asked;
}

/* The address alone: an endpoint's text has the port behind it, and an IPv6 address in brackets. */
static bool passes_client(const struct opt_texts *patterns, const struct endpoint *client)
{
	char text[ENDPOINT_TEXT_MAX];
	struct slice address;

	if (patterns->count == 0)
		return true;
	address = slice_cstr(endpoint_format(client, text));
	address.len = (size_t)(strrchr(text, ':') - text);
	if (text[0] == '[')
		address = slice_of(text + 1, address.len - 2);
	return passes(patterns, &address, FNM_CASEFOLD);
}

static bool is_in_window(const struct filter *f, int64_t time_ns)
{
	return time_ns >= f->since_ns && time_ns < f->until_ns;
}

/* What is asked of whole sessions. */
static bool passes_session(const struct filter *f, const struct session *s)
{
	struct slice user = fact_slice(&s->user);

	return (f->options.sessions.count == 0 || match_id(&f->options.sessions, s->id)) &&
	       passes_client(&f->options.clients, &s->client) &&
	       passes(&f->options.users, s->user.source != FACT_UNKNOWN ? &user : NULL, 0);
}

static bool passes_name(const struct opt_texts *patterns, uint8_t code)
{
	const char *name = myp_command_name(code);
	struct slice text = slice_cstr(name ? name : "");

	return passes(patterns, name ? &text : NULL, FNM_CASEFOLD);
}

/* All that can be asked of a command before its response. */
static bool passes_command(const struct filter *f, const struct session *s, const struct command *c)
{
	return is_in_window(f, c->last_ns) && passes_session(f, s) &&
	       passes(&f->options.databases, c->database_known ? &c->database : NULL, 0) &&
	       passes_name(&f->options.commands, c->code) &&
	       (!f->match || match_passes(f->match, s, c));
}

static bool passes_response(const struct filter *f, const struct exchange *x)
{
	if (f->options.errors && x->response->kind != RESPONSE_ERROR &&
	    !response_error(x->response))
		return false;
	return f->options.slower_ns <= 0 || x->duration_ns > f->options.slower_ns;
}

/* May the beginning or the end of the session be told for its own sake? */
static bool passes_alone(const struct filter *f, const struct event *e)
{
	const struct filter_options *o = &f->options;
	const struct session *s = e->session;
	struct slice database = fact_slice(&s->database);

	if (!is_in_window(f, e->time_ns) || !passes_session(f, s))
		return false;
	if (!passes(&o->databases, s->database_known ? &database : NULL, 0))
		return false;
	if (o->errors &&
	    (e->type == EVENT_SESSION ? s->login == SESSION_LOGIN_ERROR : s->end_error.code != 0))
		return o->commands.count == 0 && !f->match;
	return o->commands.count == 0 && !f->match && !f->join;
}

static enum err follow_get(struct filter *f, uint64_t id, struct follow **out)
{
	struct follow *w = map_get(&f->sessions, id, NULL);
	enum err e = ERR_OK;

	if (!w) {
		w = mem_zalloc(sizeof(*w));
		if (!w)
			return ERR_NOMEM;
		w->id = id;
		buf_init(&w->passed, PASSED_MAX);
		e = map_put(&f->sessions, id, w);
		if (e != ERR_OK)
			mem_free(w);
	}
	*out = w;
	return e;
}

static void follow_free(struct filter *f, struct follow *w)
{
	held_clear(&w->held, &f->held_bytes);
	buf_release(&w->passed);
	mem_free(w);
}

static enum err hand_on(struct filter *f, const struct event *e, struct errinfo *info)
{
	enum err err = tally_event(&f->tally, e);

	if (err != ERR_OK)
		return err_set(info, err, 0, "counting what passes: %s", err_text(err));
	return f->next.event(f->next.ctx, e, info);
}

/* Tells the session's beginning if that was not done yet. */
static enum err tell_session(struct filter *f, struct follow *w, const struct event *e,
			     struct errinfo *info)
{
	struct event begin = {.type = EVENT_SESSION,
			      .order = e->order,
			      .time_ns = e->time_ns,
			      .session = e->session};

	if (w->told)
		return ERR_OK;
	w->told = true;
	return f->options.cuts ? ERR_OK : hand_on(f, &begin, info);
}

/* Has the command N passed? Takes it and those before it off the list. */
static bool take_passed(struct follow *w, uint64_t n)
{
	uint64_t first;
	size_t at = 0;
	bool found = false;

	while (!found && at < w->passed.len) {
		memcpy(&first, w->passed.ptr + at, sizeof(first));
		if (first > n)
			break;
		found = first == n;
		at += sizeof(first);
	}
	buf_consume(&w->passed, at);
	return found;
}

static void set_waiting(struct filter *f, struct follow *w)
{
	f->waiting -= w->waiting;
	w->waiting = w->passed.len / sizeof(uint64_t);
	f->waiting += w->waiting;
}

static enum err on_command(struct filter *f, struct follow *w, const struct event *e,
			   struct errinfo *info)
{
	enum err err;

	if (!passes_command(f, e->session, e->command)) {
		f->left_out += is_in_window(f, e->command->last_ns);
		return ERR_OK;
	}
	buf_put(&w->passed, &e->command->n, sizeof(e->command->n));
	if (buf_err(&w->passed) != ERR_OK)
		return err_set(info, buf_err(&w->passed), 0, "remembering which commands pass: %s",
			       err_text(buf_err(&w->passed)));
	set_waiting(f, w);
	if (f->join)
		return exchange_join_event(f->join, e, info);
	err = tell_session(f, w, e, info);
	return err == ERR_OK ? hand_on(f, e, info) : err;
}

static enum err on_response(struct filter *f, struct follow *w, const struct event *e,
			    struct errinfo *info)
{
	bool passed = take_passed(w, e->response->n);
	enum err err;

	set_waiting(f, w);
	if (!f->join)
		return passed ? hand_on(f, e, info) : ERR_OK;
	f->receipt = e->receipt;
	err = exchange_join_event(f->join, e, info);
	held_drop(&w->held, &f->held_bytes, e->response->n);
	return err;
}

/* An exchange whose command has passed. */
static enum err on_exchange(void *ctx, const struct exchange *x, struct errinfo *info)
{
	struct filter *f = ctx;
	struct follow *w = map_get(&f->sessions, x->session->id, NULL);
	struct event e = {.type = EVENT_COMMAND,
			  .order = x->order,
			  .time_ns = x->command->last_ns,
			  .session = x->session,
			  .receipt = f->receipt,
			  .command = x->command};
	enum err err;

	if (!w || !passes_response(f, x)) {
		f->left_out++;
		return ERR_OK;
	}
	err = tell_session(f, w, &e, info);
	if (err == ERR_OK)
		err = hand_on(f, &e, info);
	if (err == ERR_OK)
		err = held_release(&w->held, &f->held_bytes, x->command->n, &f->next, info);
	if (err != ERR_OK)
		return err;
	e.type = EVENT_RESPONSE;
	e.time_ns = x->response->last_ns;
	e.response = x->response;
	return hand_on(f, &e, info);
}

static enum err on_session(struct filter *f, struct follow *w, const struct event *e,
			   struct errinfo *info)
{
	enum err err;

	w->judged = true;
	if (w->told || !passes_alone(f, e)) {
		held_drop(&w->held, &f->held_bytes, 0);
		return ERR_OK;
	}
	w->told = true;
	err = held_release(&w->held, &f->held_bytes, 0, &f->next, info);
	return err == ERR_OK ? hand_on(f, e, info) : err;
}

/* True if the command N passed and waits. */
static bool is_waiting(const struct follow *w, uint64_t n)
{
	uint64_t one;

	for (size_t at = 0; at < w->passed.len; at += sizeof(one)) {
		memcpy(&one, w->passed.ptr + at, sizeof(one));
		if (one == n)
			return true;
	}
	return false;
}

/* Those of the login wait until the session is judged, and those of an exchange until that is. */
static enum err on_packet(struct filter *f, struct follow *w, const struct event *e,
			  struct errinfo *info)
{
	uint64_t n = e->packet->n;
	enum err err;

	if (n == 0 ? w->told : !f->join && is_waiting(w, n))
		return hand_on(f, e, info);
	if (n == 0 ? w->judged : !is_waiting(w, n))
		return ERR_OK;
	err = held_put(&w->held, &f->held_bytes, e);
	return err == ERR_OK ? err : err_set(info, err, 0, "holding packets: %s", err_text(err));
}

static enum err on_end(struct filter *f, struct follow *w, const struct event *e,
		       struct errinfo *info)
{
	bool wanted = is_in_window(f, e->time_ns) && (w->told || passes_alone(f, e));
	enum err err = f->join ? exchange_join_event(f->join, e, info) : ERR_OK;

	if (err == ERR_OK && wanted)
		err = hand_on(f, e, info);
	f->waiting -= w->waiting;
	(void)map_take(&f->sessions, w->id, NULL);
	follow_free(f, w);
	return err;
}

/* The first event is the beginning of all. */
static enum err begin(struct filter *f, int64_t time_ns, struct errinfo *info)
{
	const struct filter_options *o = &f->options;

	f->begun = true;
	if (o->since && scan_time_after(o->since, time_ns, &f->since_ns) != ERR_OK)
		return err_set(info, ERR_USAGE, 0,
			       "--since takes a time such as '2026-11-20 10:15', 10:15:30 or +10s, "
			       "not '%s'",
			       o->since);
	if (o->until && scan_time_after(o->until, time_ns, &f->until_ns) != ERR_OK)
		return err_set(info, ERR_USAGE, 0,
			       "--until takes a time such as '2026-11-20 10:15', 10:15:30 or +10s, "
			       "not '%s'",
			       o->until);
	return ERR_OK;
}

/* Nothing can pass any more. */
static bool is_over(const struct filter *f, int64_t time_ns)
{
	return f->waiting == 0 && time_ns > f->until_ns &&
	       time_ns - f->until_ns > LATE_S * NS_PER_S;
}

static enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct filter *f = ctx;
	struct follow *w;
	enum err err = ERR_OK;

	/* Where packets are told as well, their times begin earlier; the window is the same. */
	if (!f->begun && e->type != EVENT_PACKET)
		err = begin(f, e->time_ns, info);
	if (err != ERR_OK)
		return err;
	if (is_over(f, e->time_ns))
		return ERR_EOF;
	err = follow_get(f, e->session->id, &w);
	if (err != ERR_OK)
		return err_set(info, err, 0, "following a session: %s", err_text(err));
	switch (e->type) {
	case EVENT_SESSION:
		return on_session(f, w, e, info);
	case EVENT_COMMAND:
		return on_command(f, w, e, info);
	case EVENT_RESPONSE:
		return on_response(f, w, e, info);
	case EVENT_DATA:
		return is_waiting(w, e->data.n) ? hand_on(f, e, info) : ERR_OK;
	case EVENT_GAP:
		return w->told && is_in_window(f, e->time_ns) ? hand_on(f, e, info) : ERR_OK;
	case EVENT_END:
		return on_end(f, w, e, info);
	case EVENT_PACKET:
		return on_packet(f, w, e, info);
	case EVENT_TYPES:
		break;
	}
	return ERR_OK;
}

static struct coverage passed_coverage(const struct filter *f, const struct coverage *whole)
{
	struct coverage c = *whole;

	tally_apply(&f->tally, &c);
	c.left_out += f->left_out;
	return c;
}

static enum err on_tick(void *ctx, const struct coverage *so_far, double progress,
			struct errinfo *info)
{
	struct filter *f = ctx;
	struct coverage c;

	if (!f->next.tick)
		return ERR_OK;
	c = passed_coverage(f, so_far);
	c.unanswered = so_far->unanswered; /* what waits may still be answered */
	return f->next.tick(f->next.ctx, &c, progress, info);
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct filter *f = ctx;
	struct coverage c = passed_coverage(f, coverage);

	return f->next.finish(f->next.ctx, &c, info);
}

static enum err on_merge(void *ctx, void *other, struct errinfo *info)
{
	struct filter *f = ctx;
	const struct filter *from = other;

	tally_merge(&f->tally, &from->tally);
	f->left_out += from->left_out;
	return f->next.merge(f->next.ctx, from->next.ctx, info);
}

struct event_sink filter_events(struct filter *f)
{
	bool in_order =
		f->options.since || f->options.until; /* it matters which event is the first */

	return (struct event_sink){
		.event = on_event,
		.tick = on_tick,
		.merge = f->next.merge && !in_order ? on_merge : NULL,
		.finish = on_finish,
		.ctx = f,
		.spares = f->next.spares & ~(f->match ? EVENT_VALUES : 0u), /* which it looks at */
	};
}

void filter_window(const struct filter *f, int64_t *since_ns, int64_t *until_ns)
{
	*since_ns = f->since_ns;
	*until_ns = f->until_ns;
}

/* A name that is no command's would select nothing, in silence. */
static enum err check_commands(const struct opt_texts *patterns, struct errinfo *info)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const char *p = patterns->items[i] + (patterns->items[i][0] == '!');
		bool found = false;

		for (unsigned code = 0; code <= UINT8_MAX && !found; code++) {
			const char *name = myp_command_name((uint8_t)code);

			found = name && fits(p, slice_cstr(name), FNM_CASEFOLD);
		}
		if (!found)
			return err_set(
				info, ERR_USAGE, 0,
				"--command takes names such as QUERY or 'STMT_*'; '%s' fits none",
				patterns->items[i]);
	}
	return ERR_OK;
}

/* What can be wrong is told before anything is heard. */
static enum err check(struct filter *f, struct errinfo *info)
{
	struct filter tried = *f;
	enum err e = begin(&tried, 0, info);

	if (e == ERR_OK)
		e = match_check_ids(&f->options.sessions, "session", info);
	if (e == ERR_OK)
		e = check_commands(&f->options.commands, info);
	if (e == ERR_OK && f->options.since && !scan_time_is_relative(f->options.since))
		f->since_ns = tried.since_ns;
	if (e == ERR_OK && f->options.begin_ns)
		e = begin(f, f->options.begin_ns, info);
	return e;
}

enum err filter_new(const struct filter_options *options, const struct event_sink *next,
		    struct filter **out, struct errinfo *info)
{
	struct filter *f = mem_zalloc(sizeof(*f));
	enum err e;

	if (!f)
		return err_set(info, ERR_NOMEM, 0, "making the filter: out of memory");
	f->options = *options;
	f->next = *next;
	f->since_ns = INT64_MIN;
	f->until_ns = INT64_MAX;
	map_init(&f->sessions, SIZE_MAX, NULL);
	tally_init(&f->tally);
	e = check(f, info);
	if (e == ERR_OK)
		e = match_new(f->options.match, &f->options.digests, &f->match, info);
	if (e == ERR_OK && (options->errors || options->slower_ns > 0)) {
		e = exchange_join_new(on_exchange, f, &f->join);
		if (e != ERR_OK)
			e = err_set(info, e, 0, "making the filter: %s", err_text(e));
	}
	if (e != ERR_OK) {
		filter_free(f);
		return e;
	}
	*out = f;
	return ERR_OK;
}

void filter_free(struct filter *f)
{
	struct follow *w;
	size_t at = 0;

	if (!f)
		return;
	while ((w = map_next(&f->sessions, &at)) != NULL)
		follow_free(f, w);
	map_release(&f->sessions);
	tally_release(&f->tally);
	exchange_join_free(f->join);
	match_free(f->match);
	mem_free(f);
}
