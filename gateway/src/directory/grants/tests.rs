use crate::directory::fixture::City;

#[test]
fn a_grant_names_what_exists_and_what_needs_one() {
    let cases = [
        (
            "[\"tax-credit\"]",
            "[\"tax-credits\"]",
            "grants/2026.toml:5:17: no department declares the result type `tax-credits`",
        ),
        (
            "[\"tax-credit\"]",
            "[\"tax-credit\", \"food-licence\"]",
            "grants/2026.toml:5:31: result type `food-licence` is shared unconditionally and needs no grant",
        ),
        ("[\"grade\"]", "[\"grades\"]", "grants/2026.toml:6:11: no result type of this grant has the field `grades`"),
        (
            "2000131009001\"]",
            "2000131009002\"]",
            "grants/2026.toml:7:10: no file has the item `11500000MB0000027A2000131009002`",
        ),
    ];
    for (from, to, expected) in cases {
        let city = City::new();
        city.edit("grants/2026.toml", from, to);
        let found = city.problems();
        assert!(found.contains(expected), "expected {expected}\nfound {found}");
    }
}

#[test]
fn no_grant_shares_what_is_not_shared() {
    let city = City::new();
    let not_shared = r#"sharing = "not_shared"
[result_type.not_shared]
id = "tax-secret"
title = { zh-CN = "纳税信息保密", en = "Tax secrecy" }
legal_kind = "law"
legal_basis = "《中华人民共和国税收征收管理法》第八条"
review_by = 2026-11-01
remedy = { zh-CN = "由纳税人自行提供", en = "The taxpayer gives it" }
[result_type.placeholder]"#;
    let text = city.text("departments/tax.toml").replace("sharing = \"conditional\"", "");
    let (head, tail) = text.split_once("[result_type.catalogue]").unwrap();
    let not_shared = not_shared.replace("[result_type.placeholder]", "[result_type.catalogue]");
    city.write("departments/tax.toml", &format!("{head}{not_shared}{tail}"));
    let found = city.problems();
    assert!(found.contains("result type `tax-credit` is not shared, and no grant can change that"), "{found}");
    assert!(found.contains("the review of exception `tax-secret` was due on 2026-11-01"), "{found}");
}

#[test]
fn an_id_is_given_once_in_all_files() {
    let city = City::new();
    city.write("grants/2027.toml", &city.text("grants/2026.toml"));
    let found = city.problems();
    assert!(found.contains("grants/2027.toml:3:6: grant `centre-tax` is in grants/2026.toml already"), "{found}");
}

#[test]
fn a_list_of_fields_holds_for_any_of_the_result_types() {
    let city = City::new();
    let more = city.text("departments/tax.toml");
    let (_, result_type) = more.split_once("[[result_type]]").unwrap();
    let result_type = result_type.replace("\"tax-credit\"", "\"tax-debt\"").replace("fields.grade", "fields.owes");
    city.write("departments/tax.toml", &format!("{more}[[result_type]]{result_type}"));
    city.edit("grants/2026.toml", "[\"tax-credit\"]", "[\"tax-credit\", \"tax-debt\"]");
    city.edit("grants/2026.toml", "[\"grade\"]", "[\"grade\", \"owes\"]");
    assert_eq!(city.problems(), "");
}
