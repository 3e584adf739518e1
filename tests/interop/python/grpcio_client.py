"""Another people's client: Python grpcio over mTLS, with stubs made from the .proto files.

Usage: verify.py PROTO_DIR ADDRESS CA CERTIFICATE KEY QUESTION_JSON
Prints one JSON object a line for each probe; the Rust test that runs it says what counts as failure.
"""

import json
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path


def stubs(protos: Path):
    """Compiles the contract into a temporary folder and imports it."""
    out = tempfile.mkdtemp()
    files = sorted(str(f.relative_to(protos)) for f in (protos / "heyan").rglob("*.proto"))
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", f"-I{protos}/third_party",
         f"--python_out={out}", f"--grpc_python_out={out}", *files],
        check=True,
    )
    sys.path.insert(0, out)
    from heyan.v1 import verification_pb2, verification_pb2_grpc, vocabulary_pb2
    return verification_pb2, verification_pb2_grpc, vocabulary_pb2


def main():
    protos, address, ca, certificate, key, question = sys.argv[1:]
    pb, rpc, words = stubs(Path(protos))
    import grpc
    from google.rpc import error_details_pb2
    from grpc_status import rpc_status

    channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(
        Path(ca).read_bytes(), Path(key).read_bytes(), Path(certificate).read_bytes()))
    service = rpc.VerificationServiceStub(channel)
    asked = json.loads(question)

    def request(result_type, subject, claims=(), item=None, case_number="CASE-PY-1"):
        return pb.VerifyRequest(
            request_id=str(uuid.uuid4()),
            purpose=pb.Purpose(item=item or asked["item"], case_number=case_number, reason="material check"),
            official=pb.Official(id="w-001", name="Sample Official", unit="Window 1", terminal="10.0.0.1"),
            subject=pb.Subject(kind=getattr(words, "SUBJECT_KIND_" + subject["kind"].upper()), number=subject["number"]),
            result_type=result_type,
            claims=claims,
        )

    def answer(name, response):
        kind = response.WhichOneof("answer")
        print(json.dumps({"probe": name, "answer": kind, "text": str(getattr(response, kind)),
                          "index": response.receipt.index, "leaf_hash": response.receipt.leaf_hash.hex()}))

    def refused(name, call, **options):
        try:
            call(**options)
            print(json.dumps({"probe": name, "code": "OK"}))
        except grpc.RpcError as error:
            status = rpc_status.from_call(error)
            out = {"probe": name, "code": error.code().name, "reason": None, "fields": [], "locale": None, "message": None}
            for detail in status.details if status else ():
                if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
                    info = error_details_pb2.ErrorInfo()
                    detail.Unpack(info)
                    out["reason"] = info.reason
                if detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
                    bad = error_details_pb2.BadRequest()
                    detail.Unpack(bad)
                    out["fields"] = [v.field for v in bad.field_violations]
                if detail.Is(error_details_pb2.LocalizedMessage.DESCRIPTOR):
                    message = error_details_pb2.LocalizedMessage()
                    detail.Unpack(message)
                    out["locale"], out["message"] = message.locale, message.message
            print(json.dumps(out))

    claim = pb.Claim(field=asked["claim"]["field"], operator=words.OPERATOR_CONTAINS,
                     texts=pb.TextList(items=[asked["claim"]["value"]]))
    answer("answer", service.Verify(request(asked["result_type"], asked["subject"], [claim]), timeout=5))
    answer("refusal", service.Verify(request(asked["refused"]["result_type"], asked["refused"]["subject"],
                                             item=asked["refused"]["item"]), timeout=5))
    bad = request(asked["result_type"], {"kind": "credit_code", "number": "91500000MA0000015X"}, case_number="")
    refused("error", lambda **options: service.Verify(bad, timeout=5, **options))
    refused("error-en", lambda **options: service.Verify(bad, timeout=5, **options), metadata=[("accept-language", "en")])
    batch = service.BatchVerify(pb.BatchVerifyRequest(
        requests=[request(asked["result_type"], asked["subject"], [claim]), bad]), timeout=5)
    print(json.dumps({"probe": "batch", "items": [item.WhichOneof("result") for item in batch.items]}))


if __name__ == "__main__":
    main()
