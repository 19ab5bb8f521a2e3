/*
 * client_probe - connects as target_resolve() says, runs statements, prints what came: one line per fact.
 *
 *   client_probe [options of target.h] [STATEMENT | change-user:USER:PASSWORD:DATABASE | send:BYTES | idle:N]...
 *
 *   ready VERSION tls|plain MARIADB|MYSQL      columns N       row HEX      ok      error CODE SQLSTATE TEXT
 *   failed ERR CODE TEXT                       bytes N (of the packet that answered send:)
 *
 * send:BYTES sends a statement of so many bytes; idle:N opens N more connections and prints the memory of the process.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <poll.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/opt.h"
#include "client/connection.h"

enum { PAYLOAD_KEPT = 1 << 20, COM_QUERY = 3, RECEIVE_BUFFER = 1 << 16 };

struct probe {
	struct target_args args;
	struct target target;
	struct connection *c;
};

static const struct opt rows[] = {TARGET_OPTS(struct probe, args)};
static const struct opt_group groups[] = {
	{.title = "Target", .rows = rows, .count = sizeof(rows) / sizeof(rows[0])},
};
static const struct opt_page page = {
	.name = "client_probe",
	.usage = "[options] [STATEMENT]...",
	.summary = "a test",
	.about = "a test",
	.groups = groups,
	.group_count = 1,
};

static int failed(const struct connection *c)
{
	struct errinfo info;
	struct myp_err server;
	enum err e = connection_error(c, &info, &server);

	printf("failed %s\t%u\t%s\n", err_text(e), server.code, info.text);
	return 1;
}

/* Waits until something happened on C, and lets it move on. */
static void wait_io(struct connection *c)
{
	unsigned wants = connection_wants(c);
	int64_t due_ns = connection_due_ns(c), left_ms = -1;
	struct pollfd p = {.fd = connection_fd(c)};

	if (wants & CONNECTION_WANT_READ)
		p.events |= POLLIN;
	if (wants & CONNECTION_WANT_WRITE)
		p.events |= POLLOUT;
	if (due_ns != INT64_MAX)
		left_ms = (due_ns - clock_mono_ns()) / NS_PER_MS + 1;
	(void)poll(&p, 1, left_ms < 0 && due_ns != INT64_MAX ? 0 : (int)left_ms);
	connection_io(c);
}

static bool settle(struct connection *c)
{
	while (connection_phase(c) == CONNECTION_CONNECTING)
		wait_io(c);
	return connection_phase(c) == CONNECTION_READY;
}

static bool next(struct connection *c, struct myp_packet *p)
{
	while (connection_receive(c, p) != ERR_OK) {
		if (connection_phase(c) == CONNECTION_FAILED)
			return connection_receive(c, p) == ERR_OK;
		wait_io(c);
	}
	return true;
}

static void print_hex(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		printf("%02x", s.ptr[i]);
}

static void print_error(struct connection *c, struct slice payload)
{
	struct myp_err e;

	if (myp_err_decode(payload, connection_caps(c), &e) == ERR_OK)
		printf("error %u %s %.*s\n", e.code, e.sqlstate, (int)e.message.len,
		       (const char *)e.message.ptr);
}

static bool is_eof(struct slice payload)
{
	return payload.len && payload.ptr[0] == MYP_EOF && payload.len < 9;
}

/* A result in the old style: columns, EOF, rows, EOF; the first row is printed. */
static int print_result(struct connection *c)
{
	struct myp_packet p;
	unsigned eofs = 0;
	bool first = true, columns = true;

	while (eofs < 2) {
		if (!next(c, &p))
			return failed(c);
		if (columns && p.payload.ptr[0] == MYP_OK) {
			printf("ok\n");
			return 0;
		}
		if (p.payload.ptr[0] == MYP_ERR) {
			print_error(c, p.payload);
			return 0;
		}
		if (columns)
			printf("columns %u\n", p.payload.ptr[0]);
		columns = false;
		if (is_eof(p.payload)) {
			eofs++;
		} else if (eofs == 1 && first) {
			printf("row %" PRIu64 " ", p.payload_len);
			print_hex(slice_head(p.payload, 64));
			printf("\n");
			first = false;
		}
	}
	return 0;
}

static int query(struct connection *c, const char *statement)
{
	struct buf b;
	enum err e;

	buf_init(&b, PAYLOAD_KEPT);
	buf_put_u8(&b, COM_QUERY);
	buf_put_cstr(&b, statement);
	e = connection_send(c, buf_slice(&b));
	buf_release(&b);
	return e == ERR_OK ? print_result(c) : failed(c);
}

/* A statement of SIZE bytes: SELECT LENGTH('xxx...'). */
static int send_large(struct connection *c, const char *size_text)
{
	static const char head[] = "\3SELECT LENGTH('", tail[] = "')";
	size_t size = (size_t)strtoull(size_text, NULL, 10);
	char *text = malloc(size);
	enum err e;

	if (!text || size < sizeof(head) + sizeof(tail))
		return 1;
	memset(text, 'x', size);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + size - sizeof(tail) + 1, tail, sizeof(tail) - 1);
	e = connection_send(c, slice_of(text, size));
	free(text);
	while (e == ERR_OK && connection_unsent(c) > 0 && connection_phase(c) == CONNECTION_READY)
		wait_io(c);
	return e == ERR_OK ? print_result(c) : failed(c);
}

static int change_user(struct connection *c, const char *text)
{
	char *copy = strdup(text), *rest = copy;
	const char *user = strsep(&rest, ":"), *password = strsep(&rest, ":");
	enum err e = connection_change_user(c, user, password, rest, 0);

	free(copy);
	if (e != ERR_OK || !settle(c))
		return failed(c);
	printf("changed\n");
	return 0;
}

static long resident_kb(void)
{
	long pages = 0, all;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%ld %ld", &all, &pages) != 2)
		pages = 0;
	if (f)
		(void)fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int idle(struct probe *probe, const char *count_text)
{
	size_t count = (size_t)strtoull(count_text, NULL, 10);
	struct connection **all = calloc(count, sizeof(*all));
	const struct connection_options o = {.target = &probe->target, .payload_max = PAYLOAD_KEPT};
	long before = resident_kb();
	struct myp_packet p;
	size_t ready = 0;

	for (size_t i = 0; all && i < count; i++) {
		if (connection_open(&o, &all[i], NULL) != ERR_OK || !settle(all[i]))
			break;
		ready += query(all[i], "DO 1") == 0;
		if (connection_receive(all[i], &p) != ERR_AGAIN) /* as whoever is done should */
			break;
	}
	printf("idle %zu kb-each %ld\n", ready,
	       (resident_kb() - before) / (long)(ready ? ready : 1));
	for (size_t i = 0; all && i < count; i++)
		connection_free(all[i]);
	free(all);
	return 0;
}

static int run(struct probe *probe, const char *word)
{
	if (strncmp(word, "change-user:", 12) == 0)
		return change_user(probe->c, word + 12);
	if (strncmp(word, "send:", 5) == 0)
		return send_large(probe->c, word + 5);
	if (strncmp(word, "idle:", 5) == 0)
		return idle(probe, word + 5);
	return query(probe->c, word);
}

static int converse(struct probe *probe, const struct opt_words *words)
{
	const struct myp_greeting *g;
	int status = 0;

	if (!settle(probe->c))
		return failed(probe->c);
	g = connection_greeting(probe->c);
	printf("ready %.*s %s %s\n", (int)g->server_version.len,
	       (const char *)g->server_version.ptr, connection_is_tls(probe->c) ? "tls" : "plain",
	       g->is_mariadb ? "MARIADB" : "MYSQL");
	for (size_t i = 0; status == 0 && i < words->count; i++)
		status = run(probe, words->items[i]);
	return status;
}

int main(int argc, char **argv)
{
	struct probe probe = {0};
	struct connection_options o = {.target = &probe.target, .payload_max = PAYLOAD_KEPT};
	struct opt_words words;
	struct errinfo info;
	struct buf attributes;
	int status = 1;

	buf_init(&attributes, PAYLOAD_KEPT);
	myp_attribute_put(&attributes, SLICE_LIT("program_name"), SLICE_LIT("client_probe"));
	o.attributes = buf_slice(&attributes);
	if (opt_parse(&page, argc - 1, argv + 1, &probe, &words, &info) != ERR_OK ||
	    target_resolve(&probe.args, &probe.target, &info) != ERR_OK ||
	    connection_open(&o, &probe.c, &info) != ERR_OK)
		printf("usage %s\n", info.text);
	else
		status = converse(&probe, &words);
	connection_free(probe.c);
	target_release(&probe.target);
	buf_release(&attributes);
	return status;
}
