/* trace_line - what the lines of trace are made of. */
#include "sink/trace_line.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "mysql/charset.h"

enum { FACT_SHOWN = 256 }; /* bytes */

void line_init(struct trace_line *l, struct out *out, bool colour, size_t width)
{
	*l = (struct trace_line){.out = out, .colour = colour, .width = width};
	buf_init(&l->utf8, SIZE_MAX / 2);
}

void line_release(struct trace_line *l)
{
	buf_release(&l->utf8);
}

void line_colour(struct trace_line *l, enum line_colour c)
{
	static const char *const colours[] = {
		[LINE_PLAIN] = "\033[0m",   [LINE_RED] = "\033[31m",  [LINE_GREEN] = "\033[32m",
		[LINE_YELLOW] = "\033[33m", [LINE_BLUE] = "\033[34m", [LINE_GREY] = "\033[90m",
	};

	if (l->colour)
		out_put_cstr(l->out, colours[c]);
}

void line_head(struct trace_line *l, const struct session *s, int64_t time_ns, char mark)
{
	time_t seconds = (time_t)(time_ns / NS_PER_S);
	char when[16], id[SESSION_ID_TEXT];
	struct tm tm;

	(void)localtime_r(&seconds, &tm);
	(void)strftime(when, sizeof(when), "%H:%M:%S", &tm);
	line_colour(l, LINE_GREY);
	out_printf(l->out, "%s.%06lld %.8s ", when, (long long)(time_ns % NS_PER_S / NS_PER_US),
		   session_id_format(s->id, id));
	line_colour(l, LINE_PLAIN);
	out_printf(l->out, "%c ", mark);
}

/* True for a character, at AT, that a terminal would obey: C0, DEL, C1. */
static bool is_control(const struct buf *utf8, size_t at)
{
	const uint8_t *c = utf8->ptr + at;

	return *c < 0x20 || *c == 0x7f || (*c == 0xc2 && at + 1 < utf8->len && c[1] < 0xa0);
}

void line_text(struct trace_line *l, uint16_t collation, struct slice text)
{
	size_t width = l->width, chars = 0;
	bool blank = false, begun = false;

	buf_reset(&l->utf8);
	(void)myp_charset_to_utf8(collation, width ? slice_head(text, width * 4 + 64) : text,
				  &l->utf8);
	for (size_t i = 0; i < l->utf8.len; i++) {
		uint8_t c = l->utf8.ptr[i];

		if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
			blank = begun;
			continue;
		}
		if (blank)
			out_put_byte(l->out, ' ');
		chars += blank;
		blank = false;
		begun = true;
		if ((c & 0xc0) != 0x80 && width && ++chars > width) {
			out_put_cstr(l->out, "...");
			return;
		}
		if (is_control(&l->utf8, i)) {
			out_put_byte(l->out, '.');
			i += c == 0xc2;
			continue;
		}
		out_put_byte(l->out, c);
	}
}

static void put_fact(struct trace_line *l, const char *name, const struct fact *f)
{
	if (f->len == 0)
		return;
	out_printf(l->out, " %s=", name);
	line_text(l, 0, slice_head(fact_slice(f), FACT_SHOWN));
}

static void put_error(struct trace_line *l, const char *what, const struct session_error *e)
{
	out_printf(l->out, ", %s %u (%s): ", what, e->code, e->sqlstate);
	line_text(l, 0, session_error_message(e));
}

void line_session(struct trace_line *l, const struct session *s)
{
	char client[ENDPOINT_TEXT_MAX], server[ENDPOINT_TEXT_MAX];

	line_head(l, s, s->start_ns, '*');
	line_colour(l, LINE_GREEN);
	out_printf(l->out, "session %s -> %s", endpoint_format(&s->client, client),
		   endpoint_format(&s->server, server));
	line_colour(l, LINE_PLAIN);
	if (s->proxy.port)
		out_printf(l->out, " by proxy %s", endpoint_format(&s->proxy, client));
	if (s->joined)
		out_put_cstr(l->out,
			     session_was_asked(s) ? ", joined, by the server's word" : ", joined");
	put_fact(l, "server", &s->server_version);
	if (s->connection_id)
		out_printf(l->out, " connection=%u", s->connection_id);
	put_fact(l, "user", &s->user);
	put_fact(l, "database", &s->database);
	put_fact(l, "auth", &s->auth_plugin);
	if (s->login == SESSION_LOGIN_TLS)
		out_put_cstr(l->out, ", goes on under TLS");
	if (s->login == SESSION_LOGIN_ERROR)
		put_error(l, "login error", &s->login_error);
	if (s->compression != SESSION_PLAIN)
		out_put_cstr(l->out, ", compressed");
	out_put_byte(l->out, '\n');
}

void line_gap(struct trace_line *l, const struct event *e)
{
	line_head(l, e->session, e->time_ns, '!');
	line_colour(l, LINE_YELLOW);
	out_printf(l->out, "gap: %llu bytes of %s were not heard", (unsigned long long)e->gap.bytes,
		   e->gap.side == GAP_COMMANDS ? "commands" : "responses");
	line_colour(l, LINE_PLAIN);
	out_put_byte(l->out, '\n');
}

void line_end(struct trace_line *l, const struct event *e)
{
	out_printf(l->out, "end: %s", end_reason_name(e->end));
	if (e->session->end_error.code)
		put_error(l, "after the server's error", &e->session->end_error);
	out_put_byte(l->out, '\n');
}
