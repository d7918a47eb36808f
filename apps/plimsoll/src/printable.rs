//! Text from outside on a person's terminal: control characters and escapes are made visible.

use std::borrow::Cow;

/// Whether a terminal does nothing with a character but show it, in the direction of writing.
pub(crate) fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{200b}'..='\u{200f}'
            | '\u{61c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with everything replaced that a terminal would act on, or that turns the direction of writing.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let shown = |character| match character {
        '\n' | '\r' | '\t' => ' ',
        character if is_harmless(character) => character,
        _ => '\u{fffd}',
    };
    text.chars().map(shown).collect::<String>().into()
}

/// The same, cut to a width in characters.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= width {
        return text.into_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A list of words for a shell to read, quoted where needed.
pub(crate) fn shell_words(words: &[String]) -> String {
    let is_plain = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@+,%^~".contains(&byte))
    };
    let quoted = words.iter().map(|word| {
        if is_plain(word) && !word.starts_with('~') {
            word.clone()
        } else {
            format!("'{}'", printable(word).replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_never_reach_the_terminal() {
        for hidden in ['\u{61c}', '\u{2028}', '\u{2029}', '\u{2062}', '\u{9b}', '\u{e0041}'] {
            assert_eq!(printable(&format!("a{hidden}b")), "a\u{fffd}b");
        }
        assert_eq!(printable("a\u{1b}[31mb\u{202e}"), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(shell_words(&["apt".to_owned(), "$(x)".to_owned(), "it's".to_owned()]), "apt '$(x)' 'it'\\''s'");
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
