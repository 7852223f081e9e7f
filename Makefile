# `make` alone says what there is.
NODE ?= node

.PHONY: help run demo test check build sim sim-swarm sim-report bench fuzz clean
help:
	@sed -n 's/^## //p' Makefile

node_modules: package.json package-lock.json
	npm ci
	@touch node_modules

## make build       dist/meshchat.js, one script, with bytes per source folder
build: node_modules
	$(NODE) build.mjs

## make check       types, import directions, file lengths, purity
check: node_modules
	node_modules/.bin/tsc --noEmit
	$(NODE) test/run.mjs --tidy

## make test        everything that must pass, on Node and inside txiki.js
test: node_modules build check
	$(NODE) test/run.mjs

## make clean       removes what the others made
clean:
	rm -rf dist build
