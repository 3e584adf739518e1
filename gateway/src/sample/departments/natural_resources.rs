//! 不动产登记: co-owners joined with commas in one column, flags for mortgage and seizure, land terms in years.

use jiff::civil::date;
use rusqlite::{Statement, Transaction, params};

use crate::sample::cases;
use crate::sample::chance::{Chance, term_end};
use crate::sample::population::Population;

pub(crate) const TABLES: &str = "
CREATE TABLE BDC_QZ (BDCQZH TEXT NOT NULL, BDCDYH TEXT NOT NULL, QLR TEXT NOT NULL, QLRZJH TEXT NOT NULL, GYQK TEXT NOT NULL, ZL TEXT NOT NULL,
  QLLX TEXT NOT NULL, YT TEXT NOT NULL, MJ INTEGER, DJSJ TEXT NOT NULL, TDJSSJ TEXT, QSZT TEXT NOT NULL, SFDY INTEGER NOT NULL DEFAULT 0,
  SFCF INTEGER NOT NULL DEFAULT 0, SFYY INTEGER NOT NULL DEFAULT 0);
CREATE TABLE BDC_QLR (BDCQZH TEXT NOT NULL, ZJH TEXT NOT NULL);
CREATE TABLE BDC_GXSJ (GXSJ TEXT NOT NULL);
INSERT INTO BDC_GXSJ VALUES ('2026-10-31 20:00:00');
";
pub(crate) const INDEXES: &str = "
CREATE INDEX I_QLR ON BDC_QLR (ZJH);
CREATE INDEX I_QZ ON BDC_QZ (BDCQZH);
";

/// A certificate; the rest of its row follows from the serial.
struct Certificate<'r> {
    serial: usize,
    /// Number and name of each owner.
    owners: Vec<(&'r str, &'r str)>,
    use_code: &'r str,
    /// In hundredths of a square metre.
    area: Option<i64>,
    state: &'r str,
    seized: bool,
}

pub(crate) fn fill(transaction: &Transaction<'_>, population: &Population) -> rusqlite::Result<()> {
    let mut chance = Chance::seeded(4);
    let mut certificate =
        transaction.prepare("INSERT INTO BDC_QZ VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)")?;
    let mut owner = transaction.prepare("INSERT INTO BDC_QLR VALUES (?1,?2)")?;
    for known in known_certificates() {
        insert(&mut certificate, &mut owner, &mut chance, &known)?;
    }
    let adults: Vec<_> = population.persons.iter().filter(|person| person.is_adult()).collect();
    for (serial, person) in adults.iter().enumerate() {
        if !chance.one_in(3) {
            continue;
        }
        let mut owners = vec![(person.number.as_str(), person.name.as_str())];
        for _ in 0..*chance.pick(&[0, 0, 1, 2]) {
            let other = *chance.pick(&adults);
            if owners.iter().all(|(number, _)| *number != other.number) {
                owners.push((&other.number, &other.name));
            }
        }
        let state = match chance.below(20) {
            0..=1 => "历史",
            2 => "换证",
            3 if chance.one_in(4) => "更正作废",
            _ => "现势",
        };
        let use_code = *chance.pick(&["10", "10", "10", "20", "30", "80"]);
        // Old deeds have no measured area.
        let area = (!chance.one_in(15)).then(|| 3_000 + chance.below(18_000) as i64);
        let seized = chance.one_in(50);
        let known = Certificate { serial: serial + 100, owners, use_code, area, state, seized };
        insert(&mut certificate, &mut owner, &mut chance, &known)?;
    }
    Ok(())
}

fn insert(
    certificate: &mut Statement<'_>,
    owner: &mut Statement<'_>,
    chance: &mut Chance,
    row: &Certificate<'_>,
) -> rusqlite::Result<()> {
    let registered = if row.serial < 100 { date(2019, 6, 3) } else { chance.day(date(2016, 3, 1), 3_800) };
    let number = format!("渝（{}）渝中区不动产权第{:09}号", registered.year(), row.serial);
    let numbers: Vec<&str> = row.owners.iter().map(|(number, _)| *number).collect();
    let names: Vec<&str> = row.owners.iter().map(|(_, name)| *name).collect();
    let land_until =
        if row.use_code == "80" { None } else { Some(term_end(registered, 70).strftime("%Y%m%d").to_string()) };
    for number_of_owner in &numbers {
        owner.execute(params![number, number_of_owner])?;
    }
    certificate.execute(params![
        number,
        // 19 characters of the parcel and 9 of the building: 28 in all.
        format!("500103001001GB{:05}F{:08}", row.serial % 100_000, row.serial),
        names.join(","),
        numbers.join(","),
        if names.len() > 1 { "1" } else { "0" },
        format!("样例市渝中区样例路{}号", 1 + row.serial % 400),
        "4",
        row.use_code,
        row.area,
        registered.strftime("%Y%m%d").to_string(),
        land_until,
        row.state,
        i64::from(row.serial % 4 == 1),
        i64::from(row.seized),
        i64::from(row.serial % 97 == 1),
    ])?;
    Ok(())
}

fn known_certificates() -> Vec<Certificate<'static>> {
    let one = |serial, owners: &[cases::Subject], use_code, state, seized| Certificate {
        serial,
        owners: owners.iter().map(|who| (who.number, who.name)).collect(),
        use_code,
        area: Some(8_953),
        state,
        seized,
    };
    vec![
        one(1, &[cases::HUSBAND, cases::WIFE], "10", "现势", false),
        one(2, &[cases::DIVORCED], "10", "历史", false),
        one(3, &[cases::OLD_CODE], "10", "现势", false),
        one(4, &[cases::OLD_CODE], "20", "现势", true),
        one(5, &[cases::RESIDENT], "10", "换证", false),
        one(6, &[cases::RESTAURANT], "30", "现势", false),
        one(7, &[cases::CONVICTED], "10", "更正作废", false),
    ]
}
