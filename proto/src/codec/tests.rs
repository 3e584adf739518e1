use super::*;
use crate::v1;

fn question(claims: usize) -> v1::VerifyRequest {
    let claim = v1::Claim {
        field: "business_items".into(),
        operator: v1::Operator::Contains.into(),
        value: Some(v1::claim::Value::Texts(v1::TextList { items: vec!["热食类食品制售".into(); 2] })),
    };
    v1::VerifyRequest {
        request_id: "0193d6f8-53a4-7c1e-8f7a-000000000000".into(),
        purpose: Some(v1::Purpose { reason: "办件材料核验".repeat(20), ..Default::default() }),
        claims: vec![claim; claims],
        ..Default::default()
    }
}

#[test]
fn the_fullest_batch_that_is_allowed_fits() {
    let batch = v1::BatchVerifyRequest { requests: vec![question(32); 100] };
    assert!(fits(&batch.encode_to_vec()));
}

#[test]
fn fields_count_at_every_depth_where_messages_are() {
    let claims = v1::VerifyRequest { claims: vec![v1::Claim::default(); FIELDS_MAX + 1], ..Default::default() };
    let empty = v1::BatchVerifyRequest { requests: vec![v1::VerifyRequest::default(); FIELDS_MAX + 1] };
    let texts = v1::TextList { items: vec![String::new(); FIELDS_MAX] };
    let listed = v1::Claim { value: Some(v1::claim::Value::Texts(texts)), ..Default::default() };
    let nested =
        v1::BatchVerifyRequest { requests: vec![v1::VerifyRequest { claims: vec![listed], ..Default::default() }] };
    for message in [claims.encode_to_vec(), empty.encode_to_vec(), nested.encode_to_vec()] {
        assert!(!fits(&message));
    }
    assert!(fits(
        &v1::VerifyRequest { claims: vec![v1::Claim::default(); FIELDS_MAX], ..Default::default() }.encode_to_vec()
    ));
}

/// A text may look like fields for a while, and then like none.
#[test]
fn a_text_is_not_counted() {
    let texts = vec!["\u{8}\u{8}".repeat(100) + "\u{7}"; 1_000];
    let list = v1::TextList { items: texts };
    assert!(fits(&list.encode_to_vec()));
}

#[test]
fn what_is_no_message_is_left_to_prost() {
    for bytes in [
        &[][..],
        &[0],
        &[0xFF; 11],
        &[0x0A, 9],
        &[0x0D, 1],
        &[0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
    ] {
        assert!(fits(bytes), "{bytes:?}");
    }
}
