/*
 * json - writes JSON, compact, in the order in which it is told.
 *
 *	json_object(&j);
 *	json_key(&j, "name");
 *	json_string(&j, name);
 *	json_end(&j);
 *
 * Commas and colons come by themselves. Nothing is allocated; failures stay with the struct out. A
 * key without a value, a value without a key in an object, an end too many and nesting deeper than
 * JSON_DEPTH_MAX are mistakes of the caller's and assert.
 */
#ifndef OUT_JSON_H
#define OUT_JSON_H

#include "base/hist.h"
#include "out/out.h"

enum { JSON_DEPTH_MAX = 64 };

struct json {
	struct out *out;
	unsigned depth;
	uint64_t objects; /* bit i: what is open at depth i is an object, not an array */
	bool first;       /* nothing was written at this depth yet */
	bool keyed;       /* a key waits for its value */
};

void json_init(struct json *j, struct out *out);

void json_object(struct json *j);
void json_array(struct json *j);
void json_end(struct json *j); /* of the innermost object or array */

/* Ends the line, for JSON lines; all must be closed. */
void json_newline(struct json *j);

void json_key(struct json *j, const char *key); /* ASCII without quotes, backslashes, controls */
void json_key_slice(struct json *j, struct slice key); /* any bytes, as json_string() */

/*
 * Bytes as a string of UTF-8: controls, quotes and backslashes are escaped, each byte that is not
 * part of a well-formed character becomes U+FFFD.
 */
void json_string(struct json *j, struct slice s);
void json_cstr(struct json *j, const char *s);
void json_base64(struct json *j, struct slice bytes); /* a string, RFC 4648 with padding */

void json_i64(struct json *j, int64_t v);
void json_u64(struct json *j, uint64_t v);
/* The shortest that reads back as the float V; null if not finite. */
void json_float(struct json *j, float v);
void json_double(struct json *j,
		 double v); /* the shortest that reads back as V; null if not finite */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);

/* A key and its value in one. */
void json_key_string(struct json *j, const char *key, struct slice s);
void json_key_cstr(struct json *j, const char *key, const char *s);
void json_key_i64(struct json *j, const char *key, int64_t v);
void json_key_u64(struct json *j, const char *key, uint64_t v);
void json_key_double(struct json *j, const char *key, double v);
void json_key_bool(struct json *j, const char *key, bool v);

/* The same of the durations in H: an object of count, min_ns, mean_ns, p50_ns, p95_ns, p99_ns, max_ns; null without any. */
void json_key_hist(struct json *j, const char *key, const struct hist *h);
void json_key_null(struct json *j, const char *key);

#endif
