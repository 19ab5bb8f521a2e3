#include "check.h"

#include "mysql/command.h"

static void commands_have_the_manual_s_names_and_answers(void **state)
{
	(void)state;
	CHECK(strcmp(myp_command_name(0x03), "QUERY") == 0);
	CHECK(strcmp(myp_command_name(MYP_COM_STMT_BULK_EXECUTE), "STMT_BULK_EXECUTE") == 0);
	CHECK(myp_command_shape(MYP_COM_QUERY) == MYP_SHAPE_RESULT);
	CHECK(myp_command_shape(MYP_COM_STMT_PREPARE) == MYP_SHAPE_PREPARE);
	CHECK(myp_command_shape(MYP_COM_STMT_CLOSE) == MYP_SHAPE_NONE);
	CHECK(myp_command_shape(MYP_COM_CHANGE_USER) == MYP_SHAPE_AUTH);
}

static void a_number_without_a_name_is_answered_by_ok(void **state)
{
	(void)state;
	CHECK(!myp_command_known(0x7f));
	CHECK(myp_command_name(0xff) == NULL);
	CHECK(myp_command_shape(0x7f) == MYP_SHAPE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_have_the_manual_s_names_and_answers),
		cmocka_unit_test(a_number_without_a_name_is_answered_by_ok),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
