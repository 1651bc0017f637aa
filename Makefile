GO ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := help
.PHONY: docs help build cross demo test torture race bench fuzz lint postgres chromium libxlsxwriter

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## bin/mcaledger, without cgo
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/mcaledger ./cmd/mcaledger

cross: ## compile for every system of a release
	@for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do echo $$target; \
	  CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build -o /dev/null ./cmd/mcaledger || exit 1; done

demo: build ## forty simulated nights of three partner accounts and their workbooks, in ./demo
	./bin/mcaledger demo --dir demo

# Many tests wait for simulated services, so more of them run than there are processors. go vet is part of lint. Tests
# write to memory where there is room: what they wait for otherwise is the disk.
SCRATCH = $$(df -Pk /dev/shm 2>/dev/null | awk 'NR==2 && $$4 > 4000000 {print "/dev/shm"; found=1} \
  END {if (!found) print ENVIRON["TMPDIR"] ? ENVIRON["TMPDIR"] : "/tmp"}')
# A larger heap before each collection saves time: the worlds of tests are small, and their processes many.
TESTING = export GOGC=400 TMPDIR=$$(mktemp -d $(SCRATCH)/mcaledger-test-XXXXXX) && chmod 711 $$TMPDIR && \
  trap 'rm -rf "$$TMPDIR"' EXIT && $(GO) test -vet=off -p 3 -parallel 8

test: postgres chromium ## every test, on SQLite and on a throwaway PostgreSQL server
	@$(TESTING) ./...

torture: postgres ## 400 kills per database instead of 50, and worlds three times as large, before a release
	@export TORTURE=1 && $(TESTING) -timeout 60m ./cmd/mcaledger ./jobs

race: postgres ## the concurrent parts under the race detector (needs a C compiler)
	$(GO) test -race -short ./internal/partnercenter ./internal/simulator ./internal/store ./jobs

bench: postgres libxlsxwriter ## speed and memory, as ratios against a limit measured in the same run
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 60m ./internal/intake ./reports ./jobs ./cmd/mcaledger

fuzz: ## a minute of fuzzing for each fuzz test
	$(GO) test -run '^$$' -fuzz FuzzRows -fuzztime 1m -fuzzminimizetime 10x ./internal/intake
	$(GO) test -run '^$$' -fuzz FuzzErrorBody -fuzztime 1m ./internal/partnercenter
	$(GO) test -run '^$$' -fuzz FuzzCustomersPage -fuzztime 1m ./internal/partnercenter
	$(GO) test -run '^$$' -fuzz FuzzTextComesBack -fuzztime 1m ./reports
	$(GO) test -run '^$$' -fuzz FuzzHeaderInjection -fuzztime 1m ./internal/mail

docs: ## docs/commands.md and the man pages, made from the commands
	$(GO) test ./cmd/mcaledger -run TestReferenceIsCurrent -update

lint: ## gofmt, and the linters of .ci/golangci.yml, go vet and staticcheck among them
	@unformatted=$$(gofmt -l cmd internal jobs reports sql); test -z "$$unformatted" || { echo "not gofmt'ed: $$unformatted"; exit 1; }
	$(GO) run $(GOLANGCI_LINT) run --allow-parallel-runners --config .ci/golangci.yml ./...

# Tests start a PostgreSQL server, and PgBouncer before it, of their own; this only sees to it that there is one to start.
postgres:
	@{ ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null; } && \
	  PATH=$$PATH:/usr/sbin command -v pgbouncer >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql pgbouncer >/dev/null; \
	  else \
	    echo "The tests need PostgreSQL and PgBouncer; on Debian or Ubuntu: sudo apt-get install -y postgresql pgbouncer"; exit 1; \
	  fi; }

# A test signs in with a real browser.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	  else \
	    echo "Chromium is needed for the tests; on Debian: sudo apt-get install -y chromium"; exit 1; \
	  fi; }

# The workbook's benchmark compares with this C library; nothing else needs it.
libxlsxwriter:
	@printf '#include <xlsxwriter.h>\n' | cc -E - >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gcc libc6-dev libxlsxwriter-dev >/dev/null; \
	  else \
	    echo "libxlsxwriter is needed for the benchmark; on Debian or Ubuntu: sudo apt-get install -y gcc libxlsxwriter-dev"; exit 1; \
	  fi; }
