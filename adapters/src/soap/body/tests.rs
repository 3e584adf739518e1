use std::borrow::Cow;

use super::XmlTemplate;
use crate::declaration::Input;
use crate::soap::path::Namespaces;
use crate::soap::tree::Document;

fn parse(text: &str) -> Result<XmlTemplate, String> {
    XmlTemplate::parse(text, &Namespaces::from([("m".to_owned(), "u:m&\"".into())]))
}

#[test]
fn values_are_text_in_their_place() {
    let template = parse(
        "<m:q a='{{reason}}' b=\"{{ official_id }}\"><m:n>\n  {{subject_name}}\n</m:n><m:c>X='{{subject_number}}'</m:c></m:q><m:r/>",
    )
    .unwrap();
    let hostile = "</m:n>]]>&amp;<!--'\"{{reason}}\t\r\n%0d";
    let value = |input| match input {
        Input::SubjectName => None,
        Input::SubjectNumber => Some(Cow::from("91500000MA0000015Q")),
        _ => Some(Cow::from(hostile)),
    };
    let rendered = template.render(value).unwrap();
    let document = Document::parse(&format!("<w xmlns:m='u'>{rendered}</w>")).unwrap();
    let [query, rest] = &document.root.children[..] else { panic!("{rendered}") };
    assert_eq!(query.attributes.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), [hostile, hostile]);
    assert_eq!(query.children[0].text.trim(), "", "an absent value is an empty text");
    assert_eq!(query.children[1].text, "X='91500000MA0000015Q'");
    assert!(rest.children.is_empty());
    assert_eq!(template.render(|_| Some("\u{FFFF}".into())), None, "a character that XML cannot hold");
}

/// Failure is a template that is read, or a message that does not say enough.
#[test]
fn templates_are_checked_when_they_are_read() {
    for (text, message) in [
        ("", "must be elements"),
        ("{{subject_number}}", "must be elements"),
        ("text", "must be elements"),
        ("<m:q>", "is not well-formed XML"),
        ("</template><template>", "is not well-formed XML"),
        ("<m:q>{{subject_number}</m:q>", "has a `{{` without its `}}`"),
        ("<m:q>{{number}}</m:q>", "has the unknown place `{{number}}`"),
        ("<m:q>&{{reason}};</m:q>", "uses an entity that XML does not know"),
        ("<m:q>&nbsp;</m:q>", "uses an entity that XML does not know"),
        ("<x:q/>", "uses the unknown prefix `x`; declared in `[soap].namespaces`: `m`"),
        (
            "<{{reason}}/>",
            "has a name with a character that cannot stand in names; a place for an input stands in a text",
        ),
        ("<m:{{reason}}/>", "has a name with a character"),
        ("<m:q {{reason}}='1'/>", "has a name with a character"),
        ("<m:q a={{reason}}/>", "is not well-formed XML"),
        ("<m:q xmlns='{{reason}}'/>", "has a place for an input in the declaration of a namespace"),
        ("<m:q><!-- {{reason}} --></m:q>", "must hold elements and text alone: no comment, CDATA"),
        ("<m:q><![CDATA[{{reason}}]]></m:q>", "must hold elements and text alone: no comment, CDATA"),
        ("<m:q><?p {{reason}}?></m:q>", "must hold elements and text alone: no comment, CDATA"),
        ("<m:q>\u{FDD3}</m:q>", "has a character that stands for no text"),
        ("<m:q>&#xFDD3;</m:q>", "has a character that stands for no text, or one that is written as a number"),
        (
            "<m:q>XM='{{subject_name}}'</m:q>",
            "has other text beside `{{subject_name}}`, which its value could continue",
        ),
        ("<m:q a='x {{reason}}'/>", "has other text beside `{{reason}}`"),
        ("<m:q>{{official_id}}{{official_name}}</m:q>", "has other text beside `{{official_id}}`"),
        ("<m:q>&lt;n>{{certificate_number}}&lt;/n></m:q>", "has other text beside `{{certificate_number}}`"),
        ("<m:q>a<m:r/>{{reason}}</m:q>", "has other text beside `{{reason}}`"),
    ] {
        let error = parse(text).map(drop).expect_err(text);
        assert!(error.starts_with(message), "{text}: {error}");
    }
    assert!(
        parse(&format!("{}{}", "<m:q>".repeat(64), "</m:q>".repeat(64)))
            .unwrap_err()
            .starts_with("is nested too deeply")
    );
}
