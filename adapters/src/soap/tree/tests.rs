use super::{DEPTH_MAX, Document, NODES_MAX, SEARCHED_MAX};

#[test]
fn names_are_resolved_and_texts_joined() {
    let text = "\u{FEFF}<?xml version='1.0' encoding='gbk'?><!-- c --><?stylesheet x?>\
        <a xmlns='u:1' xmlns:p='u:2' x='1&amp;&#x4E2D;' p:x='2'>\r\n<p:b>1 &lt;<![CDATA[<&]]>&#50;</p:b><c xmlns=''/></a>\n";
    let document = Document::parse(text.trim_start_matches('\u{FEFF}')).unwrap();
    assert_eq!(document.encoding.as_deref(), Some("gbk"));
    let root = document.root;
    let namespace = |name: &super::Name| (name.namespace.as_deref().map(str::to_owned), name.local.to_string());
    assert_eq!(namespace(&root.name), (Some("u:1".into()), "a".into()));
    let attributes: Vec<_> = root.attributes.iter().map(|(name, value)| (namespace(name), value.as_str())).collect();
    assert_eq!(attributes, [((None, "x".into()), "1&中"), ((Some("u:2".into()), "x".into()), "2")]);
    assert_eq!(root.text, "\n");
    assert_eq!(
        (namespace(&root.children[0].name), root.children[0].text.as_str()),
        ((Some("u:2".into()), "b".into()), "1 <<&2")
    );
    assert_eq!(namespace(&root.children[1].name), (None, "c".into()));
    assert_eq!(Document::parse("<姓名>样例</姓名>").unwrap().root.text, "样例");
}

/// Failure is a document that is read, or a message that repeats what stands in it.
#[test]
fn what_is_not_whole_plain_xml_is_refused() {
    let not_well_formed = "is not well-formed XML";
    let doctype = "has a DOCTYPE, which is never read";
    let entity = "uses an entity that XML does not know";
    let name = "has a name with a character that cannot stand in names";
    let character = "has a character that cannot stand in XML";
    for (text, what) in [
        ("", not_well_formed),
        (" \n", not_well_formed),
        ("canary", not_well_formed),
        ("<a>", not_well_formed),
        ("<a><b></a></b>", not_well_formed),
        ("<a/></a>", not_well_formed),
        ("<a/><b/>", not_well_formed),
        ("<a/>canary", not_well_formed),
        ("<a/>&#32;", not_well_formed),
        ("<a/><![CDATA[ ]]>", not_well_formed),
        ("<a>]]></a>", not_well_formed),
        ("<a>&</a>", not_well_formed),
        ("<a>&lt</a>", not_well_formed),
        ("<a><!-- -- --></a>", not_well_formed),
        ("<a><![CDATA[</a>", not_well_formed),
        ("<a b/>", not_well_formed),
        ("<a b=1/>", not_well_formed),
        ("<a b='<'/>", not_well_formed),
        ("<a b='&canary;'/>", not_well_formed),
        ("<a b='1' b='2'/>", not_well_formed),
        ("<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", not_well_formed),
        ("<a xmlns:p='u' xmlns:p='u'/>", not_well_formed),
        ("<a xmlns:p=''/>", not_well_formed),
        ("<a xmlns:xml='u'/>", not_well_formed),
        ("<a xmlns:xmlns='u'/>", not_well_formed),
        (" <?xml version='1.0'?><a/>", not_well_formed),
        ("<a><?xml version='1.0'?></a>", not_well_formed),
        ("<?xml version='1.1'?><a/>", "is of another version than XML 1.0"),
        ("<!DOCTYPE a><a/>", doctype),
        ("<!DOCTYPE a [<!ENTITY canary SYSTEM 'file:///etc/passwd'>]><a>&canary;</a>", doctype),
        ("<a><!DOCTYPE b></a>", doctype),
        ("<a>&canary;</a>", entity),
        ("<a>&nbsp;</a>", entity),
        ("<1/>", name),
        ("<a:/>", name),
        ("<:a/>", name),
        ("<a:b:c xmlns:a='u'/>", name),
        ("<a\u{D7}/>", name),
        ("<a \u{FDD0}='1'/>", name),
        ("<canary:a/>", "uses a prefix that is not declared"),
        ("<a canary:b='1'/>", "uses a prefix that is not declared"),
        ("<a>\u{0}</a>", character),
        ("<a>\u{FFFF}</a>", character),
        ("<a>&#0;</a>", not_well_formed),
        ("<a>&#1;</a>", not_well_formed),
        ("<a>&#xD800;</a>", not_well_formed),
        ("<a>&#x110000;</a>", not_well_formed),
        ("<a b='&#1;'/>", not_well_formed),
    ] {
        let fault = Document::parse(text).err().unwrap_or_else(|| panic!("{text} is read"));
        assert_eq!(fault.what, what, "{text}");
    }
}

#[test]
fn documents_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(Document::parse(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(Document::parse(&nested(DEPTH_MAX + 1)).unwrap_err().what, "is nested too deeply");
    assert_eq!(Document::parse(&nested(100_000)).unwrap_err().what, "is nested too deeply");
    let wide = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
    assert!(Document::parse(&wide(NODES_MAX - 1)).is_ok());
    let too_large = "has too many elements, attributes or namespaces";
    assert_eq!(Document::parse(&wide(NODES_MAX)).unwrap_err().what, too_large);
    for prefix in ["", "xmlns:"] {
        let many = |count: usize| (0..count).map(|i| format!(" {prefix}a{i}='1'")).collect::<String>();
        assert!(Document::parse(&format!("<a{}/>", many(SEARCHED_MAX))).is_ok());
        assert_eq!(Document::parse(&format!("<a{}/>", many(SEARCHED_MAX + 1))).unwrap_err().what, too_large);
    }
}
