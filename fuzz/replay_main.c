/*
 * replay_main - runs a fuzz target on every file of its corpus, as a plain test.
 *
 * Linked in the place of libFuzzer, so that what a fuzzer once found is tried by every compiler. A
 * folder that does not exist or is empty is a failure: a corpus that went astray tests nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_MAX = 64 << 20, PATH_BYTES = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Hands over a heap block of exactly the file's size, so that ASan sees a read of one byte too far. */
static int run_file(const char *path)
{
	static uint8_t seed[SEED_MAX];
	FILE *file = fopen(path, "rb");
	uint8_t *exact;
	size_t size;

	if (!file) {
		perror(path);
		return -1;
	}
	size = fread(seed, 1, sizeof(seed), file);
	fclose(file);
	exact = malloc(size ? size : 1);
	if (!exact)
		return -1;
	if (size)
		memcpy(exact, seed, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 0;
}

/* Returns how many seeds were run, or -1. */
static int run_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	char name[PATH_BYTES];
	int count = 0;

	if (!folder) {
		perror(path);
		return -1;
	}
	while (count >= 0 && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		count = run_file(name) == 0 ? count + 1 : -1;
	}
	closedir(folder);
	return count;
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? run_folder(argv[1]) : -1;

	printf("%d seeds\n", count);
	return count > 0 ? 0 : 1;
}
