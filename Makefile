# `make` alone says what there is.
NODE ?= node
WORDS ?=

.PHONY: help run demo test check build runtime sim sim-swarm sim-report bench fuzz clean
help:
	@sed -n 's/^## //p' Makefile

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

## make run          installs, builds and starts one daemon; IRC on 127.0.0.1:6667 (IRC_PORT=…)
run:
	@$(NODE) scripts/run.mjs

## make demo         three daemons that make a mesh on this machine, and what to type
demo: runtime
	@$(NODE) build.mjs --no-types --any-size
	@$(NODE) scripts/demo.mjs

## make test         all that must pass, on Node and inside txiki.js (WORDS='…': only such files)
test: node_modules/.package-lock.json build check
	$(NODE) test/run.mjs $(WORDS)

## make check        types, import directions, purity, file lengths
check: node_modules/.package-lock.json
	node_modules/.bin/tsc --noEmit
	$(NODE) test/run.mjs --node tidy

## make build        dist/: one script, its launchers, the client library; bytes per source folder
build: node_modules/.package-lock.json
	$(NODE) build.mjs

## make runtime      says which JavaScript runtime is used, and makes npm's txiki.js run here
runtime: node_modules/.package-lock.json
	@$(NODE) scripts/runtime.mjs >/dev/null

## make sim          the protocol under a seeded virtual network: a short set (SEED=…: one seed with its trace)
sim: node_modules/.package-lock.json
	$(NODE) test/sim/run.mjs $(if $(SEED),sim $(SEED))

## make sim-swarm    seeds with drawn faults for a minute (SECONDS=…)
sim-swarm: node_modules/.package-lock.json
	$(NODE) test/sim/run.mjs swarm $(or $(SECONDS),60)

## make sim-report   measures the protocol and writes docs/sim-report.md
sim-report: node_modules/.package-lock.json
	$(NODE) test/sim/run.mjs report

## make bench        bytes, memory, start time; cost per datagram and line on each runtime
bench: runtime
	@$(NODE) build.mjs --no-types --any-size
	$(NODE) test/bench/run.mjs

## make fuzz         random and mutated datagrams and IRC lines at living daemons (COUNT=… SEED=…)
fuzz: runtime
	@$(NODE) build.mjs --no-types --any-size
	$(NODE) scripts/bundle-run.mjs --each test/fuzz

.PHONY: e2e irctest real-sockets away chaos
## make e2e          real mesh routers in network namespaces (CJDROUTE=path, YGGDRASIL=path, WORDS='…')
e2e: build runtime
	$(NODE) test/e2e/run.mjs $(WORDS)

## make real-sockets 20 daemons, 10 % loss, 100 ms: delivery, copies and latency over real sockets
real-sockets: runtime
	@$(NODE) build.mjs --no-types --any-size
	$(NODE) scripts/bundle-run.mjs test/e2e/real-sockets.ts

## make irctest      daemons against irctest (IRCTEST=folder, PYTHON=…, TIER=core|local-ops|modern, NODES=1)
irctest: build runtime
	test/conformance/irctest/run.sh $(or $(TIER),core)

## make away         nodes away for so long, and what they are shown when they are back (SECONDS=…)
away: runtime
	@$(NODE) build.mjs --no-types --any-size
	$(NODE) scripts/bundle-run.mjs test/e2e/away.ts seconds=$(or $(SECONDS),60)

## make chaos        five daemons, loss, splits, kills, nick fights: then all must agree (SECONDS=20 SEED=1)
chaos: runtime
	@$(NODE) build.mjs --no-types --any-size
	$(NODE) scripts/bundle-run.mjs test/e2e/chaos.ts seconds=$(or $(SECONDS),20) seed=$(or $(SEED),1)

.PHONY: soak
## make soak         four daemons, people and programs that come and go: nothing lost, memory at rest (MINUTES=10)
soak: runtime
	@$(NODE) build.mjs --no-types --any-size
	$(NODE) scripts/bundle-run.mjs test/e2e/soak.ts minutes=$(or $(MINUTES),10)

## make clean        removes what the others made, except node_modules
clean:
	rm -rf dist build

.PHONY: ipk apk
## make ipk          build/meshchat_VERSION_all.ipk, for OpenWrt up to 24.10
ipk: build
	$(NODE) scripts/ipk.mjs

## make apk          build/meshchat-VERSION.apk, for OpenWrt from 25.12 (needs apk-tools 3; SIGN=KEY)
apk: build
	$(NODE) scripts/apk.mjs $(if $(SIGN),--sign $(SIGN))
