//! One entry: its columns, its body and its reply are held to its leaf.

use serde::Deserialize;

use super::{StoredBody, StoredEntry};
use crate::audit::cipher::{AesGcm, Cipher as _, Context};
use crate::audit::draft;
use crate::audit::draft::step::{ABANDONED, ALONE, ANSWER, ERASURE, INTENT, RETENTION};
use crate::audit::keys::AuditKeys;
use crate::audit::leaf::{self, LeafView};
use crate::audit::record::Class;

/// What the columns beside a leaf say is what the leaf says.
pub(super) fn check(stored: &StoredEntry<'_>, leaf: &LeafView) -> Result<(), &'static str> {
    if stored.decision != leaf.id.as_bytes() {
        return Err("its decision is not that of its leaf");
    }
    let class = Class::from_word(&leaf.class).ok_or("its class is unknown")?;
    let fits = match stored.step {
        ALONE => {
            let removes = matches!(class, Class::Erasure | Class::Retention);
            stored.question.is_none() && leaf.intent.is_none() && !removes
        }
        INTENT => class == Class::Intent,
        ANSWER => stored.question.is_some() && class != Class::Intent && class != Class::Abandoned,
        ABANDONED => class == Class::Abandoned,
        ERASURE => class == Class::Erasure && stored.question.is_none(),
        RETENTION => class == Class::Retention && stored.question.is_none(),
        _ => false,
    };
    if !fits {
        return Err("what it does is not what its leaf says");
    }
    if stored.closes != leaf.intent.map(u64::cast_signed) {
        return Err("the intent that it closes is not that of its leaf");
    }
    Ok(())
}

/// What a body holds besides what was recorded.
#[derive(Deserialize)]
struct BodyView {
    tags: TagsView,
    salt: String,
    question: Option<String>,
    content: Option<String>,
}

#[derive(Deserialize)]
struct TagsView {
    subject: Option<String>,
    official: Option<String>,
    case: Option<String>,
}

/// Opens bodies and holds them to their leaves.
#[derive(Debug)]
pub(super) struct BodyCheck {
    cipher: AesGcm,
}

impl BodyCheck {
    pub(super) fn new(keys: &AuditKeys) -> Self {
        Self { cipher: keys.cipher() }
    }

    pub(super) fn check(
        &self,
        stored: &StoredEntry<'_>,
        body: &StoredBody<'_>,
        leaf: &LeafView,
    ) -> Result<(), &'static str> {
        let context =
            |part| Context { part, index: stored.index, decision: leaf.id, at: leaf.at, department: leaf.provider() };
        let unreadable = "its body cannot be opened with these keys";
        let plain = self.cipher.open(&context("body"), body.sealed).map_err(|_| unreadable)?;
        let (salt, text) = plain.split_first_chunk::<32>().ok_or(unreadable)?;
        if leaf::base64(&leaf::commit(salt, "body", text)) != leaf.body {
            return Err("its body is not the one that its leaf commits to");
        }
        let view: BodyView = serde_json::from_slice(text).map_err(|_| "its body is not readable")?;
        let same = |said: &Option<String>, stored: Option<&[u8]>| *said == stored.map(leaf::base64);
        let TagsView { subject, official, case } = &view.tags;
        let [subject_tag, official_tag, case_tag] = body.tags;
        if !(same(subject, subject_tag) && same(official, official_tag) && same(case, case_tag)) {
            return Err("its tags are not those of its body");
        }
        if !(same(&view.question, stored.question) && same(&view.content, stored.content)) {
            return Err("its question is not that of its body");
        }
        let Some(sealed) = stored.reply else { return Ok(()) };
        let unreadable = "its reply cannot be opened with these keys";
        let framed = self.cipher.open(&context("reply"), sealed).map_err(|_| unreadable)?;
        let (salt, reply) = draft::unframe(&framed).ok_or(unreadable)?;
        let commitment = leaf::base64(&leaf::commit(salt, "ans", reply));
        if leaf.ans != Some(commitment) || leaf::base64(salt) != view.salt {
            return Err("its reply is not the one that its leaf commits to");
        }
        Ok(())
    }
}
