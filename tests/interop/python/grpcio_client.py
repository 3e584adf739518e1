"""Python grpcio. The folder of stubs is the first argument."""

import sys

sys.path.insert(0, sys.argv[1])

import grpc
from google.protobuf.json_format import ParseDict
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from heyan.v1 import answer_pb2 as answers, verification_pb2 as pb, verification_pb2_grpc as rpc, vocabulary_pb2 as words
from probing import ADDRESS, ASKED, CA, CERTIFICATE, KEY, check, live_batch, question, report, same
from standard import health_pb2, health_pb2_grpc
from standard import reflection_v1_pb2 as v1, reflection_v1_pb2_grpc as v1_grpc
from standard import reflection_v1alpha_pb2 as v1alpha, reflection_v1alpha_pb2_grpc as v1alpha_grpc


def read(file):
    with open(file, "rb") as opened:
        return opened.read()


CHANNEL = grpc.secure_channel(ADDRESS, grpc.ssl_channel_credentials(read(CA), read(KEY), read(CERTIFICATE)))
SERVICE = rpc.VerificationServiceStub(CHANNEL)


def request(name, **changed):
    return ParseDict(question(name, **changed), pb.VerifyRequest())


def batch():
    return ParseDict(live_batch(), pb.BatchVerifyRequest())


def failure(call, *arguments, **options):
    """The code of a call that must fail, and its details by name."""
    try:
        call(*arguments, **{"timeout": 20, **options})
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        return error.code().name, details(status.details if status else [])
    raise AssertionError("it did not fail")


def details(packed):
    found = {}
    for detail in packed:
        message = getattr(error_details_pb2, detail.TypeName().rsplit(".", 1)[1])()
        check(detail.Unpack(message), detail.TypeName())
        found[type(message).__name__] = message
    return found


def answer():
    response = SERVICE.Verify(request("answer"), timeout=20)
    same(response.WhichOneof("answer"), "determination")
    same(response.determination.finding, answers.FINDING_CONFIRMED)
    same(len(response.receipt.leaf_hash), 32)


def refusal():
    response = SERVICE.Verify(request("refusal"), timeout=20)
    same(response.WhichOneof("answer"), "refusal")
    same(response.refusal.cause, answers.REFUSAL_CAUSE_EXCEPTION)
    same(response.refusal.exception.exception, ASKED["exception"])
    same(response.refusal.exception.legal_basis.kind, words.LEGAL_KIND_LAW)


def error():
    code, found = failure(SERVICE.Verify, request("bad"))
    same(code, "INVALID_ARGUMENT")
    same((found["ErrorInfo"].reason, found["ErrorInfo"].domain), ("FIELD_INVALID", "heyan"))
    same(sorted(violation.field for violation in found["BadRequest"].field_violations), ASKED["bad_fields"])
    same(found["LocalizedMessage"].locale, "zh-CN")
    check("字段" in found["LocalizedMessage"].message, found["LocalizedMessage"].message)


def error_en():
    _, found = failure(SERVICE.Verify, request("bad"), metadata=[("accept-language", "en")])
    same(found["LocalizedMessage"].locale, "en")
    check(found["LocalizedMessage"].message.isascii(), found["LocalizedMessage"].message)


def chinese():
    detail = SERVICE.Verify(request("answer"), timeout=20).determination.detail
    same([detail.name_outcome, *(claim.outcome for claim in detail.claims)], [answers.CLAIM_OUTCOME_MATCH] * 2)
    refused = SERVICE.Verify(request("refusal"), timeout=20).refusal
    same(refused.exception.legal_basis.citation, ASKED["citation"])


def metadata():
    response, call = SERVICE.Verify.with_call(request("answer"), timeout=20)
    same(dict(call.initial_metadata()).get("x-decision-id"), response.decision_id)


def repeat():
    asked = request("answer")
    first, second = (SERVICE.Verify(asked, timeout=20) for _ in range(2))
    same(second, first)


def both():
    response = SERVICE.BatchVerify(pb.BatchVerifyRequest(requests=[request("answer"), request("bad")]), timeout=20)
    same([item.WhichOneof("result") for item in response.items], ["response", "status"])
    same(details(response.items[1].status.details)["ErrorInfo"].reason, "FIELD_INVALID")


def compressed():
    response = SERVICE.Verify(request("answer"), timeout=20, compression=grpc.Compression.Gzip)
    same(response.determination.finding, answers.FINDING_CONFIRMED)


def large():
    code, found = failure(SERVICE.Verify, request("answer", result_type="x" * (1 << 20)))
    same((code, found["ErrorInfo"].reason), ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE"))


def health():
    check_health = health_pb2_grpc.HealthStub(CHANNEL).Check
    for service in ("", "heyan.v1.VerificationService"):
        same(check_health(health_pb2.HealthCheckRequest(service=service), timeout=20).status, 1)
    same(failure(check_health, health_pb2.HealthCheckRequest(service="heyan.v1.None"))[0], "NOT_FOUND")


def reflection(protocol, stubs):
    requests = [protocol.ServerReflectionRequest(list_services="*"),
                protocol.ServerReflectionRequest(file_containing_symbol="heyan.v1.VerificationService")]
    listed, described = stubs.ServerReflectionStub(CHANNEL).ServerReflectionInfo(iter(requests), timeout=20)
    check("heyan.v1.VerificationService" in [service.name for service in listed.list_services_response.service], listed)
    check(described.file_descriptor_response.file_descriptor_proto, "no descriptor")


def unknown_method():
    call = CHANNEL.unary_unary("/heyan.v1.VerificationService/NoSuchMethod", pb.VerifyRequest.SerializeToString,
                               pb.VerifyResponse.FromString)
    code, found = failure(call, request("answer"))
    same((code, found["ErrorInfo"].reason), ("UNIMPLEMENTED", "METHOD_UNKNOWN"))


def cancel():
    call = SERVICE.BatchVerify.future(batch(), timeout=20)
    check(call.cancel() and call.code() == grpc.StatusCode.CANCELLED, call.code())
    answer()


def deadline():
    for _ in range(ASKED["deadline_times"]):
        same(failure(SERVICE.BatchVerify, batch(), timeout=ASKED["deadline_ms"] / 1000)[0], "DEADLINE_EXCEEDED")


def deadline_default():
    for _ in range(ASKED["default_times"]):
        code, found = failure(SERVICE.BatchVerify, batch(), timeout=None)
        same(code, "DEADLINE_EXCEEDED")
        same(found["ErrorInfo"].reason, "DEADLINE_EXCEEDED")


for name, probe in {
    "answer": answer, "refusal": refusal, "error": error, "error-en": error_en, "chinese": chinese,
    "metadata": metadata, "repeat": repeat, "batch": both, "gzip": compressed, "large": large, "health": health,
    "reflection-v1": lambda: reflection(v1, v1_grpc), "reflection-v1alpha": lambda: reflection(v1alpha, v1alpha_grpc),
    "unknown-method": unknown_method, "cancel": cancel, "deadline": deadline,
    "deadline-default": deadline_default,
}.items():
    report(name, probe)
