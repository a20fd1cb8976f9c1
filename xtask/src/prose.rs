//! Phrases that earlier prose of this repository used where a plain sentence says more: the actor as
//! the subject, the field's word, one claim a sentence.

/// (phrase, what to write in its place).
const PHRASES: &[(&str, &str)] = &[
    ("is meant", "say what it matches or names"),
    ("are meant", "say what they match or name"),
    ("was meant", "say what it matches or names"),
    ("anew", "\"rebuilt\", \"read again\""),
    ("whoever", "name the type or function that acts"),
    ("one who ", "name the type or function that acts"),
    ("those who ", "name the type or function that acts"),
    ("who adds", "name the type or function that acts"),
    ("who asks", "name the type or function that acts"),
    ("is told of", "name who reports it"),
    (
        "is told from",
        "\"is computed from\", \"is estimated from\"",
    ),
    ("is said about", "\"labels\""),
    ("it is said that", "name who said it"),
    ("as many as there are", "\"len\", or name the count"),
    ("leave out nothing", "say what applies before what"),
    ("leaves out nothing", "say what applies before what"),
    ("still to be looked for", "\"not checked yet\""),
    ("to be looked for", "\"not checked yet\""),
];

const NUMBER_WORDS: &[&str] = &[
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "hundred", "thousand", "million",
];

/// (line, what to mend) of each phrase in `text`, also where a line ends within it. Marks of comments
/// at the beginning of lines do not count.
pub(crate) fn old_phrases(text: &str) -> Vec<(usize, String)> {
    let mut joined = String::new();
    // Where each line begins in `joined`.
    let mut starts = Vec::new();
    for line in text.lines() {
        starts.push(joined.len());
        let line = line
            .trim_start()
            .trim_start_matches(['/', '!', '#', '*', '>', '-']);
        joined.push_str(line.trim());
        joined.push(' ');
    }
    let joined = joined.to_lowercase();
    // Lengths may change with the case of rare letters; then lines are a little off.
    let line_of = |at: usize| starts.partition_point(|start| *start <= at);
    let mut found = Vec::new();
    for (phrase, instead) in PHRASES {
        for (at, _) in joined.match_indices(phrase) {
            let begins = !joined[..at].ends_with(char::is_alphanumeric);
            let ends = !joined[at + phrase.trim_end().len()..].starts_with(char::is_alphanumeric);
            if begins && ends {
                found.push((line_of(at), format!("{:?}: {instead}", phrase.trim_end())));
            }
        }
    }
    for (at, _) in joined.match_indices(" at most") {
        if is_limit_behind(&joined[..at], &joined[at + " at most".len()..]) {
            found.push((line_of(at), "\"N at most\": write \"at most N\"".to_owned()));
        }
    }
    found.sort();
    found
}

/// Whether a number stands one or two words before "at most", in the same clause, and none behind.
fn is_limit_behind(before: &str, after: &str) -> bool {
    let is_number = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.starts_with(|c: char| c.is_ascii_digit()) || NUMBER_WORDS.contains(&word)
    };
    if after.split_whitespace().next().is_some_and(is_number) {
        return false;
    }
    let mut words = before.split_whitespace().rev();
    let near = [words.next(), words.next()];
    let ends_clause = |word: &str| word.ends_with([',', '.', ';', ':', ')', '|']);
    match near {
        [Some(last), _] if ends_clause(last) => false,
        [Some(last), Some(before)] => is_number(last) || is_number(before) && !ends_clause(before),
        [Some(last), None] => is_number(last),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_phrases_are_found_and_good_ones_pass() {
        // (text, lines that are complained of)
        let cases: [(&str, &[usize]); 14] = [
            ("/// The picture that is meant.", &[1]),
            ("//! Rebuilt, not made\n//! anew from rows.", &[2]),
            ("It is made a\nnewspaper.", &[]),
            ("Whoever adds waits.", &[1]),
            ("64 tags at most, of 100 characters", &[1]),
            ("three at most", &[1]),
            ("a.\n/// Gives\n/// 1000 at most.", &[3]),
            ("at most 64 tags", &[]),
            ("with 8 at most 3 are free", &[]),
            ("on 2 cores, at most half", &[]),
            ("for the most part", &[]),
            ("`one_who` is a name", &[]),
            ("those\n// who read", &[1]),
            ("one whole", &[]),
        ];
        for (text, expected) in cases {
            let lines: Vec<usize> = old_phrases(text)
                .into_iter()
                .map(|(line, _)| line)
                .collect();
            assert_eq!(lines, expected, "{text}");
        }
    }
}
