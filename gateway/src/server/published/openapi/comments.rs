//! The comments of the `.proto` files, as they stand in the descriptors.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FileDescriptor};

/// The comment before each thing, by file and by the path of the thing in it.
pub(super) struct Comments(HashMap<String, HashMap<Vec<i32>, String>>);

impl Comments {
    pub(super) fn of(pool: &DescriptorPool) -> Self {
        let in_file = |file: FileDescriptor| {
            let source = file.file_descriptor_proto().source_code_info.clone().unwrap_or_default();
            let commented = source.location.into_iter().filter(|location| location.leading_comments.is_some());
            let comments =
                commented.map(|location| (location.path.clone(), reflowed(location.leading_comments()))).collect();
            (file.name().to_owned(), comments)
        };
        Self(pool.files().map(in_file).collect())
    }

    /// The comment; empty where there is none.
    pub(super) fn at(&self, file: &FileDescriptor, path: &[i32]) -> &str {
        self.0.get(file.name()).and_then(|comments| comments.get(path)).map_or("", String::as_str)
    }
}

/// Lines of a paragraph become one; an empty line parts paragraphs.
fn reflowed(comment: &str) -> String {
    let paragraphs = comment.split("\n\n").map(|paragraph| {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines.join(" ")
    });
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n")
}
