//! The examples of the contract's README.
