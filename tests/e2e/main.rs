//! A running gateway, asked over mTLS. Each test starts its own on free loopback ports over its own copy of the sample city.

mod answers;
mod bad_input;
mod canary;
mod interop;
mod once;
mod verdict;
