# `make help` lists what there is to do. Only Go, make and git are needed,
# except where a line says otherwise.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# Alike for the program, its tests and the linters, so that what they share is compiled once. Only the race detector needs C.
export GOFLAGS     := $(strip $(filter-out -trimpath,$(GOFLAGS)) -trimpath)
export CGO_ENABLED := 0

# nomsgpack leaves out a codec of gin that nothing uses, a fifth of the binary.
TAGS     := nomsgpack
LDFLAGS  := -s -w -X main.linked=$(VERSION)
LINT     := $(GO) tool -modfile=test/tools/lint/go.mod golangci-lint
# Timing tests want the processors to themselves: no more packages at once than CI has.
PARALLEL ?= 2
# End-to-end tests drive real processes and have a target of their own.
PACKAGES  = $$($(GO) list -tags $(TAGS) ./... | grep -v '/test/e2e')

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/tinyurl, static
	$(GO) build -buildvcs=false -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/tinyurl ./cmd/tinyurl

.PHONY: run
run: build ## Run a local three-node cluster until Ctrl-C; prints its URLs, a key and a curl line
	bin/tinyurl dev $(ARGS)

.PHONY: test
test: ## Run the tests; needs no C compiler
	$(GO) test -p $(PARALLEL) -tags $(TAGS) -timeout 8m $(PACKAGES)

# The simulation runs one goroutine at a time, and the command line's scripts are about processes: the race detector would find little
# there and cost much. The store's suite runs on one file system with it, and on all without.
RACED     = $$($(GO) list -tags $(TAGS) ./... | grep -v -e '/test/e2e' -e '/test/sim' -e '/cmd/tinyurl')
.PHONY: race
race: ## Run the tests under the race detector, in random order; needs gcc
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -p $(PARALLEL) -tags $(TAGS) -timeout 12m $(RACED)
	$(GO) test -short -p $(PARALLEL) -tags $(TAGS) -timeout 8m ./test/sim/... ./cmd/tinyurl ./fsm/store

.PHONY: e2e
e2e: build ## Run the end-to-end tests on bin/tinyurl
	TINYURL_BINARY=$(CURDIR)/bin/tinyurl $(GO) test -count=1 -p 1 -tags $(TAGS) -timeout 10m ./test/e2e/...

# One life of a few virtual hours a seed; see test/README.md.
HOURS     ?= 100
SIM_FLAGS ?=
bin/sim.test: FORCE
	$(GO) test -c -tags $(TAGS) -o bin/sim.test ./test/sim

.PHONY: FORCE
FORCE:

.PHONY: sim
sim: bin/sim.test ## Live 100 virtual hours of faults in 10 minutes (HOURS), or replay one life (SEED)
	bin/sim.test -sim.out bin/failures $(if $(SEED),-sim.seeds $(SEED) -sim.verbose,-sim.hours $(HOURS)) $(SIM_FLAGS)

.PHONY: sim-long
sim-long: sim ## The same for as long as is wanted: HOURS=1000

# ROWS names faults, or all, short, pairs; SEED chooses what is left to chance; MINUTES goes on.
ROWS      ?= all
PARTITION  = PARTITION_ARTIFACTS=$(CURDIR)/bin/failures PARTITION_SEED=$(SEED) \
	$(GO) test -count=1 -tags $(TAGS) -v ./test/partition
.PHONY: partition
partition: ## Every fault once on the real program, in network namespaces (ROWS, SEED); Linux, 20 minutes
	PARTITION_ROWS=$(ROWS) $(PARTITION) -timeout 40m

MINUTES ?= 120
.PHONY: partition-long
partition-long: ## Faults, and pairs of them, again and again (MINUTES, SEED)
	PARTITION_ROWS=$(ROWS) PARTITION_MINUTES=$(MINUTES) $(PARTITION) -timeout 0

.PHONY: mutations
mutations: ## Break the product in every known way and see each noticed (ONLY); 35 minutes
	$(GO) run -tags $(TAGS) ./test/mutations $(if $(ONLY),-only '$(ONLY)')

# Compare two runs with benchstat: make bench >old.txt, and again.
BENCH ?= .
COUNT ?= 6
.PHONY: bench
bench: ## Measure the hot pieces, in the form benchstat reads (BENCH, COUNT)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -p 1 -tags $(TAGS) -timeout 60m ./api/... ./fsm/... ./cluster/raftlog

BENCH_FLAGS ?=
.PHONY: bench-peers
bench-peers: build ## Compare with net/http, nginx, etcd, PostgreSQL and Redis, by turns (ROWS, BENCH_FLAGS); Linux, 45 minutes
	$(GO) run -tags $(TAGS) ./test/bench -tinyurl bin/tinyurl -rows '$(ROWS)' $(BENCH_FLAGS)

FUZZTIME ?= 60s
.PHONY: fuzz
fuzz: ## Run every fuzz test for FUZZTIME, one after the other
	test/tools/fuzz.sh $(FUZZTIME) $(TAGS)

.PHONY: lint
lint: ## Run the linters and check the formatting
	$(LINT) run
	$(LINT) fmt --diff
	@find $$($(GO) list -f '{{.Dir}}' -tags $(TAGS) ./... | grep -v '/test/') -maxdepth 1 -name '*.go' ! -name '*_test.go' ! -name '*.pb.go' \
		-exec awk 'END { if (NR > 400) print "note: " FILENAME " has " NR " lines, more than 400" }' {} \;

.PHONY: fmt
fmt: ## Format the code
	$(LINT) fmt

.PHONY: vet
vet: ## Run go vet
	$(GO) vet -tags $(TAGS) ./...

.PHONY: gen
gen: ## Make the generated code anew; needs protoc
	find . -name generate.sh -not -path './vendor/*' -exec sh {} \;

.PHONY: drift
drift: ## Check that the generated code is what its sources make; needs protoc
	test/tools/drift.sh

.PHONY: manifests
manifests: ## Read the Dockerfile and the compose file with their engines' own parsers
	$(GO) test -C test/tools/manifests ./...

.PHONY: docker
docker: ## Build the container image (IMAGE, GO_IMAGE, BASE_IMAGE); needs Docker
	VERSION=$(VERSION) IMAGE=$(IMAGE) GO_IMAGE=$(GO_IMAGE) BASE_IMAGE=$(BASE_IMAGE) deploy/image.sh

.PHONY: compose
compose: ## Run deploy/compose once through its check; needs Docker and the images
	deploy/compose/check.sh

# One after the other: the linter's build alone fills two processors. Every step says how long it took.
CHECKS := vet build lint drift manifests race e2e sim-short partition-short
.PHONY: ci
ci: ## All that must pass before a change lands; .ci/run calls it
	@set -e; for check in $(CHECKS); do \
		began=$$(date +%s); echo "== $$check"; $(MAKE) --no-print-directory $$check; \
		echo "== $$check took $$(( $$(date +%s) - began )) s"; \
	done

# The lives of a check are the same each time; others are looked for by make sim.
.PHONY: sim-short
sim-short:
	$(MAKE) --no-print-directory sim HOURS=6 SIM_FLAGS='-sim.seed 1 -sim.budget 60s'

.PHONY: partition-short
partition-short:
	$(MAKE) --no-print-directory partition ROWS=short
