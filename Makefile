# make demo, make test, make lint and make bench set up all that they need on a bare Debian machine.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

# Without cached bytecode every command would compile the whole program again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint bench engine image nft ip wrk dig dnsperf completions clean

demo: $(VENV)/installed engine image nft
	manifests/secrets/demo.sh $(BIN)

test: $(VENV)/installed $(VENV)/clients/installed engine image nft ip dig
	$(BIN)/python -m pytest -n 4 --dist loadfile

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed engine image nft ip wrk dnsperf
	$(BIN)/python -m tests.bench $(if $(WHOLE),--whole)

completions: $(VENV)/installed
	for shell in bash zsh fish; do $(BIN)/minikctl completion $$shell > completions/minikctl.$$shell; done

# Programs, by the Debian package that has them.
program = PATH="$$PATH:/usr/sbin:/sbin" command -v $(1) >/dev/null || manifests/setup/install.sh $(2)

nft:
	$(call program,nft,nftables)

ip:
	$(call program,ip,iproute2)

dig:
	$(call program,dig,bind9-dnsutils)

wrk:
	$(call program,wrk,wrk)

dnsperf:
	$(call program,dnsperf,dnsperf)

engine:
	manifests/setup/engine.sh

image: engine
	manifests/setup/image.sh

$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || manifests/setup/install.sh python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --editable '.[test]' --config-settings editable_mode=compat
	touch $@

$(VENV)/clients/installed: manifests/setup/clients.sh $(VENV)/installed
	manifests/setup/clients.sh $(VENV)
	touch $@

clean:
	rm -rf $(VENV)
