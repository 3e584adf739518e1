//! 住房城乡建设: the ministry's states (01 有效, 02 暂扣, 03 撤销, 04 注销, 05 失效, 06 转出, 07 吊销, 99 其他 with words), English
//! column names that a contractor chose.

use jiff::civil::{Date, date};
use rusqlite::{Statement, Transaction, params};

use crate::sample::cases;
use crate::sample::chance::{Chance, term_end};
use crate::sample::population::{Population, TradeKind, UPDATED_ON};

pub(crate) const TABLES: &str = "
CREATE TABLE SafetyCert (CertNum TEXT NOT NULL, CorpName TEXT NOT NULL, CorpCode TEXT NOT NULL, PermitScope TEXT NOT NULL, IssueDate TEXT NOT NULL,
  EffectDate TEXT NOT NULL, ExpireDate TEXT, CertStatus TEXT NOT NULL, StatusDesc TEXT, DelayApply INTEGER NOT NULL DEFAULT 0);
CREATE TABLE SyncInfo (LastSync TEXT NOT NULL);
INSERT INTO SyncInfo VALUES ('2026-10-31 23:00:00');
";
pub(crate) const INDEXES: &str = "CREATE INDEX IX_SafetyCert_CorpCode ON SafetyCert (CorpCode);";

pub(crate) fn fill(transaction: &Transaction<'_>, population: &Population) -> rusqlite::Result<()> {
    let mut chance = Chance::seeded(9);
    let mut certificate = transaction.prepare("INSERT INTO SafetyCert VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)")?;
    insert(&mut certificate, 1, (cases::BUILDER.number, cases::BUILDER.name), date(2026, 2, 1), "02", false)?;
    insert(
        &mut certificate,
        2,
        (cases::SOFTWARE_HOUSE.number, cases::SOFTWARE_HOUSE.name),
        date(2026, 2, 1),
        "06",
        false,
    )?;
    insert(&mut certificate, 3, (cases::HAULIER.number, cases::HAULIER.name), date(2025, 9, 1), "01", false)?;
    insert(
        &mut certificate,
        4,
        (cases::LAPSED_RESTAURANT.number, cases::LAPSED_RESTAURANT.name),
        date(2025, 9, 1),
        "99",
        false,
    )?;
    let builders =
        population.organisations.iter().filter(|organisation| organisation.trade.kind == TradeKind::Building);
    for (index, organisation) in builders.enumerate().filter(|(_, organisation)| organisation.body.is_business()) {
        let from = chance.day(date(2023, 9, 1), 1_100);
        let ended = term_end(from, 3) < UPDATED_ON;
        let state = match chance.below(30) {
            0..=1 => "02",
            2 => "03",
            3..=4 => "04",
            5 => "06",
            6 => "07",
            7 => "99",
            _ if ended && chance.one_in(2) => "05",
            _ => "01",
        };
        let pending = ended && state == "01" && chance.one_in(2);
        insert(&mut certificate, index + 100, (&organisation.code, &organisation.name), from, state, pending)?;
    }
    Ok(())
}

fn insert(
    statement: &mut Statement<'_>,
    serial: usize,
    (code, name): (&str, &str),
    from: Date,
    state: &str,
    renewal_pending: bool,
) -> rusqlite::Result<()> {
    let until = term_end(from, 3);
    statement.execute(params![
        format!("（渝）JZ安许证字〔{}〕{serial:06}", from.year()),
        name,
        code,
        "建筑施工",
        format!("{}年{}月{}日", from.year(), from.month(), from.day()),
        from.to_string(),
        until.to_string(),
        state,
        (state == "99").then_some("整改中"),
        i64::from(renewal_pending),
    ])?;
    Ok(())
}
