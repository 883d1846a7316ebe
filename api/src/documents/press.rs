//! Templates, compiled and fed with facts. Whatever a fact says is text, never markup.

use super::facts::Facts;
use super::samples;
use crate::bounded::Bounded;
use crate::problem::{FieldError, Text};
use domain::document::DocumentKind;
use domain::template::TemplateVersion;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use std::error::Error as _;
use std::sync::Arc;

/// Compiled templates that are remembered.
const COMPILED_MAX: usize = 256;
/// The most instructions of one document: more than any page or two needs.
const FUEL: u64 = 100_000;
/// The name under which the one template of an environment is known.
const NAME: &str = "document";
/// What a template must not contain: documents stand alone, and do nothing.
const FORBIDDEN: [&str; 6] = ["<script", "javascript:", "http://", "https://", "@import", "autoescape"];

/// A template is broken, or does not take the facts; nothing in it quotes them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct PressError {
    /// What is wrong.
    pub reason: String,
    /// In which line of the template.
    pub line: Option<usize>,
}

impl From<minijinja::Error> for PressError {
    fn from(error: minijinja::Error) -> Self {
        let reason = match error.detail() {
            Some(detail) if error.source().is_none() => format!("{}: {detail}", error.kind()),
            Some(_) | None => error.kind().to_string(),
        };
        Self { reason, line: error.line() }
    }
}

/// The templates in use, compiled. A version never changes, so what was compiled once stays right.
pub struct Press(Bounded<(DocumentKind, u32), Arc<Environment<'static>>>);

impl Default for Press {
    fn default() -> Self {
        Self(Bounded::new(COMPILED_MAX))
    }
}

impl Press {
    /// Prints the facts: the same bytes for the same template and facts.
    ///
    /// # Errors
    /// The template is broken, or asks for a fact that such a document does not have.
    pub fn print(&self, kind: DocumentKind, template: &TemplateVersion, facts: &Facts) -> Result<String, PressError> {
        let key = (kind, template.version);
        let compiled = match self.0.get(&key) {
            Some(compiled) => compiled,
            None => {
                let compiled = Arc::new(compile(&template.source)?);
                self.0.put(key, Arc::clone(&compiled));
                compiled
            }
        };
        printed(&compiled, facts)
    }
}

/// Nothing but places, conditions and loops: no filters, functions or includes, so that a template cannot reach out.
fn compile(source: &str) -> Result<Environment<'static>, PressError> {
    let mut environment = Environment::empty();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.add_template_owned(NAME, source.to_owned())?;
    Ok(environment)
}

fn printed(compiled: &Environment<'_>, facts: &Facts) -> Result<String, PressError> {
    Ok(compiled.get_template(NAME)?.render(Serde(facts))?)
}

/// Looks at a template that is to be published; `None` if documents can be printed by it.
///
/// It is tried with everything a document of its kind may say, with as little as it may say, and with names that are
/// markup.
#[must_use]
pub fn flaw_of_template(kind: DocumentKind, source: &str) -> Option<FieldError> {
    let flaw = |zh: String, en: String| Some(FieldError::new("/source", Text::new(zh, en)));
    let lower = source.to_lowercase();
    if let Some(found) = FORBIDDEN.iter().find(|forbidden| lower.contains(*forbidden)) {
        return flaw(format!("模板不得含有 {found}"), format!("must not contain {found}"));
    }
    let tried = compile(source).and_then(|compiled| {
        samples::of(kind).iter().map(|facts| printed(&compiled, facts)).collect::<Result<Vec<_>, _>>()
    });
    match tried {
        Err(error) => flaw(format!("模板无法打印：{error}"), format!("does not print: {error}")),
        Ok(printed) if printed.iter().any(|page| page.contains(samples::MARKUP)) => {
            let en = "lets markup in a fact through".to_owned();
            flaw("模板未转义所填内容".to_owned(), en)
        }
        Ok(printed) if !printed.iter().all(|page| page.contains(samples::NUMBER)) => {
            flaw("模板须印出文书编号".to_owned(), "must print the document's number".to_owned())
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::builtin;

    fn template(kind: DocumentKind) -> TemplateVersion {
        let reference = builtin::reference();
        reference.templates.version(kind, 1).unwrap().clone()
    }

    fn flaw(source: &str) -> String {
        flaw_of_template(DocumentKind::Receipt, source).map_or_else(String::new, |flaw| flaw.detail.en)
    }

    #[test]
    fn the_built_in_templates_print_whatever_there_is_to_say() {
        for kind in DocumentKind::ALL {
            assert_eq!(flaw_of_template(kind, &template(kind).source), None, "{kind}");
        }
    }

    #[test]
    fn a_printed_page_is_whole_accessible_and_stands_alone() {
        for kind in DocumentKind::ALL {
            let [_, zh, _] = kind.names();
            for facts in samples::of(kind) {
                let page = Press::default().print(kind, &template(kind), &facts).unwrap();
                for part in ["<!doctype html>", "<html lang=\"zh-CN\">", "<main>", "<h1>", "@page", "</html>"] {
                    assert!(page.contains(part), "{kind} lacks {part}");
                }
                assert!(page.contains(&format!("<title>{zh}")), "{kind}");
            }
        }
    }

    /// Whoever changes how facts are told, or takes another release of the template engine, meets this first: documents
    /// of the past must come out byte for byte.
    #[test]
    fn the_bytes_of_a_document_never_change() {
        let pages = DocumentKind::ALL.into_iter().flat_map(|kind| {
            let template = template(kind);
            let print = move |facts: &Facts| Press::default().print(kind, &template, facts).unwrap();
            samples::of(kind).iter().map(print).collect::<Vec<_>>()
        });
        let digests: Vec<_> = pages.map(|page| crate::documents::sha256(&page)[..16].to_owned()).collect();
        insta::assert_snapshot!(digests.join("\n"));
    }

    #[test]
    fn whoever_writes_a_template_is_told_of_every_fact() {
        let page = include_str!("../../../docs/templates.md");
        for kind in DocumentKind::ALL {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{kind}`"))).unwrap();
            let facts = serde_json::to_value(&samples::of(kind)[0]).unwrap();
            for name in facts["act"].as_object().unwrap().keys() {
                assert!(row.contains(&format!("`{name}`")), "{kind}: {name}");
            }
            for name in facts.as_object().unwrap().keys().filter(|name| *name != "act") {
                assert!(page.contains(&format!("`{name}`")) || page.contains(&format!("`{name}.")), "{name}");
            }
        }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        let page = Press::default()
            .print(DocumentKind::Receipt, &template(DocumentKind::Receipt), &samples::of(DocumentKind::Receipt)[0])
            .unwrap();
        assert!(!page.contains(samples::MARKUP) && page.contains("&lt;i id=x&gt;"), "{page}");
    }

    #[test]
    fn a_template_that_breaks_reaches_out_or_runs_on_is_refused() {
        assert_eq!(flaw("{{ number }}"), "");
        assert!(flaw("{{ number }} {{ nmae }}").starts_with("does not print: undefined value"));
        assert!(flaw("{{ number }}\n{% if %}").ends_with("line 2"));
        assert!(flaw("{{ number }}{{ applicant.name|safe }}").starts_with("does not print: unknown filter"));
        assert_eq!(flaw("{{ number }}<ScRipt>"), "must not contain <script");
        assert_eq!(flaw("{% autoescape false %}{{ number }}{% endautoescape %}"), "must not contain autoescape");
        assert_eq!(flaw("收件凭证"), "must print the document's number");
        let endless = "{{ number }}".to_owned()
            + &"{% for a in act.materials %}".repeat(12)
            + "{{ a.name }}"
            + &"{% endfor %}".repeat(12);
        assert!(flaw(&endless).starts_with("does not print"), "{}", flaw(&endless));
    }
}
