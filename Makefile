# The front door. Every target calls one script; the scripts say what they do.
#
#   make run      build it and start it, with a certificate, on this machine
#   make test     everything CI runs: build, unit tests, tests of the shop, black-box tests

.PHONY: run test build lint fmt bench-echo clean

run:
	@scripts/run

test:
	@scripts/test

build:
	@scripts/build

lint:
	@scripts/lint

fmt:
	@scripts/lint --fix

bench-echo:
	@scripts/bench-echo

clean:
	@rm -rf .build .dev
