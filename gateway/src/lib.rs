#![doc = include_str!("../README.md")]

pub mod audit;
pub mod clock;
pub mod config;
pub mod channel;
pub mod directory;
pub mod identity;
pub mod matching;
pub mod sample;
pub mod server;
pub mod telemetry;
