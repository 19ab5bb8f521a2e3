/* outcome_html - an outcome as one page that needs nothing else. */
#include "base/mem.h"
#include "out/html.h"
#include "out/units.h"
#include "replay/chart.h"
#include "replay/outcome_write.h"
#include "replay/redact.h"

enum { DETAILS_MAX = 200, ROWS_MAX = 1000, MESSAGE_ROOM = 4 * FACTS_MESSAGE_MAX };

struct page {
	const struct outcome *o;
	const struct outcome_html *how;
	struct out *out;
};

static const char style[] =
	":root{--bg:#fff;--fg:#1c2024;--dim:#60656c;--line:#e2e4e8;--before:#7b8794;--after:#"
	"0b68cb;"
	"--bad:#c0271c;--good:#18794e;--card:#f6f7f9}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#111417;--fg:#e6e8eb;--dim:#9ba1a8;"
	"--line:#2a2f35;--before:#8d98a5;--after:#57a6ff;--bad:#ff7b6b;--good:#4cc38a;"
	"--card:#191d21}}\n"
	"*{box-sizing:border-box}body{margin:0 "
	"auto;max-width:1200px;padding:16px;background:var(--bg);"
	"color:var(--fg);font:15px/1.45 system-ui,sans-serif}h1{font-size:1.5em;margin:.2em 0}"
	"h2{font-size:1.15em;margin:1.8em 0 .5em}p{margin:.4em 0}.dim{color:var(--dim)}"
	".bad{color:var(--bad)}.good{color:var(--good)}\n"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:10px;"
	"margin:1em 0}.tiles div{background:var(--card);border:1px solid var(--line);"
	"border-radius:8px;padding:10px 12px}.tiles b{display:block;font-size:1.5em;"
	"font-variant-numeric:tabular-nums}.tiles span{color:var(--dim);font-size:.85em}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9em}"
	"th,td{text-align:right;padding:4px 8px;border-bottom:1px solid var(--line);"
	"white-space:nowrap;font-variant-numeric:tabular-nums;vertical-align:top}"
	"th{color:var(--dim);font-weight:500}td.text,th.text{text-align:left;white-space:normal;"
	"min-width:240px;max-width:420px;overflow-wrap:anywhere}code,pre{font:.92em/1.4 "
	"ui-monospace,monospace}"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.3em 0}\n"
	"details{border:1px solid var(--line);border-radius:8px;margin:8px 0;padding:8px 12px}"
	"summary{cursor:pointer;overflow-wrap:anywhere}\n"
	"svg{width:100%;min-width:560px;height:auto;max-height:320px;display:block}svg "
	"text{fill:var(--dim);"
	"font-size:11px}.grid{stroke:var(--line)}.line{fill:none;stroke-width:2;"
	"stroke-linecap:round}.line.high{stroke-dasharray:4 4;stroke-width:1.5}"
	".line.before{stroke:var(--before)}.line.after{stroke:var(--after)}"
	".bar.before{fill:var(--before)}.bar.after{fill:var(--after)}"
	".key i{display:inline-block;width:12px;height:12px;border-radius:2px;margin:0 4px 0 12px}"
	".key .before{background:var(--before)}.key .after{background:var(--after)}\n";

static void put_head(const struct page *p)
{
	struct out *out = p->out;

	out_put_cstr(out,
		     "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		     "style-src 'unsafe-inline'\">\n<title>");
	html_cstr(out, p->how->title);
	out_put_cstr(out, "</title>\n<style>");
	out_put_cstr(out, style);
	out_put_cstr(out, "</style></head><body>\n");
	html_element(out, "h1", p->how->title);
	out_printf(out, "<p class=\"dim\">%s in %s", units_duration(p->o->recorded_ns).text,
		   units_duration(p->o->replayed_ns).text);
	out_printf(out, "; %s commands sent, %s answered.</p>\n", units_count(p->o->sent).text,
		   units_count(p->o->answered).text);
	if (p->o->ended) {
		out_put_cstr(out, "<p class=\"bad\">It did not run to its end: ");
		html_cstr(out, p->o->ended);
		out_put_cstr(out, "</p>\n");
	}
	if (p->o->short_of_memory)
		out_put_cstr(out, "<p class=\"bad\">Memory was short: a part is missing.</p>\n");
}

static void put_tile(struct out *out, const char *label, uint64_t n, bool is_bad)
{
	out_printf(out, "<div><b%s>%s</b><span>%s</span></div>\n",
		   n > 0 && is_bad ? " class=\"bad\"" : "", units_count(n).text, label);
}

static void put_tiles(const struct page *p)
{
	const struct outcome *o = p->o;
	const uint64_t errors = o->verdicts[VERDICT_ERROR_NEW];
	uint64_t apart = 0;

	for (int a = 0; a < APARTS; a++)
		apart += o->apart[a];
	out_put_cstr(p->out, "<div class=\"tiles\">\n");
	put_tile(p->out, "new errors", errors, true);
	put_tile(p->out, "other differences", outcome_differences(o) - errors, true);
	put_tile(p->out, "not sent", outcome_missing(o), true);
	put_tile(p->out, "set apart, with a reason", apart, false);
	put_tile(p->out, "statements slower", outcome_judged(o, CONTRAST_SLOWER), true);
	put_tile(p->out, "statements faster", outcome_judged(o, CONTRAST_FASTER), false);
	put_tile(p->out, "too few to tell", outcome_judged(o, CONTRAST_TOO_FEW), false);
	out_put_cstr(p->out, "</div>\n");
}

static void put_key(const struct page *p, const char *more)
{
	out_put_cstr(p->out, "<p class=\"key dim\"><i class=\"before\"></i>");
	html_cstr(p->out, p->o->before);
	out_put_cstr(p->out, "<i class=\"after\"></i>");
	html_cstr(p->out, p->o->after);
	out_put_cstr(p->out, more);
	out_put_cstr(p->out, "</p>\n");
}

static void put_summary(const struct page *p, const char *name, const struct hist *h)
{
	out_put_cstr(p->out, "<tr><td class=\"text\">");
	html_cstr(p->out, name);
	out_put_cstr(p->out, "</td>");
	out_printf(p->out, "<td>%llu</td><td>%s</td>", (unsigned long long)h->count,
		   units_duration((int64_t)hist_mean_ns(h)).text);
	for (int i = 0; i < 3; i++) {
		static const double q[] = {0.5, 0.95, 0.99};

		out_printf(p->out, "<td>%s</td>", units_duration(hist_quantile_ns(h, q[i])).text);
	}
	out_printf(p->out, "<td>%s</td></tr>\n", units_duration(h->max_ns).text);
}

static void put_ratio(const struct contrast *c, struct out *out)
{
	const char *class = c->verdict == CONTRAST_SLOWER   ? "bad"
			    : c->verdict == CONTRAST_FASTER ? "good"
							    : "dim";

	if (c->known)
		out_printf(out, "<td>%.2f</td><td>%.2f&ndash;%.2f</td>", c->ratio, c->low, c->high);
	else
		out_put_cstr(out, "<td>-</td><td>-</td>");
	out_printf(out, "<td class=\"%s\">%s</td>", class, contrast_verdict_name(c->verdict));
}

static void put_latency(const struct page *p, const struct hist *before, const struct hist *after)
{
	const struct contrast *c = &p->o->contrast;

	out_put_cstr(p->out, "<h2>Latency</h2>\n<div class=\"wide\"><table><tr><th "
			     "class=\"text\"></th><th>answers</th><th>mean</th><th>p50</th><th>p95"
			     "</th><th>p99</th><th>max</th></tr>\n");
	put_summary(p, p->o->before, before);
	put_summary(p, p->o->after, after);
	out_put_cstr(p->out, "</table></div>\n");
	if (c->known)
		out_printf(p->out,
			   "<p>The typical latency is %.2f times the one before (95 %%: %.2f to "
			   "%.2f): %s.</p>\n",
			   c->ratio, c->low, c->high, contrast_verdict_name(c->verdict));
	out_put_cstr(p->out, "<h2>Latency over time</h2>\n");
	put_key(p, " &nbsp; solid: p50, dashed: p99; by the time of the recording");
	out_put_cstr(p->out, "<div class=\"wide\">\n");
	chart_timeline(p->o, p->out);
	out_put_cstr(p->out, "</div>\n");
	out_put_cstr(p->out, "<h2>Distribution</h2>\n");
	put_key(p, " &nbsp; share of the answers that took so long");
	out_put_cstr(p->out, "<div class=\"wide\">\n");
	chart_distribution(before, after, p->out);
	out_put_cstr(p->out, "</div>\n");
}

static void put_counted(const struct page *p, uint64_t n, const char *text)
{
	if (n == 0)
		return;
	out_printf(p->out, "<tr><td>%llu</td><td class=\"text\">", (unsigned long long)n);
	html_cstr(p->out, text);
	out_put_cstr(p->out, "</td></tr>\n");
}

static void put_counts(const struct page *p)
{
	const struct outcome *o = p->o;

	out_put_cstr(p->out, "<h2>Answers</h2>\n<div class=\"wide\"><table>\n");
	for (int v = 0; v < VERDICTS; v++)
		put_counted(p, o->verdicts[v], verdict_text((enum verdict)v));
	for (int a = 0; a < APARTS; a++) {
		char text[160];

		snprintf(text, sizeof(text), "set apart: %s", apart_text((enum apart)a));
		put_counted(p, o->apart[a], text);
	}
	for (int r = 0; r < NOT_SENT_REASONS; r++) {
		char text[160];

		snprintf(text, sizeof(text), "not sent: %s", not_sent_text((enum not_sent)r));
		put_counted(p, o->not_sent[r], text);
	}
#define COUNT(name, text) put_counted(p, o->name, text);
	OUTCOME_LOSS_COUNTS(COUNT)
#undef COUNT
	put_counted(p, o->done_before,
		    "done by the replay that is continued, and not in these figures");
	put_counted(p, o->unanswered, "sent, but never answered");
	for (size_t i = 0; i < o->troubles.count; i++)
		put_counted(p, o->troubles.lines[i].count,
			    p->how->raw ? o->troubles.lines[i].text : "trouble with a connection");
	out_put_cstr(p->out, "</table></div>\n");
}

/* Before above after. */
static void put_pair(struct out *out, const struct outcome_row *row, double q)
{
	const struct hist *pair[] = {&row->recorded.latency, &row->replayed.latency};

	out_put_cstr(out, "<td>");
	for (int i = 0; i < 2; i++) {
		const int64_t ns =
			q < 0 ? (int64_t)hist_mean_ns(pair[i]) : hist_quantile_ns(pair[i], q);

		out_put_cstr(out, i == 0 ? "<span class=\"dim\">" : "</span><br>");
		out_put_cstr(out, pair[i]->count == 0 ? "-" : units_duration(ns).text);
	}
	out_put_cstr(out, "</td>");
}

static void put_row(const struct page *p, const struct outcome_row *row)
{
	static const double quantiles[] = {-1, 0.5, 0.95, 0.99, 1}; /* the first is the mean */
	const uint64_t differ = outcome_row_differences(row);
	struct out *out = p->out;

	out_put_cstr(out, "<tr><td class=\"text\"><code>");
	html_cstr(out, outcome_row_text(p->o, row));
	out_printf(out,
		   "</code></td><td><span class=\"dim\">%llu</span><br>%llu</td><td%s>%llu</td>",
		   (unsigned long long)row->recorded.calls, (unsigned long long)row->replayed.calls,
		   differ > 0 ? " class=\"bad\"" : "", (unsigned long long)differ);
	out_printf(out, "<td><span class=\"dim\">%llu</span><br>%llu</td><td>%s</td>",
		   (unsigned long long)row->recorded.errors,
		   (unsigned long long)row->replayed.errors,
		   units_duration(outcome_lost_ns(row)).text);
	put_ratio(&row->contrast, out);
	for (size_t q = 0; q < sizeof(quantiles) / sizeof(*quantiles); q++)
		put_pair(out, row, quantiles[q]);
	out_put_cstr(out, "</tr>\n");
}

static void put_rows(const struct page *p, const struct outcome_row *const *rows, size_t count)
{
	out_printf(
		p->out,
		"<h2>Statements, by what hurts</h2>\n<p class=\"dim\">%zu of %zu; new errors "
		"first, then other differences, then time lost. Of two numbers the upper one is ",
		count, p->o->rows.count);
	html_cstr(p->out, p->o->before);
	out_put_cstr(p->out, ", the lower one ");
	html_cstr(p->out, p->o->after);
	out_put_cstr(
		p->out,
		".</p>\n<div class=\"wide\"><table><tr><th class=\"text\">statement</th>"
		"<th>calls</th><th>differ</th><th>errors</th><th>lost</th><th>ratio</th><th>95 "
		"%</th><th>latency</th><th>mean</th><th>p50</th><th>p95</th><th>p99</th>"
		"<th>max</th></tr>\n");
	for (size_t i = 0; i < count; i++)
		put_row(p, rows[i]);
	out_put_cstr(p->out, "</table></div>\n");
}

static void put_message(const struct page *p, const struct facts *f)
{
	struct buf text;

	buf_init(&text, MESSAGE_ROOM);
	if (p->how->raw)
		buf_put_cstr(&text, f->message);
	else
		redact_message(f->error_code, slice_cstr(f->message), &text);
	if (buf_err(&text) == ERR_OK)
		html_text(p->out, buf_slice(&text));
	buf_release(&text);
}

static void put_answer(const struct page *p, const char *name, const struct facts *f)
{
	struct out *out = p->out;

	out_put_cstr(out, "<tr><td class=\"text\">");
	html_cstr(out, name);
	out_put_cstr(out, "</td><td class=\"text\">");
	if (f->error_code != 0) {
		out_printf(out, "error %u (", f->error_code);
		html_cstr(out, f->sqlstate);
		out_put_cstr(out, "): ");
		put_message(p, f);
	} else {
		out_printf(out, "rows %llu, columns %u, affected %llu, warnings %u",
			   (unsigned long long)f->rows, f->columns,
			   (unsigned long long)f->affected_rows, f->warnings);
		if (f->insert_id != 0 && p->how->raw)
			out_printf(out, ", id %llu", (unsigned long long)f->insert_id);
		if (f->rows > 0 && f->sum_known && p->how->raw)
			out_printf(out, ", sum %016llx", (unsigned long long)f->sum.ordered);
	}
	out_put_cstr(out, "</td></tr>\n");
}

static void put_sample(const struct page *p, const struct outcome_sample *s)
{
	const struct compare_where where = compare_where(s->verdict, &s->recorded, &s->replayed);
	char id[SESSION_ID_TEXT];

	out_put_cstr(p->out, "<p>");
	html_cstr(p->out, verdict_text(s->verdict));
	if (s->apart != NOT_APART) {
		out_put_cstr(p->out, "; set apart: ");
		html_cstr(p->out, apart_text(s->apart));
	}
	out_printf(p->out, " <span class=\"dim\">session %s, command %llu</span></p>\n",
		   session_id_format(s->session, id), (unsigned long long)s->n);
	if (p->how->raw && s->text) {
		out_put_cstr(p->out, "<pre>");
		html_cstr(p->out, s->text);
		out_put_cstr(p->out, "</pre>\n");
	}
	if (*where.text)
		out_printf(p->out, "<p class=\"dim\">in %s</p>\n", where.text);
	out_put_cstr(p->out, "<table>");
	put_answer(p, p->o->before, &s->recorded);
	put_answer(p, p->o->after, &s->replayed);
	out_put_cstr(p->out, "</table>\n");
}

static void put_small_distribution(const struct page *p, const struct outcome_row *row)
{
	out_put_cstr(p->out, "<div class=\"wide\">\n");
	chart_distribution(&row->recorded.latency, &row->replayed.latency, p->out);
	out_put_cstr(p->out, "</div>\n");
}

static void put_details(const struct page *p, const struct outcome_row *row)
{
	out_put_cstr(p->out, "<details><summary><code>");
	html_cstr(p->out, outcome_row_text(p->o, row));
	out_printf(p->out, "</code> <span class=\"dim\">%llu differ",
		   (unsigned long long)outcome_row_differences(row));
	for (int a = 0; a < APARTS; a++)
		if (row->apart[a] > 0)
			out_printf(p->out, "; %llu set apart: %s",
				   (unsigned long long)row->apart[a], apart_text((enum apart)a));
	out_put_cstr(p->out, "</span></summary>\n");
	for (size_t i = 0; i < row->sample_count; i++)
		put_sample(p, &row->samples[i]);
	if (row->contrast.verdict == CONTRAST_SLOWER || row->contrast.verdict == CONTRAST_FASTER)
		put_small_distribution(p, row);
	if (row->plan) {
		out_put_cstr(p->out, "<pre>");
		html_cstr(p->out, row->plan);
		out_put_cstr(p->out, "</pre>\n");
	}
	out_put_cstr(p->out, "</details>\n");
}

static bool has_details(const struct outcome_row *row)
{
	return row->sample_count > 0 || row->plan || row->contrast.verdict == CONTRAST_SLOWER ||
	       row->contrast.verdict == CONTRAST_FASTER;
}

static void put_all_details(const struct page *p, const struct outcome_row *const *rows)
{
	size_t shown = 0;

	for (size_t i = 0; i < p->o->rows.count && shown < DETAILS_MAX; i++) {
		if (!has_details(rows[i]))
			continue;
		if (shown++ == 0)
			out_put_cstr(p->out, "<h2>Differences and changes, one by one</h2>\n");
		put_details(p, rows[i]);
	}
}

static void put_coverage(const struct page *p)
{
	if (!coverage_has_losses(&p->o->coverage))
		return;
	out_put_cstr(p->out, "<h2>What the recording does not have</h2>\n<div "
			     "class=\"wide\"><table>\n");
	for (const struct coverage_field *f = coverage_fields; f->name; f++)
		if (f->is_loss)
			put_counted(p, coverage_get(&p->o->coverage, f),
				    coverage_text(f, coverage_get(&p->o->coverage, f)));
	out_put_cstr(p->out, "</table></div>\n");
}

enum err outcome_write_html(const struct outcome *o, const struct outcome_html *how,
			    struct out *out)
{
	const struct page p = {.o = o, .how = how, .out = out};
	const struct outcome_row **rows = NULL;
	struct hist before, after;
	enum err e = outcome_latency(o, false, &before);

	if (e != ERR_OK)
		return e;
	hist_init(&after);
	e = outcome_latency(o, true, &after);
	if (e == ERR_OK)
		e = outcome_sorted(o, &rows);
	if (e == ERR_OK) {
		put_head(&p);
		put_tiles(&p);
		put_latency(&p, &before, &after);
		put_rows(&p, rows, o->rows.count < ROWS_MAX ? o->rows.count : (size_t)ROWS_MAX);
		put_all_details(&p, rows);
		put_counts(&p);
		put_coverage(&p);
		out_put_cstr(out, "</body></html>\n");
	}
	mem_free(rows);
	hist_release(&before);
	hist_release(&after);
	return e;
}
