//! `[limits]`: what bounds the gateway's work. Each department's file has limits of its own.

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::time::Duration;

use heyan_proto::document::{Located, Table};

use super::default;

/// The longest time that a call, or a step of a connection, may be given.
const SPAN_MAX: Duration = Duration::from_secs(600);
/// The longest time that a connection may stay open.
const STAY_MAX: Duration = Duration::from_secs(24 * 3600);
/// The most memory that a cache may have, in bytes.
const CACHE_BYTES_MAX: i64 = 64 << 30;

/// What bounds the gateway's work: numbers, sizes in bytes, and lengths of time. The values are at least one, but for
/// `cache_bytes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// `deadline_default`: see [`default::DEADLINE`].
    pub deadline_default: Duration,
    /// `deadline_max`: see [`default::DEADLINE_MAX`].
    pub deadline_max: Duration,
    /// `in_flight`: see [`default::IN_FLIGHT`].
    pub in_flight: usize,
    /// `in_flight_per_caller`: the same for one system or person; half of `in_flight` unless given.
    pub in_flight_per_caller: usize,
    /// `message_bytes`: see [`default::MESSAGE_BYTES`].
    pub message_bytes: usize,
    /// `cache_bytes`: see [`default::CACHE_BYTES`].
    pub cache_bytes: u64,
    /// `connections`: see [`default::CONNECTIONS`].
    pub connections: usize,
    /// `connections_per_caller`: see [`default::CONNECTIONS_PER_CALLER`]; not more than `connections`.
    pub connections_per_caller: usize,
    /// `handshakes_per_address`: see [`default::HANDSHAKES_PER_ADDRESS`]; not more than `connections`.
    pub handshakes_per_address: usize,
    /// `streams`: see [`default::STREAMS`].
    pub streams: u32,
    /// `header_bytes`: see [`default::HEADER_BYTES`].
    pub header_bytes: u32,
    /// `handshake`: see [`default::HANDSHAKE`].
    pub handshake: Duration,
    /// `first_request`: see [`default::FIRST_REQUEST`].
    pub first_request: Duration,
    /// `headers`: see [`default::HEADERS`].
    pub headers: Duration,
    /// `body`: see [`default::BODY`].
    pub body: Duration,
    /// `reply`: see [`default::REPLY`].
    pub reply: Duration,
    /// `keep_alive`: see [`default::KEEP_ALIVE`].
    pub keep_alive: Duration,
    /// `keep_alive_reply`: see [`default::KEEP_ALIVE_REPLY`].
    pub keep_alive_reply: Duration,
    /// `idle`: see [`default::IDLE`].
    pub idle: Duration,
    /// `age`: see [`default::AGE`].
    pub age: Duration,
    /// `drain`: see [`default::DRAIN`].
    pub drain: Duration,
    /// `grace`: see [`default::GRACE`].
    pub grace: Duration,
}

/// Reads the table where there is one. Everything that is wrong with it is reported at once.
pub(super) fn read(root: &mut Table<'_>) -> Option<Limits> {
    let mut given = Given { table: root.optional_table("limits")?, is_right: true };
    let in_flight: usize = given.number("in_flight", 1..=65_536, default::IN_FLIGHT);
    let connections = given.number("connections", 1..=65_536, default::CONNECTIONS);
    let share = |of: i64| of.min(i64::try_from(connections).unwrap_or(of));
    let limits = Limits {
        deadline_default: given.span("deadline_default", SPAN_MAX, default::DEADLINE),
        deadline_max: given.span("deadline_max", SPAN_MAX, default::DEADLINE_MAX),
        in_flight,
        in_flight_per_caller: given.number("in_flight_per_caller", 1..=65_536, half(in_flight)),
        message_bytes: given.number("message_bytes", 1_024..=4 << 20, default::MESSAGE_BYTES),
        cache_bytes: given.number("cache_bytes", 0..=CACHE_BYTES_MAX, default::CACHE_BYTES),
        connections,
        connections_per_caller: given.number(
            "connections_per_caller",
            1..=65_536,
            share(default::CONNECTIONS_PER_CALLER),
        ),
        handshakes_per_address: given.number(
            "handshakes_per_address",
            1..=65_536,
            share(default::HANDSHAKES_PER_ADDRESS),
        ),
        streams: given.number("streams", 1..=1_024, default::STREAMS),
        header_bytes: given.number("header_bytes", 8 << 10..=1 << 20, default::HEADER_BYTES),
        handshake: given.span("handshake", SPAN_MAX, default::HANDSHAKE),
        first_request: given.span("first_request", SPAN_MAX, default::FIRST_REQUEST),
        headers: given.span("headers", SPAN_MAX, default::HEADERS),
        body: given.span("body", SPAN_MAX, default::BODY),
        reply: given.span("reply", SPAN_MAX, default::REPLY),
        keep_alive: given.span("keep_alive", SPAN_MAX, default::KEEP_ALIVE),
        keep_alive_reply: given.span("keep_alive_reply", SPAN_MAX, default::KEEP_ALIVE_REPLY),
        idle: given.span("idle", STAY_MAX, default::IDLE),
        age: given.span("age", STAY_MAX, default::AGE),
        drain: given.span("drain", SPAN_MAX, default::DRAIN),
        grace: given.span("grace", SPAN_MAX, default::GRACE),
    };
    let fits = limits.pairs_fit(given.table.as_ref().unwrap_or(root));
    (given.is_right && fits).then_some(limits)
}

impl Limits {
    /// Whether no limit makes another one meaningless; reports each that does.
    fn pairs_fit(&self, table: &Table<'_>) -> bool {
        let pairs = [
            ("deadline_default", "is longer than", "deadline_max", self.deadline_default > self.deadline_max),
            ("in_flight_per_caller", "is more than", "in_flight", self.in_flight_per_caller > self.in_flight),
            ("connections_per_caller", "is more than", "connections", self.connections_per_caller > self.connections),
            ("handshakes_per_address", "is more than", "connections", self.handshakes_per_address > self.connections),
        ];
        let mut fits = true;
        for (key, is, of, _) in pairs.into_iter().filter(|(.., is_wrong)| *is_wrong) {
            let help = Some("raise the one or lower the other".into());
            table.problem(format!("`limits.{key}` {is} `limits.{of}`"), help);
            fits = false;
        }
        fits
    }
}

fn half(of: usize) -> i64 {
    i64::try_from(of.div_ceil(2)).unwrap_or(default::IN_FLIGHT)
}

/// The table as it was given, if it was. What is wrong is reported, and its default stands in until the end.
struct Given<'d> {
    table: Option<Table<'d>>,
    is_right: bool,
}

impl Given<'_> {
    fn number<T: TryFrom<i64, Error: Debug>>(&mut self, key: &str, range: RangeInclusive<i64>, default: i64) -> T {
        let given = self.table.as_mut().map_or(Some(None), |table| table.optional_integer(key, range));
        self.is_right &= given.is_some();
        let number = given.flatten().map_or(default, Located::into_inner);
        number.try_into().expect("what is in its range fits its type")
    }

    /// A length of time that is not zero and at most `max`.
    fn span(&mut self, key: &str, max: Duration, default: Duration) -> Duration {
        let Some(table) = &mut self.table else { return default };
        match table.optional_duration(key) {
            Some(None) => default,
            Some(Some(given)) if !given.is_zero() && *given <= max => given.into_inner(),
            wrong => {
                if let Some(Some(given)) = wrong {
                    let help = Some(format!("write from \"1ms\" to \"{}s\"", max.as_secs()));
                    table.problem_at(&given, format!("`limits.{key}` is out of range"), help);
                }
                self.is_right = false;
                default
            }
        }
    }
}
