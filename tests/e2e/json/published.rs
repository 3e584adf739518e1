//! What the service port hands out to whoever makes a client.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use heyan_proto::v1;
use heyan_tests::{Ask, City, Gateway, Reply, curl};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use serde_json::Value;

use super::SYSTEM;

fn read(paths: &[&str]) -> (City, Gateway, Vec<Reply>) {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let asks: Vec<Ask> = paths.iter().map(|path| Ask::page(path)).collect();
    let replies = curl(&city, &gateway, SYSTEM, &asks);
    for (path, reply) in paths.iter().zip(&replies) {
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("cache-control"), "no-cache", "{path}");
    }
    (city, gateway, replies)
}

#[test]
fn the_page_lists_everything_and_each_is_there() {
    let (city, gateway, replies) = read(&["/"]);
    let index = String::from_utf8(replies[0].body.clone()).unwrap();
    let listed = |verb: &str| {
        let lines = index.lines().filter_map(|line| line.strip_prefix(verb));
        lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (pages, methods) = (listed("GET "), listed("POST "));
    assert_eq!(pages, ["/openapi.json", "/proto.zip", "/descriptor.binpb"]);
    assert_eq!(methods.len(), 11, "{index}");
    let asks: Vec<Ask> = pages.iter().map(|path| Ask::page(path)).collect();
    let replies = curl(&city, &gateway, SYSTEM, &asks);
    let known: Vec<Ask> = asks
        .iter()
        .zip(&replies)
        .flat_map(|(ask, reply)| {
            let tag = reply.header("etag");
            assert!(reply.status == 200 && tag.len() > 16, "{reply:?}");
            [
                ask.clone().header(&format!("if-none-match: \"other\", W/{tag}")),
                ask.clone().header("if-none-match: \"other\""),
                ask.clone().option("head"),
            ]
        })
        .collect();
    let statuses: Vec<u16> = curl(&city, &gateway, SYSTEM, &known).iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [304, 200, 200].repeat(pages.len()));
    let others = [Ask::page("/nothing"), Ask::page("/openapi.json").option("request = DELETE")];
    let statuses: Vec<u16> = curl(&city, &gateway, SYSTEM, &others).iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [404, 405]);
}

/// Every `$ref` below this value.
fn references(of: &Value, into: &mut BTreeSet<String>) {
    match of {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                into.insert(reference.clone());
            }
            fields.values().for_each(|value| references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        _ => {}
    }
}

#[test]
fn openapi_describes_every_method_and_message() {
    let (_city, _gateway, replies) = read(&["/openapi.json"]);
    assert_eq!(replies[0].header("content-type"), "application/json");
    let document = replies[0].json();
    let mut all = BTreeSet::new();
    references(&document, &mut all);
    assert!(all.len() > 40, "{all:?}");
    for reference in all {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out of the document"));
        assert!(document.pointer(pointer).is_some_and(Value::is_object), "{reference} leads nowhere");
    }
    let files = FileDescriptorSet::decode(v1::DESCRIPTOR).unwrap().file;
    let schemas = &document["components"]["schemas"];
    for file in files.iter().filter(|file| file.package() == "heyan.v1") {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/heyan.v1.{}/{}", service.name(), method.name());
                let description = document["paths"][&path]["post"]["description"].as_str().unwrap_or_default();
                assert!(!description.is_empty(), "{path} is not described");
            }
        }
        for message in &file.message_type {
            let schema = &schemas[format!("heyan.v1.{}", message.name())];
            assert!(schema["description"].is_string(), "{} is not described", message.name());
            let properties = schema["properties"].as_object().unwrap();
            assert_eq!(properties.len(), message.field.len(), "{}", message.name());
            assert!(properties.values().all(|field| field["description"].is_string()), "{}", message.name());
        }
        for of in &file.enum_type {
            let names = schemas[format!("heyan.v1.{}", of.name())]["enum"].as_array().unwrap();
            assert_eq!(names.len(), of.value.len(), "{}", of.name());
        }
    }
    assert_eq!(schemas["heyan.v1.Claim"]["properties"]["integer"]["type"], "string");
    assert_eq!(schemas["heyan.v1.Claim"]["additionalProperties"], false);
    assert_eq!(schemas["heyan.v1.Receipt"]["properties"]["index"]["type"], "string");
}

#[test]
fn openapi_is_valid_by_the_validator_of_others() {
    let Some(python) = std::env::var_os("HEYAN_TEST_PYTHON").map(PathBuf::from) else {
        eprintln!("skipped: HEYAN_TEST_PYTHON is not set; `tests/run` installs the validator and sets it");
        return;
    };
    let (_city, _gateway, replies) = read(&["/openapi.json"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, &replies[0].body).unwrap();
    let run = Command::new(python).args(["-m", "openapi_spec_validator"]).arg(&file).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "tests/requirements.txt names the validator, tests/run installs it: {said}");
}

fn compiled(folder: &Path) -> FileDescriptorSet {
    let mut compiler = protox::Compiler::new([folder]).unwrap();
    compiler.include_imports(true).include_source_info(true);
    let names = ["answer", "audit", "directory", "error", "verification", "vocabulary"];
    compiler.open_files(names.map(|name| format!("heyan/v1/{name}.proto"))).unwrap();
    compiler.file_descriptor_set()
}

#[test]
fn the_files_compile_to_the_descriptors() {
    let (_city, _gateway, replies) = read(&["/proto.zip", "/descriptor.binpb"]);
    assert_eq!(replies[0].header("content-type"), "application/zip");
    assert_eq!(replies[1].body, v1::DESCRIPTOR);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("proto.zip");
    std::fs::write(&archive, &replies[0].body).unwrap();
    // Another's reader: it checks the sums too.
    let unpacked = folder.path().join("proto");
    for arguments in
        [["-t", archive.to_str().unwrap(), ""], ["-e", archive.to_str().unwrap(), unpacked.to_str().unwrap()]]
    {
        let arguments = arguments.iter().filter(|argument| !argument.is_empty());
        let run = Command::new("python3").args(["-m", "zipfile"]).args(arguments).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
    let served = FileDescriptorSet::decode(replies[1].body.as_slice()).unwrap();
    assert_eq!(compiled(&unpacked), served);
    assert!(unpacked.join("google/rpc/error_details.proto").is_file() && unpacked.join("LICENSE").is_file());
}
