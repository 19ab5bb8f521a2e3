/* outcome_dry - what would be sent, for people. */
#include <stdlib.h>

#include "base/mem.h"
#include "out/table.h"
#include "out/units.h"
#include "replay/outcome_write.h"

enum { TEXT_WIDTH = 100 };

static void put_count(struct out *out, uint64_t n, const char *text)
{
	if (n > 0)
		out_printf(out, "  %12llu  %s\n", (unsigned long long)n, text);
}

/* Per second of the target's time, if that is known; else of the recording's. */
static double rate_of(const struct outcome *o, uint64_t n)
{
	double seconds = (double)o->recorded_ns / 1e9 / (o->speed > 0 ? o->speed : 1);

	return seconds > 0 ? (double)n / seconds : 0;
}

static void put_head(const struct outcome *o, struct out *out)
{
	out_printf(out, "Nothing was sent. A replay of these %s would send %llu of %llu commands",
		   units_duration(o->recorded_ns).text, (unsigned long long)o->sent,
		   (unsigned long long)o->commands);
	out_printf(out, "%s: %s commands/s\n", o->speed > 0 ? "" : ", at the recorded pace",
		   units_number(rate_of(o, o->sent)).text);
	if (o->ended)
		out_printf(out, "It did not run to its end: %s\n", o->ended);
	put_count(out, o->sessions, "sessions");
	put_count(out, o->not_logged_in, "of these failed to log in: left out");
	put_count(out, o->encrypted, "of these are encrypted: left out");
	put_count(out, o->filtered, "commands left out by filters or --share");
	for (int r = 0; r < NOT_SENT_REASONS; r++)
		if (o->not_sent[r] > 0)
			out_printf(out, "  %12llu  commands not sent: %s\n",
				   (unsigned long long)o->not_sent[r],
				   not_sent_text((enum not_sent)r));
	put_count(out, outcome_left_out(o), "left out by --read-only, in all");
	for (size_t i = 0; i < o->notes.count; i++)
		put_count(out, o->notes.lines[i].count, o->notes.lines[i].text);
	out_put_cstr(out, "What only the target's answers decide is not known before.\n\n");
}

static int by_calls(const void *a, const void *b)
{
	const struct outcome_row *x = *(const struct outcome_row *const *)a,
				 *y = *(const struct outcome_row *const *)b;
	uint64_t calls_x = x->would_send + x->not_sent, calls_y = y->would_send + y->not_sent;

	if (calls_x != calls_y)
		return calls_x < calls_y ? 1 : -1;
	return x->key < y->key ? -1 : x->key > y->key;
}

enum err outcome_write_dry(const struct outcome *o, size_t limit, struct out *out)
{
	static const struct table_column columns[] = {
		{.title = "sent", .align = TABLE_RIGHT},
		{.title = "not sent", .align = TABLE_RIGHT},
		{.title = "per second", .align = TABLE_RIGHT},
		{.title = "statement", .width_max = TEXT_WIDTH},
	};
	const struct outcome_row **rows;
	size_t count = limit > 0 && limit < o->rows.count ? limit : o->rows.count;
	struct table t;
	enum err e = outcome_sorted(o, &rows);

	if (e != ERR_OK)
		return e;
	qsort(rows, o->rows.count, sizeof(*rows), by_calls);
	put_head(o, out);
	table_init(&t, columns, sizeof(columns) / sizeof(*columns), false);
	for (size_t i = 0; i < count; i++) {
		table_u64(&t, rows[i]->would_send);
		table_u64(&t, rows[i]->not_sent);
		table_cstr(&t, units_number(rate_of(o, rows[i]->would_send)).text);
		table_cstr(&t, outcome_row_text(o, rows[i]));
	}
	e = table_write(&t, out);
	table_release(&t);
	mem_free(rows);
	return e;
}
