/* chart - an outcome as pictures. */
#include "replay/chart.h"

#include <math.h>

#include "out/units.h"

/* In units of the picture, which is scaled to the page. */
enum {
	WIDTH = 760,
	HEIGHT = 240,
	LEFT = 64, /* room for the axis' labels */
	TOP = 10,
	RIGHT = 10,
	BOTTOM = 26,
	BARS = 48, /* pairs of bars of a distribution */
	TIME_LABELS = 6,
};

static const double plot_width = WIDTH - LEFT - RIGHT, plot_height = HEIGHT - TOP - BOTTOM;

/* A logarithmic axis of durations. */
struct axis {
	double low, high; /* logarithms to base 10 */
};

static double log_of(double ns)
{
	return log10(ns > 1 ? ns : 1);
}

static void axis_fit(struct axis *a, double ns)
{
	a->low = fmin(a->low, log_of(ns));
	a->high = fmax(a->high, log_of(ns));
}

static void axis_round(struct axis *a)
{
	a->low = floor(a->low * 4) / 4;
	a->high = ceil(a->high * 4) / 4;
	if (a->high - a->low < 0.5)
		a->high = a->low + 0.5;
}

static double axis_at(const struct axis *a, double ns)
{
	return (log_of(ns) - a->low) / (a->high - a->low);
}

static void begin(struct out *out, const char *label)
{
	out_printf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH,
		   HEIGHT, label);
}

static double x_of(double share)
{
	return LEFT + share * plot_width;
}

static double y_of(double share)
{
	return TOP + (1 - share) * plot_height;
}

/* Lines at 1, 2 and 5 times each power of ten, or at the powers only where there are many. */
static void put_grid(const struct axis *a, bool upright, struct out *out)
{
	static const double steps[] = {1, 2, 5};
	const size_t count = a->high - a->low > 2.5 ? 1 : sizeof(steps) / sizeof(*steps);

	for (int power = (int)floor(a->low); power <= (int)a->high; power++) {
		for (size_t i = 0; i < count; i++) {
			const double ns = steps[i] * pow(10, power), at = axis_at(a, ns);
			const struct units_text label = units_duration((int64_t)ns);

			if (at < -0.001 || at > 1.001)
				continue;
			if (upright)
				out_printf(out,
					   "<text x=\"%.1f\" y=\"%d\" "
					   "text-anchor=\"middle\">%s</text>\n",
					   x_of(at), HEIGHT - 8, label.text);
			else
				out_printf(out,
					   "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" "
					   "y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
					   LEFT, y_of(at), WIDTH - RIGHT, LEFT - 6, y_of(at) + 4,
					   label.text);
		}
	}
}

/* The quantile Q of each slot as a line, broken where there is nothing. */
static void put_line(const struct timeline *t, const struct axis *a, unsigned slots,
		     const char *class, double q, struct out *out)
{
	bool drawing = false;

	out_printf(out, "<path class=\"line %s%s\" d=\"", class, q > 0.9 ? " high" : "");
	for (unsigned i = 0; i < slots; i++) {
		const struct hist *h = &t->slots[i];

		if (h->count > 0) {
			const double x = x_of((i + 0.5) / slots),
				     y = y_of(axis_at(a, (double)hist_quantile_ns(h, q)));

			/* A point that stands alone shows, too. */
			out_printf(out, "%c%.1f %.1fh.1", drawing ? 'L' : 'M', x, y);
		}
		drawing = h->count > 0;
	}
	out_put_cstr(out, "\"/>\n");
}

static void fit_timeline(const struct timeline *t, struct axis *a)
{
	for (unsigned i = 0; i < TIMELINE_SLOTS; i++) {
		if (t->slots[i].count == 0)
			continue;
		axis_fit(a, (double)hist_quantile_ns(&t->slots[i], 0.5));
		axis_fit(a, (double)hist_quantile_ns(&t->slots[i], 0.99));
	}
}

static void put_times(int64_t all_ns, struct out *out)
{
	for (int i = 0; i < TIME_LABELS; i++) {
		const double share = (double)i / (TIME_LABELS - 1);
		const char *anchor = i == 0 ? "start" : i == TIME_LABELS - 1 ? "end" : "middle";

		out_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>\n",
			   x_of(share), HEIGHT - 8, anchor,
			   units_duration((int64_t)(share * (double)all_ns)).text);
	}
}

void chart_timeline(const struct outcome *o, struct out *out)
{
	const struct timeline *before = &o->recorded_line, *after = &o->replayed_line;
	struct axis a = {.low = HUGE_VAL, .high = -HUGE_VAL};
	unsigned slots = timeline_used(before);

	/* Merged, both have the same width. */
	if (before->width_ns != after->width_ns)
		return;
	slots = timeline_used(after) > slots ? timeline_used(after) : slots;
	fit_timeline(before, &a);
	fit_timeline(after, &a);
	if (slots == 0 || a.low > a.high)
		return;
	axis_round(&a);
	begin(out, "latency over time");
	put_grid(&a, false, out);
	put_times((int64_t)slots * before->width_ns, out);
	put_line(before, &a, slots, "before", 0.5, out);
	put_line(after, &a, slots, "after", 0.5, out);
	put_line(before, &a, slots, "before", 0.99, out);
	put_line(after, &a, slots, "after", 0.99, out);
	out_put_cstr(out, "</svg>\n");
}

/* What share of H lies in each of the bars. */
static void fill_bars(const struct hist *h, const struct axis *a, double bars[BARS])
{
	struct hist_bucket b = {.at = 0};

	for (int i = 0; i < BARS; i++)
		bars[i] = 0;
	while (hist_next(h, &b)) {
		int at = (int)(axis_at(a, (double)b.top_ns) * BARS);

		at = at < 0 ? 0 : at >= BARS ? BARS - 1 : at;
		bars[at] += (double)b.count / (double)h->count;
	}
}

static void put_bars(const double bars[BARS], double most, const char *class, int place,
		     struct out *out)
{
	const double width = plot_width / BARS / 2.4;

	out_printf(out, "<path class=\"bar %s\" d=\"", class);
	for (int i = 0; i < BARS; i++) {
		const double height = bars[i] / most * plot_height;

		if (bars[i] > 0)
			out_printf(out, "M%.1f %.1fv-%.1fh%.1fv%.1fz",
				   x_of((double)i / BARS) + place * width, y_of(0), height, width,
				   height);
	}
	out_put_cstr(out, "\"/>\n");
}

void chart_distribution(const struct hist *before, const struct hist *after, struct out *out)
{
	struct axis a = {.low = HUGE_VAL, .high = -HUGE_VAL};
	double first[BARS], second[BARS], most = 0;

	if (before->count == 0 || after->count == 0)
		return;
	/* The last 0.1 % would take half of the picture, and fill its last bar. */
	axis_fit(&a, (double)before->min_ns);
	axis_fit(&a, (double)after->min_ns);
	axis_fit(&a, (double)hist_quantile_ns(before, 0.999));
	axis_fit(&a, (double)hist_quantile_ns(after, 0.999));
	axis_round(&a);
	fill_bars(before, &a, first);
	fill_bars(after, &a, second);
	for (int i = 0; i < BARS; i++)
		most = fmax(most, fmax(first[i], second[i]));
	if (most <= 0)
		return;
	begin(out, "distribution of latencies");
	put_grid(&a, true, out);
	out_printf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", LEFT, y_of(0), WIDTH - RIGHT);
	out_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 6,
		   TOP + 8, units_percent(most).text);
	put_bars(first, most, "before", 0, out);
	put_bars(second, most, "after", 1, out);
	out_put_cstr(out, "</svg>\n");
}
