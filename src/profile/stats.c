/* stats - what is counted for one row of a profile. */
#include "profile/profile.h"

void profile_stats_init(struct profile_stats *s)
{
	*s = (struct profile_stats){.calls = 0};
	hist_init(&s->latency);
}

void profile_stats_release(struct profile_stats *s)
{
	hist_release(&s->latency);
	profile_stats_init(s);
}

static void seen(struct profile_stats *s, int64_t first_ns, int64_t last_ns)
{
	if (s->calls == 0 || first_ns < s->first_ns)
		s->first_ns = first_ns;
	if (s->calls == 0 || last_ns > s->last_ns)
		s->last_ns = last_ns;
}

enum err profile_stats_add(struct profile_stats *s, const struct profile_call *call)
{
	seen(s, call->time_ns, call->time_ns);
	s->calls++;
	s->errors += call->error;
	s->lost += call->lost;
	s->rows += call->rows;
	s->affected_rows += call->affected_rows;
	s->warnings += call->warnings;
	s->bytes += call->bytes;
	if (call->duration_ns > 0)
		s->total_ns += call->duration_ns;
	return call->latency_ns >= 0 ? hist_add(&s->latency, call->latency_ns) : ERR_OK;
}

enum err profile_stats_merge(struct profile_stats *into, const struct profile_stats *from)
{
	if (from->calls == 0)
		return ERR_OK;
	seen(into, from->first_ns, from->last_ns);
	into->calls += from->calls;
	into->errors += from->errors;
	into->lost += from->lost;
	into->rows += from->rows;
	into->affected_rows += from->affected_rows;
	into->warnings += from->warnings;
	into->bytes += from->bytes;
	into->total_ns += from->total_ns;
	return hist_merge(&into->latency, &from->latency);
}
