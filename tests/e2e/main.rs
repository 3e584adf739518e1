//! A running gateway, asked over mTLS. Each test starts its own on free loopback ports over its own copy of the sample city.

#![expect(clippy::unwrap_used, reason = "what goes wrong ends the test")]

mod adapter;
mod answers;
mod audit_service;
mod bad_input;
mod cache;
mod canary;
mod collector;
mod command_line;
mod contract;
mod dashboards;
mod doctor;
mod identity;
mod interop;
mod json;
mod once;
mod provable;
mod reload;
mod tail;
mod telemetry;
mod trust;
mod verdict;
mod witness;
