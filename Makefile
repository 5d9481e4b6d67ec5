# make run [ARGS=--exit]       deliver the demonstration order, then serve; --exit: end after the check, with its exit code
# make test                    everything that checks the project
# make soak                    2,000 kills, 100 times 64 orders for room for five, 100,000 bookings,
#                              every database test on Debian's PostgreSQL: some hours
# make fuzz                    another seed each day, and half an hour of it: requests that nobody thought of
# make validation              docs/validation.md from what the tests find
# make lock [ARGS=--upgrade]   requirements.lock for what pyproject.toml asks; what is pinned stays unless upgraded
#
# Every path here is relative, so that the checkout may lie under a path with spaces.

.DEFAULT_GOAL := run
.PHONY: run test environment lint types contract tests debian-tests soak fuzz validation lock

BIN := .venv/bin
STAGE := @.ci/stage
# Neighbours in a file go to one process, so that what the file starts is started once.
TESTS := $(BIN)/pytest -q -n 3 --dist worksteal
ARGS :=
export PYTHON

run: environment
	@exec $(BIN)/satcom demo $(ARGS)

# In this order also under "make -j": what is cheap speaks first.
.NOTPARALLEL:
test: environment lint types contract tests debian-tests

environment:
	@.ci/environment

lint: environment
	$(STAGE) "ruff check" $(BIN)/ruff check .
	$(STAGE) "ruff format" $(BIN)/ruff format --check .

types: environment
	$(STAGE) "mypy: the package" $(BIN)/mypy
	$(STAGE) "mypy: the tests" $(BIN)/mypy tests $(wildcard benchmarks/*.py deploy/*.py .ci/*.py)

contract: environment
	$(STAGE) "imports point down" $(BIN)/lint-imports --no-cache

tests: environment
	@.ci/debian-programs
	$(STAGE) "tests, on the embedded PostgreSQL" $(TESTS) --durations=20

debian-tests: environment
	@.ci/debian-postgres
	$(STAGE) "database tests, on Debian's PostgreSQL" env SATCOM_TEST_POSTGRES=debian $(TESTS) -m database

soak: environment
	@.ci/debian-postgres
	$(STAGE) "1,000 kills" env SATCOM_CRASH_RUNS=10 SATCOM_CRASH_KILLS=100 $(TESTS) tests/crash/test_crash.py
	$(STAGE) "changes and ends, 10 seeds" env SATCOM_CRASH_RUNS=10 SATCOM_CRASH_KILLS=100 $(TESTS) tests/crash/test_change_crash.py
	$(STAGE) "terminals and satellites, 10 seeds" env SATCOM_CRASH_RUNS=10 SATCOM_CRASH_KILLS=100 $(TESTS) tests/crash/test_site_crash.py
	$(STAGE) "room for five, 100 seeds" env SATCOM_HAMMER_SEEDS=100 $(TESTS) tests/crash/test_room_for_five.py
	$(STAGE) "every case at length" env SATCOM_TEST_AT_LENGTH=1 $(TESTS) -m at_length
	$(STAGE) "every database test, on Debian's PostgreSQL" env SATCOM_TEST_POSTGRES=debian SATCOM_TEST_EVERY_DATABASE=1 \
		$(TESTS) -m database
	$(STAGE) "100,000 bookings" env SATCOM_BOOKING_ATTEMPTS=100000 $(BIN)/pytest -q tests/hardening/test_booking_attempts.py

fuzz: environment
	$(STAGE) "any request, by the day's seed" env SATCOM_FUZZ_SEED=$${SATCOM_FUZZ_SEED:-$$(date -u +%Y%m%d)} \
		SATCOM_FUZZ_SECONDS=$${SATCOM_FUZZ_SECONDS:-1800} $(BIN)/pytest -q -x tests/contract/test_any_request.py

validation: environment
	@$(BIN)/pytest -q tests/resource/physics --validation docs/validation.md

lock: environment
	@UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
		--generate-hashes --extra dev --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(ARGS) \
		pyproject.toml --output-file requirements.lock
	@echo "requirements.lock: $$(grep -c '==' requirements.lock) packages. Now: make test, and docs/dependencies.md."
