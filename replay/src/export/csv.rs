//! Tables, one event a row, rows of a case together and in order.

use super::columns::Columns;
use super::stamp::Stamp;
use super::table::{Attribute, Case, CaseStep, Value};
use super::{Form, Sink, WriteError};
use std::io::Write as _;
use std::str::FromStr;

/// For whom a table is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// The names that pm4py takes without a mapping.
    #[default]
    Pm4py,
    /// The names that Disco itself writes.
    Disco,
    /// An activity table with a sorting column; what is known of cases stands in a table beside it.
    Celonis,
}

/// No profile has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a profile is \"pm4py\", \"disco\" or \"celonis\", not {0:?}")]
pub struct ProfileError(pub String);

impl FromStr for Profile {
    type Err = ProfileError;
    fn from_str(name: &str) -> Result<Self, ProfileError> {
        match name {
            "pm4py" => Ok(Self::Pm4py),
            "disco" => Ok(Self::Disco),
            "celonis" => Ok(Self::Celonis),
            _ => Err(ProfileError(name.chars().take(32).collect())),
        }
    }
}

/// The columns that every table has, in this order.
type Known = [&'static str; 8];

impl Profile {
    fn known(self) -> Known {
        match self {
            Self::Pm4py => PM4PY,
            Self::Disco => {
                ["Case ID", "Activity", "Complete Timestamp", "Lifecycle", "Resource", "Role", "Group", "Sequence"]
            }
            Self::Celonis => ["CASE_ID", "ACTIVITY", "TIMESTAMP", "LIFECYCLE", "RESOURCE", "ROLE", "GROUP", "SORTING"],
        }
    }

    fn case_prefix(self) -> &'static str {
        match self {
            Self::Pm4py => "case:",
            Self::Disco => "Case ",
            Self::Celonis => "",
        }
    }
}

/// What pm4py calls the columns that every event has.
pub(super) const PM4PY: Known = [
    "case:concept:name",
    "concept:name",
    "time:timestamp",
    "lifecycle:transition",
    "org:resource",
    "org:role",
    "org:group",
    "seq",
];

/// A table in the making.
pub(super) struct Csv {
    table: csv::Writer<Sink>,
    /// The table of cases, where they have one of their own.
    cases: Option<csv::Writer<Sink>>,
    of_events: Vec<u16>,
    of_cases: Vec<u16>,
    stamp: Stamp,
    /// The cells of the events and of the case, used again and again.
    cells: Cells,
    case_cells: Cells,
}

impl Csv {
    /// Begins a table; `cases` is where what is known of cases goes, if not beside every event.
    pub(super) fn new(
        mut sink: Sink,
        cases: Option<Sink>,
        columns: &Columns,
        profile: Profile,
        byte_order_mark: bool,
    ) -> Result<Self, WriteError> {
        if byte_order_mark {
            sink.write_all("\u{feff}".as_bytes())?;
        }
        let known = profile.known();
        let headers = columns.headers(profile.case_prefix(), &known);
        let numbers = |of_case| columns.listed(of_case).map(|(number, _)| number).collect::<Vec<u16>>();
        let (of_events, of_cases) = (numbers(false), numbers(true));
        let named = |numbers: &[u16]| numbers.iter().map(|number| headers[usize::from(*number)].clone()).collect();
        let (event_names, case_names): (Vec<String>, Vec<String>) = (named(&of_events), named(&of_cases));

        let mut table = csv::Writer::from_writer(sink);
        let beside = if cases.is_some() { &[][..] } else { &case_names[..] };
        let names = known.iter().copied().chain(event_names.iter().map(String::as_str));
        table.write_record(names.chain(beside.iter().map(String::as_str)))?;
        let mut cases = cases.map(csv::Writer::from_writer);
        if let Some(cases) = &mut cases {
            cases.write_record(std::iter::once(known[0]).chain(case_names.iter().map(String::as_str)))?;
        }
        Ok(Self {
            table,
            cases,
            cells: Cells::of(&of_events),
            case_cells: Cells::of(&of_cases),
            of_events,
            of_cases,
            stamp: Stamp::default(),
        })
    }

    fn event(&mut self, case: &str, number: usize, event: &CaseStep<'_>) -> Result<(), WriteError> {
        let table = &mut self.table;
        table.write_field(case)?;
        table.write_field(event.activity)?;
        table.write_field(self.stamp.of(event.at))?;
        for cell in [event.lifecycle, event.resource, event.role, event.group] {
            table.write_field(cell.unwrap_or_default())?;
        }
        table.write_field(number.to_string())?;
        self.cells.fill(&event.attributes, &mut self.stamp);
        self.cells.write(&self.of_events, table)?;
        if self.cases.is_none() {
            self.case_cells.write(&self.of_cases, table)?;
        }
        Ok(table.write_record(None::<&[u8]>)?)
    }
}

impl Form for Csv {
    fn case(&mut self, _: &Columns, case: &Case<'_>) -> Result<(), WriteError> {
        self.case_cells.fill(&case.attributes, &mut self.stamp);
        if let Some(cases) = &mut self.cases {
            cases.write_field(&case.id)?;
            self.case_cells.write(&self.of_cases, cases)?;
            cases.write_record(None::<&[u8]>)?;
        }
        for (place, event) in case.events.iter().enumerate() {
            self.event(&case.id, place + 1, event)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        for table in std::iter::once(self.table).chain(self.cases) {
            let sink = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
            sink.finish()?;
        }
        Ok(())
    }
}

/// The values of some attributes as text, each in its place.
struct Cells {
    texts: Vec<String>,
    filled: Vec<u16>,
}

impl Cells {
    fn of(columns: &[u16]) -> Self {
        let places = columns.iter().max().map_or(0, |last| usize::from(*last) + 1);
        Self { texts: vec![String::new(); places], filled: Vec::new() }
    }

    fn fill(&mut self, attributes: &[Attribute<'_>], stamp: &mut Stamp) {
        for column in self.filled.drain(..) {
            self.texts[usize::from(column)].clear();
        }
        for Attribute { column, value } in attributes {
            text_of(value, stamp, &mut self.texts[usize::from(*column)]);
            self.filled.push(*column);
        }
    }

    fn write(&self, columns: &[u16], table: &mut csv::Writer<Sink>) -> Result<(), WriteError> {
        for column in columns {
            table.write_field(&self.texts[usize::from(*column)])?;
        }
        Ok(())
    }
}

/// Puts a value into a cell as text.
pub(super) fn text_of(value: &Value<'_>, stamp: &mut Stamp, cell: &mut String) {
    cell.clear();
    match value {
        Value::Text(text) | Value::Nested(text) | Value::Float(_, text) => cell.push_str(text),
        Value::Int(number) => cell.push_str(&number.to_string()),
        Value::Truth(truth) => cell.push_str(if *truth { "true" } else { "false" }),
        Value::Time(at) => cell.push_str(stamp.of(*at)),
    }
}
