/*
 * byte_class - what a byte can begin in a statement. For lex.c and shape.c.
 */
#ifndef SQL_BYTE_CLASS_H
#define SQL_BYTE_CLASS_H

#include <stdbool.h>
#include <stdint.h>

/* The classes up to DIGIT are those of bytes that names are made of. */
enum class {
	WORD,
	HEX_PREFIX,      /* x X b B */
	NATIONAL_PREFIX, /* n N */
	DIGIT,
	SPACE,
	SYMBOL, /* alone, always */
	OPERATOR,
	SINGLE_QUOTE,
	DOUBLE_QUOTE,
	BACKQUOTE,
	DOT,
	DASH,
	HASH,
	SLASH,
	STAR,
	AT,
	QUESTION,
	BACKSLASH
};

/* clang-format off */
#define W WORD
#define X HEX_PREFIX
#define N NATIONAL_PREFIX
#define D DIGIT
#define B SPACE
#define S SYMBOL
#define O OPERATOR
#define W16 W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W
static const uint8_t classes[256] = {
	/* 00 */ S, S, S, S, S, S, S, S, S, B, B, B, B, B, S, S,
	/* 10 */ S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S,
	/* blank ! " # $ % & ' */ B, O, DOUBLE_QUOTE, HASH, W, S, O, SINGLE_QUOTE,
	/* ( ) * + , - . / */ S, S, STAR, S, S, DASH, DOT, SLASH,
	/* 0 to 9 */ D, D, D, D, D, D, D, D, D, D,
	/* : ; < = > ? */ O, S, O, S, O, QUESTION,
	/* @ to O */ AT, W, X, W, W, W, W, W, W, W, W, W, W, W, N, W,
	/* P to _ */ W, W, W, W, W, W, W, W, X, W, W, S, BACKSLASH, S, S, W,
	/* ` to o */ BACKQUOTE, W, X, W, W, W, W, W, W, W, W, W, W, W, N, W,
	/* p to DEL */ W, W, W, W, W, W, W, W, X, W, W, S, O, S, S, S,
	/* 80 */ W16, W16, W16, W16, W16, W16, W16, W16,
};
#undef W
#undef X
#undef N
#undef D
#undef B
#undef S
#undef O
#undef W16
/* clang-format on */

static inline bool is_name_byte(uint8_t b)
{
	return classes[b] <= DIGIT;
}

static inline bool is_digit(uint8_t b)
{
	return classes[b] == DIGIT;
}

static inline bool byte_within(uint8_t b, uint8_t from, uint8_t to)
{
	return b >= from && b <= to;
}

#endif
