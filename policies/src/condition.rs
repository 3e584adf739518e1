//! The conditions of the one permit.

use heyan_proto::vocabulary::{Disclosure, Localized};

use crate::request::{AccessRequest, Action};

/// One condition of the one permit in `base/share.cedar`, which has exactly one `when` clause for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// The requester takes part: it is in the directory.
    RequesterRegistered,
    /// The service item is in force on the day of the question.
    ItemInForce,
    /// The item's guide has a material that this result type satisfies.
    ItemNeedsResult,
    /// The requester implements the item or accepts applications for it.
    ItemAcceptedByRequester,
    /// A case number is given, so that use can be traced to a case.
    CaseNumberGiven,
    /// Field values are asked for only where the result type discloses them; a question for a verdict always meets it.
    DisclosureSuffices,
}

impl Condition {
    /// All conditions, in the order of the clauses.
    pub const ALL: [Self; 6] = [
        Self::RequesterRegistered,
        Self::ItemInForce,
        Self::ItemNeedsResult,
        Self::ItemAcceptedByRequester,
        Self::CaseNumberGiven,
        Self::DisclosureSuffices,
    ];

    /// The context attribute that holds whether it is met: `context.item_in_force`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequesterRegistered => "requester_registered",
            Self::ItemInForce => "item_in_force",
            Self::ItemNeedsResult => "item_needs_result",
            Self::ItemAcceptedByRequester => "item_accepted_by_requester",
            Self::CaseNumberGiven => "has_case_number",
            Self::DisclosureSuffices => "disclosure_suffices",
        }
    }

    /// Whether the request meets it. This very value is the context attribute that the permit reads.
    pub fn is_met(self, request: &AccessRequest<'_>) -> bool {
        match self {
            Self::RequesterRegistered => request.requester_registered,
            Self::ItemInForce => request.item_in_force,
            Self::ItemNeedsResult => request.item_needs_result,
            Self::ItemAcceptedByRequester => request.item_accepted_by_requester,
            Self::CaseNumberGiven => request.has_case_number,
            Self::DisclosureSuffices => request.action == Action::Verify || request.disclosure == Disclosure::Fields,
        }
    }

    /// What was not met, for users.
    pub fn describe(self) -> Localized {
        let (zh, en) = match self {
            Self::RequesterRegistered => {
                ("需求部门未在政务数据目录登记", "the requesting department is not registered in the directory")
            }
            Self::ItemInForce => {
                ("政务服务事项在核验当日未在用", "the service item is not in force on the day of the question")
            }
            Self::ItemNeedsResult => (
                "该事项的办事指南未列明需要此类审批结果",
                "the guide of the service item does not need this type of result",
            ),
            Self::ItemAcceptedByRequester => (
                "需求部门既不实施也不受理该事项",
                "the requesting department neither implements the service item nor accepts applications for it",
            ),
            Self::CaseNumberGiven => ("未提供办件编号", "no case number is given"),
            Self::DisclosureSuffices => (
                "该结果类型仅供核验，不提供数据项的值",
                "this type of result can be verified only; its field values are not disclosed",
            ),
        };
        Localized { zh: zh.into(), en: en.into() }
    }
}
