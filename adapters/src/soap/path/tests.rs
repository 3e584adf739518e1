use super::{Namespaces, Unread, XmlPath};
use crate::soap::tree::Document;

const DOCUMENT: &str = "<r xmlns='u:m' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>
    <code>0</code><many>1</many><many>2</many><deep><code2 x='7'> 5 </code2></deep>
    <list><p><n>a</n><i>1</i></p><p><i>2</i></p><p><n/><i x='9'>3</i></p></list>
    <one><n>a</n><n>b</n></one>
    <nil xsi:nil='true'/><plain xmlns=''>y</plain>
</r>";

fn namespaces() -> Namespaces {
    Namespaces::from([("m".to_owned(), "u:m".into())])
}

#[test]
fn a_path_into_a_document_finds_one_text_or_none() {
    let tops = [Document::parse(DOCUMENT).unwrap().root];
    for (path, found) in [
        ("/m:r/m:code", Ok(Some("0"))),
        ("//m:code", Ok(Some("0"))),
        ("//m:deep/m:code2", Ok(Some(" 5 "))),
        ("//m:code2/@x", Ok(Some("7"))),
        ("//m:code2/@m:x", Ok(None)),
        ("//code", Ok(None)),
        ("//plain", Ok(Some("y"))),
        ("/m:code", Ok(None)),
        ("//m:many", Err(Unread::Several)),
        ("//m:list", Err(Unread::Elements)),
        ("//m:nil", Ok(Some(""))),
    ] {
        let path_read = XmlPath::parse_document(path, &namespaces()).unwrap();
        assert_eq!(path_read.text(&tops), found, "{path}");
    }
}

#[test]
fn a_path_into_a_record_keeps_lists_side_by_side() {
    let record = Document::parse(DOCUMENT).unwrap().root;
    for (path, found) in [
        ("m:code", Ok(vec![Some("0")])),
        ("m:many", Ok(vec![Some("1"), Some("2")])),
        ("m:list/m:p/m:n", Ok(vec![Some("a"), None, Some("")])),
        ("m:list/m:p/m:i", Ok(vec![Some("1"), Some("2"), Some("3")])),
        ("m:list/m:p/m:i/@x", Ok(vec![None, None, Some("9")])),
        ("m:list", Err(Unread::Elements)),
        ("m:one/m:n", Ok(vec![Some("a"), Some("b")])),
        ("m:none/m:n", Ok(vec![])),
        (".", Err(Unread::Elements)),
        ("@x", Ok(vec![None])),
    ] {
        let path_read = XmlPath::parse_record(path, &namespaces()).unwrap();
        assert_eq!(path_read.texts_in(&record), found, "{path}");
        let one = match found.as_deref() {
            Ok([]) => Ok(None),
            Ok([one]) => Ok(*one),
            Ok(_) => Err(Unread::Several),
            Err(unread) => Err(*unread),
        };
        assert_eq!(path_read.text_in(&record), one, "{path}");
    }
}

/// Failure is a path that is read: what `XPath` means by it would not be done.
#[test]
fn what_is_more_than_the_part_of_xpath_is_refused() {
    for path in [
        "/",
        "//",
        "///m:a",
        "//m:a//m:b",
        "/m:a/",
        "m:a",
        ".",
        "..",
        "//.",
        "//*",
        "//m:*",
        "//m:a[1]",
        "//text()",
        "//m:a/text()",
        "count(//m:a)",
        "/m:a | /m:b",
        "//m:a/@",
        "//m:a@x",
        "//@x",
        "//m:a/@x/m:b",
        "//x:a",
        "//m:a/@x:y",
        "//m:",
        "//:a",
        "//m:a:b",
        " //m:a",
    ] {
        assert!(XmlPath::parse_document(path, &namespaces()).is_err(), "{path}");
    }
    for path in ["/m:a", "//m:a", "./m:a", "..", "m:a/", "*", "m:a/.", "", "@", "@x/m:a", "x:a", "m:a/text()"] {
        assert!(XmlPath::parse_record(path, &namespaces()).is_err(), "{path}");
    }
    let unknown = "uses the unknown prefix `x`; declared in `[soap].namespaces`: `m`";
    assert_eq!(XmlPath::parse_record("x:a", &namespaces()), Err(unknown.into()));
    assert!(XmlPath::parse_document(&"/a".repeat(33), &namespaces()).is_err());
}
