//! The description of plain JSON in `OpenAPI` 3.1, made from the contract's descriptors and their comments.

mod comments;
mod schemas;

use serde_json::{Map, Value, json};

use crate::server::json::{CODES, Methods, Served};
use comments::Comments;
use schemas::Schemas;

/// The details that errors have, beside the reasons that `ErrorInfo` names.
const DETAILS: [&str; 4] =
    ["google.rpc.ErrorInfo", "google.rpc.LocalizedMessage", "google.rpc.BadRequest", "google.rpc.RetryInfo"];
const REASONS: &str = "heyan.v1.ErrorReason";

/// The whole document.
pub(super) fn of(methods: &Methods) -> Value {
    let comments = Comments::of(methods.pool());
    let mut schemas = Schemas::new(&comments);
    let mut paths = Map::new();
    for (path, served) in methods.all() {
        paths.insert(path.clone(), json!({ "post": operation(served, &comments, &mut schemas) }));
    }
    schemas.add("Error", error());
    for name in DETAILS {
        if let Some(detail) = methods.pool().get_message_by_name(name) {
            schemas.message(&detail);
        }
    }
    if let Some(reasons) = methods.pool().get_enum_by_name(REASONS) {
        schemas.words(&reasons);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Heyan 核验",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
        },
        "servers": [{ "url": "/" }],
        "security": [{ "clientCertificate": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas.into_value(),
            "headers": {
                "DecisionId": {
                    "description": "The decision, also of a call that failed: the same id stands in the audit log and in the gateway's log.",
                    "schema": { "type": "string", "format": "uuid" },
                },
            },
            "parameters": parameters(),
            "responses": {
                "Error": {
                    "description": "The call was not a question, or could not be served. The HTTP status follows from the code.",
                    "headers": { "x-decision-id": { "$ref": "#/components/headers/DecisionId" } },
                    "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
                },
            },
            "securitySchemes": {
                "clientCertificate": {
                    "type": "mutualTLS",
                    "description": "The client certificate of a registered system or person, as for gRPC.",
                },
            },
        },
    })
}

const ABOUT: &str = "Messages are written in the JSON form of protobuf: names in lowerCamelCase (the names of the .proto files are read \
    too), 64-bit integers as strings (numbers are read too), bytes in base64. What has its default value (0, false, an empty text, an \
    empty list, the value of an enumeration that ends in _UNSPECIFIED) is left out of a reply. A field of a request that is not \
    described here is refused.";

fn parameters() -> Value {
    json!({
        "Timeout": {
            "name": "connect-timeout-ms", "in": "header",
            "description": "How long the caller waits for the answer, in milliseconds.",
            "schema": { "type": "string", "pattern": "^[0-9]{1,10}$" },
        },
        "Language": {
            "name": "accept-language", "in": "header",
            "description": "English errors where it begins with \"en\", else Chinese ones.",
            "schema": { "type": "string" },
        },
        "ProtocolVersion": {
            "name": "connect-protocol-version", "in": "header",
            "description": "The version of the Connect protocol; it may be left out.",
            "schema": { "type": "string", "enum": ["1"] },
        },
    })
}

fn operation(served: &Served, comments: &Comments, schemas: &mut Schemas<'_>) -> Value {
    let method = served.method();
    let service = method.parent_service();
    let description = comments.at(&method.parent_file(), method.path());
    let parameters = ["Timeout", "Language", "ProtocolVersion"]
        .map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
    json!({
        "operationId": format!("{}_{}", service.name(), method.name()),
        "tags": [service.full_name()],
        "description": description,
        "parameters": parameters,
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": schemas.request(served.input()) } },
        },
        "responses": {
            "200": {
                "description": "The answer.",
                "headers": { "x-decision-id": { "$ref": "#/components/headers/DecisionId" } },
                "content": { "application/json": { "schema": schemas.message(served.output()) } },
            },
            "default": { "$ref": "#/components/responses/Error" },
        },
    })
}

/// The body of an error in the Connect protocol.
fn error() -> Value {
    let debug = DETAILS.map(|name| json!({ "$ref": format!("#/components/schemas/{name}") }));
    json!({
        "type": "object",
        "description": "Why a call was not a question. ErrorInfo.reason is one of heyan.v1.ErrorReason, without its prefix.",
        "required": ["code", "message"],
        "properties": {
            "code": { "type": "string", "enum": CODES, "description": "The gRPC code, as the Connect protocol writes it." },
            "message": { "type": "string", "description": "What is wrong, for developers, in English." },
            "details": {
                "type": "array",
                "description": "The details of the gRPC error, each once.",
                "items": {
                    "type": "object",
                    "required": ["type", "value"],
                    "properties": {
                        "type": { "type": "string", "description": "The name of the message." },
                        "value": {
                            "type": "string", "contentEncoding": "base64",
                            "description": "The message in its binary form, in base64 without padding.",
                        },
                        "debug": { "anyOf": debug, "description": "The message in its JSON form." },
                    },
                },
            },
        },
    })
}
