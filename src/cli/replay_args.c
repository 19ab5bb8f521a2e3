/* replay_args - the options of myna replay. */
#include "cli/replay_args.h"

#include "replay/replay.h"

static const char *const think_times[] = {[THINK_KEEP] = "keep", [THINK_NONE] = "none", NULL};
const char *const replay_orders[] = {
	[ORDER_SESSION] = "session", [ORDER_COMMIT] = "commit", [ORDER_STRICT] = "strict", NULL};
static const char *const on_lost[] = {
	[ON_LOST_STOP] = "stop", [ON_LOST_RECONNECT] = "reconnect", NULL};
static const char *const clocks[] = {[CLOCK_NOW] = "now", [CLOCK_RECORDED] = "recorded", NULL};

static const struct opt target_rows[] = {
	{.letter = 't',
	 .name = "target",
	 .kind = OPT_TEXTS,
	 .offset = offsetof(struct replay_args, urls),
	 .placeholder = "URL",
	 .help = "the server to connect to, as mysql://user@host:port/database?ssl-mode=...; given "
		 "twice, the second is compared with the first"},
	TARGET_OTHER_OPTS(struct replay_args, target),
	{.name = "users",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct replay_args, users),
	 .placeholder = "FILE",
	 .help = "log recorded users in as the accounts that FILE names, in lines 'recorded user = "
		 "target user, password source', where the source is env:NAME, file:PATH, "
		 "plain:TEXT or none; for all others --user stands"},
	{.name = "map-db",
	 .kind = OPT_TEXTS,
	 .offset = offsetof(struct replay_args, databases),
	 .placeholder = "OLD=NEW",
	 .help = "the default database OLD is NEW on the target; names within statements stay as "
		 "they are; may be given several times"},
};

static const struct opt rows[] = {
	{.letter = 's',
	 .name = "speed",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct replay_args, speed),
	 .placeholder = "N",
	 .def = "1",
	 .help = "1 keeps the recorded pace, 2 is twice as fast; 'max' sends each session's next "
		 "command as soon as the one before is answered"},
	{.name = "think-time",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct replay_args, think_time),
	 .placeholder = "WHICH",
	 .def = "keep",
	 .choices = think_times,
	 .help = "'none' opens sessions when they are due, but sends a session's next command as "
		 "soon "
		 "as the one before is answered"},
	{.name = "idle-skip",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct replay_args, idle_skip_ns),
	 .placeholder = "TIME",
	 .def = "0s",
	 .help = "a pause of the whole recording that is longer is cut to this; 0 keeps all"},
	{.name = "connect-rate",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct replay_args, connect_rate),
	 .placeholder = "N",
	 .def = "0",
	 .help = "open at most so many connections per second; 0: no limit"},
	{.name = "limit-rate",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct replay_args, limit_rate),
	 .placeholder = "N",
	 .def = "0",
	 .help = "send at most so many commands per second; 0: no limit"},
	{.name = "order",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct replay_args, order),
	 .placeholder = "WHICH",
	 .def = "session",
	 .choices = replay_orders,
	 .help = "'session': each session's own. 'commit': also, what began after a transaction "
		 "had "
		 "been committed is sent after it was, so that writes take effect as recorded. "
		 "'strict': nothing is sent before all that had ended before it began"},
	{.name = "order-wait",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct replay_args, order_wait_ns),
	 .placeholder = "TIME",
	 .def = "5s",
	 .help = "send a command before its turn if no turn came for so long: the target may make "
		 "who is before it wait for a lock that its session holds"},
	{.name = "clock",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct replay_args, clock),
	 .placeholder = "WHICH",
	 .def = "now",
	 .choices = clocks,
	 .help = "'recorded' sets the session's timestamp before each statement, so that NOW() is "
		 "what it was; a round trip more for each"},
	{.name = "threads",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct replay_args, threads),
	 .placeholder = "N",
	 .def = "0",
	 .help = "threads that talk to the target; 0 takes four per processor, 16 at most"},
	{.name = "patience",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct replay_args, patience_ns),
	 .placeholder = "TIME",
	 .def = "60s",
	 .help = "give up when the target has done nothing at all for so long"},
	{.name = "on-lost",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct replay_args, on_lost),
	 .placeholder = "WHICH",
	 .def = "reconnect",
	 .choices = on_lost,
	 .help = "when a session's connection is lost: 'reconnect' makes it anew with its "
		 "database, "
		 "settings and prepared statements, and goes on behind the command that was under "
		 "way; 'stop' ends the session"},
	{.name = "retry",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct replay_args, retries),
	 .placeholder = "N",
	 .def = "0",
	 .help = "when a deadlock or lock wait makes only the target give up, repeat the "
		 "transaction "
		 "(or the statement, if only that was undone) up to N times; 0 leaves the rest of "
		 "the "
		 "transaction out"},
	{.name = "reconnect-for",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct replay_args, reconnect_ns),
	 .placeholder = "TIME",
	 .def = "60s",
	 .help = "try for so long to make a connection anew, and wait so long for a target that "
		 "went "
		 "away"},
	{.name = "spool",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct replay_args, spool_folder),
	 .placeholder = "FOLDER",
	 .help = "live: where commands wait for a target that is slower than what is heard "
		 "(default: "
		 "TMPDIR, or /var/tmp)"},
	{.name = "spool-limit",
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct replay_args, spool_limit),
	 .placeholder = "SIZE",
	 .def = "1G",
	 .help = "live: when so much waits there, sessions that say more are let go, and counted"},
};

static const struct opt content_rows[] = {
	FILTER_COMMAND_OPTS_BUT(struct replay_args, filter, "recorded-user"),
	{.name = "share",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct replay_args, share),
	 .placeholder = "PERCENT",
	 .help = "replay only so many of the sessions, such as 10%: whole ones, always the same"},
	{.name = "copies",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct replay_args, copies),
	 .placeholder = "N",
	 .def = "1",
	 .help = "replay each session on N connections"},
	{.name = "spread",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct replay_args, spread_ns),
	 .placeholder = "TIME",
	 .def = "1s",
	 .help = "with --copies, begin them spread over this time"},
	{.name = "dry-run",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct replay_args, dry_run),
	 .help = "connect to nothing and send nothing: tell what would be sent, of which statement "
		 "how much, and what would not be and why"},
	{.name = "read-only",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct replay_args, read_only),
	 .help = "send only what is known to change no data, and make every session read only on "
		 "the target"},
	{.name = "allow-function",
	 .kind = OPT_TEXTS,
	 .offset = offsetof(struct replay_args, allowed),
	 .placeholder = "NAME",
	 .help = "with --read-only, send also what calls this function or procedure: NAME, or "
		 "DATABASE.NAME; may be given several times"},
};

static const struct opt run_rows[] = {
	{.name = "checkpoint",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct replay_args, checkpoint),
	 .placeholder = "FILE",
	 .help = "write into FILE, every five seconds and at the end, how far the replay came"},
	{.name = "resume",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct replay_args, resume),
	 .help = "go on from where the replay that has written --checkpoint FILE was interrupted: "
		 "what it had sent is not sent again, but for what it had sent after its last "
		 "checkpoint if it was killed"},
	{.name = "repeat",
	 .kind = OPT_UINT,
	 .offset = offsetof(struct replay_args, repeat),
	 .placeholder = "N",
	 .def = "1",
	 .help = "replay N times against each target in turn: what differs from run to run is "
		 "noise, and no difference"},
	{.name = "before-each",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct replay_args, before_each),
	 .placeholder = "COMMAND",
	 .help = "run this command, by the shell, before each replay: to bring the data back to "
		 "where the recording began. MYNA_RUN, MYNA_HOST, MYNA_PORT and MYNA_SOCKET tell "
		 "which run and target it is for"},
};

static const struct opt report_rows[] = {
	OUTCOME_REPORT_OPTS(struct replay_args, report),
	{.name = "explain",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct replay_args, explain),
	 .help = "ask the target's EXPLAIN of the statements that are slower than before"},
};

static const struct opt listen_rows[] = {LISTEN_OPTS(struct replay_args, listen)};

static const struct opt_group groups[] = {
	OPT_GROUP("Target", target_rows),
	OPT_GROUP("What is sent", content_rows),
	OPT_GROUP("Pace", rows),
	OPT_GROUP("Runs", run_rows),
	OPT_GROUP("Comparison", report_rows),
	OPT_GROUP("Listening", listen_rows),
};

const struct opt_page replay_page = {
	.name = "replay",
	.usage = "INPUT --target URL|-h HOST [options]",
	.summary = "repeat the traffic against another server, and compare",
	.about =
		"Each session of INPUT becomes one connection to the target, with the recorded "
		"client's capabilities, character set and database. Its commands are sent as they "
		"were recorded, in their own order, when they are due. Logins cannot be "
		"repeated: the account of --user and --password stands for every recorded "
		"user, unless --users names others.\n\nAfterwards the comparison is written: "
		"errors, rows and affected rows "
		"that differ, and how long statements took then and now. The exit status is 3 if "
		"something differs or was not sent, and 1 if the replay did not run to its end: "
		"Ctrl-C, or a target that refuses, goes away or hangs. What was done until then is "
		"compared all the same.\n\nWith two targets the recording is replayed against the "
		"first and then against the second, and the "
		"second's answers and latencies are compared with the first's: what was different "
		"when it was recorded "
		"does not matter then. --repeat does so again and again; what the same server does "
		"differently from run to run is set apart. Statements that write make the runs "
		"differ: --before-each "
		"brings the data back.\n\nWhat the words of the comparison mean is told in "
		"docs/comparison.md; --fail-on "
		"chooses what makes the exit status 3.\n\nStatements that write do write, unless "
		"--read-only leaves them "
		"out. There is "
		"no default target, and the target should be a copy that may be thrown away, with "
		"the data as it was when the recording began.\n\n" INPUT_ABOUT,
	.examples = "  myna replay prod.myna --target mysql://app@10.0.0.17/ -p\n"
		    "  myna replay prod.myna -h test-host -u app --speed 2\n"
		    "  myna replay prod.pcap -h test-host -u app --speed max -f json\n"
		    "  myna replay prod.myna -h test-host -u app --report out.html "
		    "--fail-on errors,latency:20%\n"
		    "  myna replay prod.myna --target mysql://app@old/ --target mysql://app@new/ "
		    "--repeat 3\n"
		    "  myna replay prod.myna -h replica -u app --read-only\n"
		    "  myna replay prod.myna --read-only --dry-run\n"
		    "  myna replay prod.myna -h test-host -u app --share 10% --copies 5\n",
	.groups = groups,
	.group_count = sizeof(groups) / sizeof(groups[0]),
};
