//! How long bodies are kept. Retention takes body, reply, content digest and tags of an entry; its leaf stays for as long as the log.

use super::record::{Class, Event};

pub(super) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// How long bodies are kept, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Those that say who used whose data: [`Term::Use`].
    pub use_days: u32,
    /// Those of calls that were no use of anything: [`Term::Technical`].
    pub technical_days: u32,
}

/// What an entry is to retention. Which entries are of which term follows from their leaves alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Term {
    /// Somebody's data was asked for, whatever came of it; or it was erased.
    Use,
    /// A call that failed, was rejected or abandoned, or was only to be tried.
    Technical,
}

impl Term {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Use, Self::Technical];

    /// The word in the leaf.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Technical => "technical",
        }
    }

    /// The one that the leaf's word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|term| term.as_str() == word)
    }

    /// The term of an entry, by what its leaf says; `None` for entries that never have a body.
    pub(super) fn of(event: &str, class: Class) -> Option<Self> {
        match class {
            Class::Opened | Class::Retention => None,
            Class::Rejected | Class::Failed | Class::Abandoned => Some(Self::Technical),
            Class::Intent | Class::Answered | Class::Undetermined | Class::Denied | Class::Erasure => {
                let is_trial = event == Event::ValidateOnly.as_str();
                Some(if is_trial { Self::Technical } else { Self::Use })
            }
        }
    }
}

impl Retention {
    /// How many days bodies of this term are kept.
    pub fn days(self, term: Term) -> u32 {
        match term {
            Term::Use => self.use_days,
            Term::Technical => self.technical_days,
        }
    }
}
