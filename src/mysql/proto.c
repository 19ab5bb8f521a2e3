/* proto - numbers of the wire protocol and its integers. */
#include "mysql/proto.h"

const char *myp_type_name(uint8_t type)
{
	static const char *const names[UINT8_MAX + 1] = {
#define TYPE(number, name) [number] = #name,
		MYP_TYPES(TYPE)
#undef TYPE
	};

	return names[type];
}

uint64_t myp_cur_lenenc_long(struct cursor *c)
{
	uint8_t first = cur_u8(c);

	switch (first) {
	case MYP_LENENC_2:
		return cur_uint_le(c, 2);
	case MYP_LENENC_3:
		return cur_uint_le(c, 3);
	case MYP_LENENC_8:
		return cur_uint_le(c, 8);
	default: /* at the end; NULL; or the first byte of an ERR packet */
		cur_fail(c);
		return 0;
	}
}

void myp_put_lenenc(struct buf *b, uint64_t v)
{
	if (v < MYP_LENENC_NULL) {
		buf_put_u8(b, (uint8_t)v);
	} else if (v <= 0xffff) {
		buf_put_uint_le(b, v << 8 | MYP_LENENC_2, 3);
	} else if (v <= 0xffffff) {
		buf_put_uint_le(b, v << 8 | MYP_LENENC_3, 4);
	} else {
		uint8_t *to = buf_reserve(b, 9);

		if (!to)
			return;
		buf_put_u8(b, MYP_LENENC_8);
		buf_put_uint_le(b, v, 8);
	}
}

void myp_put_lenenc_bytes(struct buf *b, struct slice s)
{
	myp_put_lenenc(b, s.len);
	buf_put_slice(b, s);
}
