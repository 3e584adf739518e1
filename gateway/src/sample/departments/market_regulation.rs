//! 市场监管: pinyin abbreviations in capitals, `yyyyMMdd`, 长期, a register that grew over twenty years.

use jiff::civil::{Date, date};
use rusqlite::{Statement, Transaction, params};

use crate::sample::cases;
use crate::sample::chance::{Chance, later, term_end};
use crate::sample::population::{Body, Organisation, Population, TradeKind, UPDATED_ON};

pub(crate) const TABLES: &str = "
CREATE TABLE QYDJ_JBXX (TYSHXYDM TEXT NOT NULL, QYMC TEXT NOT NULL, FDDBRXM TEXT, QYLX TEXT NOT NULL, ZCZB_WY INTEGER, ZS TEXT,
  JYFW TEXT, DJJG TEXT, CLRQ TEXT, YYQX_Z TEXT, ZT TEXT NOT NULL, JYYC TEXT NOT NULL DEFAULT '0');
CREATE TABLE SPJY_XKZ (XKZBH TEXT NOT NULL, TYSHXYDM TEXT NOT NULL, JYZMC TEXT, ZTYT TEXT, JYXM TEXT, JYCS TEXT, FZRQ TEXT, YXQZ TEXT,
  XKZT TEXT NOT NULL, YXSQ TEXT NOT NULL DEFAULT 'N');
CREATE TABLE SJJ_GXSJ (SJJ TEXT PRIMARY KEY, GXSJ TEXT NOT NULL);
INSERT INTO SJJ_GXSJ VALUES ('QYDJ', '2026-10-31 22:30:00'), ('SPJY', '2026-10-31 22:45:00');
";
pub(crate) const INDEXES: &str = "
CREATE INDEX I_QYDJ ON QYDJ_JBXX (TYSHXYDM);
CREATE INDEX I_SPJY ON SPJY_XKZ (TYSHXYDM);
";

/// A row of the licence table.
struct FoodLicence<'r> {
    serial: u32,
    code: &'r str,
    name: &'r str,
    items: &'r str,
    from: Date,
    state: &'r str,
    renewal_pending: bool,
}

pub(crate) fn fill(transaction: &Transaction<'_>, population: &Population) -> rusqlite::Result<()> {
    let mut chance = Chance::seeded(1);
    let mut registered =
        transaction.prepare("INSERT INTO QYDJ_JBXX VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)")?;
    let mut licensed = transaction.prepare("INSERT INTO SPJY_XKZ VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)")?;
    known_businesses(&mut registered)?;
    known_licences(&mut licensed)?;
    for (index, organisation) in population.organisations.iter().enumerate() {
        if !organisation.body.is_business() {
            continue;
        }
        register(&mut registered, &mut chance, organisation)?;
        if organisation.trade.kind == TradeKind::Food {
            license(&mut licensed, &mut chance, organisation, index as u32 + 100)?;
        }
    }
    Ok(())
}

fn register(statement: &mut Statement<'_>, chance: &mut Chance, organisation: &Organisation) -> rusqlite::Result<()> {
    let kind = match organisation.body {
        Body::Household => "9500",
        Body::Cooperative => "9100",
        _ => *chance.pick(&["1100", "1130", "1151", "1219"]),
    };
    let state = match chance.below(100) {
        0..=84 => "1",
        85..=87 => "2",
        88..=90 => "3",
        91..=97 => "4",
        98 => "5",
        _ => "6",
    };
    // No term, a term in words, in nines or in figures: four ways to say how long a business may run.
    let until = match chance.below(4) {
        0 => Some("长期".to_owned()),
        1 => Some("99991231".to_owned()),
        2 => Some(String::new()),
        _ => Some(term_end(organisation.founded, 50).strftime("%Y%m%d").to_string()),
    };
    let capital = (kind != "9500").then(|| 10 * (1 + chance.below(500)) as i64);
    statement.execute(params![
        organisation.code,
        organisation.name,
        organisation.head,
        kind,
        capital,
        organisation.address,
        organisation.trade.scope,
        "样例市市场监督管理局",
        organisation.founded.strftime("%Y%m%d").to_string(),
        until,
        state,
        if chance.one_in(30) { "1" } else { "0" },
    ])?;
    Ok(())
}

fn license(
    statement: &mut Statement<'_>,
    chance: &mut Chance,
    organisation: &Organisation,
    serial: u32,
) -> rusqlite::Result<()> {
    let from = chance.day(date(2021, 1, 1), 2_100);
    let items = *chance.pick(&[
        "热食类食品制售",
        "热食类食品制售,冷食类食品制售",
        "预包装食品销售,散装食品销售",
        "热食类食品制售，自制饮品制售", // A full-width comma, as clerks type it.
    ]);
    let renewal_pending = term_end(from, 5) < later(UPDATED_ON, 30) && chance.one_in(3);
    let state = match chance.below(100) {
        0..=85 => "有效",
        86..=89 => "注销",
        90..=91 => "撤销",
        92..=93 => "吊销",
        94..=95 => "撤回",
        96..=97 => "换发",
        98 => "作废",
        _ => "待生效",
    };
    insert(
        statement,
        &FoodLicence {
            serial,
            code: &organisation.code,
            name: &organisation.name,
            items,
            from,
            state,
            renewal_pending,
        },
    )
}

fn insert(statement: &mut Statement<'_>, licence: &FoodLicence<'_>) -> rusqlite::Result<()> {
    statement.execute(params![
        licence_number(licence.serial),
        licence.code,
        licence.name,
        "餐饮服务经营者",
        licence.items,
        "样例市样例路1号",
        licence.from.strftime("%Y%m%d").to_string(),
        term_end(licence.from, 5).strftime("%Y%m%d").to_string(),
        licence.state,
        if licence.renewal_pending { "Y" } else { "N" },
    ])?;
    Ok(())
}

/// JY, one digit of the kind of business, six of the place, six in order, one check digit (ISO 7064 MOD 11,10).
fn licence_number(serial: u32) -> String {
    let digits = format!("2500103{serial:06}");
    let product = digits.bytes().fold(10, |product, digit| {
        let sum = (product + u32::from(digit - b'0')) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    format!("JY{digits}{}", (11 - product) % 10)
}

fn known_businesses(statement: &mut Statement<'_>) -> rusqlite::Result<()> {
    let rows = [
        (cases::RESTAURANT, "1100", "餐饮服务；食品销售", "1"),
        (cases::CLOSED_RESTAURANT, "1130", "餐饮服务", "4"),
        (cases::LAPSED_RESTAURANT, "1130", "餐饮服务", "1"),
        (cases::TWO_BRANCHES, "1219", "餐饮服务；食品销售", "1"),
        (cases::RENEWING_RESTAURANT, "1130", "餐饮服务", "1"),
        (cases::FUTURE_RESTAURANT, "1130", "餐饮服务", "1"),
        (cases::BUILDER, "1100", "建设工程施工；建筑劳务分包", "1"),
        (cases::SOFTWARE_HOUSE, "1151", "软件开发；信息系统集成服务", "1"),
        (cases::HAULIER, "1100", "道路货物运输；仓储服务", "1"),
        (cases::REVOKED_TRADER, "1130", "日用百货销售", "3"),
        (cases::NOODLE_STALL, "9500", "餐饮服务", "1"),
    ];
    for (who, kind, scope, state) in rows {
        let capital = (kind != "9500").then_some(500);
        statement.execute(params![
            who.number,
            who.name,
            "王样文",
            kind,
            capital,
            "样例市渝中区样例路1号",
            scope,
            "样例市市场监督管理局",
            "20200605",
            "长期",
            state,
            "0",
        ])?;
    }
    Ok(())
}

fn known_licences(statement: &mut Statement<'_>) -> rusqlite::Result<()> {
    let hot = "热食类食品制售,冷食类食品制售";
    let rows = [
        (cases::RESTAURANT, 1, date(2025, 6, 1), "有效", false),
        (cases::CLOSED_RESTAURANT, 2, date(2024, 3, 1), "注销", false),
        (cases::LAPSED_RESTAURANT, 3, date(2020, 5, 1), "有效", false),
        (cases::TWO_BRANCHES, 4, date(2025, 1, 15), "有效", false),
        (cases::TWO_BRANCHES, 5, date(2025, 9, 15), "有效", false),
        // Ended on 2026-10-31; the application to renew came in time and is undecided.
        (cases::RENEWING_RESTAURANT, 6, date(2021, 11, 1), "有效", true),
        (cases::FUTURE_RESTAURANT, 7, date(2026, 10, 1), "待生效", false),
        (cases::NOODLE_STALL, 8, date(2023, 2, 1), "撤回", false),
        (cases::REVOKED_TRADER, 9, date(2023, 2, 1), "吊销", false),
    ];
    for (who, serial, from, state, renewal_pending) in rows {
        insert(
            statement,
            &FoodLicence { serial, code: who.number, name: who.name, items: hot, from, state, renewal_pending },
        )?;
    }
    Ok(())
}
