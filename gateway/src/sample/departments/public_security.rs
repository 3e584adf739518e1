//! 公安: GB codes for everything (GB/T 2261.1 sex, GB/T 3304 ethnic group), capitals, `yyyyMMdd`, 长期.

use jiff::civil::{Date, date};
use rusqlite::{Statement, Transaction, params};

use crate::sample::cases;
use crate::sample::chance::{Chance, term_end};
use crate::sample::population::{Person, Population};

pub(crate) const TABLES: &str = "
CREATE TABLE CZRK_JBXX (GMSFHM TEXT NOT NULL, ZJLX TEXT NOT NULL, XM TEXT NOT NULL, XBDM TEXT NOT NULL, MZDM TEXT, CSRQ TEXT NOT NULL,
  ZZ TEXT, QFJG TEXT, YXQX_Q TEXT, YXQX_Z TEXT, ZJZT TEXT NOT NULL);
CREATE TABLE WFFZ_JL (GMSFHM TEXT NOT NULL, JLLB TEXT NOT NULL, PJRQ TEXT NOT NULL, FCBZ TEXT NOT NULL);
CREATE TABLE ZAWF_JL (GMSFHM TEXT NOT NULL, CFRQ TEXT NOT NULL, CFJG TEXT NOT NULL);
CREATE TABLE T_UPDATE (TABNAME TEXT PRIMARY KEY, UPD_TIME TEXT NOT NULL);
INSERT INTO T_UPDATE VALUES ('CZRK_JBXX', '2026-10-31 23:55:00'), ('WFFZ_JL', '2026-10-31 23:50:00');
";
pub(crate) const INDEXES: &str = "
CREATE INDEX I_CZRK ON CZRK_JBXX (GMSFHM);
CREATE INDEX I_WFFZ ON WFFZ_JL (GMSFHM);
CREATE INDEX I_ZAWF ON ZAWF_JL (GMSFHM);
";

pub(crate) fn fill(transaction: &Transaction<'_>, population: &Population) -> rusqlite::Result<()> {
    let mut chance = Chance::seeded(2);
    let mut resident = transaction.prepare("INSERT INTO CZRK_JBXX VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)")?;
    let mut crime = transaction.prepare("INSERT INTO WFFZ_JL VALUES (?1,?2,?3,?4)")?;
    let mut offence = transaction.prepare("INSERT INTO ZAWF_JL VALUES (?1,?2,?3)")?;
    known_people(&mut resident)?;
    crime.execute(params![cases::CONVICTED.number, "1", "20190412", "0"])?;
    // Convicted as a minor; the record is sealed and reads as none (Criminal Procedure Law, article 286).
    crime.execute(params![cases::SEALED.number, "1", "20140920", "1"])?;
    for person in &population.persons {
        let state = match chance.below(200) {
            0..=1 => "2",
            2 => "4",
            3..=4 => "5",
            5..=6 if person.is_adult() => "3",
            _ => "1",
        };
        insert(&mut resident, &mut chance, person, state)?;
        if person.is_adult() && chance.one_in(250) {
            let sealed = if chance.one_in(10) { "1" } else { "0" };
            let sentenced = chance.day(date(2005, 1, 1), 7_500).strftime("%Y%m%d").to_string();
            crime.execute(params![person.number, "1", sentenced, sealed])?;
        }
        if person.is_adult() && chance.one_in(120) {
            let punished = chance.day(date(2010, 1, 1), 6_000).strftime("%Y%m%d").to_string();
            offence.execute(params![person.number, punished, "样例市公安局"])?;
        }
    }
    Ok(())
}

fn insert(statement: &mut Statement<'_>, chance: &mut Chance, person: &Person, state: &str) -> rusqlite::Result<()> {
    let issued = chance.day(date(2017, 1, 1), 3_500).max(person.birth);
    statement.execute(params![
        person.number,
        person.document,
        person.name,
        if person.male { "1" } else { "2" },
        person.is_citizen().then_some(person.ethnicity),
        person.birth.strftime("%Y%m%d").to_string(),
        format!("样例市样例路{}号", 1 + chance.below(500)),
        "样例市公安局",
        issued.strftime("%Y%m%d").to_string(),
        valid_to(person.birth, issued),
        state,
    ])?;
    Ok(())
}

/// Five years for minors, ten up to 25, twenty up to 45, then without end (Identity Card Law, article 5).
fn valid_to(birth: Date, issued: Date) -> String {
    let years = match issued.year() - birth.year() {
        ..16 => 5,
        16..=25 => 10,
        26..=45 => 20,
        _ => return "长期".into(),
    };
    term_end(issued, years).strftime("%Y%m%d").to_string()
}

fn known_people(statement: &mut Statement<'_>) -> rusqlite::Result<()> {
    let rows = [
        (cases::RESIDENT, "111", "01", "1"),
        (cases::HUSBAND, "111", "01", "1"),
        (cases::WIFE, "111", "01", "1"),
        (cases::MINORITY_NAME, "111", "05", "1"),
        (cases::RARE_NAME, "111", "01", "1"),
        (cases::OLD_CODE, "111", "01", "1"),
        (cases::DECEASED, "111", "01", "3"),
        (cases::LOST_CARD, "111", "01", "2"),
        (cases::CHILD, "111", "01", "1"),
        (cases::CONVICTED, "111", "01", "1"),
        (cases::SEALED, "111", "01", "1"),
        (cases::DIVORCED, "111", "01", "1"),
        (cases::ON_ALLOWANCE, "111", "01", "1"),
        (cases::HONG_KONG_RESIDENT, "551", "", "1"),
        (cases::PERMANENT_RESIDENT, "553", "", "1"),
    ];
    for (who, document, ethnicity, state) in rows {
        // The date of birth and the order number (odd for men) stand at the same places in all three kinds.
        let birth = &who.number[6..14];
        let sex = if who.number.as_bytes()[16] % 2 == 1 { "1" } else { "2" };
        let ethnicity = (!ethnicity.is_empty()).then_some(ethnicity);
        let (from, to) = match birth {
            born if born < "19800101" => ("20180301", "长期"),
            born if born < "20080101" => ("20180301", "20380228"),
            _ => ("20240301", "20290228"),
        };
        statement.execute(params![
            who.number,
            document,
            who.name,
            sex,
            ethnicity,
            birth,
            "样例市渝中区样例路1号",
            "样例市公安局",
            from,
            to,
            state,
        ])?;
    }
    Ok(())
}
