//! 民政: lower-case columns, states in words, dates as `yyyy年M月d日` in one table and `yyyy-MM-dd` in the next.

use jiff::civil::{Date, date};
use rusqlite::{Statement, Transaction, params};

use crate::sample::cases;
use crate::sample::chance::{Chance, later, term_end};
use crate::sample::population::{Body, Organisation, Population, UPDATED_ON};

pub(crate) const TABLES: &str = "
CREATE TABLE hydj (zsbh TEXT NOT NULL, nan_xm TEXT NOT NULL, nan_sfzh TEXT NOT NULL, nv_xm TEXT NOT NULL, nv_sfzh TEXT NOT NULL,
  djrq TEXT NOT NULL, djjg TEXT NOT NULL, zt TEXT NOT NULL);
CREATE TABLE shjz_dx (sfzh TEXT NOT NULL, xm TEXT NOT NULL, dxlb TEXT NOT NULL, qsrq TEXT NOT NULL, jzrq TEXT, zt TEXT NOT NULL);
CREATE TABLE shzz (tyshxydm TEXT NOT NULL, mc TEXT NOT NULL, lx TEXT NOT NULL, fddbr TEXT, ywfw TEXT, yxqq TEXT, yxqz TEXT, zt TEXT NOT NULL);
CREATE TABLE gxsj (bm TEXT PRIMARY KEY, sj TEXT NOT NULL);
INSERT INTO gxsj VALUES ('hydj', '2026-10-31 18:00:00'), ('shjz_dx', '2026-10-01 03:00:00'), ('shzz', '2026-10-31 02:00:00');
";
pub(crate) const INDEXES: &str = "
CREATE INDEX i_hydj_nan ON hydj (nan_sfzh);
CREATE INDEX i_hydj_nv ON hydj (nv_sfzh);
CREATE INDEX i_shjz ON shjz_dx (sfzh);
CREATE INDEX i_shzz ON shzz (tyshxydm);
";

pub(crate) fn fill(transaction: &Transaction<'_>, population: &Population) -> rusqlite::Result<()> {
    let mut chance = Chance::seeded(3);
    marriages(&mut transaction.prepare("INSERT INTO hydj VALUES (?1,?2,?3,?4,?5,?6,?7,?8)")?, &mut chance, population)?;
    allowances(&mut transaction.prepare("INSERT INTO shjz_dx VALUES (?1,?2,?3,?4,?5,?6)")?, &mut chance, population)?;
    let mut registered = transaction.prepare("INSERT INTO shzz VALUES (?1,?2,?3,?4,?5,?6,?7,?8)")?;
    known_organisations(&mut registered)?;
    for organisation in population.organisations.iter().filter(|organisation| !organisation.body.is_business()) {
        register(&mut registered, &mut chance, organisation)?;
    }
    Ok(())
}

fn marriages(statement: &mut Statement<'_>, chance: &mut Chance, population: &Population) -> rusqlite::Result<()> {
    let known = [
        ("J500103-2012-000001", cases::HUSBAND, cases::WIFE, "2012年5月20日", "有效"),
        ("J500103-2010-000002", cases::DIVORCED, cases::FORMER_WIFE, "2010年3月8日", "离婚"),
        ("J500103-2016-000003", cases::LOST_CARD, cases::OTHER_WIFE, "2016年8月1日", "撤销"),
    ];
    for (number, husband, wife, on, state) in known {
        statement.execute(params![
            number,
            husband.name,
            husband.number,
            wife.name,
            wife.number,
            on,
            "样例市渝中区民政局",
            state
        ])?;
    }
    let single = |male: bool| {
        (population.persons.iter())
            .filter(move |person| person.male == male && person.is_adult() && person.is_citizen())
    };
    for (index, (husband, wife)) in single(true).zip(single(false)).enumerate() {
        // Two in three are married, or were.
        if index % 3 == 0 {
            continue;
        }
        let of_age = husband.birth.max(wife.birth).saturating_add(jiff::Span::new().years(20));
        let on = later(of_age, chance.below(4_000) as i64).min(UPDATED_ON);
        // Registers of before 2004 were on paper, and half of them never reached the database.
        if on < date(2004, 1, 1) && index % 2 == 0 {
            continue;
        }
        let state = match chance.below(100) {
            0..=79 => "有效",
            80..=97 => "离婚",
            98 => "宣告无效",
            _ => "撤销",
        };
        statement.execute(params![
            format!("J500103-{}-{:06}", on.year(), index + 100),
            husband.name,
            husband.number,
            wife.name,
            wife.number,
            in_words(on),
            "样例市渝中区民政局",
            state,
        ])?;
    }
    Ok(())
}

fn in_words(on: Date) -> String {
    format!("{}年{}月{}日", on.year(), on.month(), on.day())
}

fn allowances(statement: &mut Statement<'_>, chance: &mut Chance, population: &Population) -> rusqlite::Result<()> {
    let who = cases::ON_ALLOWANCE;
    statement.execute(params![who.number, who.name, "城市低保", "2025-01-01", "9999-12-31", "在保"])?;
    let who = cases::HUSBAND;
    statement.execute(params![who.number, who.name, "城市低保", "2015-04-01", "2018-03-31", "退保"])?;
    for person in population.persons.iter().filter(|person| person.is_citizen()) {
        if !chance.one_in(25) {
            continue;
        }
        let from = chance.day(date(2016, 1, 1), 3_800).max(person.birth);
        let (until, state) = match chance.below(10) {
            0..=6 => ("9999-12-31".to_owned(), "在保"),
            7 => (String::new(), "停发"),
            8 => (term_end(from, 2).to_string(), "退保"),
            _ => (term_end(from, 1).to_string(), "在保"),
        };
        let kind = *chance.pick(&["城市低保", "农村低保", "特困供养"]);
        statement.execute(params![person.number, person.name, kind, from.to_string(), until, state])?;
    }
    Ok(())
}

fn register(statement: &mut Statement<'_>, chance: &mut Chance, organisation: &Organisation) -> rusqlite::Result<()> {
    let kind = match organisation.body {
        Body::Association => "社会团体",
        Body::Foundation => "基金会",
        _ => "民办非企业单位",
    };
    let from = chance.day(date(2021, 1, 1), 2_000);
    let state = match chance.below(20) {
        0 => "注销",
        1 => "撤销",
        2 => "限期停止活动",
        _ => "正常",
    };
    statement.execute(params![
        organisation.code,
        organisation.name,
        kind,
        organisation.head,
        "行业交流、咨询服务、公益活动",
        from.to_string(),
        term_end(from, 5).to_string(),
        state,
    ])?;
    Ok(())
}

fn known_organisations(statement: &mut Statement<'_>) -> rusqlite::Result<()> {
    let rows = [
        (cases::CARE_HOME, "民办非企业单位", "养老服务、康复护理", "2025-03-01", "2030-02-28", "正常"),
        (cases::RESCINDED_ASSOCIATION, "社会团体", "行业交流", "2022-01-01", "2026-12-31", "撤销"),
    ];
    for (who, kind, scope, from, until, state) in rows {
        statement.execute(params![who.number, who.name, kind, "李样安", scope, from, until, state])?;
    }
    Ok(())
}
