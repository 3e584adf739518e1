//! What is stated of every error.

use heyan_proto::document::Problems;

use super::harness::Outcome;

/// The longest message, in characters.
const MESSAGE_MAX: usize = 401;
/// The longest advice; it may list what is known.
const HELP_MAX: usize = 2_001;

/// A message is one line that a terminal and a log show as it is, and short.
pub(crate) fn one_line(text: &str, max: usize) {
    let hidden = |c: &char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.chars().any(|c| hidden(&c)), "an error that does not show what it says: {text:?}");
    assert!(!text.trim().is_empty(), "an error that says nothing");
    assert!(text.chars().count() <= max, "an error of more than {max} characters: {text}");
}

/// The problems of a document: there are some, each in its file and at a place that the file has, in order, each once.
pub(crate) fn problems(problems: &Problems, file: &str, text: &str) -> Outcome {
    assert!(!problems.is_empty(), "refused without a reason");
    let lines: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
    let mut last = None;
    for problem in problems.iter() {
        one_line(&problem.message, MESSAGE_MAX);
        if let Some(help) = &problem.help {
            one_line(help, HELP_MAX);
        }
        if problem.file != file {
            continue;
        }
        let columns = problem.line.checked_sub(1).and_then(|line| lines.get(line));
        let columns = columns.unwrap_or_else(|| panic!("line {} of {}: {problem}", problem.line, lines.len()));
        assert!((1..=columns + 1).contains(&problem.column), "column {} of {columns}: {problem}", problem.column);
        assert!(last.is_none_or(|last| last < problem), "out of order, or twice: {problem}");
        last = Some(problem);
    }
    Outcome::of(problems.iter().map(|problem| Outcome::said(&problem.message)).take(3).collect::<Vec<_>>())
}

/// Whether a text repeats so much of what was written that it could be recognised: eight characters, half of them digits.
/// What the text says of itself is no repetition.
pub(crate) fn repeats(text: &str, written: &str, own: &[&str]) -> bool {
    let written: Vec<char> = written.chars().collect();
    written.windows(8).any(|window| {
        let window: String = window.iter().collect();
        window.chars().filter(|c| c.is_numeric()).count() >= 4
            && text.contains(&window)
            && !own.iter().any(|own| own.contains(&window))
    })
}
