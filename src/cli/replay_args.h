/*
 * replay_args - what the command line of myna replay says.
 */
#ifndef CLI_REPLAY_ARGS_H
#define CLI_REPLAY_ARGS_H

#include "cli/command.h"
#include "cli/outcome_report.h"
#include "client/target.h"

enum think_time { THINK_KEEP, THINK_NONE };
enum on_lost { ON_LOST_STOP, ON_LOST_RECONNECT };
enum replay_clock { CLOCK_NOW, CLOCK_RECORDED };

struct replay_args {
	struct listen_args listen;
	struct opt_texts urls; /* of the targets */
	struct target_args target;
	const char *speed;
	int think_time; /* enum think_time */
	int order;      /* enum order */
	int64_t order_wait_ns;
	uint64_t connect_rate, limit_rate;
	int64_t idle_skip_ns;
	int clock; /* enum on_lost { ON_LOST_STOP, ON_LOST_RECONNECT };
enum replay_clock */
	uint64_t threads;
	int64_t patience_ns;
	int on_lost; /* enum on_lost */
	int64_t reconnect_ns;
	uint64_t retries;
	const char *checkpoint;
	bool resume;
	const char *spool_folder;
	uint64_t spool_limit;
	struct outcome_report_args report;
	uint64_t repeat;
	const char *before_each;
	bool explain;
	struct filter_options filter;
	const char *users;
	struct opt_texts databases;
	const char *share;
	uint64_t copies;
	int64_t spread_ns;
	bool read_only, dry_run;
	struct opt_texts allowed;
};

extern const char *const replay_orders[]; /* names of enum order */
extern const struct opt_page replay_page;

#endif
