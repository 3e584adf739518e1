use heyan_proto::document::Table;
use heyan_proto::vocabulary::PlainText;

use super::plain;

/// The entry of the government data catalogue (政务数据目录).
///
/// Of the nine things that Decree 809, article 13 demands, three stand elsewhere in the declaration: 数据项 (the fields), 提供单位 (the department), 共享属性 (the sharing class).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// 数据目录名称.
    pub name: PlainText,
    /// 数据格式.
    pub format: PlainText,
    /// 数据更新频率.
    pub update_frequency: UpdateFrequency,
    /// 共享方式.
    pub sharing_method: SharingMethod,
    /// 使用条件.
    pub conditions: PlainText,
    /// 数据分类分级.
    pub classification: PlainText,
    /// The code of the entry in the catalogue.
    pub entry: PlainText,
    /// The channel through which the catalogued interface is called (Decree 809, articles 31 and 32).
    pub channel: Channel,
}

/// 数据更新频率.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say what they mean")]
pub enum UpdateFrequency {
    Realtime,
    Daily,
    Weekly,
    Monthly,
    Quarterly,
    Yearly,
}

/// 共享方式 (Decree 809, article 22).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharingMethod {
    /// 服务接口.
    ServiceInterface,
    /// 批量交换.
    BatchExchange,
    /// 文件下载.
    FileDownload,
}

/// The way to a catalogued interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The city's platform.
    CityPlatform,
    /// The national platform.
    NationalPlatform,
    /// The department's own interface, registered in the catalogue.
    DepartmentInterface,
}

/// What article 13 demands and how it is called there.
const DEMANDED: [(&str, &str); 6] = [
    ("name", "数据目录名称"),
    ("format", "数据格式"),
    ("update_frequency", "数据更新频率"),
    ("sharing_method", "共享方式"),
    ("conditions", "使用条件"),
    ("classification", "数据分类分级"),
];

impl CatalogueEntry {
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        for (key, term) in DEMANDED {
            if !table.has(key) {
                let help = format!("write `{key}` ({term}): article 13 of State Council Decree 809 demands it");
                table.problem(format!("the catalogue entry lacks `{key}`"), Some(help));
            }
        }
        let name = demanded(table, "name");
        let format = demanded(table, "format");
        let update_frequency =
            table.optional_one_of("update_frequency", &UpdateFrequency::ALL.map(|w| (w.as_str(), w)));
        let sharing_method = table.optional_one_of("sharing_method", &SharingMethod::ALL.map(|w| (w.as_str(), w)));
        let conditions = demanded(table, "conditions");
        let classification = demanded(table, "classification");
        let entry = plain(table, "entry", 64);
        let channel = table.one_of("channel", &Channel::ALL.map(|w| (w.as_str(), w)));
        Some(Self {
            name: name?,
            format: format?,
            update_frequency: update_frequency??.into_inner(),
            sharing_method: sharing_method??.into_inner(),
            conditions: conditions?,
            classification: classification?,
            entry: entry?,
            channel: channel?.into_inner(),
        })
    }
}

/// A text whose absence was reported before.
fn demanded(table: &mut Table<'_>, key: &str) -> Option<PlainText> {
    Some(table.optional_parse(key, |text| PlainText::parse(text, 256))??.into_inner())
}

impl UpdateFrequency {
    /// All frequencies.
    pub const ALL: [Self; 6] =
        [Self::Realtime, Self::Daily, Self::Weekly, Self::Monthly, Self::Quarterly, Self::Yearly];

    /// The word used in declarations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Realtime => "realtime",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::Yearly => "yearly",
        }
    }
}

impl SharingMethod {
    /// All methods.
    pub const ALL: [Self; 3] = [Self::ServiceInterface, Self::BatchExchange, Self::FileDownload];

    /// The word used in declarations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceInterface => "service_interface",
            Self::BatchExchange => "batch_exchange",
            Self::FileDownload => "file_download",
        }
    }
}

impl Channel {
    /// All channels.
    pub const ALL: [Self; 3] = [Self::CityPlatform, Self::NationalPlatform, Self::DepartmentInterface];

    /// The word used in declarations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CityPlatform => "city_platform",
            Self::NationalPlatform => "national_platform",
            Self::DepartmentInterface => "department_interface",
        }
    }
}
