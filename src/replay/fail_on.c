/* fail_on - what of an outcome makes the exit status 3. */
#include "replay/fail_on.h"

#include "base/scan.h"

enum { SHARE_MAX = 32 }; /* bytes of the text of a share */

/* "20%", "20" or "0.2%". */
static bool parse_share(struct slice s, double *out)
{
	char text[SHARE_MAX];
	double percent;

	if (s.len > 0 && s.ptr[s.len - 1] == '%')
		s.len--;
	if (s.len == 0 || s.len >= sizeof(text))
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	if (scan_double(text, &percent) != ERR_OK || !(percent > 0) || percent > 1e6)
		return false;
	*out = percent / 100;
	return true;
}

static bool take_word(struct slice word, struct fail_on *f)
{
	static const char latency[] = "latency:";
	const size_t len = sizeof(latency) - 1;

	if (slice_eq(word, slice_cstr("errors")))
		f->errors = true;
	else if (slice_eq(word, slice_cstr("rows")))
		f->rows = true;
	else if (slice_eq(word, slice_cstr("missing")))
		f->missing = true;
	else if (slice_eq(word, slice_cstr("losses")))
		f->losses = true;
	else if (slice_eq(slice_head(word, len), slice_cstr(latency)))
		return parse_share(slice_skip(word, len), &f->latency);
	else
		return slice_eq(word, slice_cstr("none"));
	return true;
}

enum err fail_on_parse(const char *text, struct fail_on *out, struct errinfo *info)
{
	struct fail_on f = {.errors = false};
	struct slice rest = slice_cstr(text ? text : "errors,rows,missing,losses");

	while (rest.len > 0) {
		const uint8_t *comma = memchr(rest.ptr, ',', rest.len);
		struct slice word = comma ? slice_head(rest, (size_t)(comma - rest.ptr)) : rest;

		if (!take_word(word, &f))
			return err_set(
				info, ERR_USAGE, 0,
				"--fail-on takes a list of errors, rows, missing, losses and "
				"latency:N%%, or none; not '%.*s'",
				(int)word.len, (const char *)word.ptr);
		rest = slice_skip(rest, word.len + (comma != NULL));
	}
	*out = f;
	return ERR_OK;
}

double fail_on_effect(const struct fail_on *f)
{
	return f->latency > 0 ? f->latency : CONTRAST_EFFECT;
}

static uint64_t errors_of(const struct outcome *o)
{
	return o->verdicts[VERDICT_ERROR_NEW] + o->verdicts[VERDICT_ERROR_GONE] +
	       o->verdicts[VERDICT_ERROR_CHANGED];
}

static bool is_slower(const struct contrast *c, double share)
{
	return c->verdict == CONTRAST_SLOWER && c->ratio > 1 + share;
}

static bool any_is_slower(const struct outcome *o, double share)
{
	const struct outcome_row *row;

	if (is_slower(&o->contrast, share))
		return true;
	for (size_t at = 0; (row = map_next(&o->rows, &at));)
		if (is_slower(&row->contrast, share))
			return true;
	return false;
}

bool fail_on_is_met(const struct fail_on *f, const struct outcome *o)
{
	if (f->errors && (errors_of(o) > 0 || o->unanswered > 0))
		return true;
	if (f->rows && outcome_differences(o) > errors_of(o))
		return true;
	if (f->missing && outcome_missing(o) > 0)
		return true;
	if (f->losses && coverage_has_losses(&o->coverage))
		return true;
	return f->latency > 0 && any_is_slower(o, f->latency);
}
