/*
 * bench_recording - what it costs to record, and to read, ordinary exchanges:
 *
 *     bench_recording [EXCHANGES [FILE]]
 *
 * Point selects by prepared statement, one row of one column, of 32 sessions in turn; as sysbench's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "recording/reader.h"
#include "recording/writer.h"

enum { SESSIONS = 32, EXCHANGES = 2000000 };

struct bench {
	struct session *sessions[SESSIONS];
	struct statement_pool pool;
	struct statement *statements[SESSIONS];
	uint64_t random, order;
	int64_t time_ns;
};

static uint64_t draw(struct bench *b, uint64_t below)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return (b->random >> 11) % below;
}

static void must(enum err e, const struct errinfo *info)
{
	if (e == ERR_OK)
		return;
	(void)fprintf(stderr, "bench_recording: %s\n", info->text);
	exit(1);
}

static void open_session(struct bench *b, unsigned i)
{
	static const struct endpoint server = {.port = 3306};
	struct endpoint client = {.addr = {.bytes = {10, 0, 0, 1}}, .port = (uint16_t)(40000 + i)};
	struct slice text = SLICE_LIT("SELECT c FROM sbtest1 WHERE id=?");
	struct errinfo info = {.text = "out of memory"};
	struct session *s = session_new(hash_mix(i, 7), b->time_ns, &client, &server, &b->pool);

	if (!s)
		must(ERR_NOMEM, &info);
	s->connection_id = i;
	s->caps = 0x00bea285;
	s->caps_known = s->database_known = true;
	s->collation = 45;
	must(fact_set(&s->server_version, SLICE_LIT("8.0.36"), FACT_LOGIN), &info);
	must(fact_set(&s->user, SLICE_LIT("sbtest"), FACT_LOGIN), &info);
	must(fact_set(&s->database, SLICE_LIT("sbtest"), FACT_LOGIN), &info);
	must(session_statement_put(s, 1, &text, 0, &b->statements[i]), &info);
	b->statements[i]->param_count = 1;
	b->statements[i]->counts_known = true;
	b->sessions[i] = s;
}

static void record_command(struct bench *b, unsigned i, struct recording_writer *w)
{
	static const uint8_t head[18] = {0x17, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 8, 0};
	struct session *s = b->sessions[i];
	uint64_t id = draw(b, 1000000);
	uint8_t payload[22];
	struct myp_param param = {
		.type = MYP_TYPE_LONGLONG,
		.value = {.kind = MYP_VALUE_INT, .type = MYP_TYPE_LONGLONG, .i = (int64_t)id},
	};
	struct myp_params params = {.items = &param, .count = 1}, none = {.count = 0};
	struct command c = {
		.n = ++s->commands,
		.code = MYP_COM_STMT_EXECUTE,
		.first_ns = b->time_ns,
		.last_ns = b->time_ns,
		.has_statement = true,
		.statement_id = 1,
		.statement = b->statements[i],
		.text = statement_text(b->statements[i]),
		.text_known = true,
		.database = fact_slice(&s->database),
		.database_known = true,
		.params_known = true,
		.params = &params,
		.attributes = &none,
		.collation = s->collation,
		.payload = slice_of(payload, sizeof(payload)),
	};
	struct event e = {.type = EVENT_COMMAND,
			  .order = b->order,
			  .time_ns = b->time_ns,
			  .session = s,
			  .command = &c};
	struct errinfo info;

	memcpy(payload, head, 14);
	memcpy(payload + 14, &id, 8);
	must(recording_writer_event(w, &e, &info), &info);
}

static void record_response(struct bench *b, unsigned i, struct recording_writer *w)
{
	const struct myp_column column = {
		.schema = SLICE_LIT("sbtest"),
		.table = SLICE_LIT("sbtest1"),
		.org_table = SLICE_LIT("sbtest1"),
		.name = SLICE_LIT("c"),
		.org_name = SLICE_LIT("c"),
		.length = 480,
		.charset = 45,
		.flags = 1,
		.type = MYP_TYPE_STRING,
	};
	uint64_t ordered = b->random * 3, unordered = b->random * 5;
	struct rowsum_column sums = {
		.type = MYP_TYPE_STRING, .flags = 1, .sum = {ordered * 7, unordered * 7}};
	struct result x = {
		.kind = RESPONSE_ROWS,
		.column_count = 1,
		.columns = &column,
		.column_sums = &sums,
		.rows = 1,
		.row_bytes = 122,
		.sum = {ordered, unordered},
		.sum_known = true,
		.status = 2,
	};
	struct response r = {
		.n = b->sessions[i]->commands,
		.command = MYP_COM_STMT_EXECUTE,
		.first_ns = b->time_ns,
		.last_ns = b->time_ns,
		.kind = RESPONSE_ROWS,
		.heard = true,
		.results = &x,
		.result_count = 1,
		.results_all = 1,
		.rows = 1,
		.row_bytes = 122,
		.packets = 5,
		.bytes = 250,
	};
	struct event e = {.type = EVENT_RESPONSE,
			  .order = b->order,
			  .time_ns = b->time_ns,
			  .session = b->sessions[i],
			  .response = &r};
	struct errinfo info;

	must(recording_writer_event(w, &e, &info), &info);
}

static void record(struct bench *b, const char *path, uint64_t exchanges)
{
	struct coverage coverage = {.frames = exchanges * 2};
	struct recording_writer *w;
	struct errinfo info;
	int64_t cpu_ns;

	(void)unlink(path);
	must(recording_writer_new(path, NULL, &w, &info), &info);
	cpu_ns = clock_thread_cpu_ns();
	for (uint64_t k = 0; k < exchanges; k++) {
		unsigned i = (unsigned)draw(b, SESSIONS);

		b->order++;
		b->time_ns += (int64_t)draw(b, 20000);
		record_command(b, i, w);
		b->order++;
		b->time_ns += (int64_t)(60000 + draw(b, 40000));
		record_response(b, i, w);
	}
	must(recording_writer_finish(w, &coverage, &info), &info);
	cpu_ns = clock_thread_cpu_ns() - cpu_ns;
	printf("write  %6.1f ns of CPU per exchange, %5.1f bytes per exchange\n",
	       (double)cpu_ns / (double)exchanges,
	       (double)recording_writer_bytes(w) / (double)exchanges);
	recording_writer_free(w);
}

static void read_back(const char *path, uint64_t exchanges)
{
	struct recording_reader *r;
	struct errinfo info;
	struct event e;
	uint64_t events = 0;
	int64_t cpu_ns = clock_thread_cpu_ns();
	enum err x;

	must(recording_reader_open(path, &r, &info), &info);
	while ((x = recording_reader_next(r, &e, &info)) == ERR_OK)
		events++;
	if (x != ERR_EOF)
		must(x, &info);
	cpu_ns = clock_thread_cpu_ns() - cpu_ns;
	printf("read   %6.1f ns of CPU per exchange, %llu events\n",
	       (double)cpu_ns / (double)exchanges, (unsigned long long)events);
	recording_reader_free(r);
}

int main(int argc, char **argv)
{
	uint64_t exchanges = argc > 1 ? strtoull(argv[1], NULL, 10) : EXCHANGES;
	const char *path = argc > 2 ? argv[2] : "bench_recording.myna";
	struct bench b = {.random = 88172645463325252u, .time_ns = INT64_C(1700000000000000000)};

	statement_pool_init(&b.pool, SIZE_MAX);
	for (unsigned i = 0; i < SESSIONS; i++)
		open_session(&b, i);
	record(&b, path, exchanges);
	read_back(path, exchanges);
	for (unsigned i = 0; i < SESSIONS; i++)
		session_free(b.sessions[i]);
	statement_pool_release(&b.pool);
	(void)unlink(path);
	return 0;
}
