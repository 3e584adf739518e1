"""`buf curl`, a client in Go that learns the contract by reflection, or over Connect from a descriptor set. The arguments are the
program, the protocol (grpc, grpcweb or connect) and the descriptor set."""

import base64
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from google.rpc import error_details_pb2
from probing import ADDRESS, ASKED, CA, CERTIFICATE, KEY, Skip, check, live_batch, question, report, same

BUF, PROTOCOL, SCHEMA = sys.argv[1:]
VERIFY = "heyan.v1.VerificationService/Verify"


def curl(method, message, *options):
    """One call; the request goes through a pipe, since a large one is too long for a command line."""
    command = [BUF, "curl", "--protocol", PROTOCOL, "--cacert", CA, "--cert", CERTIFICATE, "--key", KEY]
    command += ["--timeout", "20s", *options]
    if PROTOCOL == "connect" and "--schema" not in options:
        # Reflection is a stream of requests, which plain JSON is not.
        command += ["--schema", SCHEMA]
    if message is not None:
        command += ["--data", "@-"]
    url = f"https://{ADDRESS}/{method}"
    return subprocess.run([*command, url], input=json.dumps(message), capture_output=True, text=True, timeout=60)


def ask(method, message, *options):
    """The reply to a call that must succeed."""
    run = curl(method, message, *options)
    check(run.returncode == 0, run.stderr)
    return json.loads(run.stdout)


def failure(method, message, *options):
    """The code of a call that must fail, and its details by name."""
    run = curl(method, message, *options)
    check(run.returncode != 0, "it did not fail")
    check(run.stderr.lstrip().startswith("{"), run.stderr)
    error = json.loads(run.stderr)
    return error["code"], details(error.get("details", []))


def details(packed):
    found = {}
    for detail in packed:
        name = detail["type"].rsplit(".", 1)[1]
        found[name] = getattr(error_details_pb2, name).FromString(base64.b64decode(detail["value"] + "=="))
    return found


def answer():
    response = ask(VERIFY, question("answer"))
    same(response["determination"]["finding"], "FINDING_CONFIRMED")
    same(len(base64.b64decode(response["receipt"]["leafHash"])), 32)


def refusal():
    refusal = ask(VERIFY, question("refusal"))["refusal"]
    same((refusal["cause"], refusal["exception"]["exception"]), ("REFUSAL_CAUSE_EXCEPTION", ASKED["exception"]))
    same(refusal["exception"]["legalBasis"]["kind"], "LEGAL_KIND_LAW")


def error():
    code, found = failure(VERIFY, question("bad"))
    same(code, "invalid_argument")
    same((found["ErrorInfo"].reason, found["ErrorInfo"].domain), ("FIELD_INVALID", "heyan"))
    same(sorted(violation.field for violation in found["BadRequest"].field_violations), ASKED["bad_fields"])
    same(found["LocalizedMessage"].locale, "zh-CN")
    check("字段" in found["LocalizedMessage"].message, found["LocalizedMessage"].message)


def error_en():
    _, found = failure(VERIFY, question("bad"), "--header", "accept-language: en")
    same(found["LocalizedMessage"].locale, "en")
    check(found["LocalizedMessage"].message.isascii(), found["LocalizedMessage"].message)


def chinese():
    detail = ask(VERIFY, question("answer"))["determination"]["detail"]
    outcomes = [detail["nameOutcome"], *(claim["outcome"] for claim in detail["claims"])]
    same(outcomes, ["CLAIM_OUTCOME_MATCH"] * 2)
    same(ask(VERIFY, question("refusal"))["refusal"]["exception"]["legalBasis"]["citation"], ASKED["citation"])


def metadata():
    run = curl(VERIFY, question("answer"), "--verbose")
    check(run.returncode == 0, run.stderr)
    # With reflection, it is the first call and the question is the second.
    call = 1 if PROTOCOL == "connect" else 2
    ids = re.findall(rf"\(#{call}\) X-Decision-Id: (\S+)", run.stderr)
    same(ids, [json.loads(run.stdout)["decisionId"]])


def repeat():
    asked = question("answer")
    same(ask(VERIFY, asked), ask(VERIFY, asked))


def batch():
    both = {"requests": [question("answer"), question("bad")]}
    items = ask("heyan.v1.VerificationService/BatchVerify", both)["items"]
    check("response" in items[0], items[0])
    infos = [detail for detail in items[1]["status"]["details"] if detail["@type"].endswith("/google.rpc.ErrorInfo")]
    same([info["reason"] for info in infos], ["FIELD_INVALID"])


def large():
    code, found = failure(VERIFY, question("answer", result_type="x" * (1 << 20)))
    same((code, found["ErrorInfo"].reason), ("invalid_argument", "MESSAGE_TOO_LARGE"))


def health():
    if PROTOCOL == "connect":
        raise Skip("health is served over gRPC alone")
    for service in ("", "heyan.v1.VerificationService"):
        same(ask("grpc.health.v1.Health/Check", {"service": service})["status"], "SERVING")
    same(failure("grpc.health.v1.Health/Check", {"service": "heyan.v1.None"})[0], "not_found")


def reflection(version):
    if PROTOCOL == "connect":
        raise Skip("a stream of requests needs HTTP/2 and gRPC")
    run = curl("", None, "--list-methods", "--reflect-protocol", f"grpc-{version}")
    check(run.returncode == 0, run.stderr)
    check("heyan.v1.VerificationService/Verify" in run.stdout.split(), run.stdout)
    described = ask(VERIFY, question("answer"), "--reflect-protocol", f"grpc-{version}")
    same(described["determination"]["finding"], "FINDING_CONFIRMED")


def unknown_method():
    with tempfile.TemporaryDirectory() as folder:
        schema = Path(folder, "heyan/v1/none.proto")
        schema.parent.mkdir(parents=True)
        schema.write_text('syntax = "proto3"; package heyan.v1; message None {}'
                          " service VerificationService { rpc NoSuchMethod(None) returns (None); }")
        code, found = failure("heyan.v1.VerificationService/NoSuchMethod", {}, "--schema", folder)
    same((code, found["ErrorInfo"].reason), ("unimplemented", "METHOD_UNKNOWN"))


def deadline_default():
    for _ in range(ASKED["default_times"]):
        code, found = failure("heyan.v1.VerificationService/BatchVerify", live_batch(), "--timeout", "0", "--schema", SCHEMA)
        same(code, "deadline_exceeded")
        same(found["ErrorInfo"].reason, "DEADLINE_EXCEEDED")


def lacking(why):
    raise Skip(why)


for name, probe in {
    "answer": answer, "refusal": refusal, "error": error, "error-en": error_en, "chinese": chinese,
    "metadata": metadata, "repeat": repeat, "batch": batch,
    "gzip": lambda: lacking("buf curl compresses no request"),
    "large": large, "health": health, "reflection-v1": lambda: reflection("v1"),
    "reflection-v1alpha": lambda: reflection("v1alpha"), "unknown-method": unknown_method,
    "cancel": lambda: lacking("a command that is ended asks nothing more"),
    "deadline": lambda: lacking("the time-out of buf counts from its start, not from the call"),
    "deadline-default": deadline_default,
}.items():
    report(name, probe)
