/* exposition - figures as Prometheus reads them. */
#include "metrics/exposition.h"

#include <string.h>

static const char *const kinds[] = {
	[EXPOSITION_COUNTER] = "counter",
	[EXPOSITION_GAUGE] = "gauge",
	[EXPOSITION_HISTOGRAM] = "histogram",
};

/* In values of labels a quotation mark is escaped, too; in a help text it must not be. */
static void put_escaped(struct buf *to, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\n')
			buf_put_cstr(to, "\\n");
		else if (strchr(special, *text))
			buf_printf(to, "\\%c", *text);
		else
			buf_put_u8(to, (uint8_t)*text);
	}
}

void exposition_family(struct buf *to, const char *name, enum exposition_kind kind,
		       const char *help)
{
	buf_printf(to, "# HELP %s ", name);
	put_escaped(to, help, "\\");
	buf_printf(to, "\n# TYPE %s %s\n", name, kinds[kind]);
}

void exposition_count(struct buf *to, const char *name, const char *label, const char *value,
		      uint64_t n)
{
	buf_put_cstr(to, name);
	if (label) {
		buf_printf(to, "{%s=\"", label);
		put_escaped(to, value, "\\\"");
		buf_put_cstr(to, "\"}");
	}
	buf_printf(to, " %llu\n", (unsigned long long)n);
}

void exposition_seconds(struct buf *to, const char *name, int64_t ns)
{
	buf_printf(to, "%s %.9f\n", name, (double)ns / 1e9);
}

void exposition_ratio(struct buf *to, const char *name, double ratio)
{
	buf_printf(to, "%s %.6f\n", name, ratio);
}

void exposition_histogram(struct buf *to, const char *name, const struct exposition_histogram *h)
{
	for (size_t i = 0; i < h->bounds; i++)
		buf_printf(to, "%s_bucket{le=\"%g\"} %llu\n", name, (double)h->bounds_ns[i] / 1e9,
			   (unsigned long long)h->below[i]);
	buf_printf(to, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)h->all);
	buf_printf(to, "%s_sum %.9f\n", name, (double)h->sum_ns / 1e9);
	buf_printf(to, "%s_count %llu\n", name, (unsigned long long)h->all);
}
