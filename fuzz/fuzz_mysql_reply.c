/*
 * Target: the framing reader and the answer machine, with every decoder of replies behind it.
 *
 * Input: 1 byte command, 6 bytes capabilities (low bits first), 1 byte size of the pieces in which the
 * rest, a server's stream of bytes, is given to the reader (0: all at once).
 */
#include <stdlib.h>

#include "mysql/answer.h"
#include "mysql/charset.h"

enum { KEPT = 1 << 16, TEXT_MAX = 1 << 20 }; /* bytes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct myp_item *item, struct buf *text)
{
	struct myp_states states;
	struct myp_state state;

	buf_reset(text);
	switch (item->kind) {
	case MYP_ITEM_OK:
	case MYP_ITEM_COLUMNS_END:
	case MYP_ITEM_PARAMS_END:
	case MYP_ITEM_ROWS_END:
		states = myp_states_of(item->ok.state);
		while (myp_state_next(&states, &state))
			(void)myp_charset_to_utf8(45, state.value, text);
		(void)myp_charset_to_utf8(8, item->ok.info, text);
		break;
	case MYP_ITEM_ERR:
		(void)myp_charset_to_utf8(33, item->err.message, text);
		break;
	case MYP_ITEM_COLUMN:
	case MYP_ITEM_PARAM:
		(void)myp_charset_to_utf8(item->column.charset, item->column.name, text);
		(void)myp_charset_to_utf8(28, item->column.def, text);
		break;
	case MYP_ITEM_INFILE:
	case MYP_ITEM_STRING:
		(void)myp_charset_to_utf8(13, item->text, text);
		break;
	case MYP_ITEM_COLUMN_COUNT:
	case MYP_ITEM_ROW:
	case MYP_ITEM_PREPARED:
	case MYP_ITEM_AUTH:
	case MYP_ITEM_PROGRESS:
	case MYP_ITEM_REPLICATION:
		break;
	}
}

/* Gives one piece, in a block of its very size, to the reader. */
static void give(struct myp_reader *r, struct myp_answer *a, struct slice piece, struct buf *text)
{
	uint8_t *exact = malloc(piece.len ? piece.len : 1);
	struct slice bytes = slice_of(exact, piece.len);
	struct myp_packet p;
	struct myp_item item;

	if (!exact)
		abort();
	if (piece.len)
		memcpy(exact, piece.ptr, piece.len);
	while (myp_reader_next(r, &bytes, &p) == ERR_OK) {
		if (myp_answer_done(a))
			myp_answer_begin(a, a->command, a->caps);
		if (myp_answer_packet(a, &p, &item) != ERR_OK)
			continue;
		if (item.done != myp_answer_done(a))
			abort();
		look_at(&item, text);
	}
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(slice_of(data, size));
	uint8_t command = cur_u8(&c);
	uint64_t caps = cur_uint_le(&c, 6);
	size_t step = cur_u8(&c);
	struct myp_answer a;
	struct myp_reader r;
	struct buf text;

	myp_reader_init(&r, KEPT);
	buf_init(&text, TEXT_MAX);
	myp_answer_begin(&a, command, caps);
	while (cur_left(&c) > 0) {
		size_t n = step == 0 || step > cur_left(&c) ? cur_left(&c) : step;

		give(&r, &a, cur_bytes(&c, n), &text);
	}
	buf_release(&text);
	myp_reader_release(&r);
	return 0;
}
