/* story - what is told of a capture, exchange by exchange, to be compared with what is told of another. */
#ifndef TESTS_STORY_H
#define TESTS_STORY_H

#include "check.h"

#include "../event_check.h"
#include "../wire.h"
#include "base/hash.h"
#include "event/exchange.h"

enum { TOLD_MAX = 1024 };

/* An exchange, as far as it can be compared. */
struct told {
	int64_t first_ns, last_ns;
	uint8_t code;
	bool text_known;
	uint64_t text;
	enum response_kind kind;
	uint64_t answer; /* what was answered, but for the checksums */
	uint64_t extent; /* how much it was, and until when */
	bool sum_known;
	uint64_t sum;
};

struct story {
	struct event_check check;
	struct exchange_join *join;
	struct told told[TOLD_MAX];
	size_t count;
	struct buf text;
	struct coverage coverage;
	bool goes_on; /* nobody knows what was said behind the end of what was heard */
};

static inline uint64_t sum_slice(uint64_t sum, struct slice s)
{
	return hash_mix(sum, s.len ? hash_bytes(s) : 0);
}

static inline uint64_t sum_answer(const struct response *r)
{
	uint64_t sum = hash_mix((uint64_t)r->kind, (uint64_t)r->first_ns);

	sum = hash_mix(hash_mix(sum, r->results_all), r->rows);
	sum = hash_mix(hash_mix(sum, r->row_bytes), r->affected_rows);
	sum = hash_mix(hash_mix(sum, r->statement_id), r->prepared_params);
	sum = sum_slice(sum_slice(sum, r->message), r->infile);
	for (size_t i = 0; i < r->result_count; i++) {
		const struct result *x = &r->results[i];

		sum = hash_mix(hash_mix(sum, (uint64_t)x->kind), x->rows);
		sum = hash_mix(hash_mix(sum, x->insert_id), x->affected_rows);
		sum = hash_mix(hash_mix(sum, x->warnings), x->status);
		sum = sum_slice(sum_slice(sum, x->info), x->state);
		sum = sum_slice(hash_mix(sum, x->error.code), x->error.message);
	}
	return sum;
}

static inline void sum_rows(const struct response *r, struct told *t)
{
	t->sum_known = true;
	for (size_t i = 0; i < r->result_count; i++) {
		const struct result *x = &r->results[i];

		t->sum_known = t->sum_known && x->sum_known;
		t->sum = hash_mix(hash_mix(t->sum, x->sum.ordered), x->sum.unordered);
	}
}

static inline enum err on_exchange(void *ctx, const struct exchange *x, struct errinfo *info)
{
	struct story *s = ctx;
	struct told *t = &s->told[s->count++];

	(void)info;
	assert(s->count < TOLD_MAX);
	*t = (struct told){
		.first_ns = x->command->first_ns,
		.last_ns = x->command->last_ns,
		.code = x->command->code,
		.kind = x->response->kind,
		.answer = sum_answer(x->response),
		.extent = hash_mix(hash_mix(x->response->packets, x->response->bytes),
				   (uint64_t)x->response->last_ns),
	};
	sum_rows(x->response, t);
	buf_reset(&s->text);
	t->text_known = command_put_text(x->session, x->command, &s->text);
	t->text = t->text_known ? hash_bytes(buf_slice(&s->text)) : 0;
	return ERR_OK;
}

static inline enum err on_event(void *ctx, const struct event *e, struct errinfo *info)
{
	struct story *s = ctx;

	s->goes_on |= e->type == EVENT_END && e->end == END_CAPTURE;
	return exchange_join_event(s->join, e, info);
}

static inline enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct event_check *check = ctx;
	struct story *s = check->next.ctx;

	(void)info;
	s->coverage = *coverage;
	return ERR_OK;
}

static inline struct story *hear(struct slice wire, bool any_port)
{
	struct input_options options = {
		.ports = {WIRE_SERVER_PORT}, .port_count = 1, .any_port = any_port};
	struct story *s = calloc(1, sizeof(*s));
	struct event_sink sink = {.event = event_check_event, .finish = on_finish};

	assert_non_null(s);
	sink.ctx = &s->check;
	s->check.next = (struct event_sink){.event = on_event, .ctx = s};
	buf_init(&s->text, 1 << 26);
	CHECK(exchange_join_new(on_exchange, s, &s->join) == ERR_OK);
	CHECK(wire_run(wire, &options, &sink, NULL, NULL) == ERR_OK);
	return s;
}

static inline void story_free(struct story *s)
{
	exchange_join_free(s->join);
	buf_release(&s->text);
	free(s);
}

#endif
