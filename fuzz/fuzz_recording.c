/*
 * Target: decoder_begin, decoder_next, decoder_end: a block's unpacked body, without the checksums that keep
 * a fuzzer out.
 *
 * The input is several bodies, each with its length, 3 bytes, before it.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "recording/decoder.h"

enum { EVENTS_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t looked_at; /* so that no look is left out */

/* Looks at all bytes that the event points to, so that a sanitizer does. */
static uint64_t touch(struct slice s)
{
	uint64_t sum = s.len;

	for (size_t i = 0; i < s.len; i++)
		sum += s.ptr[i];
	return sum;
}

static uint64_t touch_command(const struct command *c)
{
	uint64_t sum = touch(c->text) + touch(c->payload) + touch(c->database);

	for (size_t i = 0; i < c->params->count; i++) {
		const struct myp_param *p = &c->params->items[i];

		sum += touch(p->name);
		if (p->value.kind == MYP_VALUE_TEXT || p->value.kind == MYP_VALUE_BYTES)
			sum += touch(p->value.bytes);
	}
	return c->statement ? sum + touch(statement_text(c->statement)) : sum;
}

static uint64_t touch_response(const struct response *r)
{
	uint64_t sum = touch(r->message) + touch(r->infile);

	for (size_t i = 0; i < r->result_count; i++) {
		const struct result *x = &r->results[i];

		sum += touch(x->info) + touch(x->state) + touch(x->error.message);
		for (uint32_t k = 0; x->columns && k < x->column_count; k++)
			sum += touch(x->columns[k].name) + touch(x->columns[k].def);
		for (uint32_t k = 0; x->column_sums && k < x->column_count; k++)
			sum += x->column_sums[k].sum.ordered;
	}
	return sum;
}

static uint64_t touch_event(const struct event *e)
{
	uint64_t sum = touch(fact_slice(&e->session->user)) + e->session->state_count;

	if (e->type == EVENT_COMMAND)
		sum += touch_command(e->command);
	if (e->type == EVENT_RESPONSE)
		sum += touch_response(e->response);
	if (e->type == EVENT_DATA)
		sum += touch(e->data.bytes);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(slice_of(data, size));
	struct decoder *d;
	struct event e;
	uint64_t sum = 0;
	size_t events = 0;

	if (decoder_new(&d) != ERR_OK)
		return 0;
	while (cur_left(&c) > 3) {
		size_t len = cur_u24(&c);
		enum err x;

		if (len > cur_left(&c))
			len = cur_left(&c);
		decoder_begin(d, cur_bytes(&c, len));
		while ((x = decoder_next(d, &e)) == ERR_OK) {
			sum += touch_event(&e);
			events++;
			assert(events < EVENTS_MAX);
		}
		if (x != ERR_EOF)
			decoder_damage(d);
	}
	while (decoder_end(d, &e) == ERR_OK)
		sum += touch_event(&e);
	decoder_free(d);
	looked_at = sum;
	return 0;
}
