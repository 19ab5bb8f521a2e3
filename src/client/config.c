/* config - my.cnf. */
#include "client/config.h"

static enum err on_value(void *ctx, struct slice name, struct slice value, const char *origin,
			 struct errinfo *info)
{
	enum setting which = setting_find(name);

	if (which == SETTING_COUNT)
		return ERR_OK;
	return settings_set(ctx, which, value, SETTINGS_FILE, origin, info);
}

static enum err on_name(void *ctx, struct slice name, const char *origin, struct errinfo *info)
{
	if (!slice_eq(name, SLICE_LIT("skip-ssl")))
		return ERR_OK;
	return settings_set(ctx, SETTING_SSL_MODE, SLICE_LIT("DISABLED"), SETTINGS_FILE, origin,
			    info);
}

static struct option_file wanted(struct settings *into)
{
	static const char *const groups[] = {"client", "myna", NULL};

	return (struct option_file){
		.groups = groups,
		.on_value = on_value,
		.on_name = on_name,
		.ctx = into,
	};
}

enum err config_read(const char *path, bool required, struct settings *into, struct errinfo *info)
{
	const struct option_file what = wanted(into);

	return option_file_read(&what, path, required, info);
}

enum err config_read_default(struct settings *into, struct errinfo *info)
{
	const struct option_file what = wanted(into);

	return option_file_read_default(&what, info);
}
