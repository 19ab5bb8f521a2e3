/* cmd_doctor - myna doctor: says why nothing would be heard. */
#include <stdarg.h>
#include <stdlib.h>

#include <linux/capability.h>

#include "cli/command.h"
#include "cli/machine.h"
#include "cli/netns.h"
#include "cli/source_server.h"
#include "out/json.h"
#include "out/units.h"

enum { TEXT_MAX = 512, LIST_MAX = 256 };

enum doctor_format { DOCTOR_TEXT, DOCTOR_JSON };

struct doctor_args {
	const char *interface;
	struct opt_texts ports;
	int64_t duration_ns;
	const char *netns;
	uint64_t pid;
	struct listen_args server; /* whom to ask; the rest of it is not used */
	int format;                /* enum doctor_format */
};

static const char *const formats[] = {[DOCTOR_TEXT] = "text", [DOCTOR_JSON] = "json", NULL};

static const struct opt rows[] = {
	{.letter = 'i',
	 .name = "interface",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct doctor_args, interface),
	 .placeholder = "NAME",
	 .def = "any",
	 .help = "the network interface to look at"},
	{.name = "port",
	 .kind = OPT_TEXTS,
	 .offset = offsetof(struct doctor_args, ports),
	 .placeholder = "PORT",
	 .help = "the port servers are on; several as 3306,3307 or by repeating the option "
		 "(default 3306)"},
	{.name = "duration",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct doctor_args, duration_ns),
	 .placeholder = "TIME",
	 .def = "3s",
	 .help = "listen for so long"},
	{.name = "netns",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct doctor_args, netns),
	 .placeholder = "NAME",
	 .help = "look at this network namespace, a name of 'ip netns' or a path"},
	{.name = "pid",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct doctor_args, pid),
	 .placeholder = "PID",
	 .help = "look at the network namespace of this process"},
	{.name = "source-server",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct doctor_args, server.source_server),
	 .placeholder = "URL",
	 .help = "also ask the server, mysql://user@host:port/, who is connected to it, and how"},
	{.name = "source-defaults-file",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct doctor_args, server.source_defaults),
	 .placeholder = "FILE",
	 .help = "with --source-server: the option file with its password"},
	{.letter = 'f',
	 .name = "format",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct doctor_args, format),
	 .placeholder = "FORMAT",
	 .def = "text",
	 .choices = formats,
	 .help = "what to write; json is one line per finding"},
};

static const struct opt_group groups[] = {
	OPT_GROUP("Options", rows),
};

static const struct opt_page page = {
	.name = "doctor",
	.usage = "[options]",
	.summary = "say why nothing would be heard on this machine",
	.about = "Looks at permissions, the interface, who listens on the port and who is "
		 "connected, over "
		 "TCP or over a server's local socket, then listens for a few seconds. Each "
		 "finding is a line that says what to do: marked 'ok', 'note', or '!' where it "
		 "keeps anything from being heard.\n\nThe exit status is 0 if all is well, 1 if "
		 "nothing can be heard.",
	.examples = "  myna doctor\n"
		    "  myna doctor -i eth0 --port 3307\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};

enum level { LEVEL_OK, LEVEL_NOTE, LEVEL_PROBLEM };

struct doctor {
	const struct doctor_args *args;
	struct input_options options; /* the ports, above all */
	struct out *out;
	bool problem;
	struct machine before, after;
	struct coverage heard;
};

static const char *const level_marks[] = {
	[LEVEL_OK] = "ok  ", [LEVEL_NOTE] = "note", [LEVEL_PROBLEM] = "!   "};
static const char *const level_names[] = {
	[LEVEL_OK] = "ok", [LEVEL_NOTE] = "note", [LEVEL_PROBLEM] = "problem"};

static void find(struct doctor *d, enum level level, const char *what, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Tells a finding about WHAT. */
static void find(struct doctor *d, enum level level, const char *what, const char *fmt, ...)
{
	char text[TEXT_MAX];
	struct json j;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	d->problem = d->problem || level == LEVEL_PROBLEM;
	if (d->args->format == DOCTOR_TEXT) {
		out_printf(d->out, "%s  %-11s%s\n", level_marks[level], what, text);
		return;
	}
	json_init(&j, d->out);
	json_object(&j);
	json_key_cstr(&j, "finding", what);
	json_key_cstr(&j, "level", level_names[level]);
	json_key_cstr(&j, "text", text);
	json_end(&j);
	json_newline(&j);
}

static bool is_any(const struct doctor *d)
{
	return strcmp(d->args->interface, "any") == 0;
}

static bool is_our_port(const struct doctor *d, uint16_t port)
{
	for (size_t i = 0; i < d->options.port_count; i++)
		if (d->options.ports[i] == port)
			return true;
	return false;
}

/* Appends to a list in TO of LIST_MAX bytes. */
static void add_to_list(char *to, const char *item)
{
	size_t len = strlen(to);

	(void)snprintf(to + len, LIST_MAX - len, "%s%s", len ? ", " : "", item);
}

static bool check_permission(struct doctor *d)
{
	bool may = machine_may(CAP_NET_RAW);

	if (may)
		find(d, LEVEL_OK, "permission", "may listen (CAP_NET_RAW)");
	else
		find(d, LEVEL_PROBLEM, "permission",
		     "no permission to listen: run as root, or give the program the right to: "
		     "setcap cap_net_raw+ep PROGRAM");
	if (!machine_may(CAP_SYS_PTRACE))
		find(d, LEVEL_NOTE, "permission",
		     "what servers of other users listen on cannot be seen: run as root to have "
		     "all findings");
	return may;
}

static bool check_interface(struct doctor *d)
{
	const struct machine_interface *i = machine_interface(&d->before, d->args->interface);
	char names[LIST_MAX] = "";

	if (is_any(d) || (i && i->up)) {
		find(d, LEVEL_OK, "interface", "%s is there%s", d->args->interface,
		     is_any(d) ? ": all interfaces" : " and up");
		return true;
	}
	if (i) {
		find(d, LEVEL_PROBLEM, "interface", "%s is not up: ip link set %s up", i->name,
		     i->name);
		return false;
	}
	for (size_t k = 0; k < d->before.interface_count; k++)
		add_to_list(names, d->before.interfaces[k].name);
	find(d, LEVEL_PROBLEM, "interface", "there is no interface %s; there are: %s, and any",
	     d->args->interface, names);
	return false;
}

static void check_server(struct doctor *d, const struct machine_server *s)
{
	char ports[LIST_MAX] = "", port[8];
	bool ours = false;

	for (size_t i = 0; i < s->port_count; i++) {
		(void)snprintf(port, sizeof(port), "%u", s->ports[i]);
		add_to_list(ports, port);
		ours = ours || is_our_port(d, s->ports[i]);
	}
	/* With a server on the port, others are of no interest. */
	if (d->before.listener && !ours)
		return;
	if (s->elsewhere)
		find(d, LEVEL_NOTE, "server",
		     "%s (process %u) is in another network namespace: listen there with --pid %u",
		     s->name, s->pid, s->pid);
	else if (s->port_count && !ours)
		find(d, LEVEL_NOTE, "server",
		     "%s (process %u) listens on port %s: name it with --port", s->name, s->pid,
		     ports);
	else if (!s->port_count)
		find(d, LEVEL_NOTE, "server",
		     "%s (process %u) is not known to listen on a port: over TCP it cannot be "
		     "reached "
		     "with skip-networking",
		     s->name, s->pid);
	if (s->local_clients)
		find(d, LEVEL_NOTE, "socket",
		     "%llu clients of %s (process %u) use its local socket %s, which is not on the "
		     "network: let them connect to 127.0.0.1",
		     (unsigned long long)s->local_clients, s->name, s->pid, s->socket);
}

static void check_servers(struct doctor *d)
{
	const struct machine *m = &d->before;

	if (m->listener)
		find(d, LEVEL_OK, "port", "somebody listens on it");
	for (size_t i = 0; i < m->server_count; i++)
		check_server(d, &m->servers[i]);
	if (m->clients)
		find(d, LEVEL_OK, "clients",
		     "%llu are connected over TCP, %llu of them within this machine",
		     (unsigned long long)m->clients, (unsigned long long)m->loopback_clients);
}

static unsigned long long number(uint64_t n)
{
	return n;
}

/* What the server itself says of its sessions. */
static void tell_census(struct doctor *d, const struct census *c)
{
	find(d, LEVEL_OK, "sessions",
	     "the server has %llu other session%s: %llu over TCP, %llu over its local socket",
	     number(c->over_tcp + c->over_socket), units_plural(c->over_tcp + c->over_socket),
	     number(c->over_tcp), number(c->over_socket));
	if (c->over_socket)
		find(d, LEVEL_NOTE, "socket",
		     "%llu session%s over the local socket cannot be heard: let them connect to "
		     "127.0.0.1",
		     number(c->over_socket), units_plural(c->over_socket));
	if (c->tls_known && c->over_tls)
		find(d, LEVEL_NOTE, "tls",
		     "%llu of the sessions over TCP are encrypted and cannot be heard: let clients "
		     "connect with --ssl-mode=DISABLED or --skip-ssl",
		     number(c->over_tls));
}

/* Asked before anything is heard: our own connection is gone by then. */
static void ask_server(struct doctor *d)
{
	struct census_lacks lacks;
	struct census *c = NULL;
	struct errinfo info;
	char text[TEXT_MAX];

	if (!d->args->server.source_server)
		return;
	if (source_server_census(&d->args->server, &c, &lacks, &info) != ERR_OK) {
		find(d, LEVEL_NOTE, "sessions", "%s", info.text);
		return;
	}
	tell_census(d, c);
	for (unsigned i = 0; i < CENSUS_LACKS; i++)
		if (lacks.count[i])
			find(d, LEVEL_NOTE, "sessions", "%s",
			     census_lack_text((enum census_lack)i, lacks.count[i], text,
					      sizeof(text)));
	census_drop(c);
}

static enum err no_event(void *ctx, const struct event *e, struct errinfo *info)
{
	(void)ctx;
	(void)e;
	(void)info;
	return ERR_OK;
}

static enum err on_finish(void *ctx, const struct coverage *coverage, struct errinfo *info)
{
	struct doctor *d = ctx;

	(void)info;
	d->heard = *coverage;
	return ERR_OK;
}

static bool hear(struct doctor *d)
{
	const struct opt_texts interface = {.items = {d->args->interface}, .count = 1};
	const struct event_sink sink = {
		.event = no_event,
		.finish = on_finish,
		.ctx = d,
		.spares = EVENT_RESULTS | EVENT_VALUES,
	};
	struct input *in = NULL;
	struct errinfo info;
	enum err e;

	d->options.interfaces = &interface;
	d->options.duration_ns = d->args->duration_ns;
	e = input_open(&d->options, &in, &info);
	if (e == ERR_OK) {
		e = input_run(in, &sink, &cli_stop, &info);
		input_free(in);
	}
	if (e != ERR_OK)
		find(d, LEVEL_PROBLEM, "listening", "%s", info.text);
	machine_look(&d->after, d->options.ports, d->options.port_count);
	return e == ERR_OK;
}

/* Nothing came: what is the reason? */
static void explain_silence(struct doctor *d)
{
	const struct machine *m = &d->after;
	const struct machine_interface *i = machine_interface(m, d->args->interface);
	const struct machine_interface *then = machine_interface(&d->before, d->args->interface);
	bool is_loopback = strcmp(d->args->interface, "lo") == 0;
	char busy[LIST_MAX] = "";

	for (size_t k = 0; k < m->interface_count; k++) {
		const struct machine_interface *o =
			machine_interface(&d->before, m->interfaces[k].name);

		if (o && m->interfaces[k].packets > o->packets)
			add_to_list(busy, o->name);
	}
	if (i && then && i->packets == then->packets && busy[0])
		find(d, LEVEL_NOTE, "traffic", "nothing at all on %s; there was something on: %s",
		     i->name, busy);
	else if (i && then && i->packets == then->packets)
		find(d, LEVEL_NOTE, "traffic", "nothing at all on %s, nor on any other", i->name);
	if (!m->listener && !m->clients)
		find(d, LEVEL_PROBLEM, "port",
		     "nobody listens on it here, and no packet of it came by: is --port right?");
	else if (!is_any(d) && m->clients && m->loopback_clients == (is_loopback ? 0 : m->clients))
		find(d, LEVEL_PROBLEM, "traffic", "the clients come over another interface: -i %s",
		     is_loopback ? "any" : "lo");
	else if (!m->clients)
		find(d, LEVEL_PROBLEM, "clients",
		     "nobody is connected over TCP, and no packet came by");
	else
		find(d, LEVEL_NOTE, "traffic", "the clients said nothing in %s",
		     units_duration(d->args->duration_ns).text);
}

/* Something came: was it understood? */
static void judge_traffic(struct doctor *d)
{
	const struct coverage *c = &d->heard;
	uint64_t strange = c->undecodable, deaf = c->encrypted + strange + c->replication;
	uint64_t drops = c->kernel_drops + c->interface_drops;

	if (c->commands)
		find(d, LEVEL_OK, "traffic", "%llu command%s of %llu session%s were heard in %s",
		     (unsigned long long)c->commands, units_plural(c->commands),
		     (unsigned long long)c->sessions, units_plural(c->sessions),
		     units_duration(d->args->duration_ns).text);
	if (c->encrypted)
		find(d, c->commands ? LEVEL_NOTE : LEVEL_PROBLEM, "tls",
		     "%llu session%s went on under TLS and cannot be heard: let clients connect "
		     "with "
		     "--ssl-mode=DISABLED or --skip-ssl",
		     (unsigned long long)c->encrypted, units_plural(c->encrypted));
	if (c->replication)
		find(d, LEVEL_NOTE, "protocol",
		     "%llu session%s carry replication, which is passed over",
		     (unsigned long long)c->replication, units_plural(c->replication));
	if (!c->commands && !deaf && c->joined_bytes + c->undecoded_bytes > 0)
		find(d, LEVEL_PROBLEM, "tls",
		     "%llu packets came, but no command could be read out of them: sessions under "
		     "TLS, or no MySQL",
		     (unsigned long long)c->frames);
	else if (!c->commands && !deaf)
		find(d, LEVEL_NOTE, "traffic", "%llu packets came, but no command in them",
		     (unsigned long long)c->frames);
	if (c->truncated_frames)
		find(d, LEVEL_NOTE, "snap", "%llu packets were cut",
		     (unsigned long long)c->truncated_frames);
	else
		find(d, LEVEL_OK, "snap",
		     "packets come whole, also those that offload (GRO, TSO) has put together");
	if (drops)
		find(d, LEVEL_NOTE, "drops",
		     "%llu packets were dropped: a larger --buffer-size may help",
		     (unsigned long long)drops);
	if (strange)
		find(d, c->commands ? LEVEL_NOTE : LEVEL_PROBLEM, "protocol",
		     "%llu session%s left the protocol, or never spoke it: is it MySQL that "
		     "listens "
		     "there?",
		     (unsigned long long)strange, units_plural(strange));
	if (c->gaps && !drops)
		find(d, LEVEL_NOTE, "gaps",
		     "%llu hole%s in what was heard, though no packet is known to be dropped on "
		     "this machine: a mirror port, or another path, may lose them",
		     (unsigned long long)c->gaps, units_plural(c->gaps));
}

static void examine(struct doctor *d)
{
	bool may, is_there;

	machine_look(&d->before, d->options.ports, d->options.port_count);
	may = check_permission(d);
	is_there = check_interface(d);
	check_servers(d);
	ask_server(d);
	if (!may || !is_there || !hear(d))
		return;
	if (d->heard.frames)
		judge_traffic(d);
	else
		explain_silence(d);
}

static enum err take_options(struct doctor *d, struct errinfo *info)
{
	const struct opt_texts *ports = &d->args->ports;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < ports->count; i++)
		e = cli_add_ports(ports->items[i], &d->options, info);
	if (e == ERR_OK && d->options.any_port)
		e = err_set(info, ERR_USAGE, 0,
			    "--port any: the doctor asks who listens on a port, so name it");
	if (d->options.port_count == 0)
		d->options.ports[d->options.port_count++] = 3306;
	return e;
}

static int run(int argc, char **argv)
{
	static struct out out; /* too large for the stack, both */
	static struct doctor d;
	struct doctor_args args = {.interface = NULL};
	struct opt_words words;
	struct errinfo info;
	int status, back;

	if (!cli_parse(&page, argc, argv, &args, &words, &status))
		return status;
	d = (struct doctor){.args = &args, .out = &out};
	if (words.count) {
		(void)err_set(&info, ERR_USAGE, 0, "it listens live: '%s' is too many",
			      words.items[0]);
		return cli_fail(&page, &info);
	}
	if (take_options(&d, &info) != ERR_OK ||
	    netns_enter(args.netns, args.pid, &back, &info) != ERR_OK)
		return cli_fail(&page, &info);
	out_init(&out, cli_write_stdout, NULL);
	examine(&d);
	if (netns_leave(back, &info) != ERR_OK || out_flush(&out, &info) != ERR_OK)
		return cli_fail(&page, &info);
	return d.problem ? CLI_FAILED : CLI_DONE;
}

const struct command_row cmd_doctor = {.page = &page, .run = run};
