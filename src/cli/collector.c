/* collector - MRTE-Collector's options. */
#include "cli/collector.h"

#include <stdio.h>

#include "base/percent.h"

bool collector_is_used(const struct collector_args *args)
{
	return args->host || args->mysql_host;
}

static void put_account(struct buf *to, const char *user, const char *password)
{
	if (!user || !*user)
		return;
	percent_encode(slice_cstr(user), to);
	if (password) {
		buf_put_u8(to, ':');
		percent_encode(slice_cstr(password), to);
		memset((char *)(uintptr_t)password, 'x', strlen(password));
	}
	buf_put_u8(to, '@');
}

void collector_put_broker(const struct collector_args *args, struct buf *to)
{
	buf_put_cstr(to, "amqp://");
	put_account(to, args->user, args->password);
	buf_put_cstr(to, args->host);
	if (args->port)
		buf_printf(to, ":%llu", (unsigned long long)args->port);
	buf_put(to, "/", sizeof("/"));
}

void collector_put_server(const struct collector_args *args, const char *port, struct buf *to)
{
	buf_put_cstr(to, "mysql://");
	put_account(to, args->mysql_user, args->mysql_password);
	buf_printf(to, "%s:%s/", args->mysql_host, port);
	buf_put_u8(to, '\0');
}

void collector_say_start(const struct opt_texts *ports, bool asked)
{
	(void)fputs("[INFO]  MRTECollector : Setting capture filter to ' tcp port ", stderr);
	for (size_t i = 0; i < ports->count; i++)
		(void)fprintf(stderr, "%s%s", i ? " or " : "", ports->items[i]);
	(void)fprintf(stderr, "%s '\n", ports->count ? "" : "3306");
	if (asked)
		(void)fputs("[INFO]  Send init database information of all session (1). Wait ...\n"
			    "[INFO]  Send init database information of all session (2). Done\n",
			    stderr);
}
