/* man - manual pages, made from the option tables. */
#include "cli/man.h"

#include <errno.h>
#include <limits.h>

static FILE *create(const char *dir, const char *name)
{
	char path[PATH_MAX];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.1", dir, name);
	f = fopen(path, "w");
	if (!f)
		(void)fprintf(stderr, "myna man: %s: %s\n", path, strerror(errno));
	return f;
}

static void write_commands(const struct opt_page *const *pages, size_t count, FILE *to)
{
	(void)fputs(".SH COMMANDS\n", to);
	for (size_t i = 0; i < count; i++)
		(void)fprintf(to, ".TP\n.BR myna\\-%s (1)\n%s\n", pages[i]->name,
			      pages[i]->summary);
}

static const char overview_head[] =
	".TH MYNA 1 \"\" myna \"User Commands\"\n.nh\n.ad l\n"
	".SH NAME\nmyna \\- hear MySQL and MariaDB traffic, and repeat it\n"
	".SH SYNOPSIS\n"
	"\\fBmyna\\fR \\fICOMMAND\\fR [\\fIINPUT\\fR] [options]\n"
	".br\n\\fBmyna\\fR \\fICOMMAND\\fR \\-\\-help\n"
	".br\n\\fBmyna\\fR \\-\\-help | \\-\\-version\n"
	".SH DESCRIPTION\n"
	"A myna hears a voice and repeats it.\n"
	".B myna\n"
	"hears what clients and servers of MySQL and MariaDB say to one another on the network,\n"
	"shows it, ranks it, keeps it, and repeats it against another server. Neither the\n"
	"application nor the server is changed or restarted.\n"
	".PP\n"
	"An input gives events, a command does something with them; any input goes with any\n"
	"command. Results go to standard output, all else to standard error.\n";

static const char overview_inputs[] =
	".SH INPUT\n"
	".TP\n\\fIFILE\\fR\n"
	"a capture, pcap or pcapng, plain or compressed by gzip or zstd; or a recording made by\n"
	".BR myna\\-record (1).\n"
	"What it is, is told by its first bytes, not by its name.\n"
	".TP\n\\fB\\-\\fR\n"
	"standard input, which may be any of these, as from \\fBtcpdump \\-w \\-\\fR.\n"
	".TP\n\\fB\\-i\\fR \\fINAME\\fR\n"
	"the network interface of that name, live; \\fBany\\fR is all of them. This takes\n"
	"root, or the capability \\fBcap_net_raw\\fR; it is given up before anything is decoded.\n"
	".PP\n"
	"Of captures and live, connections to port 3306 are followed, or to those that\n"
	"\\fB\\-\\-port\\fR names. Sessions that are encrypted are recognised and\n"
	"counted, but cannot be heard. A session that was already open is joined at its next\n"
	"command; after a loss it goes on at its next command, too. What was not heard is told at\n"
	"the end, as the coverage.\n";

static const char overview_tail[] =
	".SH EXIT STATUS\n"
	".TP\n0\ndone.\n"
	".TP\n1\nfailed: a file, an interface, a server or the memory did not do. One line on\n"
	"standard error says which and why; what was written until then is good.\n"
	".TP\n2\nwrong usage. Nothing was done.\n"
	".TP\n3\ndone, but something is missing or differs: frames were dropped, sessions were\n"
	"encrypted, bytes were lost or not understood; or a replay was answered\n"
	"otherwise than recorded.\n"
	".SH ENVIRONMENT\n"
	".TP\nMYSQL_PWD, MYSQL_HOST, MYSQL_TCP_PORT, MYSQL_UNIX_PORT\n"
	"password, host, port and socket of the target of\n"
	".BR myna\\-replay (1),\n"
	"where options do not say otherwise.\n"
	".TP\nNO_COLOR\nif set, no colours are used on a terminal.\n"
	".SH FILES\n"
	".TP\n/etc/my.cnf, /etc/mysql/my.cnf, ~/.my.cnf\n"
	"the groups [client] and [myna] of them say to whom\n"
	".BR myna\\-replay (1)\n"
	"connects, as for the\n"
	".BR mysql (1)\n"
	"client.\n"
	".SH EXAMPLES\n.nf\n"
	"  myna report \\-i eth0 \\-\\-duration 30s\n"
	"  myna trace \\-i eth0\n"
	"  myna record \\-i eth0 \\-o prod.myna\n"
	"  myna replay prod.myna \\-h test\\-host \\-u app \\-p\n"
	".fi\n"
	".SH SEE ALSO\n";

static void write_overview(const struct opt_page *const *pages, size_t count, FILE *to)
{
	(void)fputs(overview_head, to);
	write_commands(pages, count, to);
	(void)fputs(overview_inputs, to);
	(void)fputs(overview_tail, to);
	for (size_t i = 0; i < count; i++)
		(void)fprintf(to, ".BR myna\\-%s (1),\n", pages[i]->name);
	(void)fputs(".BR tcpdump (8),\n.BR pcap\\-filter (7)\n", to);
}

int man_write(const struct opt_page *const *pages, size_t count, const char *dir)
{
	FILE *f = create(dir, "myna");

	if (!f)
		return 1;
	write_overview(pages, count, f);
	if (fclose(f) != 0)
		return 1;
	for (size_t i = 0; i < count; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "myna-%s", pages[i]->name);
		f = create(dir, name);
		if (!f)
			return 1;
		opt_print_man(pages[i], f);
		if (fclose(f) != 0)
			return 1;
	}
	return 0;
}
