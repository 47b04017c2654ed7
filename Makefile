# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# cpu: PyTorch's CPU build (no CUDA download); default: whatever the package index holds.
TORCH ?= $(if $(filter Linux,$(shell uname -s)),cpu,default)
TORCH_VERSION := 2.13.0
TORCH_CPU_INDEX := https://download.pytorch.org/whl/cpu
WORKERS ?= 2

.PHONY: demo test test-cluster check compiled conformance docs format e2e bench-train bench-serve bench-score fuzz soak pure tools images images-check clean help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/installed: pyproject.toml constraints.txt hatch_build.py $(wildcard sqlrec/serving/_rows*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "sqlrec needs Python 3.11 or newer; name it: make PYTHON=python3.11 ..."; exit 1; }
	@echo "installing into $(VENV) (first time only)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt uv
ifeq ($(TORCH),cpu)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt \
	  "torch==$(TORCH_VERSION)+cpu" 2>/dev/null \
	|| $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt \
	  --extra-index-url $(TORCH_CPU_INDEX) "torch==$(TORCH_VERSION)+cpu"
endif
	@$(BIN)/uv pip install -q --compile-bytecode --reinstall-package sqlrec --python $(BIN)/python \
	  -c constraints.txt -e '.[dev]'
	@$(BIN)/python -m compileall -q sqlrec
	@touch $@

demo: $(VENV)/installed  ## generate data, then train, export, deploy and score on this machine
	@$(BIN)/sqlrec demo

test: $(VENV)/installed  ## the whole test suite
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

test-cluster: $(VENV)/installed  ## the tests marked `cluster` on a real cluster (KUBECONFIG=…, JOB_IMAGE=…, SERVER_IMAGE=…)
	@test -n "$(KUBECONFIG)" || { echo "name a cluster: make test-cluster KUBECONFIG=path"; exit 1; }
	@$(BIN)/python -m pytest -q -m cluster --kubeconfig "$(KUBECONFIG)" \
	  $(if $(JOB_IMAGE),--job-image $(JOB_IMAGE)) $(if $(SERVER_IMAGE),--server-image $(SERVER_IMAGE))

check: $(VENV)/installed  ## ruff, format, mypy, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

$(VENV)/compiled: $(VENV)/installed
	@$(BIN)/uv pip install -q --no-deps --target $@ --python $(BIN)/python -c constraints.txt sqlglot sqlglotc
	@touch $@

compiled: $(VENV)/compiled  ## the tests of the language over sqlglot's compiled build
	@export PYTHONPATH=$(abspath $(VENV)/compiled) && $(BIN)/python -c \
	  'import sqlglot.parser as p; assert p.__file__.endswith(".so"), f"{p.__file__} is not compiled"' \
	&& $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal tests/sql

$(VENV)/conformance: $(VENV)/installed
	@$(BIN)/uv pip install -q --target $@ --python $(BIN)/python -c constraints.txt --group conformance
	@touch $@

conformance: $(VENV)/conformance  ## the servers as schemathesis and NVIDIA's tritonclient see them
	@export PYTHONPATH=$(abspath $(VENV)/conformance) && $(BIN)/python -c 'import schemathesis, tritonclient.http' \
	&& $(BIN)/python -m pytest -q tests/serving/test_serving_schemathesis.py \
	  tests/programs/test_programs_schemathesis.py tests/serving/test_serving_triton.py

docs: $(VENV)/installed  ## write docs/sql.md and docs/errors.md from the code
	@$(BIN)/sqlrec reference --output docs

format: $(VENV)/installed  ## fix what can be fixed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench-train: $(VENV)/installed  ## training speed and quality against other frameworks (DATA=ctr.parquet)
	@$(BIN)/python benchmarks/train.py $(if $(DATA),--data $(DATA)) --rounds 3

bench-serve: $(VENV)/installed  ## requests a second and latency against other servers (needs wrk)
	@$(BIN)/python benchmarks/serve.py

bench-score: $(VENV)/installed  ## rows a second of batch scoring, parquet to parquet
	@$(BIN)/python benchmarks/score.py

pure: $(VENV)/installed  ## the tests of the predict server without its compiled scanner
	@SQLREC_PURE=1 $(BIN)/python -m pytest -q $(addprefix tests/serving/test_serving_,app.py batching.py protocol.py scorer.py)

EXAMPLES ?= 1000
fuzz: $(VENV)/installed  ## the compiled JSON scanner under sanitizers, EXAMPLES=1000 a property
	@$(BIN)/python tests/serving/fuzz_rows.py $(EXAMPLES)

MINUTES ?= 5
soak: $(VENV)/installed  ## a predict server under every kind of load for MINUTES=5: does it grow?
	@$(BIN)/python -m tests.serving.soaking $(MINUTES)

e2e: $(VENV)/installed  ## only the tests that run whole scripts
	@$(BIN)/python -m pytest -q -m e2e

tools: $(VENV)/installed  ## helm, kubectl and hadolint for the tests of chart and images, into .venv/bin
	@$(BIN)/python .ci/tools.py

COMMA := ,
BUILDER ?= $(shell command -v docker || command -v podman || command -v buildah)
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' sqlrec/__init__.py)
images: $(addprefix image-,job server api airflow)  ## container images; REGISTRY=host/path/ VARIANT=cu130
image-%:  ## one of them by docker, podman or buildah; EXTRAS=serve,s3
	@$(BUILDER) build --file docker/$(patsubst api,server,$*)/Dockerfile --tag $(REGISTRY)sqlrec-$*:$(VERSION) \
	  $(if $(filter job,$*),$(if $(VARIANT),--build-arg VARIANT=$(VARIANT))) \
	  $(addprefix --build-arg EXTRAS=,$(or $(EXTRAS),$(if $(filter api,$*),api$(COMMA)s3))) --build-arg REVISION=$(shell git rev-parse HEAD) .

IMAGES ?= server
images-check:  ## really build images without a registry (needs root, buildah, mmdebstrap); IMAGES="server job airflow"
	@docker/check.sh $(IMAGES)

clean:  ## remove the environment, the demo and caches; stops the demo's services first
	@test -x $(BIN)/sqlrec && test -d demo && $(BIN)/sqlrec --project demo services stop --all || true
	rm -rf $(VENV) .venv-bench demo sqlrec/serving/_rows*.so .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
