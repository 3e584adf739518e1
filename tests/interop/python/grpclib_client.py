"""Python grpclib. The folder of stubs is the first argument."""

import asyncio
import ssl
import sys

sys.path.insert(0, sys.argv[1])

from google.protobuf.json_format import ParseDict
from google.rpc import error_details_pb2
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.events import RecvInitialMetadata, listen
from grpclib.exceptions import GRPCError
from heyan.v1 import answer_pb2 as answers, verification_grpc as rpc, verification_pb2 as pb, vocabulary_pb2 as words
from probing import ADDRESS, ASKED, CA, CERTIFICATE, KEY, Skip, check, live_batch, question, report, same
from standard import health_grpc, health_pb2
from standard import reflection_v1_grpc as v1_grpc, reflection_v1_pb2 as v1
from standard import reflection_v1alpha_grpc as v1alpha_grpc, reflection_v1alpha_pb2 as v1alpha


class Client:
    """One channel and what is asked on it."""

    def __init__(self):
        context = ssl.create_default_context(cafile=CA)
        context.load_cert_chain(CERTIFICATE, KEY)
        context.set_alpn_protocols(["h2"])
        host, port = ADDRESS.rsplit(":", 1)
        self.channel = Channel(host, int(port), ssl=context)
        self.service = rpc.VerificationServiceStub(self.channel)

    async def answer(self):
        response = await self.service.Verify(request("answer"), timeout=20)
        same(response.WhichOneof("answer"), "determination")
        same(response.determination.finding, answers.FINDING_CONFIRMED)
        same(len(response.receipt.leaf_hash), 32)

    async def refusal(self):
        response = await self.service.Verify(request("refusal"), timeout=20)
        same(response.WhichOneof("answer"), "refusal")
        same(response.refusal.cause, answers.REFUSAL_CAUSE_EXCEPTION)
        same(response.refusal.exception.exception, ASKED["exception"])
        same(response.refusal.exception.legal_basis.kind, words.LEGAL_KIND_LAW)

    async def error(self):
        status, found = await failure(self.service.Verify(request("bad"), timeout=20))
        same(status, Status.INVALID_ARGUMENT)
        same((found["ErrorInfo"].reason, found["ErrorInfo"].domain), ("FIELD_INVALID", "heyan"))
        same(sorted(violation.field for violation in found["BadRequest"].field_violations), ASKED["bad_fields"])
        same(found["LocalizedMessage"].locale, "zh-CN")
        check("字段" in found["LocalizedMessage"].message, found["LocalizedMessage"].message)

    async def error_en(self):
        call = self.service.Verify(request("bad"), timeout=20, metadata={"accept-language": "en"})
        _, found = await failure(call)
        same(found["LocalizedMessage"].locale, "en")
        check(found["LocalizedMessage"].message.isascii(), found["LocalizedMessage"].message)

    async def chinese(self):
        detail = (await self.service.Verify(request("answer"), timeout=20)).determination.detail
        same([detail.name_outcome, *(claim.outcome for claim in detail.claims)], [answers.CLAIM_OUTCOME_MATCH] * 2)
        refused = (await self.service.Verify(request("refusal"), timeout=20)).refusal
        same(refused.exception.legal_basis.citation, ASKED["citation"])

    async def metadata(self):
        received = []

        async def receive(event):
            received.append(event.metadata.get("x-decision-id"))

        listen(self.channel, RecvInitialMetadata, receive)
        response = await self.service.Verify(request("answer"), timeout=20)
        same(received, [response.decision_id])

    async def repeat(self):
        asked = request("answer")
        first = await self.service.Verify(asked, timeout=20)
        same(await self.service.Verify(asked, timeout=20), first)

    async def batch(self):
        both = pb.BatchVerifyRequest(requests=[request("answer"), request("bad")])
        response = await self.service.BatchVerify(both, timeout=20)
        same([item.WhichOneof("result") for item in response.items], ["response", "status"])
        info = error_details_pb2.ErrorInfo()
        check(any(detail.Unpack(info) for detail in response.items[1].status.details), "no ErrorInfo")
        same(info.reason, "FIELD_INVALID")

    async def gzip(self):
        raise Skip("grpclib compresses nothing")

    async def large(self):
        status, found = await failure(self.service.Verify(request("answer", result_type="x" * (1 << 20)), timeout=20))
        same((status, found["ErrorInfo"].reason), (Status.INVALID_ARGUMENT, "MESSAGE_TOO_LARGE"))

    async def health(self):
        stub = health_grpc.HealthStub(self.channel)
        for service in ("", "heyan.v1.VerificationService"):
            same((await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)).status, 1)
        unknown = stub.Check(health_pb2.HealthCheckRequest(service="heyan.v1.None"), timeout=20)
        same((await failure(unknown))[0], Status.NOT_FOUND)

    async def reflection(self, protocol, stubs):
        requests = [protocol.ServerReflectionRequest(list_services="*"),
                    protocol.ServerReflectionRequest(file_containing_symbol="heyan.v1.VerificationService")]
        listed, described = await stubs.ServerReflectionStub(self.channel).ServerReflectionInfo(requests, timeout=20)
        names = [service.name for service in listed.list_services_response.service]
        check("heyan.v1.VerificationService" in names, names)
        check(described.file_descriptor_response.file_descriptor_proto, "no descriptor")

    async def unknown_method(self):
        method = UnaryUnaryMethod(self.channel, "/heyan.v1.VerificationService/NoSuchMethod", pb.VerifyRequest,
                                  pb.VerifyResponse)
        status, found = await failure(method(request("answer"), timeout=20))
        same((status, found["ErrorInfo"].reason), (Status.UNIMPLEMENTED, "METHOD_UNKNOWN"))

    async def cancel(self):
        call = asyncio.create_task(self.service.BatchVerify(batch(), timeout=20))
        await asyncio.sleep(0.005)
        check(call.cancel(), "it was over")
        try:
            await call
            raise AssertionError("it was answered")
        except asyncio.CancelledError:
            await self.answer()

    async def deadline(self):
        for _ in range(ASKED["deadline_times"]):
            try:
                status, _ = await failure(self.service.BatchVerify(batch(), timeout=ASKED["deadline_ms"] / 1000))
                same(status, Status.DEADLINE_EXCEEDED)
            except asyncio.TimeoutError:
                pass  # So grpclib says that the deadline passed by its own clock.

    async def deadline_default(self):
        for _ in range(ASKED["default_times"]):
            status, found = await failure(self.service.BatchVerify(batch()))
            same(status, Status.DEADLINE_EXCEEDED)
            same(found["ErrorInfo"].reason, "DEADLINE_EXCEEDED")


def request(name, **changed):
    return ParseDict(question(name, **changed), pb.VerifyRequest())


def batch():
    return ParseDict(live_batch(), pb.BatchVerifyRequest())


async def failure(call):
    """The status of a call that must fail, and its details by name."""
    try:
        await call
    except GRPCError as error:
        return error.status, {type(detail).__name__: detail for detail in error.details or []}
    raise AssertionError("it did not fail")


async def probed(act):
    client = Client()
    try:
        await act(client)
    finally:
        client.channel.close()


for name, act in {
    "answer": Client.answer, "refusal": Client.refusal, "error": Client.error, "error-en": Client.error_en,
    "chinese": Client.chinese, "metadata": Client.metadata, "repeat": Client.repeat, "batch": Client.batch,
    "gzip": Client.gzip, "large": Client.large, "health": Client.health,
    "reflection-v1": lambda client: client.reflection(v1, v1_grpc),
    "reflection-v1alpha": lambda client: client.reflection(v1alpha, v1alpha_grpc),
    "unknown-method": Client.unknown_method, "cancel": Client.cancel, "deadline": Client.deadline,
    "deadline-default": Client.deadline_default,
}.items():
    report(name, lambda: asyncio.run(probed(act)))
