/* match - what is asked of a statement. */
#include "filter/match.h"

#include <regex.h>

#include "base/mem.h"

struct match {
	bool has_regex;
	regex_t regex;
	const struct opt_texts *digests;
	struct buf text; /* of an execution */
};

bool match_id(const struct opt_texts *texts, uint64_t id)
{
	char text[SESSION_ID_TEXT];

	(void)session_id_format(id, text);
	for (size_t i = 0; i < texts->count; i++)
		if (strncmp(text, texts->items[i], strlen(texts->items[i])) == 0)
			return true;
	return false;
}

enum err match_check_ids(const struct opt_texts *texts, const char *option, struct errinfo *info)
{
	for (size_t i = 0; i < texts->count; i++) {
		size_t len = strlen(texts->items[i]);

		if (len == 0 || len >= SESSION_ID_TEXT ||
		    strspn(texts->items[i], "0123456789abcdef") != len)
			return err_set(info, ERR_USAGE, 0,
				       "--%s takes the id of a %s, such as 25929d4f, not '%s'",
				       option, option, texts->items[i]);
	}
	return ERR_OK;
}

static enum err compile(struct match *m, const char *regex, struct errinfo *info)
{
	char why[128] = "";
	int failed = regcomp(&m->regex, regex, REG_EXTENDED | REG_ICASE | REG_NEWLINE);

	if (failed) {
		(void)regerror(failed, &m->regex, why, sizeof(why));
		return err_set(info, ERR_USAGE, 0,
			       "--match takes a regular expression, and '%s' is none: %s", regex,
			       why);
	}
	m->has_regex = true;
	return ERR_OK;
}

enum err match_new(const char *regex, const struct opt_texts *digests, struct match **out,
		   struct errinfo *info)
{
	enum err e = match_check_ids(digests, "digest", info);
	struct match *m = NULL;

	if (e == ERR_OK && (regex || digests->count)) {
		m = mem_zalloc(sizeof(*m));
		if (!m)
			return err_set(info, ERR_NOMEM, 0, "making the filter: out of memory");
		m->digests = digests;
		buf_init(&m->text, MATCH_TEXT_MAX);
		if (regex)
			e = compile(m, regex, info);
	}
	if (e != ERR_OK) {
		match_free(m);
		return e;
	}
	*out = m;
	return ERR_OK;
}

void match_free(struct match *m)
{
	if (!m)
		return;
	if (m->has_regex)
		regfree(&m->regex);
	buf_release(&m->text);
	mem_free(m);
}

/* REG_STARTEND: TEXT needs no NUL, and may have some. */
static bool stands_in(const struct match *m, struct slice text)
{
	regmatch_t range = {
		.rm_so = 0,
		.rm_eo = (regoff_t)(text.len < MATCH_TEXT_MAX ? text.len : MATCH_TEXT_MAX),
	};

	return regexec(&m->regex, text.ptr ? (const char *)text.ptr : "", 1, &range,
		       REG_STARTEND) == 0;
}

static bool text_passes(struct match *m, const struct session *s, const struct command *c)
{
	if (!c->text_known)
		return false;
	buf_reset(&m->text);
	if (c->has_statement && command_put_text(s, c, &m->text) && buf_err(&m->text) == ERR_OK)
		return stands_in(m, buf_slice(&m->text));
	return stands_in(m, c->text);
}

bool match_passes(struct match *m, const struct session *s, const struct command *c)
{
	if (m->digests->count) {
		uint64_t digest = command_digest(s, c);

		if (digest == 0 || !match_id(m->digests, digest))
			return false;
	}
	return !m->has_regex || text_passes(m, s, c);
}
