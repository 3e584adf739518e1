use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

#[test]
fn the_content_type_names_the_codec() {
    let of = |content| Codec::of(&headers(&[("content-type", content)]));
    let json = [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json; odata=verbose",
        "application/json; charset=\"UTF-8\";",
    ];
    assert!(json.iter().all(|content| of(content) == Some(Codec::Json)));
    assert_eq!(of("application/proto"), Some(Codec::Proto));
    for other in ["", "text/json", "application/json; charset=gbk", "application/connect+json"] {
        assert_eq!(of(other), None, "{other}");
    }
    assert_eq!(Codec::of(&HeaderMap::new()), None);
}

#[test]
fn the_deadline_is_written_as_grpc_does_and_nothing_else_of_grpc_is_kept() {
    for (asked, written) in [
        ("0", "0m"),
        ("1500", "1500m"),
        ("0000001500", "1500m"),
        ("99999999", "99999999m"),
        ("9999999999", "99999999m"),
        ("12345678901", "malformed"),
        ("", "malformed"),
        ("-1", "malformed"),
        ("1.5", "malformed"),
        ("5S", "malformed"),
    ] {
        let mut headers = headers(&[("connect-timeout-ms", asked), ("grpc-timeout", "1H"), ("grpc-encoding", "gzip")]);
        carry_timeout(&mut headers);
        assert_eq!(headers.get("grpc-timeout").unwrap(), written, "{asked}");
        assert!(!headers.contains_key("grpc-encoding"));
    }
    let mut without = headers(&[("grpc-timeout", "1H")]);
    carry_timeout(&mut without);
    assert!(without.is_empty());
}

#[test]
fn what_unfolds_to_too_much_is_not_unfolded() {
    let packed = |size: usize| {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&vec![b' '; size]).unwrap();
        packed.finish().unwrap()
    };
    assert_eq!(unpack(&packed(DECODE_MAX)).unwrap().len(), DECODE_MAX);
    assert_eq!(unpack(&packed(DECODE_MAX + 1)), Err(Fault::MessageTooLarge));
    // Two archives in one, as RFC 1952 allows.
    assert_eq!(unpack(&packed(DECODE_MAX).repeat(2)), Err(Fault::MessageTooLarge));
    assert_eq!(unpack(b"no gzip"), Err(Fault::MessageInvalid));
    assert_eq!(unpack(&packed(1000)[..20]), Err(Fault::MessageInvalid));
}

/// A request with a kind of field that `read` does not know stops the server at its start, not a caller.
#[test]
fn a_contract_that_json_cannot_carry_is_refused_at_the_start() {
    use prost::Message as _;
    use prost_types::field_descriptor_proto::{Label, Type};
    use prost_types::{
        DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
        ServiceDescriptorProto,
    };
    let contract = |kind: Type| {
        let field = FieldDescriptorProto {
            name: Some("ratio".into()),
            number: Some(1),
            label: Some(Label::Optional.into()),
            r#type: Some(kind.into()),
            ..Default::default()
        };
        let message = DescriptorProto { name: Some("Asked".into()), field: vec![field], ..Default::default() };
        let method = MethodDescriptorProto {
            name: Some("Ask".into()),
            input_type: Some(".a.Asked".into()),
            output_type: Some(".a.Asked".into()),
            ..Default::default()
        };
        let service = ServiceDescriptorProto { name: Some("S".into()), method: vec![method], ..Default::default() };
        let file = FileDescriptorProto {
            name: Some("a.proto".into()),
            package: Some("a".into()),
            syntax: Some("proto3".into()),
            message_type: vec![message],
            service: vec![service],
            ..Default::default()
        };
        Methods::of(&FileDescriptorSet { file: vec![file] }.encode_to_vec(), &[])
    };
    assert!(contract(Type::String).unwrap().served("/a.S/Ask").is_some());
    assert!(contract(Type::Double).unwrap_err().to_string().contains("a.Asked.ratio"));
}
