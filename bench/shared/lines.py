"""A worker that answers JSON lines: a request {"cmd": name, ...} on standard input, one answer on standard output."""

import json
import os
import sys

# Libraries print to standard output as they please; only answers may go to the real one.
_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def answer(value):
    _answers.write(json.dumps(value) + "\n")
    _answers.flush()


def requests():
    for line in sys.stdin:
        yield json.loads(line)


def serve(commands):
    """Runs commands until standard input closes; an exception is an answer too."""
    for request in requests():
        try:
            answer(commands[request.pop("cmd")](**request))
        except Exception as error:
            answer({"error": f"{type(error).__name__}: {error}"})
