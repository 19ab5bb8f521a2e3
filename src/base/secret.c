/* secret - memory that is overwritten before it is given back. */
#include "base/secret.h"

#include "base/mem.h"

void secret_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	mem_free(text);
}

void secret_release(struct buf *b)
{
	if (b->ptr)
		explicit_bzero(b->ptr, b->cap);
	buf_release(b);
}
