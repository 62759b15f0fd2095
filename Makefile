# Two lanes, one for each end of the supported range: Python 3.11 with Blender 4.5 LTS as a module, 3.13 with 5.2 LTS.
# A lane needs nothing but its Python; everything else is pinned by hash in requirements/ and fetched by pip.
# PYTHON311=… and PYTHON313=… name a Python that is not found by itself.

PYTHON_3.11 := $(shell packaging/find_python 3.11 $(PYTHON311))
PYTHON_3.13 := $(shell packaging/find_python 3.13 $(PYTHON313))
LANES := $(if $(PYTHON_3.11),3.11) $(if $(PYTHON_3.13),3.13)
# The lane behind `.venv`: the oldest line, since it is what a plain Debian has and its wheel reads Draco models too.
LANE ?= $(firstword $(LANES))

# Each is a module of benchmarks/; BENCHMARKS=… picks some. SMALL.… are the options that make one small.
BENCHMARKS ?= references makespan startup calibration
SMALL.calibration ?= --quick --products tin,blocks --angles three-quarter

define run_benchmark
	@echo "== $(strip $(1) $(SMALL.$(1)))"
	@.venv/bin/python -m benchmarks.$(1) $(SMALL.$(1))

endef

PIP = .venv-$(1)/bin/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.SECONDARY:
.PHONY: help python venv test demo build release bench clean

help: ## this list
	@echo "Lanes found here: $(or $(strip $(LANES)),none)"
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

python:
	@[ -n "$(strip $(LANES))" ] || { echo "No Python 3.11 or 3.13 with venv was found: install one \
	(Debian 12: apt-get install python3 python3-venv) or name it with PYTHON311=/path/to/python3.11." >&2; exit 1; }

venv: python $(LANES:%=.venv-%/ready) ## the virtual environments, one for each Python found; .venv is the first

# The stamps are written last, so an interrupted installation is repeated instead of believed.
.venv-%/packages: requirements/lane-%.txt
	@echo "== virtual environment for Python $* ($(PYTHON_$*))"
	$(PYTHON_$*) -m venv --clear .venv-$*
	$(call PIP,$*) --require-hashes --no-deps -r $<
	@touch $@

.venv-%/ready: .venv-%/packages pyproject.toml
	$(call PIP,$*) --no-build-isolation --no-deps --editable .
	.venv-$*/bin/python packaging/system_libraries.py
	.venv-$*/bin/python -c "import bpy; print('Blender', bpy.app.version_string, 'as a module')"
	ln -sfn .venv-$(LANE) .venv
	@touch $@

test: venv ## everything that is checked, in every lane found here
	.venv/bin/python packaging/check.py $(LANES)

demo: venv ## the whole pipeline on a sample product: no key, no network, into demo/run
	.venv/bin/python packaging/demo.py $(OPTIONS)

build: venv ## the extension's zips into dist/; BLENDER=blender: one for the Blender at hand
	.venv/bin/python packaging/build.py $(if $(BLENDER),--blender "$(BLENDER)")

release: venv ## zips, index and changelog entry of a new version; commits, tags and publishes nothing
	.venv/bin/python packaging/release.py

bench: venv ## the measurements in docs/measurements.md that take least
	$(foreach benchmark,$(BENCHMARKS),$(call run_benchmark,$(benchmark)))

clean: ## everything that was made here, virtual environments too
	rm -rf .venv .venv-3.11 .venv-3.13 dist demo wheels *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
