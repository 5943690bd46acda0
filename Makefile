# Two commands matter: `make run` and `make test`. The logic lives in scripts/ and in code.
SHELL := /bin/bash
export CARGO_TARGET_DIR ?= $(CURDIR)/target
GODWIT := $(CARGO_TARGET_DIR)/release/godwit
FRONT := $(shell find front/src front/public front/index.html front/package.json front/vite.config.ts assets -type f 2>/dev/null)

.PHONY: help build run test lint front bench bench-parse chaos fuzz bless clean
.DEFAULT_GOAL := help

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

front/dist/.built: $(FRONT)
	@scripts/need.sh node
	cd front && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build && touch dist/.built

front: front/dist/.built ## The front-end into front/dist

build: front ## The release binary with the front-end inside
	@scripts/need.sh rust
	cargo build --release --locked -p godwit
	@echo "built $(GODWIT)"

run: build ## The live map on http://127.0.0.1:8080 with simulated traffic; CALLSIGN=... for the real network
	$(GODWIT) serve $(if $(CALLSIGN),--callsign '$(CALLSIGN)' --data data,--demo --data data/demo) $(ARGS)

test: ## Everything: format, lint, Rust, front-end and browser tests; installs what it needs
	@scripts/test.sh

lint: ## Format, clippy, types, dependency policy
	@scripts/lint.sh

bench: build ## Performance against floors measured in the same run
	@scripts/bench.sh

bench-parse: ## The parser beside its peers; CORPUS=FOLDER for captured lines
	@scripts/bench-parse.sh

chaos: ## Faults on purpose: kill -9 under load, hostile servers
	@scripts/chaos.sh

fuzz: ## The parser's fuzz targets, SECONDS_EACH=60
	@scripts/fuzz.sh $${SECONDS_EACH:-60}

bless: ## Renew generated files that tests compare
	BLESS=1 cargo test --workspace --locked -- bless

clean: ## Remove what was built
	rm -rf front/dist front/node_modules
	cargo clean
