# What people type first; meson does the work. The packages each target needs are listed in tools/deps.
BUILD := build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@tools/deps missing build >/dev/null || { \
		echo "Missing packages; 'make deps' as root runs:" >&2; \
		tools/deps missing build >&2; \
		exit 1; }
	@meson setup $(BUILD)

deps:
	@tools/deps install build

test-deps:
	@tools/deps install build test

# Every test; the last line is the total.
test: test-deps
	@$(MAKE) --no-print-directory all
	@tools/run-tests all

# The tests that need no server.
check: all
	@tools/run-tests check

lint: all
	@tools/run-tests lint

demo:
	@tools/deps install build demo
	@$(MAKE) --no-print-directory all
	@tools/demo $(TARGET)

bench:
	@tools/deps install build bench
	@$(MAKE) --no-print-directory all
	@bench/run

# Runs each fuzz target for FUZZ_SECONDS, starting from its committed corpus.
fuzz:
	@tools/deps install build sanitize
	@tools/fuzz $(FUZZ_SECONDS)

# Writes docs/man/ anew from the option tables.
man: all
	@mkdir -p docs/man
	@$(BUILD)/myna man docs/man

install: all
	@meson configure $(BUILD) --prefix "$(abspath $(PREFIX))"
	@meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) build-*

.PHONY: all deps test-deps test check lint demo bench fuzz man install clean
