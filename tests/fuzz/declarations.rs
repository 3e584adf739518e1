//! `departments/*.toml`, with the queries and the examples inside.

use heyan_adapters::read_declaration;

use super::harness::{Outcome, Shape, Target, files, run};
use super::holds;

const FILE: &str = "departments/any.toml";

#[test]
fn departments() {
    let seeds = || {
        let mut seeds = files(&["adapters/departments", "adapters/tests/data", "adapters/tests/declarations"], ".toml");
        seeds.extend(deep());
        seeds
    };
    run(&Target { name: "declarations", shape: Shape::Text, bytes_max: 64 << 10, seeds, check: &check });
}

/// A query, an array and a table that are nested as deeply as they may be long.
fn deep() -> Vec<Vec<u8>> {
    let whole = String::from_utf8(files(&["adapters/tests/data"], "contract-sql.toml").remove(0)).unwrap();
    let (head, rest) = whole.split_once("SELECT no").unwrap();
    let nested = [
        "(",
        "SELECT (",
        "SELECT NOT ",
        "SELECT - ",
        "SELECT CASE WHEN ",
        "WITH a AS (",
        "SELECT 1 UNION ",
        "SELECT a.",
        "SELECT 1 + ",
    ];
    let queries = nested.iter().map(|open| format!("{head}{}SELECT no{rest}", open.repeat(15_000 / open.len())));
    let arrays = [("[", "]"), ("{a=", "}")]
        .map(|(open, close)| format!("a = {}{}\n{whole}", open.repeat(5_000), close.repeat(5_000)));
    let dotted = format!("{} = 1\n[{}]\n", ["a"; 5_000].join("."), ["b"; 5_000].join("."));
    // Nothing but problems.
    let broken = "= \n".repeat(15_000);
    queries.chain(arrays).chain([dotted, broken]).map(String::into_bytes).collect()
}

fn check(input: &[u8]) -> Outcome {
    let text = std::str::from_utf8(input).unwrap();
    match read_declaration(FILE, text) {
        Ok(declaration) => {
            let shown = format!("{declaration:?}");
            let again = read_declaration(FILE, &format!("{text}\n# and nothing else\n"));
            assert_eq!(format!("{:?}", again.unwrap()), shown, "is read in another way again");
            for example in declaration.result_types.iter().flat_map(|result_type| &result_type.examples) {
                assert!(!shown.contains(example.subject.expose()) || shown_as_code(&declaration, &example.subject));
            }
            // What nobody asked for is not taken.
            let unknown = read_declaration(FILE, &format!("qzzz_unknown = 1\n{text}")).unwrap_err();
            let first = unknown.iter().next().unwrap();
            assert_eq!((first.line, first.column), (1, 1), "{unknown}");
            assert!(first.message.contains("qzzz_unknown"), "{unknown}");
            Outcome::of((declaration.result_types.len(), shown.len() / 64))
        }
        Err(problems) => holds::problems(&problems, FILE, text),
    }
}

/// A department may be the subject of its own example; its credit code is no secret.
fn shown_as_code(of: &heyan_adapters::DepartmentDeclaration, subject: &heyan_proto::identifier::SubjectNumber) -> bool {
    of.department.credit_code.expose() == subject.expose()
}
