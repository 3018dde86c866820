# `make report` and `make test` each work straight after `git clone`: they need make and Python 3.11 or later.
# The work is in run.py, so that `python run.py report` does the same where there is no make.
#
#   make test ARGS="-k walk"          arguments for the job
#   make test PYTHON=python3.13       with another Python
#   make test VENV=.venv-3.13         in another environment

PYTHON ?= $(shell command -v python3 || command -v python)
ARGS ?=
export VENV

.DEFAULT_GOAL := help
.PHONY: help report test lab docs bench lint format types strip install clean lock

report test lab docs bench lint format types strip install clean:
	@test -n "$(PYTHON)" || { echo "There is no Python here. Install Python 3.11 or later and run this again."; exit 1; }
	@"$(PYTHON)" run.py $@ $(ARGS)

help:
	@"$(PYTHON)" run.py help
	@echo "And here: make lock, newer versions into requirements.lock (needs uv)."

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv on the path: pipx install uv"; exit 1; }
	uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
		--extra notebook --extra static --extra docs --extra test --extra browser --only-binary :all: \
		--generate-hashes --no-emit-index-url --no-header --output-file requirements.lock
