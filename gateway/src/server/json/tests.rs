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
    const MAX: usize = 1024 * 1024;
    let packed = |size: usize| {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&vec![b' '; size]).unwrap();
        packed.finish().unwrap()
    };
    assert_eq!(unpack(&packed(MAX), MAX).unwrap().len(), MAX);
    assert_eq!(unpack(&packed(MAX + 1), MAX), Err(Fault::MessageTooLarge));
    // Two archives in one, as RFC 1952 allows.
    assert_eq!(unpack(&packed(MAX).repeat(2), MAX), Err(Fault::MessageTooLarge));
    assert_eq!(unpack(b"no gzip", MAX), Err(Fault::MessageInvalid));
    assert_eq!(unpack(&packed(1000)[..20], MAX), Err(Fault::MessageInvalid));
}

/// As over gRPC: failure is a document of a megabyte that becomes a hundred megabytes of memory.
#[test]
fn a_document_of_too_many_values_is_not_read_to_its_end() {
    use heyan_proto::codec::FIELDS_MAX;
    let document = |items: usize| format!("{{\"requests\":[{}]}}", vec!["{}"; items].join(","));
    let read = |document: &str| read_document("heyan.v1.BatchVerifyRequest", document.as_bytes());
    assert_eq!(read(&document(FIELDS_MAX - 1)).unwrap().len(), 2 * (FIELDS_MAX - 1));
    let (path, ..) = read(&format!("{} this is not read", document(FIELDS_MAX))).unwrap_err();
    assert_eq!(path, format!("requests[{}]", FIELDS_MAX - 1));
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

/// Never to be found in an error.
const CANARY: &str = "样例机密";

/// Makes JSON that is nearly a message, from bytes that proptest varies.
struct Maker<'a>(std::slice::Iter<'a, u8>);

impl Maker<'_> {
    fn pick(&mut self, of: usize) -> usize {
        self.0.next().map_or(0, |&byte| usize::from(byte) % of)
    }

    fn object(&mut self, of: &prost_reflect::MessageDescriptor, depth: usize) -> String {
        let fields: Vec<_> = of.fields().collect();
        let members: Vec<String> = (0..self.pick(5))
            .map(|_| {
                let field = &fields[self.pick(fields.len())];
                let value = if self.pick(12) == 0 { self.anything() } else { self.value(field, depth) };
                let name = match self.pick(40) {
                    0 => CANARY,
                    at if at < 10 => field.name(),
                    _ => field.json_name(),
                };
                format!("\"{name}\": {value}")
            })
            .collect();
        format!("{{{}}}", members.join(", "))
    }

    fn value(&mut self, of: &prost_reflect::FieldDescriptor, depth: usize) -> String {
        if of.is_list() {
            let items: Vec<String> = (0..self.pick(3)).map(|_| self.one(&of.kind(), depth)).collect();
            return format!("[{}]", items.join(","));
        }
        self.one(&of.kind(), depth)
    }

    fn one(&mut self, of: &prost_reflect::Kind, depth: usize) -> String {
        use prost_reflect::Kind;
        const WHOLE: [&str; 8] = ["24", "\"24\"", "-1", "24.0", "\"-9223372036854775808\"", "0", "-0", "2.4e1"];
        const AGES: [&str; 6] =
            ["\"3600s\"", "\"-1.5s\"", "\"0.000000001s\"", "\"1.5\"", "\"1e3s\"", "\"315576000000s\""];
        match of {
            Kind::Bool => ["true", "false"][self.pick(2)].into(),
            Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => WHOLE[self.pick(WHOLE.len())].into(),
            Kind::Enum(of) => match self.pick(4) {
                0 => self.pick(20).to_string(),
                _ => format!("\"{}\"", of.values().nth(self.pick(of.values().len())).unwrap().name()),
            },
            Kind::Message(of) if of.full_name() == "google.protobuf.Duration" => AGES[self.pick(AGES.len())].into(),
            Kind::Message(of) if depth > 0 => self.object(of, depth - 1),
            Kind::Message(_) => "{}".into(),
            _ => format!("\"{CANARY}\""),
        }
    }

    fn anything(&mut self) -> String {
        let all = [
            "null",
            "true",
            "[]",
            "{}",
            "7",
            "1.5",
            "99999999999999999999",
            "\"样例机密\"",
            "[null]",
            "",
            "\"\\uD800\"",
        ];
        all[self.pick(all.len())].into()
    }
}

/// What is read, another's reader reads as the same message; what is refused is refused without being repeated.
#[test]
fn what_is_read_is_what_others_read() {
    use proptest::prelude::*;
    use prost::Message as _;
    let methods = Methods::of(heyan_proto::v1::DESCRIPTOR, &[]).unwrap();
    let inputs: Vec<_> = methods.all().values().map(|served| served.input().clone()).collect();
    let (read, refused) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(3000));
    let bytes = proptest::collection::vec(any::<u8>(), 0..160);
    let held = runner.run(&bytes, |bytes| {
        let mut maker = Maker(bytes.iter());
        let input = &inputs[maker.pick(inputs.len())];
        let document = maker.object(input, 4);
        match read::message(input, document.as_bytes()) {
            Ok(message) => {
                read.set(read.get() + 1);
                let mut others = serde_json::Deserializer::from_str(&document);
                let others = prost_reflect::DynamicMessage::deserialize(input.clone(), &mut others);
                prop_assert_eq!(others.map(|message| message.encode_to_vec()).ok(), Some(message), "{}", document);
            }
            Err(misread) => {
                refused.set(refused.get() + 1);
                prop_assert!(!format!("{misread:?}").contains(CANARY), "{}", document);
            }
        }
        Ok(())
    });
    held.unwrap();
    assert!(read.get() > 500 && refused.get() > 500, "read {}, refused {}", read.get(), refused.get());
}
