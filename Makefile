# Hotcell's tasks. Each works on a fresh machine with Go, make and a network:
# what else is needed is installed by apt, as root or with sudo.

BIN     := bin/hotcell
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# libseccomp is linked in, so that the binary runs where it is copied to, and
# starts a millisecond sooner. netgo and osusergo keep the C library's name
# look-ups out, which a static binary cannot load.
TAGS    := netgo,osusergo
LDFLAGS := -s -w -X main.version=$(VERSION) -linkmode external -extldflags -static
GOBUILD := go build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)'

.PHONY: all build run test verdicts lint bench fuzz escape deps testdeps clean

all: build

# deps installs what the packages below need and the machine lacks.
deps:
	@sh deploy/deps.sh

testdeps:
	@sh deploy/deps.sh test

build: deps
	$(GOBUILD) -o $(BIN) ./cmd/hotcell

# run shows the main job on real data, then a hostile model refused.
run: build
	@sh testdata/demo/run.sh $(BIN)

# -race: the supervisor serves many goroutines. -count=1: tests that depend on
# the kernel must not come from a cache. -p 1: packages take turns on small
# machines, as their sandboxes have time limits.
test: testdeps build
	@rm -f bin/skips
	HOTCELL_BIN=$(CURDIR)/$(BIN) HOTCELL_SKIPS=$(CURDIR)/bin/skips go test -race -count=1 -p 1 -timeout 20m ./...
	@[ ! -e bin/skips ] || { echo "skipped:"; cat bin/skips; }

# verdicts runs the table of misbehaving models on this host.
verdicts: build
	HOTCELL_BIN=$(CURDIR)/$(BIN) go test -count=1 -v -run '^TestModels$$' ./cmd/hotcell

lint: deps
	@sh deploy/lint.sh

# bench prints ratios within one run against what a user would pick instead.
bench: build
	@sh bench/run.sh $(BIN)

# fuzz runs every fuzz target for FUZZTIME.
FUZZTIME ?= 30s
fuzz: deps
	@sh deploy/fuzz.sh $(FUZZTIME)

# escape runs the hostile models only.
escape: build
	HOTCELL_BIN=$(CURDIR)/$(BIN) go test -count=1 -v -run 'Escape' ./cmd/hotcell

clean:
	rm -rf bin
