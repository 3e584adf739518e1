//! Holds `src/gen` to the `.proto` files, and the `.proto` files to their promises.
//!
//! `HEYAN_UPDATE=1 cargo test -p heyan-proto --test generated` writes the generated code anew.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use heyan_proto::v1;
use prost::Message;
use prost_types::FileDescriptorProto;
use protox::prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

const PACKAGE: &str = "heyan.v1";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.proto` file of the contract, by the name under which others import it.
fn proto_files() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder().join("heyan/v1"))
        .unwrap()
        .map(|entry| format!("heyan/v1/{}", entry.unwrap().file_name().to_str().unwrap()))
        .filter(|name| name.ends_with(".proto"))
        .collect();
    names.sort();
    names
}

fn compile() -> protox::Compiler {
    let mut compiler = protox::Compiler::new([folder(), folder().join("third_party")]).unwrap();
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(proto_files()).unwrap_or_else(|e| panic!("{e:?}"));
    compiler
}

/// The comment before what stands at `path` of the file; empty where there is none.
fn comment<'a>(file: &'a FileDescriptorProto, path: &[i32]) -> &'a str {
    let mut locations = file.source_code_info.iter().flat_map(|info| &info.location);
    locations.find(|location| location.path == path).map_or("", |location| location.leading_comments().trim())
}

/// Whether the contract marks the field as personal. It does so in the comment, not by the option `debug_redact`, because compilers
/// before protoc 22 refuse that option, and departments have such compilers.
fn is_personal(field: &FieldDescriptor) -> bool {
    comment(field.parent_message().parent_file().file_descriptor_proto(), field.path()).ends_with("Personal.")
}

fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> {
    pool.all_messages().filter(|message| message.package_name() == PACKAGE)
}

/// Writes the Rust code and the descriptor set into `out`.
fn generate(out: &Path) {
    let compiler = compile();
    fs::write(out.join("descriptor.binpb"), compiler.encode_file_descriptor_set()).unwrap();

    // `Debug` of a message with personal fields is written by hand, in `src/redacted.rs`.
    let redacted: Vec<String> = messages(&compiler.descriptor_pool())
        .filter(|message| message.fields().any(|field| is_personal(&field)))
        .map(|message| format!(".{}", message.full_name()))
        .collect();
    let mut set = compiler.file_descriptor_set();
    // prost-build looks well-known types up in the set; the rest of the imports have their own crates.
    set.file.retain(|file| [PACKAGE, "google.protobuf"].contains(&file.package()));
    tonic_prost_build::configure()
        .build_transport(false)
        .codec_path("crate::codec::BoundedCodec")
        .emit_rerun_if_changed(false)
        .extern_path(".google.rpc.Status", "::tonic_types::Status")
        .skip_debug(redacted)
        .out_dir(out)
        .compile_fds(set)
        .unwrap();
}

#[test]
fn generated_code_is_that_of_the_contract() {
    let fresh = tempfile::tempdir().unwrap();
    generate(fresh.path());
    for name in ["heyan.v1.rs", "descriptor.binpb"] {
        let committed = folder().join("src/gen").join(name);
        let expected = fs::read(fresh.path().join(name)).unwrap();
        if std::env::var_os("HEYAN_UPDATE").is_some() {
            fs::write(committed, expected).unwrap();
        } else {
            assert!(
                fs::read(&committed).is_ok_and(|found| found == expected),
                "src/gen/{name} is not what heyan/v1/*.proto generates; \
                 run `HEYAN_UPDATE=1 cargo test -p heyan-proto --test generated` and commit it"
            );
        }
    }
}

/// What is handed out with the contract is the contract.
#[test]
fn the_files_that_are_handed_out_are_those_on_disk() {
    let mut names = proto_files();
    for entry in fs::read_dir(folder().join("third_party/google/rpc")).unwrap() {
        names.push(format!("google/rpc/{}", entry.unwrap().file_name().to_str().unwrap()));
    }
    names.sort();
    assert_eq!(heyan_proto::source::FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
}

fn contract() -> DescriptorPool {
    DescriptorPool::decode(v1::DESCRIPTOR).unwrap()
}

#[test]
fn everything_that_a_caller_can_see_has_a_comment() {
    let pool = contract();
    let mut seen = 0;
    for file in pool.files().filter(|file| file.package_name() == PACKAGE) {
        let proto = file.file_descriptor_proto();
        let mut visible: Vec<(String, Vec<i32>)> = Vec::new();
        for message in file.messages() {
            visible.push((message.full_name().to_owned(), message.path().to_vec()));
            visible.extend(message.fields().map(|field| (field.full_name().to_owned(), field.path().to_vec())));
            let oneofs = message.oneofs().filter(|oneof| !oneof.is_synthetic());
            visible.extend(oneofs.map(|oneof| (oneof.full_name().to_owned(), oneof.path().to_vec())));
            assert_eq!(
                message.child_messages().count() + message.child_enums().count(),
                0,
                "nested types are not walked"
            );
        }
        for of in file.enums() {
            visible.push((of.full_name().to_owned(), of.path().to_vec()));
            visible.extend(of.values().map(|value| (value.full_name().to_owned(), value.path().to_vec())));
        }
        for service in file.services() {
            visible.push((service.full_name().to_owned(), service.path().to_vec()));
            visible.extend(service.methods().map(|method| (method.full_name().to_owned(), method.path().to_vec())));
        }
        for (name, path) in &visible {
            assert!(!comment(proto, path).is_empty(), "{name} has no comment");
        }
        seen += visible.len();
    }
    assert!(seen > 0, "the descriptor holds nothing of the contract");
}

#[test]
fn every_file_names_its_package_in_every_language() {
    for file in contract().files().filter(|file| file.package_name() == PACKAGE) {
        let options = file.file_descriptor_proto().options.clone().unwrap_or_default();
        let named = [
            ("java_package", options.java_package.is_some()),
            ("java_multiple_files", options.java_multiple_files == Some(true)),
            ("java_outer_classname", options.java_outer_classname.is_some()),
            ("go_package", options.go_package.is_some()),
            ("csharp_namespace", options.csharp_namespace.is_some()),
            ("php_namespace", options.php_namespace.is_some()),
        ];
        for (option, given) in named {
            assert!(given, "{} has no option {option}", file.name());
        }
    }
}

const CANARY_TEXT: &str = "CANARY-甲乙丙";
const CANARY_NUMBER: i64 = 8_641_975_320;

/// A message whose personal fields hold canaries, in itself and in the messages of the contract that it holds.
fn with_canaries(message: &MessageDescriptor) -> DynamicMessage {
    let mut filled = DynamicMessage::new(message.clone());
    for field in message.fields() {
        if let Some(value) = canary(&field) {
            filled.set_field(&field, value);
        }
    }
    filled
}

/// A canary for a personal field, a message with canaries for a field that holds one; else nothing.
fn canary(field: &FieldDescriptor) -> Option<Value> {
    let value = match field.kind() {
        Kind::Message(of) if of.package_name() == PACKAGE => Value::Message(with_canaries(&of)),
        _ if !is_personal(field) => return None,
        Kind::String => Value::String(CANARY_TEXT.into()),
        Kind::Int64 => Value::I64(CANARY_NUMBER),
        Kind::Bool => Value::Bool(true),
        other => panic!("{} is personal and of a kind that has no canary: {other:?}", field.full_name()),
    };
    Some(if field.is_list() { Value::List(vec![value]) } else { value })
}

/// `Debug` of the message `T` that these bytes encode.
fn debug_of<T: Message + Default + fmt::Debug>(encoded: &[u8]) -> String {
    format!("{:?}", T::decode(encoded).unwrap())
}

/// Messages by name, with their `Debug`: all that have personal fields, and those that callers send and receive.
macro_rules! debugs {
    ($($name:ident),* $(,)?) => {
        [$((stringify!($name), debug_of::<v1::$name> as fn(&[u8]) -> String)),*]
    };
}

#[test]
fn debug_shows_nothing_personal() {
    let debugs = BTreeMap::from(debugs![
        BatchVerifyRequest,
        BatchVerifyResponse,
        Claim,
        DeterminationDetail,
        GetResultTypeResponse,
        IntegerList,
        Official,
        Purpose,
        RetrieveResultRequest,
        RetrieveResultResponse,
        RetrievedField,
        RetrievedResult,
        Subject,
        TextList,
        VerifyRequest,
        VerifyResponse,
    ]);
    let pool = contract();
    let personal = messages(&pool).filter(|message| message.fields().any(|field| is_personal(&field)));
    for message in personal {
        assert!(debugs.contains_key(message.name()), "add {} to the messages of this test", message.name());
    }
    for (name, debug) in debugs {
        let message = pool.get_message_by_name(&format!("{PACKAGE}.{name}")).unwrap();
        // One field at a time, so that every arm of a oneof has its turn.
        for field in message.fields() {
            let Some(value) = canary(&field) else { continue };
            let mut filled = DynamicMessage::new(message.clone());
            filled.set_field(&field, value);
            let shown = debug(&filled.encode_to_vec());
            for canary in [CANARY_TEXT, &CANARY_NUMBER.to_string(), "true"] {
                assert!(!shown.contains(canary), "Debug of {} shows a personal field: {shown}", field.full_name());
            }
        }
    }
}
