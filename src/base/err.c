/* err - how functions fail. */
#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[] = {
#define ERR_ITEM(name, text) [ERR_##name] = text,
#include "base/err_list.h"
#undef ERR_ITEM
};

const char *err_text(enum err e)
{
	return texts[e];
}

enum err err_set(struct errinfo *info, enum err code, int sys_errno, const char *fmt, ...)
{
	va_list args;
	int n;

	if (!info)
		return code;
	info->code = code;
	info->sys_errno = sys_errno;
	va_start(args, fmt);
	n = vsnprintf(info->text, sizeof(info->text), fmt, args);
	va_end(args);
	if (sys_errno && n >= 0 && (size_t)n < sizeof(info->text))
		(void)snprintf(info->text + n, sizeof(info->text) - (size_t)n, ": %s",
			       strerror(sys_errno));
	return code;
}
