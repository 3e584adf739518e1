//! The gateway that all clients ask, and what they ask it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

use heyan::sample::cases::Case;
use heyan::sample::client_keys;
use heyan_tests::{City, Gateway};
use serde_json::{Value, json};

/// A gateway of the sample city that the tests of this folder share while any of them runs.
pub(super) struct Served {
    gateway: Gateway,
    city: City,
}

impl Served {
    /// The one that runs, or a new one.
    pub(super) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Served>> = Mutex::new(Weak::new());
        // A test that failed while it held the lock has left nothing half done.
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let city = City::new();
            // What a caller gets that sets no deadline: then it is the gateway that notices, and never the client.
            city.edit("heyan.toml", |text| text.replace("deadline_default = \"5s\"", "deadline_default = \"5ms\""));
            let served = Arc::new(Self { gateway: Gateway::start(&city), city });
            std::fs::write(served.probes(), probes().to_string()).unwrap();
            *shared = Arc::downgrade(&served);
            served
        })
    }

    /// Where clients find the gateway, their certificate and the questions.
    pub(super) fn environment(&self) -> [(&'static str, PathBuf); 5] {
        let keys = client_keys(self.city.path(), &format!("system/{}", asked().system));
        [
            ("HEYAN_ADDRESS", self.gateway.address().into()),
            ("HEYAN_CA", self.city.file("keys/client-ca.pem")),
            ("HEYAN_CERTIFICATE", keys.certificate),
            ("HEYAN_KEY", keys.key),
            ("HEYAN_PROBES", self.probes()),
        ]
    }

    fn probes(&self) -> PathBuf {
        self.city.file("state/probes.json")
    }
}

fn asked() -> &'static Case {
    Case::named("food-licence-in-force").unwrap()
}

/// The file of questions, which are in protobuf JSON and await a `request_id`, and what the clients shall see.
fn probes() -> Value {
    let (asked, refused) = (asked(), Case::named("public-order-record-refused").unwrap());
    assert_eq!(asked.system, refused.system, "one client asks both");
    let claim = &asked.claims[0];
    let mut answer = question(asked);
    answer["subject"]["name"] = asked.subject.name.into();
    answer["claims"] = json!([{
        "field": claim.field, "operator": "OPERATOR_CONTAINS", "texts": { "items": claim.values },
    }]);
    let mut bad = question(asked);
    bad["purpose"]["case_number"] = "".into();
    bad["subject"]["number"] = "91500000MA0000015X".into();
    json!({
        "answer": answer,
        "refusal": question(refused),
        "bad": bad,
        "bad_fields": ["purpose.case_number", "subject.number"],
        "exception": "sealed-public-order-records",
        "citation": "《中华人民共和国治安管理处罚法》第一百三十六条",
        // A full batch takes many times as long.
        "deadline_ms": 5,
        "deadline_times": 40,
        "default_times": 10,
        "batch": 100,
    })
}

fn question(case: &Case) -> Value {
    json!({
        "purpose": { "item": case.item, "case_number": "CASE-2026-0001", "reason": "办件材料核验" },
        "official": { "id": "w-017", "name": "样例经办人甲", "unit": "样例综合窗口", "terminal": "window-17" },
        "subject": {
            "kind": format!("SUBJECT_KIND_{}", case.subject.kind.as_str().to_uppercase()),
            "number": case.subject.number,
        },
        "result_type": case.result_type,
    })
}
