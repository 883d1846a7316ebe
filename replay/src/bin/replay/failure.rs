//! Why a verb has no answer: one line that says what, where and what to do.

use std::error::Error;

/// Told on one line; the causes only on request.
pub(crate) struct Failure {
    what: String,
    advice: Option<String>,
    cause: Option<Box<dyn Error>>,
}

impl Failure {
    /// What was attempted, and on what.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), advice: None, cause: None }
    }

    /// What to do next.
    pub(crate) fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// What it came from.
    pub(crate) fn because(self, cause: impl Error + 'static) -> Self {
        Self { cause: Some(Box::new(cause)), ..self }
    }

    /// What it came from, whatever that is.
    pub(crate) fn because_of(self, cause: Box<dyn Error + Send + Sync>) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// Tells it on the error output: the nearest cause always, the whole chain if asked for.
    pub(crate) fn tell(&self, verbose: bool) {
        let mut line = format!("replay: {}", self.what);
        if let Some(cause) = &self.cause {
            line = format!("{line}: {cause}");
        }
        if let Some(advice) = &self.advice {
            line = format!("{line}; {advice}");
        }
        eprintln!("{}", line.replace('\n', " "));
        let mut cause = self.cause.as_deref().filter(|_| verbose).and_then(Error::source);
        while let Some(deeper) = cause {
            eprintln!("  because: {deeper}");
            cause = deeper.source();
        }
    }
}
