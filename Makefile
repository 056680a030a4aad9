# The tools are pinned here and built by the Go command when they are needed.
SQLC         = go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1
GOLANGCILINT = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK  = go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

# The race detector watches our code, but not the SQLite engine, which is C
# turned into Go: watching that makes every test several times slower.
RACE  = -race -gcflags='modernc.org/sqlite/lib=-race=false'
SEEDS = 200
COUNT = 5

.PHONY: help build demo test sim fuzz bench lint generate check ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/atelierd
	CGO_ENABLED=0 go build -trimpath -o bin/atelierd ./cmd/atelierd

demo: build ## show the whole way of an order, with a crash in the middle
	@bin/atelierd demo

test: ## run every test, with the race detector, and 200 simulated weeks
	go test $(RACE) -timeout 20m ./...
	go test -timeout 40m -run SimulatedWeek ./cmd/atelierd

sim: ## live through more simulated weeks: make sim SEEDS=5000
	go test -timeout 24h -run SimulatedWeek ./cmd/atelierd -sim.seeds=$(SEEDS)

fuzz: ## fuzz each decoder of foreign input for a while: make fuzz FUZZTIME=1m
	@sh .ci/fuzz $(or $(FUZZTIME),20s)

bench: ## measure, in the form that benchstat reads: make bench COUNT=10 > new.txt
	@go test -run '^$$' -bench . -benchmem -count $(COUNT) -timeout 2h ./internal/engine ./internal/store ./internal/atelier

lint: ## gofmt, vet, linters, known vulnerabilities
	@unformatted=$$(gofmt -l cmd db internal); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	go vet ./...
	$(GOLANGCILINT) run ./...
	@$(GOVULNCHECK) ./... || { echo "govulncheck failed, or could not reach its database"; test -n "$(VULN_OPTIONAL)"; }

generate: ## write internal/store/query anew from db/queries
	$(SQLC) generate

check: ## is the generated code up to date, and go.mod tidy?
	$(SQLC) diff
	go mod tidy -diff

ci: ## what a change has to pass
	@bash .ci/run
