//! Why a call was not a question: the one closed table behind every gRPC error.
//!
//! Architecture §3: a gRPC error is for what is no question; each carries `google.rpc.ErrorInfo` with a reason from here.

use tonic::Code;

use crate::vocabulary::Localized;

/// The domain of `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "heyan";

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $code:ident {
        zh: $zh:literal / $zh_remedy:literal,
        en: $en:literal / $en_remedy:literal,
    })*) => {
        /// Why a call was not a question. Each reason has one gRPC code, one text and one way on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// Every reason, in the order of `heyan.v1.ErrorReason`.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in `ErrorInfo.reason`: the name in `heyan.v1.ErrorReason` without its prefix.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The gRPC code. Clients retry `Unavailable` by themselves, so only what passes by itself has it.
            pub fn code(self) -> Code {
                match self { $(Self::$name => Code::$code,)* }
            }

            /// What is wrong. Where, and what is expected there, goes into `google.rpc.BadRequest`.
            pub fn text(self) -> Localized {
                match self { $(Self::$name => Localized { zh: $zh.into(), en: $en.into() },)* }
            }

            /// What the caller should do.
            pub fn remedy(self) -> Localized {
                match self { $(Self::$name => Localized { zh: $zh_remedy.into(), en: $en_remedy.into() },)* }
            }
        }
    };
}

reasons! {
    /// A field is missing, too long, or not in its form.
    FieldInvalid = "FIELD_INVALID", InvalidArgument {
        zh: "请求中有字段缺失、过长或格式不正确" / "请按字段说明改正后，用新的 request_id 重新提交",
        en: "a field of the request is missing, too long or malformed"
            / "correct the fields that are listed and send the question with a new request_id",
    }
    /// The directory has no such result type.
    ResultTypeUnknown = "RESULT_TYPE_UNKNOWN", InvalidArgument {
        zh: "目录中没有该结果类型" / "请用 ListResultTypes 查询可核验的结果类型",
        en: "the directory has no such result type" / "look the result type up with ListResultTypes",
    }
    /// The result type has no such field.
    FieldUnknown = "FIELD_UNKNOWN", InvalidArgument {
        zh: "该结果类型没有此数据项" / "请用 GetResultType 查询该结果类型的数据项",
        en: "the result type has no such field" / "look the fields of the result type up with GetResultType",
    }
    /// The operator does not fit the type of the field.
    OperatorUnfit = "OPERATOR_UNFIT", InvalidArgument {
        zh: "核验方式不适用于该数据项" / "请用 GetResultType 查询该数据项适用的核验方式",
        en: "the operator does not fit the field" / "look the operators of the field up with GetResultType",
    }
    /// The value does not fit the field and the operator.
    ClaimValueUnfit = "CLAIM_VALUE_UNFIT", InvalidArgument {
        zh: "核验值不适用于该数据项和核验方式" / "请按该数据项的类型填写核验值",
        en: "the value does not fit the field and the operator" / "give a value of the type that the field has",
    }
    /// The result type is not issued to subjects of this kind.
    SubjectKindUnfit = "SUBJECT_KIND_UNFIT", InvalidArgument {
        zh: "该结果类型不向此类主体颁发" / "请用 GetResultType 查询该结果类型的持证主体类别",
        en: "the result type is not issued to subjects of this kind"
            / "look the subject kinds of the result type up with GetResultType",
    }
    /// The directory has no such service item.
    ItemUnknown = "ITEM_UNKNOWN", InvalidArgument {
        zh: "没有该政务服务事项" / "请核对事项实施编码；如事项新近发布，请联系平台管理员登记",
        en: "there is no such service item"
            / "check the code of the item; if the item is new, ask the administrator of the platform to register it",
    }
    /// `as_of` is a day to come.
    AsOfInFuture = "AS_OF_IN_FUTURE", InvalidArgument {
        zh: "核验基准日不得晚于今天" / "请填写今天或更早的日期，或不填",
        en: "as_of is in the future" / "give today or an earlier day, or leave it out",
    }
    /// A question has too many claims, or wants too many fields.
    TooManyClaims = "TOO_MANY_CLAIMS", InvalidArgument {
        zh: "核验项或数据项过多" / "请分成几次提交，每次不超过 32 项",
        en: "there are too many claims or fields" / "ask several questions of at most 32 claims or fields each",
    }
    /// A batch has too many questions.
    TooManyRequestsInBatch = "TOO_MANY_REQUESTS_IN_BATCH", InvalidArgument {
        zh: "批量核验的请求过多" / "请分成几批提交，每批不超过 100 个",
        en: "the batch has too many requests" / "send several batches of at most 100 requests each",
    }
    /// The service item is not in force.
    ItemNotInForce = "ITEM_NOT_IN_FORCE", FailedPrecondition {
        zh: "该政务服务事项未在实施" / "请改用在实施的事项；如事项状态有误，请联系事项实施部门",
        en: "the service item is not in force"
            / "use an item in force; if its status is wrong, ask the department that implements it",
    }
    /// The guide of the service item does not need this result type.
    ResultNotNeededByItem = "RESULT_NOT_NEEDED_BY_ITEM", FailedPrecondition {
        zh: "该事项的办事指南不需要此结果" / "请核对事项和结果类型；如办事指南有变，请联系事项实施部门",
        en: "the guide of the service item does not need this result"
            / "check the item and the result type; if the guide has changed, ask the department that implements the item",
    }
    /// The result type does not give field values, or not these.
    DisclosureNotAllowed = "DISCLOSURE_NOT_ALLOWED", FailedPrecondition {
        zh: "该结果类型不提供所请求的数据项取值" / "请改用 Verify 核验，或用 GetResultType 查询可提供取值的数据项",
        en: "the result type does not give the values of these fields"
            / "claim them with Verify, or look up with GetResultType which fields are disclosed",
    }
    /// No system or person is registered under the name in the client certificate.
    CertificateUnknown = "CERTIFICATE_UNKNOWN", Unauthenticated {
        zh: "客户端证书中的名称未登记" / "请联系平台管理员登记业务系统或人员",
        en: "the name in the client certificate is not registered"
            / "ask the administrator of the platform to register the system or person",
    }
    /// The client certificate does not have exactly one URI name.
    CertificateNamesAmbiguous = "CERTIFICATE_NAMES_AMBIGUOUS", Unauthenticated {
        zh: "客户端证书必须恰好包含一个 URI 名称" / "请申请只含一个 URI 主体备用名称的证书",
        en: "the client certificate must have exactly one URI name"
            / "obtain a certificate with exactly one URI subject alternative name",
    }
    /// The system or person is registered as revoked.
    CertificateRevoked = "CERTIFICATE_REVOKED", Unauthenticated {
        zh: "该业务系统或人员的接入已被撤销" / "请联系平台管理员",
        en: "the access of this system or person is revoked" / "ask the administrator of the platform",
    }
    /// The caller does not have the role that the call is for.
    RoleRequired = "ROLE_REQUIRED", PermissionDenied {
        zh: "调用方没有此项调用所需的身份" / "核验须由业务系统发起；其他调用须有相应角色，请联系平台管理员",
        en: "the caller does not have the role that this call is for"
            / "questions are asked by systems; for other calls ask the administrator of the platform for the role",
    }
    /// The `request_id` was used for another question.
    RequestIdReused = "REQUEST_ID_REUSED", AlreadyExists {
        zh: "该 request_id 已用于内容不同的请求" / "请为每次提问生成新的 UUID；只在重试同一请求时沿用",
        en: "this request_id was used for a question with other content"
            / "make a new UUID for each question; keep it only to repeat the same question",
    }
    /// The question was answered, and the answer is no longer kept.
    ReplyNoLongerKept = "REPLY_NO_LONGER_KEPT", AlreadyExists {
        zh: "该请求已答复，答复内容已不再保存" / "请凭留痕序号查阅记录，或用新的 request_id 重新提问",
        en: "this question was answered, and the answer is no longer kept"
            / "see the entry by its index, or ask again with a new request_id",
    }
    /// The caller has no such decision.
    DecisionUnknown = "DECISION_UNKNOWN", NotFound {
        zh: "没有该决定，或该决定不属于调用方" / "请核对决定编号；只能查询本系统提出的请求",
        en: "there is no such decision of this caller"
            / "check the decision_id; only the system that asked can have it explained",
    }
    /// The directory has no such department.
    DepartmentUnknown = "DEPARTMENT_UNKNOWN", NotFound {
        zh: "目录中没有该部门" / "请用 ListDepartments 查询部门",
        en: "the directory has no such department" / "look the department up with ListDepartments",
    }
    /// More calls are in flight than the gateway takes.
    Overloaded = "OVERLOADED", ResourceExhausted {
        zh: "网关繁忙，未受理此次调用" / "请按 RetryInfo 的间隔，以同一 request_id 重试",
        en: "the gateway is overloaded and did not take the call"
            / "repeat the call with the same request_id after the delay in RetryInfo",
    }
    /// The caller's deadline, or the gateway's own, has passed.
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded {
        zh: "未能在时限内答复" / "请放宽时限，以同一 request_id 重试；已有的答复不会丢失",
        en: "the answer was not ready before the deadline"
            / "repeat the call with the same request_id and a longer deadline; an answer that was made is not lost",
    }
    /// The audit log cannot be written, so nothing is answered.
    AuditUnavailable = "AUDIT_UNAVAILABLE", Unavailable {
        zh: "留痕暂不可用，未作答复" / "请稍后以同一 request_id 重试",
        en: "the audit log is not available, so nothing was answered"
            / "repeat the call later with the same request_id",
    }
    /// The gateway is shutting down.
    Draining = "DRAINING", Unavailable {
        zh: "网关正在停机" / "请以同一 request_id 重试，连接将转到其他实例",
        en: "the gateway is shutting down" / "repeat the call with the same request_id on a new connection",
    }
    /// A policy could not be evaluated, so nothing is shared.
    PolicyError = "POLICY_ERROR", Internal {
        zh: "共享规则无法执行，未作答复" / "请将决定编号告知平台管理员",
        en: "a policy could not be evaluated, so nothing was answered"
            / "give the decision_id to the administrator of the platform",
    }
    /// A fault of the gateway.
    InternalError = "INTERNAL_ERROR", Internal {
        zh: "网关内部错误" / "请将决定编号告知平台管理员",
        en: "the gateway has failed" / "give the decision_id to the administrator of the platform",
    }
    /// The client certificate has expired since the connection was opened.
    CertificateExpired = "CERTIFICATE_EXPIRED", Unauthenticated {
        zh: "客户端证书已过期" / "请换用新证书后重新连接",
        en: "the client certificate has expired" / "connect again with a new one",
    }
    /// The gateway has no such method.
    MethodUnknown = "METHOD_UNKNOWN", Unimplemented {
        zh: "网关没有此方法" / "请用反射服务或 /openapi.json 查看已有的方法",
        en: "the gateway has no such method" / "reflection and /openapi.json list those that it has",
    }
    /// The request is compressed in a way other than gzip.
    EncodingUnknown = "ENCODING_UNKNOWN", Unimplemented {
        zh: "请求使用了 gzip 以外的压缩方式" / "请用 gzip 或不压缩",
        en: "the request is compressed in a way other than gzip" / "use gzip or none",
    }
    /// The request is larger than the gateway takes: 1 MiB unless its operator has chosen otherwise.
    MessageTooLarge = "MESSAGE_TOO_LARGE", InvalidArgument {
        zh: "请求超过网关接收的上限" / "请分成几次提交，每次一般不超过 1 MiB",
        en: "the request is larger than the gateway takes" / "send several smaller ones, usually of at most 1 MiB each",
    }
    /// The request, or a header that says how to serve it, is not well formed.
    MessageInvalid = "MESSAGE_INVALID", InvalidArgument {
        zh: "请求不是此方法的合法消息，或其时限、协议版本的请求头格式不正确"
            / "请用发布的 proto 文件生成客户端；grpc-timeout 应为 1 至 8 位数字加 H、M、S、m、u、n 之一，例如 5S；connect-timeout-ms 应为 1 至 10 位数字；connect-protocol-version 应为 1",
        en: "the request is not a well-formed message of this method, or a header with its deadline or protocol version is malformed"
            / "make the client from the published proto files; write grpc-timeout as 1 to 8 digits and one of H, M, S, m, u, n, such as 5S; connect-timeout-ms as 1 to 10 digits; connect-protocol-version as 1",
    }
    /// The JSON of a request is malformed, or does not fit the message of the method.
    JsonInvalid = "JSON_INVALID", InvalidArgument {
        zh: "请求的 JSON 不正确" / "请按所指的行、列改正；各方法的请求格式见 /openapi.json",
        en: "the JSON of the request is not right"
            / "correct it at the line and column that are given; /openapi.json describes the request of each method",
    }
    /// A method was called with a content type that the gateway does not read.
    ContentTypeUnknown = "CONTENT_TYPE_UNKNOWN", InvalidArgument {
        zh: "网关不接受此内容类型" / "请以 content-type: application/json 发送 JSON，或改用 gRPC",
        en: "the gateway does not read this content type"
            / "send JSON with the header content-type: application/json, or use gRPC",
    }
    /// A method was called in another way than by POST.
    MethodNeedsPost = "METHOD_NEEDS_POST", Unimplemented {
        zh: "方法只能用 POST 调用" / "请用 POST 发送 JSON；各方法的请求格式见 /openapi.json",
        en: "methods are called by POST alone"
            / "send JSON by POST; /openapi.json describes the request of each method",
    }
    /// The method is served over gRPC alone.
    MethodNeedsGrpc = "METHOD_NEEDS_GRPC", Unimplemented {
        zh: "此方法只能通过 gRPC 调用" / "请用 gRPC 客户端调用流式方法、健康检查和反射服务",
        en: "this method is served over gRPC alone"
            / "call streaming methods, health and reflection with a gRPC client",
    }
    /// More calls of this caller are in work than one caller may have.
    TooManyCalls = "TOO_MANY_CALLS", ResourceExhausted {
        zh: "调用方同时进行的调用过多，未受理此次调用" / "请减少并发，按 RetryInfo 的间隔，以同一 request_id 重试",
        en: "this caller has too many calls in work at once, and this one was not taken"
            / "make fewer calls at once, and repeat this one with the same request_id after the delay in RetryInfo",
    }
    /// The request did not arrive in time.
    RequestTooSlow = "REQUEST_TOO_SLOW", DeadlineExceeded {
        zh: "请求未能在时限内传完" / "请检查网络和客户端，以同一 request_id 重试",
        en: "the request did not arrive in time"
            / "check the network and the client, and repeat the call with the same request_id",
    }
    /// The question was recorded, and what is personal about it was erased.
    ReceiptErased = "RECEIPT_ERASED", AlreadyExists {
        zh: "该请求已有留痕，其中的个人信息已依法删除，无法再次给出答复和凭证" / "请凭已取得的凭证和留痕序号查证，或用新的 request_id 重新提问",
        en: "this question was recorded, and what is personal about it was erased: neither answer nor receipt can be given again"
            / "rely on the receipt that was given, or ask again with a new request_id",
    }
    /// The audit log has no entry of this index.
    EntryUnknown = "ENTRY_UNKNOWN", NotFound {
        zh: "留痕中没有该序号" / "请用 GetCheckpoint 查询已有的留痕条数",
        en: "the audit log has no entry of this index" / "look up with GetCheckpoint how many entries there are",
    }
    /// The audit log has no shard of this origin, or no entry yet.
    OriginUnknown = "ORIGIN_UNKNOWN", NotFound {
        zh: "留痕中没有此名称的分片，或尚无留痕" / "请填写检查点首行的名称，或不填 origin 以取最新的分片",
        en: "the audit log has no shard of this origin, or no entry yet"
            / "give the first line of a checkpoint of this log, or no origin for the newest shard",
    }
    /// The tree of the shard cannot be proved at this size.
    TreeSizeUnfit = "TREE_SIZE_UNFIT", InvalidArgument {
        zh: "分片的树没有此大小的证明" / "请填写所指范围内的大小，即所持检查点的大小",
        en: "the tree of the shard cannot be proved at this size"
            / "give a size in the range that is named: that of a checkpoint which you have",
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
