#![doc = include_str!("../README.md")]

pub mod document;
pub mod identifier;
pub mod vocabulary;
