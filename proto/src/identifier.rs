//! Identifiers. (Placeholder signatures; being written.)
