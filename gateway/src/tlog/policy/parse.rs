//! Reading a policy, line by line.

use std::collections::{HashMap, HashSet};

use super::{POLICY_BYTES_MAX, Policy, PolicyError, PolicyLog, PolicyProblem, PolicyWitness, Rule};
use crate::tlog::checkpoint::decimal;
use crate::tlog::cosignature::WitnessKey;
use crate::tlog::note::{NoteError, VerifierKey};

/// The quorum of a policy that asks for no witness.
const NO_WITNESS: &[u8] = b"none";

/// What the lines so far have defined.
struct Parser<'a> {
    policy: Policy,
    /// The rule of each name.
    names: HashMap<&'a [u8], usize>,
    /// The rules that are members of a group.
    members: HashSet<usize>,
    has_quorum: bool,
}

pub(super) fn policy(bytes: &[u8]) -> Result<Policy, PolicyError> {
    let at = |line| move |problem| PolicyError { line, problem };
    if bytes.len() > POLICY_BYTES_MAX {
        return Err(at(1)(PolicyProblem::TooLarge));
    }
    let policy = Policy { logs: Vec::new(), witnesses: Vec::new(), rules: Vec::new(), quorum: None };
    let mut parser = Parser { policy, names: HashMap::new(), members: HashSet::new(), has_quorum: false };
    let mut last = 1;
    for (line, number) in bytes.split_inclusive(|byte| *byte == b'\n').zip(1..) {
        parser.line(line).map_err(at(number))?;
        last = number;
    }
    if parser.has_quorum { Ok(parser.policy) } else { Err(at(last)(PolicyProblem::NoQuorum)) }
}

impl<'a> Parser<'a> {
    fn line(&mut self, line: &'a [u8]) -> Result<(), PolicyProblem> {
        let line = line.strip_suffix(b"\n").ok_or(PolicyProblem::NoNewline)?;
        // Bytes above ASCII are names of whatever encoding, so that they need no table of characters.
        if let Some(byte) = line.iter().find(|byte| **byte != b'\t' && (**byte < b' ' || **byte == 0x7f)) {
            return Err(PolicyProblem::Byte(*byte));
        }
        let words: Vec<&[u8]> =
            line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [comment, ..] if comment.starts_with(b"#") => Ok(()),
            [b"log", key] => self.log(key, None),
            [b"log", key, url] => self.log(key, Some(url)),
            [b"witness", name, key] => self.witness(name, key, None),
            [b"witness", name, key, url] => self.witness(name, key, Some(url)),
            [b"group", name, threshold, members @ ..] if !members.is_empty() => self.group(name, threshold, members),
            [b"quorum", name] => self.quorum(name),
            [b"log" | b"witness" | b"group" | b"quorum", ..] => Err(PolicyProblem::Words),
            _ => Err(PolicyProblem::Keyword),
        }
    }

    fn log(&mut self, key: &[u8], url: Option<&[u8]>) -> Result<(), PolicyProblem> {
        let key = VerifierKey::parse(key_text(key)?)?;
        if self.policy.logs.iter().any(|log| log.key.public() == key.public()) {
            return Err(PolicyProblem::RepeatedKey);
        }
        self.policy.logs.push(PolicyLog { key, url: url.map(Into::into) });
        Ok(())
    }

    fn witness(&mut self, name: &'a [u8], key: &[u8], url: Option<&[u8]>) -> Result<(), PolicyProblem> {
        let key = WitnessKey::parse(key_text(key)?)?;
        if self.policy.witnesses.iter().any(|witness| witness.key.public() == key.public()) {
            return Err(PolicyProblem::RepeatedKey);
        }
        self.define(name, Rule::Witness(self.policy.witnesses.len()))?;
        self.policy.witnesses.push(PolicyWitness { name: name.into(), key, url: url.map(Into::into) });
        Ok(())
    }

    fn group(&mut self, name: &'a [u8], threshold: &[u8], members: &[&[u8]]) -> Result<(), PolicyProblem> {
        let threshold = match threshold {
            b"any" => 1,
            b"all" => members.len(),
            number => str::from_utf8(number)
                .ok()
                .and_then(decimal)
                .and_then(|number| usize::try_from(number).ok())
                .filter(|number| (1..=members.len()).contains(number))
                .ok_or(PolicyProblem::Threshold)?,
        };
        let mut taken = std::mem::take(&mut self.members);
        let members = members.iter().map(|member| {
            let rule = self.rule(member)?;
            if taken.insert(rule) { Ok(rule) } else { Err(PolicyProblem::RepeatedMember) }
        });
        let members = members.collect::<Result<_, _>>()?;
        self.members = taken;
        self.define(name, Rule::Group { threshold, members })
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), PolicyProblem> {
        if self.has_quorum {
            return Err(PolicyProblem::RepeatedQuorum);
        }
        self.has_quorum = true;
        self.policy.quorum = if name == NO_WITNESS { None } else { Some(self.rule(name)?) };
        Ok(())
    }

    fn define(&mut self, name: &'a [u8], rule: Rule) -> Result<(), PolicyProblem> {
        if name == NO_WITNESS {
            return Err(PolicyProblem::None);
        }
        if self.names.insert(name, self.policy.rules.len()).is_some() {
            return Err(PolicyProblem::RepeatedName);
        }
        self.policy.rules.push(rule);
        Ok(())
    }

    fn rule(&self, name: &[u8]) -> Result<usize, PolicyProblem> {
        match self.names.get(name) {
            Some(rule) => Ok(*rule),
            None if name == NO_WITNESS => Err(PolicyProblem::None),
            None => Err(PolicyProblem::UnknownName),
        }
    }
}

fn key_text(bytes: &[u8]) -> Result<&str, NoteError> {
    str::from_utf8(bytes).map_err(|_| NoteError::Key("it is not UTF-8"))
}
