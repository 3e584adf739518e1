// Node @connectrpc/connect-node. The arguments are the transport (grpc, grpc-web or connect) and a descriptor set.

import { createFileRegistry, fromBinary, fromJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { compressionGzip, createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { readFileSync } from "node:fs";
import { address, asked, assert, ca, cert, key, liveBatch, patience, question, report, Skip } from "./probing.mjs";

const [, , protocol, descriptors] = process.argv;
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const type = (name) => registry.getMessage(name);
const verification = registry.getService("heyan.v1.VerificationService");

/** gRPC goes over HTTP/2 by its nature; the other two go over HTTP/1.1 here, as they do from a browser or an old proxy. */
function transport(further = {}) {
  const options = { baseUrl: `https://${address}`, nodeOptions: { ca, cert, key }, defaultTimeoutMs: patience, ...further };
  switch (protocol) {
    case "grpc": return createGrpcTransport(options);
    case "grpc-web": return createGrpcWebTransport({ httpVersion: "1.1", ...options });
    case "connect": return createConnectTransport({ httpVersion: "1.1", ...options });
    default: throw new Error(`no transport ${protocol}`);
  }
}

const plain = transport();
const client = createClient(verification, plain);
const request = (name, changed) => fromJson(type("heyan.v1.VerifyRequest"), question(name, changed));
const fullBatch = () => fromJson(type("heyan.v1.BatchVerifyRequest"), liveBatch("0s"));

/** The code of a call that must fail, and its details by name. */
async function failure(pending) {
  const error = await pending.then(() => assert.fail("it did not fail"), (error) => error);
  assert.ok(error instanceof ConnectError, error);
  const details = ["ErrorInfo", "BadRequest", "LocalizedMessage"].map((name) => [name, error.findDetails(type(`google.rpc.${name}`))[0]]);
  return { code: Code[error.code], ...Object.fromEntries(details) };
}

/** The name of an enum value of the contract. */
const named = (of, number) => registry.getEnum(`heyan.v1.${of}`).value[number].name;

async function answer() {
  const { answer, receipt } = await client.verify(request("answer"));
  assert.equal(answer.case, "determination");
  assert.equal(named("Finding", answer.value.finding), "FINDING_CONFIRMED");
  assert.equal(receipt.leafHash.length, 32);
}

async function refusal() {
  const { answer } = await client.verify(request("refusal"));
  assert.equal(answer.case, "refusal");
  assert.equal(named("RefusalCause", answer.value.cause), "REFUSAL_CAUSE_EXCEPTION");
  const { exception, legalBasis } = answer.value.detail.value;
  assert.deepEqual([exception, named("LegalKind", legalBasis.kind)], [asked.exception, "LEGAL_KIND_LAW"]);
}

async function error() {
  const { code, ErrorInfo, BadRequest, LocalizedMessage } = await failure(client.verify(request("bad")));
  assert.equal(code, "InvalidArgument");
  assert.deepEqual([ErrorInfo.reason, ErrorInfo.domain], ["FIELD_INVALID", "heyan"]);
  assert.deepEqual(BadRequest.fieldViolations.map(({ field }) => field).sort(), asked.bad_fields);
  assert.equal(LocalizedMessage.locale, "zh-CN");
  assert.match(LocalizedMessage.message, /字段/);
}

async function errorInEnglish() {
  const { LocalizedMessage } = await failure(client.verify(request("bad"), { headers: { "accept-language": "en" } }));
  assert.equal(LocalizedMessage.locale, "en");
  assert.match(LocalizedMessage.message, /^[ -~]+$/);
}

async function chinese() {
  const { nameOutcome, claims } = (await client.verify(request("answer"))).answer.value.detail;
  const outcomes = [nameOutcome, ...claims.map(({ outcome }) => outcome)].map((outcome) => named("ClaimOutcome", outcome));
  assert.deepEqual(outcomes, Array(2).fill("CLAIM_OUTCOME_MATCH"));
  const refused = (await client.verify(request("refusal"))).answer.value;
  assert.equal(refused.detail.value.legalBasis.citation, asked.citation);
}

async function metadata() {
  let headers;
  const { decisionId } = await client.verify(request("answer"), { onHeader: (received) => { headers = received; } });
  assert.equal(headers.get("x-decision-id"), decisionId);
}

async function repeat() {
  const same = request("answer");
  assert.deepEqual(await client.verify(same), await client.verify(same));
}

async function batch() {
  const { items } = await client.batchVerify({ requests: [request("answer"), request("bad")] });
  assert.deepEqual(items.map(({ result }) => result.case), ["response", "status"]);
  const packed = items[1].result.value.details.find(({ typeUrl }) => typeUrl.endsWith("/google.rpc.ErrorInfo"));
  assert.equal(fromBinary(type("google.rpc.ErrorInfo"), packed.value).reason, "FIELD_INVALID");
}

async function gzip() {
  const compressing = createClient(verification, transport({ sendCompression: compressionGzip, compressMinBytes: 0 }));
  const { answer } = await compressing.verify(request("answer"));
  assert.equal(named("Finding", answer.value.finding), "FINDING_CONFIRMED");
}

async function large() {
  const { code, ErrorInfo } = await failure(client.verify(request("answer", { result_type: "x".repeat(1 << 20) })));
  assert.deepEqual([code, ErrorInfo.reason], ["InvalidArgument", "MESSAGE_TOO_LARGE"]);
}

async function health() {
  if (protocol === "connect") throw new Skip("health is served over gRPC alone");
  const client = createClient(registry.getService("grpc.health.v1.Health"), plain);
  for (const service of ["", "heyan.v1.VerificationService"]) {
    assert.equal((await client.check({ service })).status, 1);
  }
  assert.equal((await failure(client.check({ service: "heyan.v1.None" }))).code, "NotFound");
}

async function reflection(version) {
  if (protocol !== "grpc") throw new Skip("a stream of requests needs HTTP/2 and gRPC");
  const client = createClient(registry.getService(`grpc.reflection.${version}.ServerReflection`), plain);
  const answers = [];
  for await (const answer of client.serverReflectionInfo(reflectionRequests())) answers.push(answer.messageResponse.value);
  const [listed, described] = answers;
  const names = listed.service.map(({ name }) => name);
  assert.ok(names.includes("heyan.v1.VerificationService"), names);
  assert.ok(described.fileDescriptorProto.length > 0);
}

async function* reflectionRequests() {
  yield { messageRequest: { case: "listServices", value: "*" } };
  yield { messageRequest: { case: "fileContainingSymbol", value: "heyan.v1.VerificationService" } };
}

async function unknownMethod() {
  const method = { ...verification.method.verify, name: "NoSuchMethod" };
  const { code, ErrorInfo } = await failure(plain.unary(method, undefined, patience, undefined, request("answer")));
  assert.deepEqual([code, ErrorInfo.reason], ["Unimplemented", "METHOD_UNKNOWN"]);
}

async function cancel() {
  const controller = new AbortController();
  const pending = failure(client.batchVerify(fullBatch(), { signal: controller.signal }));
  setTimeout(() => controller.abort(), 5);
  assert.equal((await pending).code, "Canceled");
  await answer();
}

async function deadline() {
  for (let time = 0; time < asked.deadline_times; time += 1) {
    const { code } = await failure(client.batchVerify(fullBatch(), { timeoutMs: asked.deadline_ms }));
    assert.equal(code, "DeadlineExceeded");
  }
}

async function deadlineDefault() {
  const silent = createClient(verification, transport({ defaultTimeoutMs: undefined }));
  for (let time = 0; time < asked.default_times; time += 1) {
    const { code, ErrorInfo } = await failure(silent.batchVerify(fullBatch()));
    assert.equal(code, "DeadlineExceeded");
    assert.equal(ErrorInfo.reason, "DEADLINE_EXCEEDED");
  }
}

await report({
  answer, refusal, error, "error-en": errorInEnglish, chinese, metadata, repeat, batch, gzip, large, health,
  "reflection-v1": () => reflection("v1"), "reflection-v1alpha": () => reflection("v1alpha"),
  "unknown-method": unknownMethod, cancel, deadline,
  "deadline-default": deadlineDefault,
});
// Open connections would keep the process.
process.exit();
