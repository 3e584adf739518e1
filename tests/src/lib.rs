#![doc = include_str!("../README.md")]

mod city;
mod gateway;
pub mod questions;

pub use city::City;
pub use gateway::{Gateway, Logs, heyan};
