# Every target does its own set-up in .venv; `make` alone lists them.
# Settings: PYTHON=/path/to/python3.11   TORCH_INDEX=https://download.pytorch.org/whl/cpu   WORKERS=4   ARGS="-k convert"
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-fast test-browser coverage studio-notice lint rooms wheel clean bench-train bench-studio bench-phantom bench-convert bench-peers bench-best bench-ablation bench-inference bench-uncertainty bench-busy bench-fire bench-samples bench-labelerrors bench-choose bench-simulate bench-choices bench-views bench-ingest bench-refine bench-browser

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet --quiet
TORCH := $(shell grep '^torch==' constraints.txt)
WORKERS ?= 2

# What the package is built from. Folders are among them: a module deleted is a change too.
SOURCES := $(wildcard *.py) py.typed README.md LICENSE $(shell find annotate model active -name __pycache__ -prune -o -print)

help:
	@echo "make demo               the whole loop on synthetic frames that it draws itself: minutes"
	@echo "make test               lint, then all tests: minutes; it installs Label Studio once (1 GB)"
	@echo "make test-fast          the same without the tests that need Label Studio"
	@echo "make test-browser       all tests in Chromium, the long ones too: minutes; pictures in build/browser"
	@echo "make coverage           those tests once more, and which lines and branches they reach: 10 minutes"
	@echo "make lint               ruff, mypy, import directions"
	@echo "make rooms              the rooms of the package, with their files and lines"
	@echo "make wheel              a wheel in dist/"
	@echo "make clean              remove .venv and everything built, Label Studio too"
	@echo
	@echo "Benchmarks, for a machine that does nothing else; each writes benchmarks/results/NAME.json:"
	@echo "make bench-train        DMRNet against a U-Net on real frames: about an hour"
	@echo "make bench-studio       pushing to a real Label Studio in bulk against one by one: minutes"
	@echo "make bench-phantom      the phantom's speed and speckle, the demo on three seeds: 15 minutes"
	@echo "make bench-busy         steps and the demo beside 0 to 8 other programs: 50 minutes, resumable"
	@echo "make bench-fire         200 kills and 200 refused calls under every command: an hour, resumable"
	@echo "make bench-samples      sample files of other tools, read by both: minutes; it loads their packages once (400 MB)"
	@echo "make bench-convert      masks and outlines against labelme, rasterio, OpenCV: minutes"
	@echo "make bench-peers        DMRNet and its peers: many hours, resumable; ARGS=\"--on 0,1\" for folds"
	@echo "make bench-best         DMRNet on two grids, alone and together: hours, resumable"
	@echo "make bench-ablation     from a residual U-Net to DMRNet, module by module: an hour, resumable"
	@echo "make bench-inference    engines side by side, and what prelabel keeps of the best: minutes"
	@echo "make bench-ingest       damaged scans, burned-in names, speed and memory of reading: half an hour"
	@echo "make bench-simulate     the tables of the simulation's trainings, with their back-tested forecasts: seconds"
	@echo "make bench-choices      pictures of the first 20 frames that each strategy asks for, in build/: minutes"
	@echo "make bench-labelerrors  spoiled outlines that dmr check --labels finds: an hour, resumable"
	@echo "make bench-views        frames that are wrongly left out as no view, and others that are not: minutes"
	@echo "make bench-choose       time and memory to choose 100 frames of up to 100,000: minutes"
	@echo "make bench-refine       outlines from boxes against ellipses in the same boxes: an hour, resumable"
	@echo "make bench-browser      keys and clicks a frame in Label Studio, and its seconds by a stopwatch: 10 minutes"
	@echo "make bench-uncertainty  calibration and guessed Dice, by how frames are looked at: minutes"

demo: .venv/package
	@$(PY) -m dmr demo

# The tests' small networks gain nothing from more threads: a worker a core, one thread each.
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest -n $(WORKERS) --dist loadfile

test: studio-notice lint
	@echo "Tests (some minutes) ..."
	@$(PYTEST) -m "not browser" $(ARGS)

test-fast: lint
	@echo "Tests but for those that need Label Studio (some minutes); make test runs them all ..."
	@$(PYTEST) -m "not studio" $(ARGS)

# One after the other: seconds are measured in some.
test-browser: studio-notice .venv/package
	@echo "Tests in a browser (minutes) ..."
	@DMR_BROWSER=required $(PYTEST) -n 0 tests/browser $(ARGS)

# Measuring slows down what this one times.
UNMEASURED := --deselect tests/test_house.py::test_help_answers_at_once

coverage: .venv/package
	@echo "Tests but for those that need Label Studio, and what they reach (10 minutes) ..."
	@$(PYTEST) -m "not studio" --cov=dmr --cov-report=term $(UNMEASURED) $(ARGS)

# Where tests/studio_loop.py keeps it.
STUDIO := build/label-studio-$(shell sed -n 's/^VERSION: Final = "\(.*\)"$$/\1/p' annotate/studio/server/local.py)

studio-notice:
	@test -f $(STUDIO)/installed || \
	    echo "The tests will install Label Studio into $(STUDIO), once: about 1 GB and 2 minutes. make test-fast does without."

# The repository's root is the package, under whatever name it was cloned: mypy and import-linter read the installed copy.
lint: .venv/package
	@echo "Lint: ruff, mypy, import directions (up to a minute the first time) ..."
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy --no-error-summary -p dmr
	@$(PY) -m mypy --no-error-summary tests benchmarks
	@.venv/bin/lint-imports --no-logo

rooms: .venv/package
	@$(PY) tests/rooms.py

wheel: .venv/package
	@rm -rf build/lib build/bdist.*
	@$(PY) -m build --wheel --no-isolation --outdir dist

bench-train: .venv/package
	@echo "Training benchmark: about an hour on two cores; run nothing beside it ..."
	@$(PY) benchmarks/train.py $(ARGS)

bench-studio: .venv/package
	@$(PY) benchmarks/studio.py $(ARGS)

bench-convert: .venv/package
	@OMP_NUM_THREADS=1 $(PY) benchmarks/convert.py $(ARGS)

bench-busy: .venv/package
	@$(PY) benchmarks/busy.py $(ARGS)

bench-fire: .venv/package
	@$(PY) benchmarks/fire.py $(ARGS)

bench-samples: .venv/package
	@OMP_NUM_THREADS=1 $(PY) benchmarks/samples.py

bench-phantom: .venv/package
	@$(PY) benchmarks/phantom.py $(ARGS)

bench-peers: .venv/package
	@$(PY) benchmarks/peers.py $(ARGS)
	@$(PY) benchmarks/peers_table.py

bench-best: .venv/package
	@$(PY) benchmarks/peers.py --networks dmrnet_s --steps 600 --weights
	@$(PY) benchmarks/peers.py --networks dmrnet_s --steps 600 --input 256 --set batch=8 --weights
	@$(PY) benchmarks/best.py $(ARGS)

bench-ablation: .venv/package
	@$(PY) benchmarks/ablation.py $(ARGS)

bench-inference: .venv/package
	@$(PY) benchmarks/inference.py $(ARGS)

bench-ingest: .venv/package
	@OMP_NUM_THREADS=1 $(PY) benchmarks/ingest.py $(ARGS)

bench-simulate: .venv/package
	@$(PY) benchmarks/simulate.py $(ARGS)

bench-choices: .venv/package
	@test -f build/simulation/ubpd-128.npz || PYTHONPATH=benchmarks $(PY) -m simulation.pack
	@PYTHONPATH=benchmarks $(PY) -m simulation.choices $(ARGS)

bench-uncertainty: .venv/package
	@$(PY) benchmarks/uncertainty.py $(ARGS)

bench-labelerrors: .venv/package
	@OMP_NUM_THREADS=1 $(PY) benchmarks/labelerrors.py $(ARGS)

bench-views: .venv/package
	@OMP_NUM_THREADS=1 $(PY) benchmarks/views.py $(ARGS)

bench-refine: .venv/package
	@OMP_NUM_THREADS=1 $(PY) benchmarks/refine.py $(ARGS)

bench-browser: studio-notice .venv/package
	@$(PY) benchmarks/keys.py
	@$(PY) benchmarks/lead_time.py

bench-choose: .venv/package
	@$(PY) benchmarks/choose.py $(ARGS)

clean:
	rm -rf .venv build dist *.egg-info .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# A plain install, as a user has it, done again whenever a source is newer: seconds.
# setuptools would pack modules that are long deleted from an old build/lib, so that goes first.
.venv/package: .venv/dependencies $(SOURCES)
	@echo "Installing dmr into .venv (seconds) ..."
	@rm -rf build/lib build/bdist.*
	@$(PIP) install --no-deps --no-build-isolation --force-reinstall .
	@touch $@

.venv/dependencies: pyproject.toml constraints.txt
	@python=; for p in $(or $(PYTHON),python3.11 python3.12 python3.13 python3); do \
	    if "$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then python=$$p; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Error: $(or $(PYTHON),python3): no Python 3.11, 3.12 or 3.13 here. Install one (Debian: sudo apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "Error: $$python cannot make virtual environments. On Debian: sudo apt-get install python3-venv" >&2; exit 1; \
	fi; \
	echo "Setting up .venv with $$("$$python" -V), once: minutes, mostly downloads ..."; \
	"$$python" -m venv .venv
	@echo "Installing $(TORCH) (200 MB as a CPU build, 3 GB with CUDA; TORCH_INDEX= chooses) ..."
	@$(PIP) install $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX),-c constraints.txt)
	@echo "Installing the other packages (about 2 minutes) ..."
	@$(PIP) install -c constraints.txt setuptools
	@$(PIP) install -c constraints.txt --no-build-isolation '.[dev]'
	@touch $@
