//! 人力资源社会保障: the field codes of its core system (AAC002, AAE140 …), one row per person and insurance, a code table.

use jiff::civil::date;
use rusqlite::{Transaction, params};

use crate::sample::cases;
use crate::sample::chance::Chance;
use crate::sample::population::Population;

pub(crate) const TABLES: &str = "
CREATE TABLE AC01 (AAC001 INTEGER PRIMARY KEY, AAC002 TEXT NOT NULL, AAC003 TEXT NOT NULL, AAB004 TEXT, AAC008 TEXT NOT NULL, AAE030 TEXT NOT NULL);
CREATE TABLE AC02 (AAC001 INTEGER NOT NULL, AAE140 TEXT NOT NULL, AAC031 TEXT NOT NULL, AAE201 INTEGER NOT NULL);
CREATE TABLE AA10 (AAA100 TEXT NOT NULL, AAA102 TEXT NOT NULL, AAA103 TEXT NOT NULL);
CREATE TABLE AE_LOG (AAE036 TEXT NOT NULL);
INSERT INTO AA10 VALUES ('AAE140', '110', '企业职工基本养老保险'), ('AAE140', '210', '失业保险'), ('AAE140', '410', '工伤保险');
INSERT INTO AE_LOG VALUES ('2026-10-05 01:00:00');
";
pub(crate) const INDEXES: &str = "
CREATE INDEX I_AC01 ON AC01 (AAC002);
CREATE INDEX I_AC02 ON AC02 (AAC001);
";

pub(crate) fn fill(transaction: &Transaction<'_>, population: &Population) -> rusqlite::Result<()> {
    let mut chance = Chance::seeded(7);
    let mut insured = transaction.prepare("INSERT INTO AC01 VALUES (?1,?2,?3,?4,?5,?6)")?;
    let mut insurance = transaction.prepare("INSERT INTO AC02 VALUES (?1,?2,?3,?4)")?;
    let known = [
        (1, cases::RESIDENT, "1", 38),
        (2, cases::HUSBAND, "2", 96),
        (3, cases::DECEASED, "4", 360),
        (4, cases::MINORITY_NAME, "1", 11),
    ];
    for (id, who, state, months) in known {
        insured.execute(params![id, who.number, who.name, cases::SOFTWARE_HOUSE.name, state, "20180101"])?;
        for kind in ["110", "210", "410"] {
            insurance.execute(params![id, kind, state, months])?;
        }
    }
    // Written before Unicode had a place for 䶮: the private one of the first GB 18030.
    let old_form = cases::RARE_NAME.name.replace('䶮', "\u{E863}");
    insured.execute(params![5, cases::RARE_NAME.number, old_form, cases::SOFTWARE_HOUSE.name, "1", "20180101"])?;
    insurance.execute(params![5, "110", "1", 60])?;
    for (id, person) in (100_i64..).zip(&population.persons) {
        if !person.is_adult() || person.birth.year() < 1955 || chance.one_in(4) {
            continue;
        }
        let state = *chance.pick(&["1", "1", "1", "1", "1", "1", "1", "2", "2", "4"]);
        let employer = &chance.pick(&population.organisations).name;
        // Those who pay for themselves have no employer, and pension insurance alone.
        let alone = chance.one_in(6);
        let since = chance.day(date(2008, 1, 1), 6_600).strftime("%Y%m%d").to_string();
        insured.execute(params![id, person.number, person.name, (!alone).then_some(employer), state, since])?;
        let months = 1 + chance.below(220) as i64;
        insurance.execute(params![id, "110", state, months])?;
        if !alone {
            insurance.execute(params![id, "210", state, months])?;
            insurance.execute(params![id, "410", state, months])?;
        }
    }
    Ok(())
}
