use heyan_proto::identifier::ItemCode;
use heyan_proto::vocabulary::FieldName;
use jiff::civil::date;

use super::{GrantIndex, GrantStanding, ScopeGap, read_grants};
use crate::request::AccessRequest;
use crate::request::tests::{Facts, ITEM};

fn grant(id: &str, rest: &str) -> String {
    format!(
        "[[grant]]\nid = \"{id}\"\nrequester = \"requester\"\nresult_types = [\"result\"]\nitems = [\"{ITEM}\"]\n\
         purpose = \"核对\"\nlegal_basis = \"《政务数据共享条例》第二十条\"\napprover = \"样例市数据局\"\n{rest}\n"
    )
}

const LIVE: &str = "from = 2026-01-01\nuntil = 2026-12-31";
const SUSPENDED: &str = "from = 2026-01-01\nuntil = 2026-12-31\nsuspended = true";
const ENDED: &str = "from = 2026-01-01\nuntil = 2026-11-22";
const LATER: &str = "from = 2026-11-24\nuntil = 2026-12-31";
const NARROW: &str = "from = 2026-01-01\nuntil = 2026-12-31\nfields = [\"valid_to\"]";

fn standing(grants: &[(&str, &str)]) -> String {
    standing_of(grants, &Facts::new().request())
}

fn standing_of(grants: &[(&str, &str)], request: &AccessRequest<'_>) -> String {
    let text: String = grants.iter().map(|(id, rest)| grant(id, rest)).collect();
    let index = GrantIndex::new(read_grants("grants/a.toml", &format!("schema = 1\n{text}")).unwrap());
    let standing = index.standing(request);
    format!("{} {}", standing.as_str(), standing.grant().map_or("", |id| id.as_str()))
}

#[test]
fn a_grant_stands_as_its_dates_and_its_flag_say() {
    for (rest, expected) in [
        (LIVE, "live a"),
        (SUSPENDED, "suspended a"),
        (ENDED, "ended a"),
        (LATER, "not_yet a"),
        ("from = 2026-11-23\nuntil = 2026-11-23", "live a"),
    ] {
        assert_eq!(standing(&[("a", rest)]), expected, "{rest}");
    }
    assert_eq!(standing(&[]), "none ");
}

#[test]
fn a_grant_reaches_its_own_requester_result_type_item_and_fields_only() {
    let other = Facts::named("other");
    let item = ItemCode::parse("11500000MB0000027A2000131001999").unwrap();
    let wide = [FieldName::parse("name").unwrap(), FieldName::parse("valid_to").unwrap()];
    let facts = Facts::new();
    let stranger = AccessRequest { requester: &other.requester, ..facts.request() };
    assert_eq!(standing_of(&[("a", LIVE)], &stranger), "none ");
    let elsewhere = AccessRequest { result_type: &other.result_type, ..facts.request() };
    assert_eq!(standing_of(&[("a", LIVE)], &elsewhere), "none ");
    let index = GrantIndex::new(read_grants("a.toml", &format!("schema = 1\n{}", grant("a", NARROW))).unwrap());
    let id = || "a".parse().unwrap();
    let mut request = facts.request();
    request.item = &item;
    assert_eq!(index.standing(&request), GrantStanding::OutsideScope(id(), ScopeGap::Item));
    let mut request = facts.request();
    request.fields = &wide;
    let name = vec![wide[0].clone()];
    assert_eq!(index.standing(&request), GrantStanding::OutsideScope(id(), ScopeGap::Fields(name)));
    request.fields = &wide[1..];
    assert_eq!(index.standing(&request), GrantStanding::Live(id()));
}

#[test]
fn of_several_grants_the_first_that_covers_or_else_the_nearest_counts() {
    assert_eq!(standing(&[("a", ENDED), ("b", LIVE), ("c", LIVE)]), "live b");
    assert_eq!(standing(&[("a", SUSPENDED), ("b", LIVE)]), "live b");
    assert_eq!(standing(&[("a", ENDED), ("b", LATER), ("c", SUSPENDED)]), "suspended c");
    assert_eq!(standing(&[("a", ENDED), ("b", LATER)]), "not_yet b");
}

#[test]
fn a_grant_is_read_whole() {
    let text = format!("schema = 1\n{}", grant("a", "from = 2026-01-01\nuntil = 2026-12-31\nfields = [\"valid_to\"]"));
    let [grant] = read_grants("a.toml", &text).unwrap().try_into().unwrap();
    assert_eq!((grant.id().as_str(), grant.requester().as_str()), ("a", "requester"));
    assert_eq!(grant.result_types().map(|id| id.as_str()).collect::<Vec<_>>(), ["result"]);
    assert_eq!(grant.fields().map(FieldName::as_str).collect::<Vec<_>>(), ["valid_to"]);
    assert_eq!(grant.items().map(ItemCode::as_str).collect::<Vec<_>>(), [ITEM]);
    assert_eq!((grant.purpose().as_str(), grant.approver().as_str()), ("核对", "样例市数据局"));
    assert_eq!(grant.legal_basis().as_str(), "《政务数据共享条例》第二十条");
    assert_eq!((grant.from(), grant.until()), (date(2026, 1, 1), date(2026, 12, 31)));
    assert!(!grant.suspended());
}

#[test]
fn bad_grants_are_refused_with_a_place() {
    let text = |rest: &str| format!("schema = 1\n{}", grant("a", rest));
    for (text, expected) in [
        (text("from = 2026-01-01"), "a.toml:2:1: missing key `until`"),
        (text("from = 2026-12-31\nuntil = 2026-01-01"), "a.toml:11:9: `until` is before `from`"),
        (text(&format!("{LIVE}\nuntill = 2026-01-01")), "a.toml:12:1: unknown key `untill`"),
        (text(LIVE).replace(&format!("[\"{ITEM}\"]"), "[]"), "`items` must list at least one entry"),
        (text(LIVE).replace(ITEM, "115"), "a.toml:6:10: `grant.items`"),
        (
            text(LIVE).replace("[\"result\"]", "[\"result\", \"result\"]"),
            "a.toml:5:27: `result_types` lists this entry twice",
        ),
        (text(LIVE).replace("schema = 1", "schema = 2"), "a.toml:1:10: `schema` is out of range"),
        (text(LIVE) + &grant("a", LIVE), "a.toml:13:6: another grant of this file is called `a`"),
    ] {
        let found = read_grants("a.toml", &text).unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
    }
}
