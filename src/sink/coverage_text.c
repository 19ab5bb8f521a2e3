/* coverage_text - the coverage as every output tells it. */
#include "sink/coverage_text.h"

#include "out/units.h"

void coverage_put_text(struct out *o, const struct coverage *c)
{
	bool first = true;

	out_put_cstr(o, "Coverage: ");
	for (const struct coverage_field *f = coverage_fields; f->name; f++) {
		uint64_t n = coverage_get(c, f);

		if (n == 0)
			continue;
		out_printf(o, "%s%s%llu %s", first ? "" : "\n          ", f->is_loss ? "! " : "",
			   (unsigned long long)n, coverage_text(f, n));
		first = false;
	}
	out_put_cstr(o, first ? "nothing was heard\n" : "\n");
	if (coverage_heard_share(c) < 1)
		out_printf(o, "          a sample: %s of the sessions' frames were heard\n",
			   units_percent(coverage_heard_share(c)).text);
	if (!first && !coverage_has_losses(c))
		out_put_cstr(o, "          nothing that was sent is known to be missing\n");
}

void coverage_put_json(struct json *j, const struct coverage *c)
{
	json_object(j);
	for (const struct coverage_field *f = coverage_fields; f->name; f++)
		json_key_u64(j, f->name, coverage_get(c, f));
	json_end(j);
}
