//! 卫生健康: birth certificates by mother and child, deaths; certificates are replaced, reissued and voided.

use jiff::civil::date;
use rusqlite::{Transaction, params};

use crate::sample::cases;
use crate::sample::chance::{Chance, later};
use crate::sample::population::{Person, Population, UPDATED_ON};

pub(crate) const TABLES: &str = "
CREATE TABLE T_CSYXZM (ZMBH TEXT NOT NULL, XSEXM TEXT NOT NULL, XSEXB TEXT NOT NULL, CSSJ TEXT NOT NULL, XSESFZH TEXT, MQXM TEXT NOT NULL,
  MQZJHM TEXT NOT NULL, FQXM TEXT, FQZJHM TEXT, QFJG TEXT NOT NULL, QFRQ TEXT NOT NULL, ZMZT TEXT NOT NULL);
CREATE TABLE T_SWDJ (SFZH TEXT NOT NULL, XM TEXT NOT NULL, SWRQ TEXT NOT NULL, SWZMBH TEXT NOT NULL, YXBZ TEXT NOT NULL);
CREATE TABLE T_SYNC (T TEXT PRIMARY KEY, TS TEXT NOT NULL);
INSERT INTO T_SYNC VALUES ('CSYXZM', '2026-10-31 21:00:00'), ('SWDJ', '2026-10-30 21:00:00');
";
pub(crate) const INDEXES: &str = "
CREATE INDEX I_CS_M ON T_CSYXZM (MQZJHM);
CREATE INDEX I_CS_E ON T_CSYXZM (XSESFZH);
CREATE INDEX I_SW ON T_SWDJ (SFZH);
";

pub(crate) fn fill(transaction: &Transaction<'_>, population: &Population) -> rusqlite::Result<()> {
    births(transaction, population)?;
    deaths(transaction, population)
}

fn births(transaction: &Transaction<'_>, population: &Population) -> rusqlite::Result<()> {
    let mut chance = Chance::seeded(5);
    let mut born = transaction.prepare("INSERT INTO T_CSYXZM VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)")?;
    let (mother, father) = (cases::WIFE, cases::HUSBAND);
    // The first child is registered; the second, just born, has no number yet, and one earlier paper was replaced.
    let children = [
        ("R500000001", "王例溪", "2", "2015年6月1日", Some(cases::CHILD.number), "20150605", "1"),
        ("T500000002", "王例舟", "1", "2026年10月20日", None, "20261023", "1"),
        ("Q500000003", "王例溪", "2", "2015年6月1日", None, "20150602", "2"),
    ];
    for (number, name, sex, on, child, issued, state) in children {
        let hospital = "样例市妇幼保健院";
        born.execute(params![
            number,
            name,
            sex,
            on,
            child,
            mother.name,
            mother.number,
            father.name,
            father.number,
            hospital,
            issued,
            state
        ])?;
    }
    let mothers: Vec<&Person> = (population.persons.iter())
        .filter(|person| !person.male && person.birth.year() > 1965 && person.birth.year() < 2000)
        .collect();
    let minors = population.persons.iter().filter(|person| !person.is_adult() && person.is_citizen());
    for (serial, child) in minors.enumerate() {
        let mother = *chance.pick(&mothers);
        let state = match chance.below(50) {
            0..=1 => "2",
            2 => "3",
            3 => "9",
            _ => "1",
        };
        born.execute(params![
            format!("S5{:08}", serial + 100),
            child.name,
            if child.male { "1" } else { "2" },
            format!("{}年{}月{}日", child.birth.year(), child.birth.month(), child.birth.day()),
            (!chance.one_in(40)).then_some(&child.number),
            mother.name,
            mother.number,
            None::<&str>,
            None::<&str>,
            "样例市妇幼保健院",
            later(child.birth, 3).strftime("%Y%m%d").to_string(),
            state,
        ])?;
    }
    Ok(())
}

fn deaths(transaction: &Transaction<'_>, population: &Population) -> rusqlite::Result<()> {
    let mut chance = Chance::seeded(6);
    let mut died = transaction.prepare("INSERT INTO T_SWDJ VALUES (?1,?2,?3,?4,?5)")?;
    died.execute(params![cases::DECEASED.number, cases::DECEASED.name, "20250318", "D500000001", "1"])?;
    // Reported dead by mistake and corrected.
    died.execute(params![cases::LOST_CARD.number, cases::LOST_CARD.name, "20240102", "D500000002", "0"])?;
    for (serial, person) in population.persons.iter().enumerate() {
        if person.is_citizen() && person.birth.year() < 1975 && chance.one_in(20) {
            let on = chance.day(date(2018, 1, 1), 3_200).min(UPDATED_ON).strftime("%Y%m%d").to_string();
            let valid = if chance.one_in(40) { "0" } else { "1" };
            died.execute(params![person.number, person.name, on, format!("D5{:08}", serial + 100), valid])?;
        }
    }
    Ok(())
}
