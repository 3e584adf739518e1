/// What a look-up can be given. Written in a query as a placeholder, `:subject_number`, and in a template as `{{subject_number}}`; always
/// a value in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// The number, as `SubjectNumber` normalises it.
    SubjectNumber,
    /// The word for the kind of number: `citizen_number`.
    SubjectKind,
    /// The name that the question gives, or NULL.
    SubjectName,
    /// The certificate number that the question gives, or NULL.
    CertificateNumber,
    /// The day of the question, as `yyyy-MM-dd`.
    AsOf,
    /// Why it is asked.
    Reason,
    /// The id of the department that asks.
    Requester,
    /// The id of the official who asks.
    OfficialId,
    /// Their name.
    OfficialName,
    /// Their unit.
    OfficialUnit,
    /// Their terminal.
    OfficialTerminal,
}

impl Input {
    /// All inputs.
    pub const ALL: [Self; 11] = [
        Self::SubjectNumber,
        Self::SubjectKind,
        Self::SubjectName,
        Self::CertificateNumber,
        Self::AsOf,
        Self::Reason,
        Self::Requester,
        Self::OfficialId,
        Self::OfficialName,
        Self::OfficialUnit,
        Self::OfficialTerminal,
    ];

    /// The word used in declarations, without the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SubjectNumber => "subject_number",
            Self::SubjectKind => "subject_kind",
            Self::SubjectName => "subject_name",
            Self::CertificateNumber => "certificate_number",
            Self::AsOf => "as_of",
            Self::Reason => "reason",
            Self::Requester => "requester",
            Self::OfficialId => "official_id",
            Self::OfficialName => "official_name",
            Self::OfficialUnit => "official_unit",
            Self::OfficialTerminal => "official_terminal",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|input| input.as_str() == word)
    }
}
