/* command - the commands, their names and what answers them. */
#include "mysql/command.h"

static const struct {
	const char *name;
	enum myp_shape shape;
} commands[UINT8_MAX + 1] = {
#define CMD(number, text, answer) [number] = {.name = #text, .shape = MYP_SHAPE_##answer},
#include "mysql/command_list.h"
#undef CMD
};

_Static_assert(MYP_SHAPE_OK == 0, "what is not in the table is answered by OK");

const char *myp_command_name(uint8_t number)
{
	return commands[number].name;
}

enum myp_shape myp_command_shape(uint8_t number)
{
	return commands[number].shape;
}
