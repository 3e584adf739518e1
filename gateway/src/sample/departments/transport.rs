//! 交通运输: the ministry's states (10 有效, 01 换发, 02 过期, 03 注销, 04 撤销, 05 吊销, 09 其他), dates with dashes.

use jiff::civil::{Date, date};
use rusqlite::{Statement, Transaction, params};

use crate::sample::cases;
use crate::sample::chance::{Chance, term_end};
use crate::sample::population::{Population, TradeKind, UPDATED_ON};

pub(crate) const TABLES: &str = "
CREATE TABLE DLYS_JYXKZ (XKZH TEXT NOT NULL, YHMC TEXT NOT NULL, TYXYDM TEXT NOT NULL, JYFW TEXT NOT NULL, HFJG TEXT NOT NULL, YXQS TEXT NOT NULL,
  YXQZ TEXT NOT NULL, ZZZT TEXT NOT NULL, ZTSM TEXT);
CREATE TABLE SYS_SYNC (SYNC_TIME TEXT NOT NULL);
INSERT INTO SYS_SYNC VALUES ('2026-10-31 12:00:00');
";
pub(crate) const INDEXES: &str = "CREATE INDEX I_DLYS ON DLYS_JYXKZ (TYXYDM);";

pub(crate) fn fill(transaction: &Transaction<'_>, population: &Population) -> rusqlite::Result<()> {
    let mut chance = Chance::seeded(8);
    let mut permit = transaction.prepare("INSERT INTO DLYS_JYXKZ VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)")?;
    let general = "普通货运,货物专用运输（冷藏保鲜）";
    insert(&mut permit, 1, (cases::HAULIER.number, cases::HAULIER.name), general, date(2026, 4, 1), "10")?;
    // Replaced by the one above: the old paper is still about.
    insert(&mut permit, 2, (cases::HAULIER.number, cases::HAULIER.name), "普通货运", date(2022, 4, 1), "01")?;
    insert(
        &mut permit,
        3,
        (cases::REVOKED_TRADER.number, cases::REVOKED_TRADER.name),
        general,
        date(2024, 4, 1),
        "05",
    )?;
    insert(&mut permit, 4, (cases::NOODLE_STALL.number, cases::NOODLE_STALL.name), "普通货运", date(2024, 7, 1), "09")?;
    let hauliers = population.organisations.iter().filter(|organisation| organisation.trade.kind == TradeKind::Freight);
    for (index, organisation) in hauliers.enumerate() {
        // General freight in vehicles of up to 4,500 kg needs no permit, so absence can be right.
        if !organisation.body.is_business() || chance.one_in(5) {
            continue;
        }
        let from = chance.day(date(2021, 6, 1), 1_900);
        let scope = *chance.pick(&["普通货运", general, "普通货运,大型物件运输(一类)"]);
        let state = match chance.below(20) {
            0 => "01",
            1 => "03",
            2 => "04",
            3 => "05",
            4 => "09",
            _ if term_end(from, 4) < UPDATED_ON => "02",
            _ => "10",
        };
        insert(&mut permit, index + 100, (&organisation.code, &organisation.name), scope, from, state)?;
    }
    Ok(())
}

fn insert(
    statement: &mut Statement<'_>,
    serial: usize,
    (code, name): (&str, &str),
    scope: &str,
    from: Date,
    state: &str,
) -> rusqlite::Result<()> {
    statement.execute(params![
        format!("渝交运管许可字500103{serial:06}号"),
        name,
        code,
        scope,
        "样例市交通运输局",
        from.to_string(),
        term_end(from, 4).to_string(),
        state,
        (state == "09").then_some("歇业待核实"),
    ])?;
    Ok(())
}
