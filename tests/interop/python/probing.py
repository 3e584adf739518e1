"""What the Python clients share: the questions, and a line for each probe.

Environment: HEYAN_ADDRESS, HEYAN_CA, HEYAN_CERTIFICATE, HEYAN_KEY, HEYAN_PROBES (a file of questions, see ../README.md).
"""

import copy
import json
import os
import traceback
import uuid

ADDRESS = os.environ["HEYAN_ADDRESS"]
CA, CERTIFICATE, KEY = (os.environ[f"HEYAN_{name}"] for name in ("CA", "CERTIFICATE", "KEY"))
with open(os.environ["HEYAN_PROBES"], encoding="utf-8") as file:
    ASKED = json.load(file)


class Skip(Exception):
    """The client has no such feature; says so."""


def question(name, **changed):
    """One of the questions in protobuf JSON, with a request id of its own."""
    return copy.deepcopy(ASKED[name]) | {"request_id": str(uuid.uuid4())} | changed


def live_batch():
    """As many questions as a batch takes, none of which is answered from memory: more than a few milliseconds of work."""
    return {"requests": [question("answer", max_age="0s") for _ in range(ASKED["batch"])]}


def check(holds, what):
    """Fails the probe unless it holds."""
    if not holds:
        raise AssertionError(str(what))


def same(seen, expected):
    """Fails the probe unless both are equal."""
    check(seen == expected, f"{seen!r} instead of {expected!r}")


def report(name, probe):
    """Runs one probe and prints its line."""
    try:
        probe()
        print(f"ok {name}", flush=True)
    except Skip as skip:
        print(f"skip {name}: {skip}", flush=True)
    except BaseException as error:  # whatever it is, it is this probe that failed
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(f"not {name}: {error!r} in {where.name}:{where.lineno}".replace("\n", " "), flush=True)
