/* settings - what the sources say about a target. */
#include "client/settings.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/secret.h"

static const char *const names[SETTING_COUNT] = {
#define SETTING(id, name) [SETTING_##id] = name,
	SETTINGS(SETTING)
#undef SETTING
};

void settings_init(struct settings *s)
{
	*s = (struct settings){0};
	for (size_t i = 0; i < SETTING_COUNT; i++)
		s->items[i].rank = SETTINGS_NONE;
}

void settings_release(struct settings *s)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		secret_free(s->items[i].text);
	settings_init(s);
}

enum err settings_set(struct settings *s, enum setting which, struct slice text,
		      enum settings_rank rank, const char *origin, struct errinfo *info)
{
	struct setting_value *v = &s->items[which];
	char *copy;

	if (rank > v->rank)
		return ERR_OK;
	if (text.len > SETTINGS_TEXT_MAX || (text.len && memchr(text.ptr, 0, text.len)))
		return err_set(info, ERR_USAGE, 0, "%s: the value of %s is too long or has a NUL",
			       origin, names[which]);
	copy = mem_copy_str(text.ptr, text.len);
	if (!copy)
		return err_set(info, ERR_NOMEM, 0, "no memory for settings");
	secret_free(v->text);
	v->text = copy;
	v->rank = rank;
	(void)snprintf(v->origin, sizeof(v->origin), "%s", origin);
	return ERR_OK;
}

const char *setting_name(enum setting which)
{
	return names[which];
}

static bool same_name(struct slice name, const char *other)
{
	if (name.len != strlen(other))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] != (uint8_t)other[i] && !(name.ptr[i] == '_' && other[i] == '-'))
			return false;
	return true;
}

enum setting setting_find(struct slice name)
{
	enum setting which = 0;

	while (which < SETTING_COUNT && !same_name(name, names[which]))
		which++;
	return which;
}

const char *settings_origin(const struct settings *s, enum setting which)
{
	return s->items[which].origin;
}
