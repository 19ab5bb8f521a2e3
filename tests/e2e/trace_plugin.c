/*
 * trace_plugin - a trace plugin for libmysqlclient 8.0.27 and later, which writes down what the client says it does.
 *
 * A line per event: the connection's number, the stage, the event, the length of its packet. Made for no headers: the
 * structures are those of include/mysql/client_plugin.h and plugin_trace.h of the MySQL sources, interface 0x0200.
 * The lines go to the file that the environment's MYNA_TRACE_LOG names.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { TRACE_PLUGIN = 3, INTERFACE = 0x0200 };

struct trace_args {
	const char *plugin_name;
	int command;
	const unsigned char *header;
	size_t header_len;
	const unsigned char *packet;
	size_t packet_len;
};

struct plugin {
	int type;
	unsigned interface_version;
	const char *name, *author, *description;
	unsigned version[3];
	const char *license;
	void *api;
	int (*init)(char *, size_t, int, va_list);
	int (*deinit)(void);
	int (*options)(const char *, const void *);
	int (*get_options)(const char *, void *);
	void *(*start)(struct plugin *, void *, int);
	void (*stop)(struct plugin *, void *, void *);
	int (*event)(struct plugin *, void *, void *, int, int, struct trace_args);
};

static FILE *to;
static size_t connections;

static int init(char *message, size_t len, int count, va_list more)
{
	const char *path = getenv("MYNA_TRACE_LOG");

	(void)message;
	(void)len;
	(void)count;
	(void)more;
	to = path ? fopen(path, "a") : NULL;
	return to ? 0 : 1;
}

/* Connections may still be closed behind this. */
static int deinit(void)
{
	return fflush(to);
}

static void *start(struct plugin *self, void *mysql, int stage)
{
	(void)self;
	(void)mysql;
	(void)stage;
	return (char *)NULL + ++connections;
}

static void stop(struct plugin *self, void *mysql, void *data)
{
	(void)self;
	(void)mysql;
	(void)data;
	(void)fflush(to);
}

static int event(struct plugin *self, void *data, void *mysql, int stage, int event,
		 struct trace_args args)
{
	(void)self;
	(void)mysql;
	(void)fprintf(to, "%zu %d %d %zu\n", (size_t)((char *)data - (char *)NULL), stage, event,
		      args.packet_len);
	return fflush(to);
}

extern struct plugin _mysql_client_plugin_declaration_;

struct plugin _mysql_client_plugin_declaration_ = {
	.type = TRACE_PLUGIN,
	.interface_version = INTERFACE,
	.name = "trace_plugin",
	.author = "myna",
	.description = "writes down stages and events",
	.version = {1, 0, 0},
	.license = "MIT",
	.init = init,
	.deinit = deinit,
	.start = start,
	.stop = stop,
	.event = event,
};
