//! The questions that the demo asks, over gRPC like any caller, and the lines with which a person asks on.

use std::net::SocketAddr;
use std::path::Path;

use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::claims::{self, FieldTypes};
use super::super::client::{failed, speak};
use super::super::receipt::receipt_of;
use super::super::show::{self, pick};
use super::super::{Exit, Failure, Language};
use crate::channel;
use crate::clock::stopwatch;
use crate::receipt::ReceiptFile;
use crate::sample::cases::Case;
use crate::sample::client_keys;

/// The cases shown, by id: each kind of answer once.
const SHOWN: [&str; 7] = [
    "food-licence-in-force",
    "food-licence-deregistered",
    "name-differs-in-form",
    "public-order-record-refused",
    "suspended-grant",
    "degree-undetermined",
    "marriage-before-coverage",
];

/// One question with its answer.
#[derive(Debug)]
pub(super) struct Asked {
    case: &'static Case,
    request: v1::VerifyRequest,
    response: v1::VerifyResponse,
    elapsed_ms: f64,
}

impl Asked {
    pub(super) fn to_json(&self) -> Value {
        let shown = show::show(&self.response, Language::English);
        json!({
            "title": self.case.title().en,
            "answer": shown.answer,
            "finding": shown.finding,
            "detail": shown.detail,
            "index": self.response.receipt.as_ref().map(|receipt| receipt.index),
            "elapsed_ms": self.elapsed_ms,
        })
    }

    /// The receipt of the answer, to be kept.
    pub(super) fn receipt(&self) -> Option<ReceiptFile> {
        receipt_of(&self.request, &self.response)
    }

    pub(super) fn cells(&self, language: Language) -> [String; 6] {
        let shown = show::show(&self.response, language);
        let title = self.case.title();
        [
            pick(language, &title.zh, &title.en).to_owned(),
            match shown.answer {
                "determination" => pick(language, "核验结论", "determination"),
                "refusal" => pick(language, "不予共享", "refusal"),
                _ => pick(language, "无法核验", "undetermined"),
            }
            .to_owned(),
            shown.finding,
            shown.detail,
            self.response.receipt.as_ref().map(|receipt| format!("#{}", receipt.index)).unwrap_or_default(),
            format!("{:.1}", self.elapsed_ms),
        ]
    }
}

/// Asks every shown question as the system that the case names.
pub(super) async fn ask(city: &Path, address: SocketAddr, language: Language) -> Result<Vec<Asked>, Failure> {
    let mut asked = Vec::new();
    for id in SHOWN {
        let case =
            Case::named(id).ok_or_else(|| Failure::new(Exit::Wanting, format!("the sample has no case `{id}`")))?;
        let channel = connect(city, address, case.system).await?;
        let types = claims::field_types(case.result_type, channel.clone()).await?;
        let request = request(case, &types)?;
        let mut call = tonic::Request::new(request.clone());
        speak(language, &mut call);
        let mut client = VerificationServiceClient::new(channel);
        let since = stopwatch();
        let response = client.verify(call).await.map_err(|status| failed(&status))?.into_inner();
        asked.push(Asked { case, request, response, elapsed_ms: since.elapsed().as_secs_f64() * 1e3 });
    }
    Ok(asked)
}

async fn connect(city: &Path, address: SocketAddr, system: &str) -> Result<tonic::transport::Channel, Failure> {
    let keys = client_keys(city, &format!("system/{system}"));
    let read = |file: &Path| {
        std::fs::read(file).map_err(|error| Failure::new(Exit::Wanting, format!("{}: {error}", file.display())))
    };
    let (ca, cert, key) = (read(&city.join("keys/client-ca.pem"))?, read(&keys.certificate)?, read(&keys.key)?);
    channel::connect(&address.to_string(), &ca, &cert, &key, "localhost")
        .await
        .map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))
}

fn request(case: &Case, types: &FieldTypes) -> Result<v1::VerifyRequest, Failure> {
    let claims = (case.claims.iter())
        .map(|claim| claims::claim(&[claim.field, claim.operator.as_str(), &claim.values.join(",")], types));
    let claims: Result<Vec<_>, _> = claims.collect();
    Ok(v1::VerifyRequest {
        request_id: Uuid::new_v4().to_string(),
        purpose: Some(v1::Purpose {
            item: case.item.into(),
            case_number: "DEMO-0001".into(),
            reason: "办件材料核验".into(),
        }),
        official: Some(v1::Official {
            id: "w-001".into(),
            name: "样例经办人".into(),
            unit: "综合窗口".into(),
            terminal: "window-1".into(),
        }),
        subject: Some(v1::Subject {
            kind: v1::SubjectKind::from(case.subject.kind).into(),
            number: case.subject.number.into(),
            name: None,
        }),
        result_type: case.result_type.into(),
        certificate_number: case.certificate_number.map(Into::into),
        claims: claims?,
        as_of: case.as_of.map(Into::into),
        max_age: None,
        validate_only: false,
    })
}

/// Lines to paste into another terminal.
pub(super) fn lines(city: &Path, address: SocketAddr) -> String {
    let case = Case::named(SHOWN[0]).expect("it was asked a moment ago");
    let city = city.display();
    let system = case.system;
    let claim = case.claims.first().expect("the first case shows a claim");
    let json = json!({
        "requestId": Uuid::new_v4().to_string(),
        "purpose": { "item": case.item, "caseNumber": "DEMO-0002", "reason": "material check" },
        "official": { "id": "w-001", "name": "sample", "unit": "window", "terminal": "window-1" },
        "subject": { "kind": "SUBJECT_KIND_CREDIT_CODE", "number": case.subject.number },
        "resultType": case.result_type,
        "claims": [{ "field": claim.field, "operator": "OPERATOR_CONTAINS", "texts": { "items": claim.values } }],
    });
    format!(
        "\nheyan verify --city {city} --as {system} --address {address} --result-type {result_type} \\\n  \
         --subject {kind}:{number} --claim {field} contains {value} --item {item} --case DEMO-0002\n\n\
         buf curl --protocol grpc --cacert {city}/keys/client-ca.pem --cert {city}/keys/system/{system}.pem \\\n  \
         --key {city}/keys/system/{system}.key -d '{json}' \\\n  \
         https://{address}/heyan.v1.VerificationService/Verify\n\n\
         grpcurl -cacert {city}/keys/client-ca.pem -cert {city}/keys/system/{system}.pem \\\n  \
         -key {city}/keys/system/{system}.key -d '{json}' \\\n  \
         {address} heyan.v1.VerificationService/Verify\n",
        result_type = case.result_type,
        kind = case.subject.kind.as_str(),
        number = case.subject.number,
        field = claim.field,
        value = claim.values.join(","),
        item = case.item,
    )
}
