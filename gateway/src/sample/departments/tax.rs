//! 税务: one row per taxpayer; the amount owed stays inside, only whether anything is owed can be asked.

use rusqlite::{Statement, Transaction, params};

use crate::sample::cases;
use crate::sample::chance::Chance;
use crate::sample::population::Population;

pub(crate) const TABLES: &str = "
CREATE TABLE DJ_NSRXX (NSRSBH TEXT NOT NULL, NSRMC TEXT NOT NULL, NSRLX TEXT NOT NULL, XYDJ TEXT);
CREATE TABLE ZS_QSXX (NSRSBH TEXT NOT NULL, SSQQ TEXT NOT NULL, QSJE_FEN INTEGER NOT NULL, QJBZ TEXT NOT NULL);
CREATE TABLE XT_TBSJ (TBSJ TEXT NOT NULL);
INSERT INTO XT_TBSJ VALUES ('2026-10-31 06:00:00');
";
pub(crate) const INDEXES: &str = "
CREATE INDEX I_NSR ON DJ_NSRXX (NSRSBH);
CREATE INDEX I_QS ON ZS_QSXX (NSRSBH);
";

pub(crate) fn fill(transaction: &Transaction<'_>, population: &Population) -> rusqlite::Result<()> {
    let mut chance = Chance::seeded(10);
    let mut taxpayer = transaction.prepare("INSERT INTO DJ_NSRXX VALUES (?1,?2,?3,?4)")?;
    let mut arrears = transaction.prepare("INSERT INTO ZS_QSXX VALUES (?1,?2,?3,?4)")?;
    let known = [
        (cases::RESTAURANT, "1", Some("B")),
        (cases::SOFTWARE_HOUSE, "1", Some("A")),
        (cases::BUILDER, "1", Some("C")),
        (cases::RESIDENT, "2", None),
    ];
    for (who, kind, grade) in known {
        taxpayer.execute(params![who.number, who.name, kind, grade])?;
    }
    owe(&mut arrears, cases::BUILDER.number, 1_250_000, false)?;
    // Owed once and paid since: no arrears.
    owe(&mut arrears, cases::RESTAURANT.number, 30_000, true)?;
    for organisation in &population.organisations {
        let grade = *chance.pick(&[Some("A"), Some("B"), Some("B"), Some("M"), Some("C"), Some("D"), None]);
        taxpayer.execute(params![organisation.code, organisation.name, "1", grade])?;
        if chance.one_in(20) {
            owe(&mut arrears, &organisation.code, 100 + chance.below(9_000_000) as i64, chance.one_in(3))?;
        }
    }
    for person in population.persons.iter().filter(|person| person.is_adult()) {
        if chance.one_in(3) {
            taxpayer.execute(params![person.number, person.name, "2", None::<&str>])?;
        }
    }
    Ok(())
}

fn owe(statement: &mut Statement<'_>, number: &str, amount_in_fen: i64, paid: bool) -> rusqlite::Result<()> {
    statement.execute(params![number, "20260101", amount_in_fen, if paid { "1" } else { "0" }])?;
    Ok(())
}
