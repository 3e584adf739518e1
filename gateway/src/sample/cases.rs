//! The well-known subjects of the sample city and questions about them. Everything is invented; check digits are valid.

mod further;
mod questions;

use heyan_proto::identifier::SubjectKind;
use heyan_proto::vocabulary::{ClaimOutcome, Localized, Operator, ResultState, UndeterminedCause};

pub use further::FURTHER_CASES;
pub use questions::CASES;

/// A person or an organisation that is in the city's databases, or deliberately in none.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// The kind of its number.
    pub kind: SubjectKind,
    /// Its number.
    pub number: &'static str,
    /// Its name, as most departments write it.
    pub name: &'static str,
}

const fn citizen(number: &'static str, name: &'static str) -> Subject {
    Subject { kind: SubjectKind::CitizenNumber, number, name }
}

const fn organisation(number: &'static str, name: &'static str) -> Subject {
    Subject { kind: SubjectKind::CreditCode, number, name }
}

/// Registered, insured, owes nothing; her degree is with the department that is down.
pub const RESIDENT: Subject = citizen("500103200002290021", "周样宁");
/// Born in a district that was abolished in 2025; married to [`WIFE`], owns a flat with her.
pub const HUSBAND: Subject = citizen("500112198501010019", "陈例川");
/// Married to [`HUSBAND`]; mother of [`CHILD`] and of a newborn without a number.
pub const WIFE: Subject = citizen("500105198706159964", "林样雨");
/// The register writes the middle dot as U+00B7.
pub const MINORITY_NAME: Subject = citizen("50024119900307998X", "阿依夏木·样例江");
/// A name with a rare character.
pub const RARE_NAME: Subject = citizen("500155197012319977", "王样䶮");
/// Registered in Sichuan before 1997; owns two flats, so that only a certificate number tells them apart.
pub const OLD_CODE: Subject = citizen("512223196309099972", "罗例竹");
/// Died in 2025.
pub const DECEASED: Subject = citizen("510202195203019972", "何样远");
/// Reported the card lost; was once reported dead by mistake; the marriage was rescinded.
pub const LOST_CARD: Subject = citizen("500113198811119964", "高样真");
/// Eleven years old.
pub const CHILD: Subject = citizen("500106201506019984", "王例溪");
/// Has a criminal record.
pub const CONVICTED: Subject = citizen("500107199512259964", "马样朗");
/// Has a sealed juvenile record, which reads as none.
pub const SEALED: Subject = citizen("500240197505059975", "梁样舟");
/// Divorced from [`FORMER_WIFE`].
pub const DIVORCED: Subject = citizen("500103197808089971", "宋例明");
/// See [`DIVORCED`].
pub const FORMER_WIFE: Subject = citizen("500109198604049962", "冉样岚");
/// See [`LOST_CARD`].
pub const OTHER_WIFE: Subject = citizen("500110199101019964", "徐例晴");
/// Receives the subsistence allowance.
pub const ON_ALLOWANCE: Subject = citizen("500151198510109971", "罗样平");
/// In no database at all.
pub const UNKNOWN_PERSON: Subject = citizen("500118196807079966", "赵例安");
/// Holds a residence permit of a Hong Kong resident.
pub const HONG_KONG_RESIDENT: Subject =
    Subject { kind: SubjectKind::ResidencePermit, number: "810000199408230021", name: "何例清" };
/// Holds an identity card of a foreign permanent resident: 18 characters that start with 9, and no company.
pub const PERMANENT_RESIDENT: Subject =
    Subject { kind: SubjectKind::PermanentResidentCard, number: "950840197903120010", name: "SAMPLE ALEX" };

/// A restaurant with a food licence in force that covers hot food.
pub const RESTAURANT: Subject = organisation("91500000MA0000015Q", "样例山城小面餐饮有限公司");
/// Its food licence was deregistered (注销).
pub const CLOSED_RESTAURANT: Subject = organisation("91500000MA0000023K", "样例江边餐饮有限公司");
/// Its food licence ended in 2025, though the register still says 有效.
pub const LAPSED_RESTAURANT: Subject = organisation("91500000MA0000031E", "样例旧街餐饮有限公司");
/// Two licences in force, one for each branch.
pub const TWO_BRANCHES: Subject = organisation("91500000MA000004X6", "样例双店餐饮股份有限公司");
/// Its licence ended on 2026-10-31; the application to renew came in time and is undecided.
pub const RENEWING_RESTAURANT: Subject = organisation("91500000MA00000586", "样例新桥餐饮有限公司");
/// Its licence is granted and does not count yet (待生效).
pub const FUTURE_RESTAURANT: Subject = organisation("91500000MA00000661", "样例明日餐饮有限公司");
/// A builder whose work safety licence is suspended (暂扣) and who owes tax; full-width brackets in the name.
pub const BUILDER: Subject = organisation("91500000MA0000074U", "样例（重庆）建筑工程有限公司");
/// A company with no food licence, and an excellent tax payer.
pub const SOFTWARE_HOUSE: Subject = organisation("91500000MA0000082N", "样例云川软件有限公司");
/// A haulier with a road transport permit in force and the one that it replaced.
pub const HAULIER: Subject = organisation("91500000MA0000090H", "样例通达物流有限公司");
/// All its licences were revoked as a penalty (吊销).
pub const REVOKED_TRADER: Subject = organisation("91500000MA00001037", "样例旧约商贸有限公司");
/// A household business whose food licence was lawfully taken back (撤回).
pub const NOODLE_STALL: Subject = organisation("92500103MA0000031U", "样例巷口小面店");
/// A care home: civil affairs registered it, market regulation did not.
pub const CARE_HOME: Subject = organisation("52500000MJ0000018K", "样例安宁养老服务中心");
/// Its registration was granted unlawfully and rescinded (撤销).
pub const RESCINDED_ASSOCIATION: Subject = organisation("51500000MJ0000026H", "样例收藏协会");

/// Service items of the city, by their 31-character codes.
pub mod item {
    /// 食品经营许可核发, of market regulation.
    pub const FOOD_LICENCE_ISSUE: &str = "11500000MB0000027A2000131009001";
    /// 食品流通许可, cancelled in 2015.
    pub const FOOD_CIRCULATION_LICENCE: &str = "11500000MB0000027A2000131009090";
    /// 托育机构备案, of health.
    pub const NURSERY_FILING: &str = "11500000MB000006XJ2001023004001";
    /// 公共租赁住房保障资格确认, of housing and construction.
    pub const PUBLIC_RENTAL_HOUSING: &str = "11500000MB000009482000717003001";
    /// 建筑工程施工许可证核发, of housing and construction.
    pub const CONSTRUCTION_PERMIT: &str = "11500000MB000009482000117002001";
    /// 道路货物运输经营许可, of transport.
    pub const ROAD_FREIGHT_LICENCE: &str = "11500000MB0000086D2000118013001";
    /// 引进人才落户资格确认, of human resources.
    pub const TALENT_SETTLEMENT: &str = "11500000MB0000078J2002014008001";
    /// 收养登记, of civil affairs.
    pub const ADOPTION_REGISTRATION: &str = "11500000MB000004302000711006001";
    /// 出生登记, of public security.
    pub const BIRTH_REGISTRATION: &str = "11500000MB000003552000709001001";
}

/// A question whose answer is known beforehand.
#[derive(Debug, Clone)]
pub struct Case {
    /// A short name: `food-licence-in-force`.
    pub id: &'static str,
    title: (&'static str, &'static str),
    /// The system that asks.
    pub system: &'static str,
    /// The service item for which it asks: one of [`item`].
    pub item: &'static str,
    /// About whom.
    pub subject: Subject,
    /// What was issued.
    pub result_type: &'static str,
    /// Which one, where the subject may hold several.
    pub certificate_number: Option<&'static str>,
    /// What is asserted about it.
    pub claims: &'static [CaseClaim],
    /// On which day, `yyyy-MM-dd`; today where it is absent.
    pub as_of: Option<&'static str>,
    /// The answer.
    pub expect: Expected,
}

impl Case {
    /// What it asks, for a screen.
    pub fn title(&self) -> Localized {
        Localized { zh: self.title.0.into(), en: self.title.1.into() }
    }

    /// The case of this id.
    pub fn named(id: &str) -> Option<&'static Self> {
        CASES.iter().chain(FURTHER_CASES).find(|case| case.id == id)
    }
}

/// What a case asserts about a field. One value, or the members of a list.
#[derive(Debug, Clone, Copy)]
pub struct CaseClaim {
    /// The field.
    pub field: &'static str,
    /// How it compares.
    pub operator: Operator,
    /// With what, as one writes it on the command line: `true`, `24`, `2026-01-31`, a text.
    pub values: &'static [&'static str],
    /// How the record compares, where the caller may see it.
    pub outcome: ClaimOutcome,
}

const fn claim(
    field: &'static str,
    operator: Operator,
    values: &'static [&'static str],
    outcome: ClaimOutcome,
) -> CaseClaim {
    CaseClaim { field, operator, values, outcome }
}

/// The answer to a case: what it finds and, where the caller may see it, the state of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// CONFIRMED.
    Confirmed,
    /// `NOT_CONFIRMED` although a record exists: it is not in force.
    NotInForce(ResultState),
    /// `NOT_CONFIRMED` although a record exists: its state is OTHER, in these words of the provider.
    NotInForceInTheirWords(&'static str),
    /// `NOT_CONFIRMED` although the result is in force: a claim does not hold.
    ClaimFails,
    /// `NOT_CONFIRMED`: there is no such record.
    NotIssued,
    /// `NOT_CONFIRMED` of a result type that gives its verdict alone.
    VerdictNo,
    /// AMBIGUOUS.
    Ambiguous,
    /// `OUTSIDE_COVERAGE`.
    OutsideCoverage,
    /// A refusal that names this exception.
    RefusedByException(&'static str),
    /// A refusal for want of a live grant; names the grant that is not live, where there is one.
    GrantRequired(Option<&'static str>),
    /// Undetermined.
    Undetermined(UndeterminedCause),
}
