//! The invented people and organisations of the city. Every personal name carries 样 or 例 and every organisation 样例,
//! so that nobody takes them for real, and a search for them in logs finds nothing else.

use std::collections::HashSet;

use jiff::civil::{Date, date};

use super::chance::{Chance, later};

/// How many people are generated, beside the well-known ones of the cases.
pub(super) const PERSONS: usize = 20_000;
/// How many organisations are generated, beside the well-known ones of the cases.
pub(super) const ORGANISATIONS: usize = 5_000;
/// The day on which the departments' databases were last updated.
pub(super) const UPDATED_ON: Date = date(2026, 10, 31);

/// An invented person.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) number: String,
    pub(super) name: String,
    pub(super) male: bool,
    pub(super) birth: Date,
    /// GB/T 3304 code of the ethnic group.
    pub(super) ethnicity: &'static str,
    /// Which document the number is of: a code of GB/T 36903 Annex A or, beyond it, of the department's own.
    pub(super) document: &'static str,
}

impl Person {
    /// Whether the person had come of age by the day of the sample.
    pub(super) fn is_adult(&self) -> bool {
        self.birth.saturating_add(jiff::Span::new().years(18)) <= UPDATED_ON
    }

    /// Whether the person is a citizen, and so has a household register and a social security number.
    pub(super) fn is_citizen(&self) -> bool {
        self.document == "111"
    }
}

/// What kind of body an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Company,
    Household,
    Cooperative,
    Association,
    Nonprofit,
    Foundation,
}

impl Body {
    /// Whether it has a business licence; otherwise civil affairs registered it.
    pub(super) fn is_business(self) -> bool {
        matches!(self, Self::Company | Self::Household | Self::Cooperative)
    }
}

/// An invented organisation.
#[derive(Debug)]
pub(super) struct Organisation {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) body: Body,
    pub(super) head: String,
    pub(super) address: String,
    pub(super) founded: Date,
    pub(super) trade: &'static Trade,
}

/// A line of business.
#[derive(Debug)]
pub(super) struct Trade {
    pub(super) word: &'static str,
    pub(super) scope: &'static str,
    pub(super) kind: TradeKind,
}

/// Which licences a line of business needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TradeKind {
    Food,
    Freight,
    Building,
    Other,
}

/// Everybody.
#[derive(Debug)]
pub(super) struct Population {
    pub(super) persons: Vec<Person>,
    pub(super) organisations: Vec<Organisation>,
}

impl Population {
    /// The people and organisations that `seed` gives.
    pub(super) fn generate(seed: u64) -> Self {
        let mut chance = Chance::seeded(seed);
        let persons = persons(&mut chance);
        let organisations = organisations(&mut chance, &persons);
        Self { persons, organisations }
    }
}

/// Current districts and counties, and the two that were abolished in 2025 but live on in numbers.
const DIVISIONS: [(&str, &str); 16] = [
    ("500101", "万州区"),
    ("500102", "涪陵区"),
    ("500103", "渝中区"),
    ("500105", "江北区"),
    ("500106", "沙坪坝区"),
    ("500107", "九龙坡区"),
    ("500108", "南岸区"),
    ("500112", "渝北区"),
    ("500113", "巴南区"),
    ("500118", "永川区"),
    ("500151", "铜梁区"),
    ("500155", "梁平区"),
    ("500229", "城口县"),
    ("500235", "云阳县"),
    ("500240", "石柱土家族自治县"),
    ("500241", "秀山土家族苗族自治县"),
];
/// Codes of Sichuan under which people were registered before 1997.
const OLD_DIVISIONS: [&str; 8] = ["510202", "510211", "510222", "512201", "512223", "512301", "513521", "513522"];
const STREETS: [&str; 8] = ["样例路", "山城路", "桂花路", "滨江路", "石板街", "梧桐街", "青年路", "样板街"];
const SURNAMES: [&str; 24] = [
    "李", "王", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗", "梁", "宋", "欧阳", "冉",
];
const GIVEN: [&str; 24] = [
    "宁", "安", "和", "平", "川", "雨", "晴", "山", "江", "文", "书", "明", "远", "清", "竹", "松", "云", "禾", "舟",
    "亭", "岚", "溪", "朗", "真",
];
/// Rare characters, some outside the basic plane, that departments write in different ways.
const RARE: [&str; 4] = ["䶮", "𬭊", "𫖯", "㛃"];
const MINORITY: [&str; 6] = ["阿依", "买买提", "古丽", "扎西", "吉克", "木呷"];
const TRADES: [Trade; 7] = [
    Trade { word: "餐饮", scope: "餐饮服务；食品销售", kind: TradeKind::Food },
    Trade { word: "食品", scope: "食品销售；农副产品销售", kind: TradeKind::Food },
    Trade { word: "物流", scope: "道路货物运输；仓储服务", kind: TradeKind::Freight },
    Trade { word: "建筑工程", scope: "建设工程施工；建筑劳务分包", kind: TradeKind::Building },
    Trade { word: "科技", scope: "软件开发；信息系统集成服务", kind: TradeKind::Other },
    Trade { word: "商贸", scope: "日用百货销售；五金产品零售", kind: TradeKind::Other },
    Trade { word: "文化", scope: "组织文化艺术交流活动；会议及展览服务", kind: TradeKind::Other },
];

fn persons(chance: &mut Chance) -> Vec<Person> {
    let mut taken = HashSet::new();
    let mut persons = Vec::with_capacity(PERSONS);
    while persons.len() < PERSONS {
        let person = person(chance, persons.len());
        if taken.insert(person.number.clone()) {
            persons.push(person);
        }
    }
    persons
}

fn person(chance: &mut Chance, index: usize) -> Person {
    let male = chance.one_in(2);
    let birth = chance.day(date(1938, 1, 1), 32_300);
    // The orders 996 to 999 are kept for people of a hundred years: with younger birth dates they name nobody real.
    let order = if male { *chance.pick(&["997", "999"]) } else { *chance.pick(&["996", "998"]) };
    let (document, place) = match index % 200 {
        17 => ("551", *chance.pick(&["810000", "820000", "830000"])),
        43 => ("553", *chance.pick(&["950840", "950392", "950276"])),
        _ if birth < date(1997, 6, 18) && chance.one_in(3) => ("111", *chance.pick(&OLD_DIVISIONS)),
        _ => ("111", chance.pick(&DIVISIONS).0),
    };
    let minority = document == "111" && chance.one_in(40);
    let name = if minority {
        format!("{}·样例{}", chance.pick(&MINORITY), chance.pick(&GIVEN))
    } else if chance.one_in(200) {
        format!("{}样{}", chance.pick(&SURNAMES), chance.pick(&RARE))
    } else {
        format!("{}{}{}", chance.pick(&SURNAMES), chance.pick(&["样", "例"]), chance.pick(&GIVEN))
    };
    let ethnicity = if minority { *chance.pick(&["05", "15", "04", "07"]) } else { "01" };
    let number = checked_person(&format!("{place}{}{order}", birth.strftime("%Y%m%d")));
    Person { number, name, male, birth, ethnicity, document }
}

fn organisations(chance: &mut Chance, persons: &[Person]) -> Vec<Organisation> {
    let adults: Vec<&Person> = persons.iter().filter(|person| person.is_adult()).collect();
    (0..ORGANISATIONS).map(|index| organisation(chance, index, &adults)).collect()
}

fn organisation(chance: &mut Chance, index: usize, adults: &[&Person]) -> Organisation {
    let (head, suffix, body) = match index % 20 {
        0 => ("51", "协会", Body::Association),
        1 => ("52", "服务中心", Body::Nonprofit),
        2 if index % 100 == 2 => ("53", "基金会", Body::Foundation),
        2..=5 => ("92", "店", Body::Household),
        6 => ("93", "专业合作社", Body::Cooperative),
        _ => ("91", "有限公司", Body::Company),
    };
    let trade = chance.pick(&TRADES);
    let (division, place) = *chance.pick(&DIVISIONS);
    let registry = if body.is_business() { "MA" } else { "MJ" };
    // The first hundred bodies are left to the cases.
    let code = checked_organisation(&format!("{head}{division}{registry}{:06}", index + 100));
    let name = format!("样例{}{}{}{suffix}", chance.pick(&GIVEN), chance.pick(&GIVEN), trade.word);
    let address = format!("样例市{place}{}{}号", chance.pick(&STREETS), 1 + chance.below(300));
    let founded = later(date(1998, 1, 5), chance.below(9_900) as i64);
    Organisation { code, name, body, head: chance.pick(adults).name.clone(), address, founded, trade }
}

/// A citizen number from its first 17 digits, with its check character (GB 11643-1999).
pub(super) fn checked_person(digits: &str) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{digits}{}", char::from(b"10X98765432"[(sum % 11) as usize]))
}

/// A unified social credit code from its first 16 characters, with both check characters (GB 11714, GB 32100-2015).
fn checked_organisation(head: &str) -> String {
    const BODY_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    const CHARSET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let body: u32 =
        (head[8..].chars().zip(BODY_WEIGHTS)).filter_map(|(c, weight)| Some(c.to_digit(36)? * weight)).sum();
    let body_check = match 11 - body % 11 {
        11 => '0',
        10 => 'X',
        digit => char::from(b'0' + digit as u8),
    };
    let body = format!("{head}{body_check}");
    let value = |b: u8| CHARSET.iter().position(|&c| c == b);
    let sum: usize = body.bytes().zip(WEIGHTS).filter_map(|(b, weight)| Some(value(b)? * weight)).sum();
    format!("{body}{}", char::from(CHARSET[(31 - sum % 31) % 31]))
}
