//! Event logs as tables, one event a row, with the header that pm4py reads (or Disco's).
//!
//! Rows of one case may stand anywhere. A table whose rows are grouped by case, as every export of ours is, is read in
//! one stream; one in the order of time is first dealt out to scratch files by case, so that memory holds a fraction
//! of it. Which it is, a first look through the file tells.

use super::{
    Attribute, CASE_BYTES_MAX, ELEMENT_BYTES_MAX, EVENTS_PER_CASE_MAX, Entries, Entry, ForeignCase, ForeignEvent,
    FormatError, Kind, LeftOut, Place, Reason, by_time,
    input::{Input, Progress},
    timestamp,
};
use csv::{ByteRecord, StringRecord};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Seek};
use std::path::Path;
use std::sync::Arc;
use tempfile::SpooledTempFile;

/// About how much of a scattered table is in memory at once, in bytes of its text.
const BUCKET_BYTES: u64 = 16 << 20;
const BUCKETS_MAX: u64 = 256;

/// Opens a table: `first_look` is read to its end, then the file once more.
pub(crate) fn read(path: &Path, first_look: Input) -> Result<(Entries, Progress), FormatError> {
    let order = Order::of(first_look)?;
    let (input, progress) = Input::open(path)?;
    let rows = Rows::new(input)?;
    let entries: Entries = match order {
        Order::Grouped => Box::new(Grouped { rows: Some(rows), gathering: None, ready: VecDeque::new() }),
        Order::Scattered { bytes } => Box::new(Scattered::new(rows, bytes)),
    };
    Ok((entries, progress))
}

/// How the rows of a table stand.
enum Order {
    /// Those of a case follow one another.
    Grouped,
    /// Those of a case stand anywhere.
    Scattered { bytes: u64 },
}

impl Order {
    fn of(input: Input) -> Result<Self, FormatError> {
        let mut rows = Rows::new(input)?;
        let hasher = RandomState::new();
        let mut current = None;
        let mut seen = HashSet::new();
        let mut grouped = true;
        // Two cases of one hash only make a grouped table count as scattered, which is slower and as right.
        while let Some(row) = rows.next()? {
            let Ok(row) = row.cells else { continue };
            let case = Some(hasher.hash_one(&row[rows.columns.case]));
            grouped &= case == current || seen.insert(case);
            current = case;
        }
        let bytes = rows.table.get_ref().byte();
        Ok(if grouped { Self::Grouped } else { Self::Scattered { bytes } })
    }
}

/// What the columns mean.
struct Columns {
    case: usize,
    activity: usize,
    time: usize,
    lifecycle: Option<usize>,
    resource: Option<usize>,
    group: Option<usize>,
    role: Option<usize>,
    /// What else is told of the case, by its key.
    of_case: Vec<(usize, String)>,
    /// What else is told of the event.
    of_event: Vec<(usize, String)>,
    count: usize,
}

impl Columns {
    fn of(header: &StringRecord) -> Result<Self, FormatError> {
        let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
        let find = |aliases: &[&str]| {
            aliases.iter().find_map(|alias| names.iter().position(|name| name.eq_ignore_ascii_case(alias)))
        };
        let need = |aliases: &[&str]| {
            find(aliases).ok_or_else(|| FormatError::NotALog {
                found: format!("a table without a column {} (its columns: {})", aliases[0], names.join(", ")),
            })
        };
        let case = need(&["case:concept:name", "case id", "case_id"])?;
        let activity = need(&["concept:name", "activity"])?;
        let time = need(&["time:timestamp", "complete timestamp", "timestamp"])?;
        let lifecycle = find(&["lifecycle:transition"]);
        let resource = find(&["org:resource", "resource"]);
        let group = find(&["org:group"]);
        let role = find(&["org:role", "role"]);

        let known = [Some(case), Some(activity), Some(time), lifecycle, resource, group, role];
        let others = (0..names.len()).filter(|column| !known.contains(&Some(*column)) && !names[*column].is_empty());
        let (of_case, of_event): (Vec<usize>, Vec<usize>) =
            others.partition(|column| names[*column].starts_with("case:"));
        Ok(Self {
            case,
            activity,
            time,
            lifecycle,
            resource,
            group,
            role,
            of_case: of_case.into_iter().map(|column| (column, names[column]["case:".len()..].to_owned())).collect(),
            of_event: of_event.into_iter().map(|column| (column, names[column].to_owned())).collect(),
            count: names.len(),
        })
    }

    fn event(&self, row: &StringRecord) -> Result<ForeignEvent, Reason> {
        let optional =
            |column: Option<usize>| column.map(|at| &row[at]).filter(|cell| !cell.is_empty()).map(str::to_owned);
        let (activity, time) = (&row[self.activity], &row[self.time]);
        if activity.is_empty() {
            return Err(Reason::NoActivity);
        }
        if time.trim().is_empty() {
            return Err(Reason::NoTime);
        }
        Ok(ForeignEvent {
            activity: activity.to_owned(),
            occurred_at: timestamp::parse(time).ok_or_else(|| Reason::NotATime(time.to_owned()))?,
            lifecycle: optional(self.lifecycle),
            resource: optional(self.resource),
            group: optional(self.group),
            role: optional(self.role),
            attributes: attributes(&self.of_event, row),
        })
    }
}

fn attributes(columns: &[(usize, String)], row: &StringRecord) -> Vec<Attribute> {
    let given = columns.iter().filter(|(column, _)| !row[*column].is_empty());
    given
        .map(|(column, key)| Attribute {
            key: key.clone(),
            kind: Kind::String,
            value: row[*column].to_owned(),
            children: Vec::new(),
        })
        .collect()
}

/// The rows of a table below its header.
struct Rows {
    table: csv::Reader<Input>,
    columns: Arc<Columns>,
}

/// One row: its cells, as many as the header has and with a case id, or why it is left out.
struct Row {
    line: u64,
    cells: Result<StringRecord, Reason>,
}

impl Rows {
    fn new(mut input: Input) -> Result<Self, FormatError> {
        input.allow("the header", ELEMENT_BYTES_MAX);
        let start = input.peek().map_err(|error| FormatError::of_input(&error, 1, 0))?;
        if start.is_empty() {
            return Err(FormatError::NotALog { found: "an empty file".into() });
        }
        let delimiter = delimiter(start);
        let mut table = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(input);
        let header = match table.headers() {
            Ok(header) => Columns::of(header)?,
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                return Err(FormatError::NotALog { found: "a table that is not in UTF-8".into() });
            }
            Err(error) => return Err(table_error(&error, table.get_ref())),
        };
        Ok(Self { table, columns: Arc::new(header) })
    }

    fn next(&mut self) -> Result<Option<Row>, FormatError> {
        self.table.get_mut().allow("a row", ELEMENT_BYTES_MAX);
        let mut record = ByteRecord::new();
        let found = self.table.read_byte_record(&mut record);
        if !found.map_err(|error| table_error(&error, self.table.get_ref()))? {
            return Ok(None);
        }
        let line = record.position().map_or(0, csv::Position::line);
        Ok(Some(Row { line, cells: self.accept(record) }))
    }

    fn accept(&self, record: ByteRecord) -> Result<StringRecord, Reason> {
        if record.len() != self.columns.count {
            return Err(Reason::Cells { expected: self.columns.count, found: record.len() });
        }
        let cells = StringRecord::from_byte_record(record).map_err(|_| Reason::NotText)?;
        if cells[self.columns.case].is_empty() { Err(Reason::NoCaseId) } else { Ok(cells) }
    }
}

/// The rows of one case so far.
struct Gathering {
    case: ForeignCase,
    first_line: u64,
    bytes: u64,
}

impl Gathering {
    fn new(columns: &Columns, line: u64, cells: &StringRecord) -> Self {
        let id = cells[columns.case].to_owned();
        let case = ForeignCase { id, attributes: attributes(&columns.of_case, cells), events: Vec::new() };
        Self { case, first_line: line, bytes: 0 }
    }

    /// Adds a row; what is wrong with it goes to `ready`.
    fn add(
        &mut self,
        columns: &Columns,
        line: u64,
        cells: &StringRecord,
        ready: &mut VecDeque<Entry>,
    ) -> Result<(), FormatError> {
        self.bytes += cells.as_slice().len() as u64;
        if self.case.events.len() == EVENTS_PER_CASE_MAX || self.bytes > CASE_BYTES_MAX {
            let detail = format!(
                "a case has more than {EVENTS_PER_CASE_MAX} events or {CASE_BYTES_MAX} bytes: {}",
                self.case.id
            );
            return Err(FormatError::TooLarge { line, byte: cells.position().map_or(0, csv::Position::byte), detail });
        }
        match columns.event(cells) {
            Ok(event) => self.case.events.push(event),
            Err(reason) => ready.push_back(left_out(line, reason)),
        }
        Ok(())
    }

    fn finish(mut self) -> Entry {
        by_time(&mut self.case.events);
        if self.case.events.is_empty() {
            return left_out(self.first_line, Reason::NoEvents);
        }
        Entry::Case(self.case)
    }
}

/// Cases whose rows follow one another.
struct Grouped {
    rows: Option<Rows>,
    gathering: Option<Gathering>,
    ready: VecDeque<Entry>,
}

impl Grouped {
    fn read_row(&mut self) -> Result<(), FormatError> {
        let Some(rows) = &mut self.rows else { return Ok(()) };
        let Some(Row { line, cells }) = rows.next()? else {
            self.rows = None;
            self.ready.extend(self.gathering.take().map(Gathering::finish));
            return Ok(());
        };
        let cells = match cells {
            Ok(cells) => cells,
            Err(reason) => {
                self.ready.push_back(left_out(line, reason));
                return Ok(());
            }
        };
        let columns = rows.columns.clone();
        if self.gathering.as_ref().is_some_and(|gathering| gathering.case.id != cells[columns.case]) {
            self.ready.extend(self.gathering.take().map(Gathering::finish));
        }
        let gathering = self.gathering.get_or_insert_with(|| Gathering::new(&columns, line, &cells));
        gathering.add(&columns, line, &cells, &mut self.ready)
    }
}

impl Iterator for Grouped {
    type Item = Result<Entry, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Some(Ok(entry));
            }
            self.rows.as_ref()?;
            if let Err(error) = self.read_row() {
                return Some(Err(error));
            }
        }
    }
}

/// Cases whose rows stand anywhere: rows are dealt out by case to buckets, then each bucket is gathered in memory.
struct Scattered {
    rows: Rows,
    dealing: bool,
    hasher: RandomState,
    buckets: VecDeque<csv::Writer<SpooledTempFile>>,
    ready: VecDeque<Entry>,
}

impl Scattered {
    fn new(rows: Rows, bytes: u64) -> Self {
        let count = (bytes / BUCKET_BYTES + 1).min(BUCKETS_MAX);
        // One bucket stays in memory; many are written out but for a little.
        let in_memory = if count == 1 { usize::MAX } else { 64 << 10 };
        let bucket = |_| csv::WriterBuilder::new().from_writer(SpooledTempFile::new(in_memory));
        let buckets = (0..count).map(bucket).collect();
        Self { rows, dealing: true, hasher: RandomState::new(), buckets, ready: VecDeque::new() }
    }

    /// Puts one row into the bucket of its case.
    fn deal(&mut self) -> Result<(), FormatError> {
        let Some(Row { line, cells }) = self.rows.next()? else {
            self.dealing = false;
            return Ok(());
        };
        match cells {
            Err(reason) => self.ready.push_back(left_out(line, reason)),
            Ok(cells) => {
                let bucket = self.hasher.hash_one(&cells[self.rows.columns.case]) % self.buckets.len() as u64;
                let line = line.to_string();
                let row = cells.iter().chain([line.as_str()]);
                self.buckets[bucket as usize].write_record(row).map_err(|error| scratch(io::Error::other(error)))?;
            }
        }
        Ok(())
    }

    /// Makes cases of the rows of one bucket.
    fn gather(&mut self, bucket: csv::Writer<SpooledTempFile>) -> Result<(), FormatError> {
        let mut bucket = bucket.into_inner().map_err(|error| scratch(error.into_error()))?;
        bucket.rewind().map_err(scratch)?;
        let columns = self.rows.columns.clone();
        let mut table = csv::ReaderBuilder::new().has_headers(false).from_reader(bucket);
        let mut cases: BTreeMap<String, Gathering> = BTreeMap::new();
        for row in table.records() {
            let cells = row.map_err(|error| scratch(io::Error::other(error)))?;
            let line = cells[columns.count].parse().unwrap_or_default();
            if !cases.contains_key(&cells[columns.case]) {
                cases.insert(cells[columns.case].to_owned(), Gathering::new(&columns, line, &cells));
            }
            if let Some(gathering) = cases.get_mut(&cells[columns.case]) {
                gathering.add(&columns, line, &cells, &mut self.ready)?;
            }
        }
        let mut cases: Vec<Gathering> = cases.into_values().collect();
        cases.sort_by_key(|gathering| gathering.first_line);
        self.ready.extend(cases.into_iter().map(Gathering::finish));
        Ok(())
    }
}

impl Iterator for Scattered {
    type Item = Result<Entry, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Some(Ok(entry));
            }
            let step = if self.dealing {
                self.deal()
            } else {
                let bucket = self.buckets.pop_front()?;
                self.gather(bucket)
            };
            if let Err(error) = step {
                return Some(Err(error));
            }
        }
    }
}

fn left_out(line: u64, reason: Reason) -> Entry {
    Entry::LeftOut(LeftOut { place: Place::Line(line), reason })
}

/// Returns whichever separates most cells of the header.
fn delimiter(start: &[u8]) -> u8 {
    let header = start.split(|byte| *byte == b'\n').next().unwrap_or(start);
    let count = |delimiter: u8| header.iter().filter(|byte| **byte == delimiter).count();
    let best = [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter));
    best.unwrap_or(b',')
}

fn table_error(error: &csv::Error, input: &Input) -> FormatError {
    match error.kind() {
        csv::ErrorKind::Io(error) => FormatError::of_input(error, input.line(), input.byte()),
        _ => FormatError::Broken { line: input.line(), byte: input.byte(), detail: error.to_string() },
    }
}

fn scratch(source: io::Error) -> FormatError {
    FormatError::Scratch { directory: std::env::temp_dir().display().to_string(), source }
}
