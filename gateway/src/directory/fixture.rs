//! A small city folder for tests: two departments that issue, one that only asks.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use tempfile::TempDir;

use super::{Directory, LoadError, Loaded, load};

/// Noon of 2026-11-23 in Asia/Shanghai.
pub(super) const NOW: &str = "2026-11-23T04:00:00Z";
pub(super) const ITEM: &str = "11500000MB0000027A2000131009001";

const HEYAN: &str = r#"schema = 1
[city]
name = { zh-CN = "样例市", en = "Sample City" }
trust_domain = "sample-city.example"
[listen]
service = "127.0.0.1:0"
[tls]
certificate = "keys/gateway.pem"
key = "keys/gateway.key"
client_ca = "keys/client-ca.pem"
[audit]
database = "state/audit.db"
"#;

const SERVICE_CENTRE: &str = r#"schema = 1
[department]
id = "service-centre"
name = { zh-CN = "政务服务中心", en = "Service centre" }
credit_code = "12500000MB0000131B"
sharing_office = "数据应用科"
contact = "data@service-centre.example"
"#;

const SYSTEMS: &str = r#"schema = 1
[[system]]
id = "intake"
department = "service-centre"
name = { zh-CN = "综合窗口系统", en = "Intake system" }
uri = "spiffe://sample-city.example/system/intake"
[[system]]
id = "old-intake"
department = "service-centre"
name = { zh-CN = "旧系统", en = "Old system" }
uri = "spiffe://sample-city.example/system/old-intake"
revoked = true
"#;

const PEOPLE: &str = r#"schema = 1
[[person]]
id = "auditor"
name = "王审计"
uri = "spiffe://sample-city.example/person/auditor"
roles = ["auditor", "approver", "auditor"]
"#;

const FOOD_ITEM: &str = r#"schema = 1
[item]
code = "11500000MB0000027A2000131009001"
name = { zh-CN = "食品经营许可核发", en = "Issue of a food business licence" }
department = "market-regulation"
accepted_by = ["service-centre"]
status = "in_force"
in_force_from = 2023-12-01
in_force_until = 2027-12-31
legal_basis = "《中华人民共和国食品安全法》第三十五条"
[[material]]
id = "form"
name = { zh-CN = "食品经营许可申请书", en = "Application form" }
necessity = "required"
source = "applicant"
legal_basis = "《食品经营许可和备案管理办法》"
[[material]]
id = "licence"
name = { zh-CN = "食品经营许可证", en = "Food business licence" }
necessity = "required"
source = "department"
result_type = "food-licence"
legal_basis = "《食品经营许可和备案管理办法》"
[[material]]
id = "grade"
name = { zh-CN = "纳税信用级别", en = "Tax credit grade" }
necessity = "tolerable"
source = "department"
result_type = "tax-credit"
legal_basis = "《食品经营许可和备案管理办法》"
[[material]]
id = "old-register"
name = { zh-CN = "卫生许可证", en = "Former hygiene licence" }
necessity = "not_required"
source = "department"
no_result_type_because = "2016年以前的登记簿未数字化"
legal_basis = "《食品经营许可和备案管理办法》"
"#;

const GRANTS: &str = r#"schema = 1
[[grant]]
id = "centre-tax"
requester = "service-centre"
result_types = ["tax-credit"]
fields = ["grade"]
items = ["11500000MB0000027A2000131009001"]
purpose = "核对纳税信用"
legal_basis = "《样例办法》第三条"
from = 2026-01-01
until = 2026-12-31
approver = "数据局"
"#;

const POLICY: &str = r#"@id("food-withheld")
@title_zh("不提供月数")
@title_en("The number of months is withheld")
@legal_basis("《中华人民共和国样例法》第八条")
@legal_kind("law")
@owner("market-regulation")
@review_by("2027-06-30")
@remedy_zh("向市场监管局提出")
@remedy_en("Ask the market regulator")
forbid (principal, action, resource == ResultType::"food-licence")
when { context.fields.contains("months") };
"#;

/// A city folder that can be changed and loaded.
#[derive(Debug)]
pub(super) struct City(TempDir);

impl City {
    pub(super) fn new() -> Self {
        let city = Self(TempDir::new().unwrap());
        city.write("heyan.toml", HEYAN);
        city.write("departments/market-regulation.toml", &department("market-regulation", "11500000MB0000027A", FOOD));
        city.write("departments/tax.toml", &department("tax", "11500000MB0000086D", TAX));
        city.write("departments/service-centre.toml", SERVICE_CENTRE);
        city.write("systems/centre.toml", SYSTEMS);
        city.write("people/staff.toml", PEOPLE);
        city.write("items/food.toml", FOOD_ITEM);
        city.write("grants/2026.toml", GRANTS);
        city.write("policies/market-regulation.cedar", POLICY);
        city
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn remove(&self, file: &str) {
        fs::remove_file(self.path().join(file)).unwrap();
    }

    pub(super) fn text(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).unwrap()
    }

    /// Replaces the first `from`, which must be there.
    pub(super) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.text(file);
        assert!(text.contains(from), "{file} has {from}");
        self.write(file, &text.replacen(from, to, 1));
    }

    pub(super) fn load_after(&self, previous: Option<&Directory>) -> Result<Loaded, LoadError> {
        load(self.path(), previous, NOW.parse::<Timestamp>().unwrap())
    }

    pub(super) fn load(&self) -> Loaded {
        self.load_after(None).unwrap()
    }

    /// Everything that is wrong, one line each.
    pub(super) fn problems(&self) -> String {
        match self.load_after(None) {
            Ok(loaded) => loaded.problems.to_string(),
            Err(LoadError::Unusable(problems)) => problems.to_string(),
        }
    }
}

pub(super) fn department(id: &str, credit_code: &str, result_types: &str) -> String {
    format!(
        r#"schema = 1
[department]
id = "{id}"
name = {{ zh-CN = "样例部门", en = "Sample department" }}
credit_code = "{credit_code}"
sharing_office = "数据共享科"
contact = "data@{id}.example"
[sql]
dialect = "sqlite"
database = "state/departments/{id}.db"
{result_types}"#
    )
}

const FOOD: &str = r#"[[result_type]]
id = "food-licence"
name = { zh-CN = "食品经营许可证", en = "Food business licence" }
subject_kinds = ["credit_code"]
sharing = "unconditional"
legal_basis = "《样例办法》第一条"
disclosure = "fields"
sensitivity = 1
[result_type.catalogue]
name = "食品经营许可证"
format = "数据库"
update_frequency = "daily"
sharing_method = "service_interface"
conditions = "办理政务服务事项"
classification = "一般数据1级"
entry = "000000001/000001"
channel = "city_platform"
[result_type.lookup]
query = "SELECT no, name, kind, items, months, since, chain FROM licence WHERE subject = :subject_number"
max_rows = 3
certificate_number = { from = "no" }
[result_type.fields.name]
title = { zh-CN = "名称", en = "Name" }
type = "text"
fold = "organisation"
from = "name"
[result_type.fields.kind]
title = { zh-CN = "主体业态", en = "Kind of business" }
type = "code"
from = "kind"
map = { "1" = "食品销售经营者", "2" = "餐饮服务经营者" }
[result_type.fields.items]
title = { zh-CN = "经营项目", en = "Business items" }
type = "scope"
from = "items"
separator = ","
[result_type.fields.months]
title = { zh-CN = "月数", en = "Months" }
type = "integer"
from = "months"
disclosed = false
[result_type.fields.since]
title = { zh-CN = "首次发证日期", en = "First issued" }
type = "date"
from = "since"
format = "%Y%m%d"
[result_type.fields.chain]
title = { zh-CN = "连锁经营", en = "Chain" }
type = "flag"
from = "chain"
map = { "1" = true, "0" = false }
[[result_type.example]]
name = "none"
subject = { kind = "credit_code", number = "91500000MA0000015Q" }
reply = []
expect = { existence = "not_issued" }
"#;

const TAX: &str = r#"[[result_type]]
id = "tax-credit"
name = { zh-CN = "纳税信用级别", en = "Tax credit grade" }
subject_kinds = ["credit_code", "citizen_number"]
sharing = "conditional"
legal_basis = "《样例办法》第二条"
disclosure = "verdict"
sensitivity = 2
[result_type.catalogue]
name = "纳税信用级别"
format = "数据库"
update_frequency = "yearly"
sharing_method = "service_interface"
conditions = "授权范围内使用"
classification = "一般数据2级"
entry = "000000002/000001"
channel = "city_platform"
[result_type.lookup]
query = "SELECT grade FROM credit WHERE taxpayer = :subject_number AND name = :subject_name"
requires = ["subject_name"]
max_rows = 1
[result_type.fields.grade]
title = { zh-CN = "级别", en = "Grade" }
type = "code"
from = "grade"
map = { "A" = "A", "B" = "B" }
[[result_type.example]]
name = "none"
subject = { kind = "credit_code", number = "91500000MA0000015Q" }
reply = []
expect = { existence = "not_issued" }
"#;
