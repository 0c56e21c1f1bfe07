# Every target is one line; what it does is in scripts/.
.DEFAULT_GOAL := help
.PHONY: help build run demo test conformance-mlflow conformance-azureml lint check gen web fuzz bench clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 20
build: ## build bin/atelier, with the Studio when there is Node
	@scripts/build
run: build ## build and start the server
	@bin/atelier up
demo: ## train, find, register, deploy and call, on real data
	@scripts/demo
test: ## set everything up and run every test
	@scripts/test
conformance-mlflow: build ## run MLflow's own tests, from a checkout: MLFLOW_SRC=PATH
	@scripts/conformance-mlflow "$(MLFLOW_SRC)"
conformance-azureml: build ## read and run Azure's examples, from a checkout: EXAMPLES=PATH [STAND_IN=PATH]
	@scripts/conformance-azureml "$(EXAMPLES)" $(if $(STAND_IN),--stand-in "$(STAND_IN)")
lint: ## gofmt, go vet, staticcheck, ruff, eslint, tsc
	@scripts/lint
check: ## the quick look before a commit: vet and the Go tests, on SQLite alone
	@go vet ./... && go test ./...
gen: ## make the generated files anew
	@scripts/gen
web: ## build the Studio
	@scripts/web
fuzz: ## run every fuzz test for half a minute
	@scripts/fuzz
bench: build ## measure, beside a named peer
	@scripts/bench
clean: ## remove everything that was built
	@rm -rf bin .venv .demo web/node_modules web/dist/app
