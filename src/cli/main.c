/* main - the command table, and what all commands share. */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/man.h"

static const struct command_row *const commands[] = {
	&cmd_record,  &cmd_report, &cmd_trace, &cmd_export, &cmd_publish, &cmd_replay,
	&cmd_compare, &cmd_info,   &cmd_cut,   &cmd_merge,  &cmd_doctor,
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

volatile sig_atomic_t cli_stop;

static void on_signal(int number)
{
	if (cli_stop)
		_exit(128 + number); /* asked twice: at once */
	cli_stop = 1;
}

/*
 * A capture that is looked at in the kernel's own copy (capture/source.h) was made shorter meanwhile. What is gone reads
 * as zeros from here on. If there is another reason, or this does not help, it comes again and is the end.
 */
static void on_lost_page(int number, siginfo_t *info, void *context)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *at = info->si_addr;

	(void)context;
	if (info->si_code != BUS_ADRERR ||
	    mmap(at - (uintptr_t)at % page, page, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		(void)signal(number, SIG_DFL);
}

static void catch_lost_pages(void)
{
	struct sigaction sa = {.sa_sigaction = on_lost_page, .sa_flags = SA_SIGINFO};

	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGBUS, &sa, NULL);
}

static void catch_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &sa, NULL); /* a write says so, too */
	(void)sigaction(SIGXFSZ, &sa, NULL);
}

static const struct command_row *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->page->name, name) == 0)
			return commands[i];
	return NULL;
}

static void print_usage(FILE *to)
{
	(void)fputs("myna hears MySQL and MariaDB traffic and repeats it.\n\n"
		    "usage: myna COMMAND [INPUT] [options]\n\n"
		    "INPUT is a capture (pcap or pcapng, plain or compressed by gzip or zstd),\n"
		    "a recording or a broker (amqp://...); '-' is standard input. -i NAME listens\n"
		    "to a network interface.\n\n"
		    "Commands\n",
		    to);
	for (size_t i = 0; i < COMMANDS; i++)
		(void)fprintf(to, "  %-10s%s\n", commands[i]->page->name,
			      commands[i]->page->summary);
	(void)fputs("\nTry these\n"
		    "  myna report -i eth0 --duration 30s      # what keeps this server busy\n"
		    "  myna trace -i eth0                      # what clients say right now\n"
		    "  myna record -i eth0 -o prod.myna        # keep it, until Ctrl-C\n"
		    "  myna replay prod.myna -h test-host -u app -p   # repeat it elsewhere\n"
		    "\n'myna COMMAND --help' says more, and 'man myna'.\n",
		    to);
}

static int no_command(const char *name)
{
	(void)fprintf(stderr, "myna: there is no command '%s'; 'myna --help' lists them\n", name);
	return CLI_USAGE;
}

/* COMMAND: NULL for the page of the program. */
static int run_help(const char *command)
{
	const struct command_row *row = command ? find_command(command) : NULL;

	if (command && !row)
		return no_command(command);
	if (row)
		opt_print_help(row->page, stdout);
	else
		print_usage(stdout);
	return cli_printed("help");
}

static int run_man(int argc, char **argv)
{
	const struct opt_page *pages[COMMANDS];

	if (argc != 1) {
		(void)fputs("myna man: name the folder to write the manual pages to\n", stderr);
		return CLI_USAGE;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		pages[i] = commands[i]->page;
	return man_write(pages, COMMANDS, argv[0]);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct command_row *row = name ? find_command(name) : NULL;

	(void)setlocale(LC_CTYPE, "");
	catch_signals();
	catch_lost_pages();
	if (row)
		return row->run(argc - 2, argv + 2);
	if (!name) {
		print_usage(stderr);
		return CLI_USAGE;
	}
	if (strcmp(name, "man") == 0) /* for the makers of packages: writes the manual pages */
		return run_man(argc - 2, argv + 2);
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		(void)printf("myna %s\n", MYNA_VERSION);
		return cli_printed("--version");
	}
	if (strcmp(name, "help") == 0)
		return run_help(argv[2]);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return run_help(NULL);
	return no_command(name);
}
