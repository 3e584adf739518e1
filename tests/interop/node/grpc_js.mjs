// Node @grpc/grpc-js, with @grpc/proto-loader. The arguments are the folders of .proto files.

import { credentials, loadPackageDefinition, Client, Metadata, status, compressionAlgorithms } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { address, asked, assert, ca, cert, key, liveBatch, patience, question, report } from "./probing.mjs";

const files = ["heyan/v1/verification.proto", "google/rpc/error_details.proto", "standard/health.proto",
  "standard/reflection_v1.proto", "standard/reflection_v1alpha.proto"];
const contract = loadSync(files, { includeDirs: process.argv.slice(2), keepCase: true, longs: String, enums: String, oneofs: true });
const packages = loadPackageDefinition(contract);
const tls = credentials.createSsl(ca, key, cert);
const service = new packages.heyan.v1.VerificationService(address, tls);
const never = { seconds: 0, nanos: 0 };

/** One call: its response and its headers. */
function call(client, method, message, { metadata = new Metadata(), deadline = patience } = {}) {
  return new Promise((resolve, reject) => {
    let headers;
    const options = deadline === null ? {} : { deadline: Date.now() + deadline };
    const pending = client[method](message, metadata, options, (error, response) =>
      error ? reject(error) : resolve({ response, headers }));
    pending.on("metadata", (received) => { headers = received; });
  });
}

const verify = async (name) => (await call(service, "Verify", question(name))).response;

/** The code of a call that must fail, and its details by name. */
async function failure(pending) {
  const error = await pending.then(() => assert.fail("it did not fail"), (error) => error);
  assert.ok(error.metadata, error);
  const [packed] = error.metadata.get("grpc-status-details-bin");
  const { details = [] } = packed ? contract["google.rpc.Status"].deserialize(packed) : {};
  return { code: status[error.code], ...unpacked(details) };
}

function unpacked(details) {
  return Object.fromEntries(details.map(({ type_url, value }) => {
    const name = type_url.split("/").pop();
    return [name.split(".").pop(), contract[name].deserialize(value)];
  }));
}

async function answer() {
  const response = await verify("answer");
  assert.equal(response.answer, "determination");
  assert.equal(response.determination.finding, "FINDING_CONFIRMED");
  assert.equal(response.receipt.leaf_hash.length, 32);
}

async function refusal() {
  const { answer, refusal } = await verify("refusal");
  assert.equal(answer, "refusal");
  assert.equal(refusal.cause, "REFUSAL_CAUSE_EXCEPTION");
  assert.equal(refusal.exception.exception, asked.exception);
  assert.equal(refusal.exception.legal_basis.kind, "LEGAL_KIND_LAW");
}

async function error() {
  const { code, ErrorInfo, BadRequest, LocalizedMessage } = await failure(call(service, "Verify", question("bad")));
  assert.equal(code, "INVALID_ARGUMENT");
  assert.deepEqual([ErrorInfo.reason, ErrorInfo.domain], ["FIELD_INVALID", "heyan"]);
  assert.deepEqual(BadRequest.field_violations.map(({ field }) => field).sort(), asked.bad_fields);
  assert.equal(LocalizedMessage.locale, "zh-CN");
  assert.match(LocalizedMessage.message, /字段/);
}

async function errorInEnglish() {
  const metadata = new Metadata();
  metadata.set("accept-language", "en");
  const { LocalizedMessage } = await failure(call(service, "Verify", question("bad"), { metadata }));
  assert.equal(LocalizedMessage.locale, "en");
  assert.match(LocalizedMessage.message, /^[ -~]+$/);
}

async function chinese() {
  const { detail } = (await verify("answer")).determination;
  assert.deepEqual([detail.name_outcome, ...detail.claims.map(({ outcome }) => outcome)], Array(2).fill("CLAIM_OUTCOME_MATCH"));
  assert.equal((await verify("refusal")).refusal.exception.legal_basis.citation, asked.citation);
}

async function metadata() {
  const { response, headers } = await call(service, "Verify", question("answer"));
  assert.deepEqual(headers.get("x-decision-id"), [response.decision_id]);
}

async function repeat() {
  const same = question("answer");
  const { response } = await call(service, "Verify", same);
  assert.deepEqual((await call(service, "Verify", same)).response, response);
}

async function batch() {
  const { response } = await call(service, "BatchVerify", { requests: [question("answer"), question("bad")] });
  assert.deepEqual(response.items.map(({ result }) => result), ["response", "status"]);
  assert.equal(unpacked(response.items[1].status.details).ErrorInfo.reason, "FIELD_INVALID");
}

async function gzip() {
  const client = new packages.heyan.v1.VerificationService(address, tls, {
    "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
  });
  const { response } = await call(client, "Verify", question("answer"));
  assert.equal(response.determination.finding, "FINDING_CONFIRMED");
  client.close();
}

async function large() {
  const message = question("answer", { result_type: "x".repeat(1 << 20) });
  const { code, ErrorInfo } = await failure(call(service, "Verify", message));
  assert.deepEqual([code, ErrorInfo.reason], ["INVALID_ARGUMENT", "MESSAGE_TOO_LARGE"]);
}

async function health() {
  const client = new packages.grpc.health.v1.Health(address, tls);
  for (const service of ["", "heyan.v1.VerificationService"]) {
    assert.equal((await call(client, "Check", { service })).response.status, "SERVING");
  }
  assert.equal((await failure(call(client, "Check", { service: "heyan.v1.None" }))).code, "NOT_FOUND");
  client.close();
}

async function reflection(version) {
  const client = new packages.grpc.reflection[version].ServerReflection(address, tls);
  const stream = client.ServerReflectionInfo({ deadline: Date.now() + patience });
  stream.write({ list_services: "*" });
  stream.write({ file_containing_symbol: "heyan.v1.VerificationService" });
  stream.end();
  const [listed, described] = await collected(stream);
  const names = listed.list_services_response.service.map(({ name }) => name);
  assert.ok(names.includes("heyan.v1.VerificationService"), names);
  assert.ok(described.file_descriptor_response.file_descriptor_proto.length > 0);
  client.close();
}

async function collected(stream) {
  const messages = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

async function unknownMethod() {
  const { requestSerialize, responseDeserialize } = contract["heyan.v1.VerificationService"].Verify;
  const client = new Client(address, tls);
  const pending = new Promise((resolve, reject) => client.makeUnaryRequest(
    "/heyan.v1.VerificationService/NoSuchMethod", requestSerialize, responseDeserialize, question("answer"),
    new Metadata(), { deadline: Date.now() + patience }, (error, response) => error ? reject(error) : resolve(response)));
  const { code, ErrorInfo } = await failure(pending);
  assert.deepEqual([code, ErrorInfo.reason], ["UNIMPLEMENTED", "METHOD_UNKNOWN"]);
  client.close();
}

async function cancel() {
  const error = await new Promise((resolve) => {
    const pending = service.BatchVerify(liveBatch(never), { deadline: Date.now() + patience }, resolve);
    setTimeout(() => pending.cancel(), 5);
  });
  assert.equal(status[error?.code], "CANCELLED");
  await answer();
}

async function deadline() {
  for (let time = 0; time < asked.deadline_times; time += 1) {
    const { code } = await failure(call(service, "BatchVerify", liveBatch(never), { deadline: asked.deadline_ms }));
    assert.equal(code, "DEADLINE_EXCEEDED");
  }
}

async function deadlineDefault() {
  for (let time = 0; time < asked.default_times; time += 1) {
    const { code, ErrorInfo } = await failure(call(service, "BatchVerify", liveBatch(never), { deadline: null }));
    assert.equal(code, "DEADLINE_EXCEEDED");
    assert.equal(ErrorInfo.reason, "DEADLINE_EXCEEDED");
  }
}

await report({
  answer, refusal, error, "error-en": errorInEnglish, chinese, metadata, repeat, batch, gzip, large, health,
  "reflection-v1": () => reflection("v1"), "reflection-v1alpha": () => reflection("v1alpha"),
  "unknown-method": unknownMethod, cancel, deadline,
  "deadline-default": deadlineDefault,
});
service.close();
