//! Holds `src/gen` to the `.proto` files, and the `.proto` files to their promises.
//!
//! `HEYAN_UPDATE=1 cargo test -p heyan-proto --test generated` writes the generated code anew.

use std::fs;
use std::path::{Path, PathBuf};

use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor};
use protox::prost_reflect;

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

/// Whether the contract marks the field as personal: `[debug_redact = true]`.
fn is_personal(field: &FieldDescriptor) -> bool {
    let options = field.options();
    options.get_field_by_name("debug_redact").is_some_and(|value| value.as_bool() == Some(true))
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
