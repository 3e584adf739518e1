mod credentials;
mod questions;
mod replies;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::contract::{SUBJECTS, lookup};
use crate::exchange::canned::{self, Canned};
use crate::{Adapter, AdapterError, DepartmentDeclaration, Holdings, Http, Lookup, Source, read_declaration};

const DECLARATION: &str = include_str!("../../tests/data/contract-http.toml");

/// What the service says of one licence.
const LICENCE: &str = r#"{"code": 0, "data": {"updated": "2026-11-22 23:00:00", "list": [{"no": "JY1", "holders": [],
    "state": "01", "validity": {"from": null, "to": "长期"}, "months": 36}]}}"#;

/// The declaration of the contract suite with other lines in it; each pair is what stands there and what shall.
fn declaration(edits: &[(&str, &str)]) -> DepartmentDeclaration {
    let mut text = DECLARATION.to_owned();
    for (old, new) in edits {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    read_declaration("contract-http.toml", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The adapter for a service, with these lines more in `[http]`.
fn adapter(service: &Canned, lines: &str, edits: &[(&str, &str)], folder: &Path) -> Http {
    let http = format!("base_url = \"{}/api\"\n{lines}\n", service.url);
    let declaration = declaration(&[&[("base_url = \"http://127.0.0.1:9/api\"\n", &http[..])], edits].concat());
    let Some(Source::Http(source)) = &declaration.source else { panic!("the declaration has a table `http`") };
    Http::new(source, &declaration, folder)
}

async fn ask(adapter: &Http) -> Result<Holdings, AdapterError> {
    adapter.look_up(&licence()).await
}

fn licence() -> Lookup {
    lookup("licence", SUBJECTS[0])
}

fn misconfigured<T>(what: &str) -> Result<T, AdapterError> {
    Err(AdapterError::Misconfigured { what: what.into() })
}

fn malformed<T>(what: &str) -> Result<T, AdapterError> {
    Err(AdapterError::Malformed { what: what.into() })
}

fn ok(body: &str) -> Vec<u8> {
    canned::reply("200 OK", body)
}

/// A folder with one secret.
fn folder_with(secret: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("secret"), secret).unwrap();
    folder
}
