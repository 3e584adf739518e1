#![doc = include_str!("../README.md")]

pub mod answer;
pub mod api;
pub mod audit;
pub mod channel;
pub mod cli;
pub mod clock;
pub mod config;
pub mod departments;
pub mod directory;
pub mod gateway;
pub mod identity;
pub mod matching;
pub mod sample;
pub mod server;
pub mod telemetry;
pub mod verification;
