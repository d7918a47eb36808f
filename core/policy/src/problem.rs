//! What a check finds: where, what is wrong, what to do, and an example that shows it.

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its stable code: `policy/loosens`.
    pub code: &'static str,
    /// Whether the policy may not be published so.
    pub is_error: bool,
    /// The line, from 1; none where something is missing altogether.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do about it; empty if that is plain.
    pub hint: String,
    /// A case that shows it; empty if there is none to show.
    pub example: String,
}

/// What checks say, with the text they speak of.
#[derive(Debug)]
pub(crate) struct Problems<'t> {
    pub(crate) text: &'t str,
    pub(crate) found: Vec<Problem>,
}

impl<'t> Problems<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Self { text, found: Vec::new() }
    }

    /// Notes an error at a byte of the text.
    pub(crate) fn error(&mut self, code: &'static str, at: usize, what: String) -> &mut Problem {
        self.note((code, true), Some(at), what)
    }

    /// Notes something that may be meant, at a byte of the text.
    pub(crate) fn warning(&mut self, code: &'static str, at: usize, what: String) -> &mut Problem {
        self.note((code, false), Some(at), what)
    }

    /// Notes that something is not there.
    pub(crate) fn missing(&mut self, code: &'static str, what: String) -> &mut Problem {
        self.note((code, true), None, what)
    }

    fn note(&mut self, (code, is_error): (&'static str, bool), at: Option<usize>, what: String) -> &mut Problem {
        let line = at.map(|at| crate::file::line_of(self.text, at));
        let problem = Problem { code, is_error, line, what, hint: String::new(), example: String::new() };
        self.found.push(problem);
        // INVARIANT: it was pushed just now.
        let last = self.found.len() - 1;
        &mut self.found[last]
    }
}

impl Problem {
    pub(crate) fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = hint.into();
        self
    }

    pub(crate) fn example(&mut self, example: impl Into<String>) -> &mut Self {
        self.example = example.into();
        self
    }
}
