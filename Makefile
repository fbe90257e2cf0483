# The front door. The targets call scripts; the scripts say what they do.
#
#   make run          build it and start it, with a certificate, on this machine
#   make test         everything CI runs: build, unit tests, tests of the shop, black-box tests
#   make cluster      several pods behind nginx, on Redis, RabbitMQ and PostgreSQL
#   make conformance  every case of SignalR and of the Autobahn suite; writes docs/CONFORMANCE.md and docs/AUTOBAHN.md
#   make chaos        100,000 orders while everything is broken again and again; ARGS="--seed 7" repeats
#   make soak         30 minutes of clients, good and bad; ARGS="--cluster" with servers behind that fail

.PHONY: run test up down cluster build lint fmt conformance bench-echo chaos chaos-controls soak \
	clean

run:
	@scripts/run

test:
	@scripts/test

up:
	@scripts/up

down:
	@scripts/down

cluster:
	@scripts/cluster $(PODS)

build:
	@scripts/build

lint:
	@scripts/lint

fmt:
	@scripts/lint --fix

# CONFORMANCE.md also counts unit tests, by what `make test` has logged.
conformance:
	@scripts/conformance
	@scripts/autobahn --full

bench-echo:
	@scripts/bench-echo

chaos:
	@scripts/chaos --long $(ARGS)

chaos-controls:
	@scripts/chaos --controls $(ARGS)

soak:
	@scripts/soak --minutes 30 $(ARGS)

# Servers whose data is taken from under them would go on running.
clean: down
	@rm -rf .build .dev
