/* charset - collations to character sets, and text to UTF-8. */
#include "mysql/charset.h"

#include <errno.h>
#include <iconv.h>

#include "base/utf8.h"

enum {
	NOPAD_FIRST = 1024, /* MariaDB: NO PAD collations, by the number of the other one */
	NOPAD_LAST = 2047,
	CHUNK = 1024, /* bytes of UTF-8 that iconv makes at a time */
};

enum kind {
	KIND_UTF8, /* needs a check only */
	KIND_LATIN1,
	KIND_BYTES,  /* bytes below 0x80 are ASCII wherever they stand */
	KIND_TRICKY, /* ... unless they are the later bytes of a character */
	KIND_SEVEN,  /* letters in the place of ASCII's punctuation */
	KIND_WIDE2,  /* units of two bytes */
	KIND_WIDE4,
};

/* Names of character sets as symbols, so that the ranges can be checked by the compiler. */
enum charset_id {
#define CHARSET(name, collation, kind, iconv_name) CHARSET_##name,
#define COLLATIONS(first, last, name)
#include "mysql/charset_list.h"
#undef CHARSET
#undef COLLATIONS
	CHARSETS,
};

static const struct charset {
	const char *name;
	uint16_t collation;
	enum kind kind;
	const char *iconv_name; /* NULL where there is none or it is not needed */
} charsets[CHARSETS] = {
#define CHARSET(text, number, sort, iconv_text)                                                    \
	[CHARSET_##text] = {                                                                       \
		.name = #text,                                                                     \
		.collation = (number),                                                             \
		.kind = KIND_##sort,                                                               \
		.iconv_name = (iconv_text),                                                        \
	},
#define COLLATIONS(first, last, name)
#include "mysql/charset_list.h"
#undef CHARSET
#undef COLLATIONS
};

static const struct range {
	uint16_t first, last;
	enum charset_id charset;
} ranges[] = {
#define CHARSET(name, collation, kind, iconv_name)
#define COLLATIONS(from, to, name) {.first = (from), .last = (to), .charset = CHARSET_##name},
#include "mysql/charset_list.h"
#undef CHARSET
#undef COLLATIONS
};

static const struct charset *find(uint16_t collation)
{
	size_t low = 0, high = sizeof(ranges) / sizeof(ranges[0]);

	if (collation >= NOPAD_FIRST && collation <= NOPAD_LAST)
		collation -= NOPAD_FIRST;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (collation < ranges[mid].first)
			high = mid;
		else if (collation > ranges[mid].last)
			low = mid + 1;
		else
			return &charsets[ranges[mid].charset];
	}
	return NULL;
}

static const struct charset *find_name(struct slice name)
{
	if (slice_eq_nocase(name, SLICE_LIT("utf8")))
		return &charsets[CHARSET_utf8mb3];
	for (size_t i = 0; i < CHARSETS; i++)
		if (slice_eq_nocase(name, slice_cstr(charsets[i].name)))
			return &charsets[i];
	return NULL;
}

const char *myp_charset_of(uint16_t collation)
{
	const struct charset *set = find(collation);

	return set ? set->name : NULL;
}

uint16_t myp_charset_default_collation(struct slice name)
{
	const struct charset *set = find_name(name);

	return set ? set->collation : 0;
}

bool myp_charset_is_tricky(const char *name)
{
	const struct charset *set = name ? find_name(slice_cstr(name)) : NULL;

	return set && set->kind == KIND_TRICKY;
}

/* Number of bytes below 0x80 that TEXT begins with. */
static size_t ascii_prefix(struct slice text)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	size_t i = 0;

	for (; text.len - i >= sizeof(high); i += sizeof(high)) {
		uint64_t word;

		memcpy(&word, text.ptr + i, sizeof(word));
		if (word & high)
			break;
	}
	while (i < text.len && text.ptr[i] < 0x80)
		i++;
	return i;
}

static void put_replacement(struct buf *out)
{
	buf_put_slice(out, SLICE_LIT("\xef\xbf\xbd")); /* U+FFFD */
}

static bool put_utf8(struct slice text, struct buf *out)
{
	size_t good = utf8_good_len(text);

	buf_put_slice(out, slice_head(text, good));
	if (good == text.len)
		return true;
	while (good < text.len) {
		put_replacement(out);
		text = slice_skip(text, good + 1);
		good = utf8_good_len(text);
		buf_put_slice(out, slice_head(text, good));
	}
	return false;
}

/* MySQL's latin1 is Windows' code page 1252, with U+0081 and the like where that has nothing. */
static void put_latin1(struct slice text, struct buf *out)
{
	static const uint16_t from_80[] = {
		0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f,
		0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
	};
	struct cursor c = cur_of(text);

	while (cur_left(&c) > 0) {
		unsigned code = cur_u8(&c);

		if (code >= 0x80 && code < 0xa0)
			code = from_80[code - 0x80];
		if (code < 0x80) {
			buf_put_u8(out, (uint8_t)code);
		} else if (code < 0x800) {
			buf_put_u8(out, (uint8_t)(0xc0 | code >> 6));
			buf_put_u8(out, (uint8_t)(0x80 | (code & 0x3f)));
		} else {
			buf_put_u8(out, (uint8_t)(0xe0 | code >> 12));
			buf_put_u8(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
			buf_put_u8(out, (uint8_t)(0x80 | (code & 0x3f)));
		}
	}
}

/* For a set that iconv does not have: what is not ASCII cannot be told. */
static void put_ascii_only(struct slice text, struct buf *out)
{
	struct cursor c = cur_of(text);

	while (cur_left(&c) > 0) {
		uint8_t b = cur_u8(&c);

		if (b < 0x80)
			buf_put_u8(out, b);
		else
			put_replacement(out);
	}
}

/* Converts what it can of TEXT; UNIT bytes that are wrong become one U+FFFD. */
static void put_by_iconv(iconv_t converter, struct slice text, size_t unit, struct buf *out)
{
	union {
		const uint8_t *read;
		char *passed; /* iconv does not write there, though its prototype could */
	} in = {.read = text.ptr};
	size_t left = text.len;
	char chunk[CHUNK];

	while (left > 0 && buf_err(out) == ERR_OK) {
		char *to = chunk;
		size_t room = sizeof(chunk);
		size_t result = iconv(converter, &in.passed, &left, &to, &room);
		int why = result == (size_t)-1 ? errno : 0;

		buf_put(out, chunk, sizeof(chunk) - room);
		if (why == EILSEQ) {
			size_t skip = left < unit ? left : unit;

			put_replacement(out);
			in.read += skip;
			left -= skip;
		} else if (why != 0 && why != E2BIG) { /* a character that is cut off */
			put_replacement(out);
			break;
		}
	}
}

static void convert(const struct charset *set, struct slice text, struct buf *out)
{
	size_t unit = set->kind == KIND_WIDE2 ? 2 : set->kind == KIND_WIDE4 ? 4 : 1;
	iconv_t converter = (iconv_t)-1;

	if (set->iconv_name)
		converter = iconv_open("UTF-8", set->iconv_name);
	if (converter == (iconv_t)-1) {
		put_ascii_only(text, out);
		return;
	}
	put_by_iconv(converter, text, unit, out);
	(void)iconv_close(converter);
}

bool myp_charset_to_utf8(uint16_t collation, struct slice text, struct buf *out)
{
	const struct charset *set = find(collation);
	size_t ascii;

	if (!set || set->kind == KIND_UTF8)
		return put_utf8(text, out);
	ascii = set->kind < KIND_SEVEN ? ascii_prefix(text) : 0;
	buf_put_slice(out, slice_head(text, ascii));
	text = slice_skip(text, ascii);
	if (text.len == 0)
		return true;
	if (set->kind == KIND_LATIN1)
		put_latin1(text, out);
	else
		convert(set, text, out);
	return false;
}
