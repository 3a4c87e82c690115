# make help lists the checks; CONTRIBUTING.md says when to run which.

# Directories with a go.mod. tools/ has no code of its own.
MODULES := $(patsubst %/,%,$(dir $(shell git ls-files '*go.mod')))
CODE    := $(filter-out tools,$(MODULES))
# The end-to-end tests need a Temporal server and minutes: make full runs them.
TESTED  := $(filter-out livetranscodetemporal/e2e,$(CODE))

TOOL     := go tool -modfile=$(CURDIR)/tools/go.mod
BASE     ?= main
FUZZTIME ?= 1m
RULES    ?=

# $(call each,DIRS,COMMAND) runs COMMAND in every directory, and fails at the end if it failed in one.
each = @rc=0; for dir in $(1); do echo "== $$dir"; (cd $$dir && $(2)) || rc=1; done; exit $$rc

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

.PHONY: check
check: ## what CI runs for every change
	.ci/run

.PHONY: full
full: ## check, and everything that takes long: simulation, network faults, fuzzing
	.ci/run full

.PHONY: test
test: ## the tests of every module
	$(call each,$(TESTED),go test ./...)

.PHONY: race
race: ## the tests of every module under the race detector, in random order
	$(call each,$(TESTED),go test -race -shuffle=on ./...)

.PHONY: test-386
test-386: ## the root module's tests as a 32-bit program
	GOARCH=386 go test ./...

.PHONY: lint
lint: ## go vet in every module, golangci-lint in the root
	$(call each,$(CODE),go vet ./...)
	$(TOOL) golangci-lint run ./...

.PHONY: fmt
fmt: ## format all Go files with gofumpt
	$(TOOL) gofumpt -w .

.PHONY: tidy
tidy: ## go mod tidy in every module
	$(call each,$(MODULES),go mod tidy)

.PHONY: golden
golden: ## rewrite testdata/requests; review the diff
	go test -run '^TestGoldenRequests$$' . -update

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (1m)
	FUZZTIME=$(FUZZTIME) .ci/fuzz

.PHONY: bench
bench: ## the benchmarks of docs/performance.md
	cd interop && go run ./bench -build

.PHONY: mutation
mutation: ## break each rule and see a test fail; RULES="nonce page" selects rules by name
	go run ./internal/mutation $(RULES)

.PHONY: vuln
vuln: ## govulncheck in every module; VULNDB=URL is another database
	$(call each,$(CODE),$(TOOL) govulncheck $(if $(VULNDB),-db $(VULNDB)) -test ./...)

.PHONY: api
api: ## what changed in the public API since BASE (main)
	@.ci/api $(BASE)
