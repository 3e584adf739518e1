//! Every case of the sample city gets the answer that the sample says. Failure: any other answer, or none.

use heyan::sample::cases::{CASES, Case, Expected};
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, questions};
use v1::verify_response::Answer;

#[tokio::test]
async fn every_case_gets_its_answer() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut wrong = Vec::new();
    for case in CASES {
        let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
        let response = client.verify(questions::of_case(case)).await;
        match response {
            Ok(response) => {
                let response = response.into_inner();
                if let Err(what) = check(case, &response) {
                    wrong.push(format!("{}: {what}; got {:?}", case.id, response.answer));
                }
            }
            Err(status) => wrong.push(format!("{}: {status}", case.id)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(case: &Case, response: &v1::VerifyResponse) -> Result<(), String> {
    let receipt = response.receipt.as_ref().ok_or("no receipt")?;
    if receipt.leaf_hash.len() != 32 || receipt.decision_id != response.decision_id {
        return Err("the receipt is not that of this decision".into());
    }
    match (&case.expect, response.answer.as_ref().ok_or("no answer")?) {
        (Expected::RefusedByException(id), Answer::Refusal(refusal)) => match &refusal.detail {
            Some(v1::refusal::Detail::Exception(exception)) if exception.exception == *id => {
                let citation = exception.legal_basis.as_ref().map(|basis| basis.citation.as_str()).unwrap_or_default();
                if citation.starts_with('《') { Ok(()) } else { Err("the exception cites no law".into()) }
            }
            _ => Err(format!("not refused by {id}")),
        },
        (Expected::GrantRequired(grant), Answer::Refusal(refusal)) => match &refusal.detail {
            Some(v1::refusal::Detail::Grant(of)) if of.grant == grant.unwrap_or_default() => Ok(()),
            _ => Err("not refused for want of that grant".into()),
        },
        (Expected::Undetermined(cause), Answer::Undetermined(of)) => {
            if of.cause() == v1::UndeterminedCause::from(*cause) { Ok(()) } else { Err("another cause".into()) }
        }
        (expected, Answer::Determination(of)) => check_determination(case, expected, of),
        _ => Err("another kind of answer".into()),
    }
}

fn check_determination(case: &Case, expected: &Expected, of: &v1::Determination) -> Result<(), String> {
    let detail = of.detail.clone().unwrap_or_default();
    let (finding, shows) = match expected {
        Expected::Confirmed => (v1::Finding::Confirmed, true),
        Expected::NotInForce(state) => (v1::Finding::NotConfirmed, detail.state() == v1::ResultState::from(state)),
        Expected::ClaimFails => (v1::Finding::NotConfirmed, detail.existence() == v1::Existence::Issued),
        Expected::NotIssued => (v1::Finding::NotConfirmed, detail.existence() == v1::Existence::NotIssued),
        Expected::VerdictNo => (v1::Finding::NotConfirmed, of.detail.is_none()),
        Expected::Ambiguous => (v1::Finding::Ambiguous, true),
        Expected::OutsideCoverage => (v1::Finding::OutsideCoverage, of.coverage_note.is_some()),
        _ => return Err("a determination was not expected".into()),
    };
    if case.result_type == "marriage-registration" && of.coverage_note.is_none() {
        return Err("it does not say what the records do not reach".into());
    }
    if of.finding() != finding || !shows {
        return Err(format!("expected {expected:?}"));
    }
    for (claim, outcome) in case.claims.iter().zip(&detail.claims) {
        if outcome.outcome() != v1::ClaimOutcome::from(claim.outcome) {
            return Err(format!("claim on {} is {:?}", claim.field, outcome.outcome()));
        }
    }
    Ok(())
}
