# The tools are pinned here and built by the Go command when they are needed.
SQLC         = go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1
GOLANGCILINT = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GORELEASER   = go run github.com/goreleaser/goreleaser/v2@v2.14.3
GOVULNCHECK  = go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

# Many tests wait rather than compute, so more of them run at the same time than there
# are cores. With too many, a page in a browser waits longer than its test does.
TEST = go test -shuffle=on -parallel 8

# The race detector watches our code, but not the SQLite engine, which is C
# turned into Go: watching that makes every test several times slower.
RACE = -race -gcflags='modernc.org/sqlite/lib=-race=false'

# Where goroutines share most: these run under the race detector at each test.
SHARED = ./internal/engine ./internal/generate/... ./internal/web ./internal/logonce

# The simulated weeks: SEEDS fixed ones, and as many drawn from FROM on. Those of
# the tests have three days and five more in which everything is finished.
SEEDS = 200
DAYS  = 7
# In those of sim a quarter of the weeks have storage of the owner, and another one an assistant.
STORAGE   = -sim.storage
ASSISTANT = -sim.assistant
ifndef FROM
FROM := $(shell date +%s)
endif

# The processes that make kills kills at random moments.
N = 1000

# How long orders flow in soak.
SOAK = 1h

COUNT = 5

# The version that the program shows.
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null)

.PHONY: help build demo demo-cluster screenshots readme test test-all test-long sim kills soak fuzz bench lint generate check portable ci extras release-snapshot

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/atelierd
	CGO_ENABLED=0 go build -trimpath -ldflags "-X atelierd/internal/app.release=$(VERSION)" -o bin/atelierd ./cmd/atelierd

demo: build ## show the whole way of an order, with a crash in the middle; KEEP=1 leaves the console open
	@bin/atelierd demo $(if $(KEEP),--keep)

screenshots: ## take the pictures of docs/console.md from the demo
	go test ./cmd/atelierd -run '^TestScreenshots$$' -count 1 -screenshots=$(CURDIR)/docs/console

demo-cluster: ## three servers of NATS, two workers and the daemon; a worker and the leading server are killed; KEEP=1 leaves the others running
	go test -timeout $(if $(KEEP),0,15m) -run DemoCluster -v -count 1 ./cmd/atelierd -cluster $(if $(KEEP),-cluster.keep)

readme: ## follow README.md and docs/getting-started.md word by word in a fresh clone
	@bash .ci/readme

test: ## run every test in minutes: 8 simulated weeks, real processes killed
	@echo "4 of the simulated weeks are drawn from seed $(FROM); make sim SEEDS=4 DAYS=3 FROM=$(FROM) STORAGE= ASSISTANT= repeats them"
	SIM_FROM=$(FROM) CGO_ENABLED=0 $(TEST) -timeout 25m ./...
	@if command -v "$$(go env CC)" >/dev/null; then set -x; $(TEST) $(RACE) -timeout 15m $(SHARED); \
	else echo "skipped: the race detector needs a C compiler, and there is none"; fi

test-all: ## more than that: the race detector everywhere else, all kills and attacks, 8 more weeks
	$(TEST) $(RACE) -timeout 30m $$(go list ./... | grep -v -F -x "$$(go list $(SHARED) ./internal/app ./cmd/atelierd)")
	$(TEST) $(RACE) -timeout 30m ./internal/app -sim.seeds=1 -skip TestWeeksThatFailedOnce
	$(TEST) -timeout 30m ./cmd/atelierd -run 'Kill|RunsInABrowser' -kills=300 -every-kill -every-attack
	$(MAKE) sim SEEDS=4 DAYS=3

test-long: ## what takes too long, or needs too much, for make test
	@$(MAKE) release-snapshot
	@dist/litestream-drill
	go test -timeout 1h -run TestAYearOfOrders ./internal/retention -days=365

sim: ## live through many simulated weeks: make sim SEEDS=5000 FROM=1
	$(TEST) -timeout 24h -run Week ./internal/app $(STORAGE) $(ASSISTANT) -sim.seeds=$(SEEDS) -sim.days=$(DAYS) -sim.from=$(FROM)

kills: ## kill many real processes amid faults and full disks: make kills N=5000
	go test -timeout 24h -v -run 'TestKills|TestAKill|TestNATSThatLost' ./cmd/atelierd -kills=$(N) -every-kill -cluster -cluster.jobs=$(N)

soak: ## let orders flow for an hour and watch memory, WAL, descriptors and goroutines
	go test -timeout 0 -v -count 1 -run '^TestSoak$$' ./cmd/atelierd -soak=$(SOAK)

fuzz: ## fuzz each decoder of foreign input for a while: make fuzz FUZZTIME=1m
	@sh .ci/fuzz $(or $(FUZZTIME),20s)

bench: ## measure, in the form that benchstat reads: make bench COUNT=10 > new.txt
	@go test -run '^$$' -bench . -benchmem -count $(COUNT) -timeout 2h ./internal/engine ./internal/store ./internal/atelier ./internal/generate/cluster
	@go test ./cmd/atelierd -run 'FitIntoMemory|FitsIntoMemory' -measure -v

lint: ## gofmt, vet, linters, known vulnerabilities
	go vet ./...
	$(GOLANGCILINT) run ./...
	@$(GOVULNCHECK) ./... || { echo "govulncheck failed, or could not reach its database"; test -n "$(VULN_OPTIONAL)"; }

portable: ## do the other systems build?
	GOOS=darwin go build -o /dev/null ./cmd/atelierd
	GOOS=windows go build -o /dev/null ./cmd/atelierd
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...

extras: ## write the manual page and completion for packages to bin/extras
	@sh .ci/extras

release-snapshot: ## build all of a release into bin/release, and try it
	$(GORELEASER) release --snapshot --clean
	@bash .ci/release

generate: ## write internal/store/query again from db/
	$(SQLC) generate

check: ## is the generated code up to date, and go.mod tidy?
	$(SQLC) diff
	go mod tidy -diff

ci: ## what a change has to pass
	@bash .ci/run
