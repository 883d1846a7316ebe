//! The table by column, typed: moments in microseconds of UTC, text by dictionary.

use super::columns::{ColumnKind, Columns};
use super::csv::{PM4PY, text_of};
use super::stamp::Stamp;
use super::table::{Attribute, Case, CaseStep, Value};
use super::{Form, Sink, WriteError};
use ::parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::Type;
use bytes::Bytes;
use std::io;
use std::sync::Arc;

/// Rows are written by so many; memory holds no more.
const ROWS_PER_GROUP: usize = 64 * 1024;

/// A file in the making.
pub(super) struct Parquet {
    file: SerializedFileWriter<Sink>,
    /// The columns that every event has, then those of events, then those of cases.
    known: Vec<Cells>,
    attributes: Vec<Cells>,
    rows: usize,
    stamp: Stamp,
    cell: String,
}

impl Parquet {
    pub(super) fn new(sink: Sink, columns: &Columns) -> Result<Self, WriteError> {
        let headers = columns.headers("case:", &PM4PY);
        let known: Vec<Cells> = PM4PY
            .iter()
            .map(|name| match *name {
                "time:timestamp" => Cells::new(name, ColumnKind::Time, Repetition::REQUIRED),
                "seq" => Cells::new(name, ColumnKind::Int, Repetition::REQUIRED),
                "case:concept:name" | "concept:name" => Cells::new(name, ColumnKind::Text, Repetition::REQUIRED),
                _ => Cells::new(name, ColumnKind::Text, Repetition::OPTIONAL),
            })
            .collect();
        let mut numbered: Vec<(u16, bool)> = Vec::new();
        for of_case in [false, true] {
            numbered.extend(columns.listed(of_case).map(|(number, _)| (number, of_case)));
        }
        let mut attributes: Vec<Cells> = Vec::with_capacity(numbered.len());
        for (number, _) in &numbered {
            let name = &headers[usize::from(*number)];
            let cells = Cells::new(name, columns.get(*number).kind, Repetition::OPTIONAL);
            attributes.push(Cells { column: Some(*number), ..cells });
        }
        let mut fields = Vec::with_capacity(known.len() + attributes.len());
        for cells in known.iter().chain(&attributes) {
            fields.push(Arc::new(cells.field()?));
        }
        let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by("yichuang".to_owned())
            .build();
        let file = SerializedFileWriter::new(sink, schema, Arc::new(properties))?;
        Ok(Self { file, known, attributes, rows: 0, stamp: Stamp::default(), cell: String::new() })
    }

    fn event(&mut self, case: &Case<'_>, place: usize, event: &CaseStep<'_>) {
        let texts = [
            Some(case.id.as_str()),
            Some(event.activity),
            None,
            event.lifecycle,
            event.resource,
            event.role,
            event.group,
            None,
        ];
        let number = i64::try_from(place + 1).unwrap_or(i64::MAX);
        for (cells, (name, text)) in self.known.iter_mut().zip(PM4PY.iter().zip(texts)) {
            match *name {
                "time:timestamp" => cells.whole(event.at),
                "seq" => cells.whole(number),
                _ => match text {
                    Some(text) => cells.text(text),
                    None => cells.nothing(),
                },
            }
        }
        for cells in &mut self.attributes {
            let wanted = |attribute: &&Attribute<'_>| Some(attribute.column) == cells.column;
            let found = event.attributes.iter().chain(&case.attributes).find(wanted);
            match found {
                Some(attribute) => cells.value(&attribute.value, &mut self.stamp, &mut self.cell),
                None => cells.nothing(),
            }
        }
        self.rows += 1;
    }

    fn write_group(&mut self) -> Result<(), WriteError> {
        let mut group = self.file.next_row_group()?;
        for cells in self.known.iter_mut().chain(&mut self.attributes) {
            let Some(mut column) = group.next_column()? else {
                return Err(io::Error::other("the schema has a column less than its rows").into());
            };
            cells.write(&mut column)?;
            column.close()?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl Form for Parquet {
    fn case(&mut self, _: &Columns, case: &Case<'_>) -> Result<(), WriteError> {
        for (place, event) in case.events.iter().enumerate() {
            self.event(case, place, event);
            if self.rows == ROWS_PER_GROUP {
                self.write_group()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        if 0 < self.rows {
            self.write_group()?;
        }
        Ok(self.file.into_inner()?.finish()?)
    }
}

/// The cells of one column, up to the end of the group.
struct Cells {
    name: String,
    column: Option<u16>,
    kind: ColumnKind,
    repetition: Repetition,
    present: Vec<i16>,
    whole: Vec<i64>,
    fractions: Vec<f64>,
    truths: Vec<bool>,
    /// Texts one after another; a text that is as the one before is held once.
    bytes: Vec<u8>,
    texts: Vec<(usize, usize)>,
}

impl Cells {
    fn new(name: &str, kind: ColumnKind, repetition: Repetition) -> Self {
        Self {
            name: name.to_owned(),
            column: None,
            kind,
            repetition,
            present: Vec::new(),
            whole: Vec::new(),
            fractions: Vec::new(),
            truths: Vec::new(),
            bytes: Vec::new(),
            texts: Vec::new(),
        }
    }

    fn field(&self) -> Result<Type, ParquetError> {
        let (physical, logical) = match self.kind {
            ColumnKind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            ColumnKind::Int => (Physical::INT64, None),
            ColumnKind::Float => (Physical::DOUBLE, None),
            ColumnKind::Truth => (Physical::BOOLEAN, None),
            ColumnKind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        };
        Type::primitive_type_builder(&self.name, physical)
            .with_repetition(self.repetition)
            .with_logical_type(logical)
            .build()
    }

    fn nothing(&mut self) {
        self.present.push(0);
    }

    fn whole(&mut self, number: i64) {
        self.present.push(1);
        self.whole.push(number);
    }

    fn text(&mut self, text: &str) {
        self.present.push(1);
        if let Some((start, end)) = self.texts.last().copied()
            && self.bytes[start..end] == *text.as_bytes()
        {
            return self.texts.push((start, end));
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text.as_bytes());
        self.texts.push((start, self.bytes.len()));
    }

    fn value(&mut self, value: &Value<'_>, stamp: &mut Stamp, cell: &mut String) {
        match (self.kind, value) {
            (ColumnKind::Int, Value::Int(number)) => self.whole(*number),
            (ColumnKind::Time, Value::Time(at)) => self.whole(*at),
            (ColumnKind::Truth, Value::Truth(truth)) => {
                self.present.push(1);
                self.truths.push(*truth);
            }
            (ColumnKind::Float, Value::Float(number, _)) => self.fraction(*number),
            (ColumnKind::Float, Value::Int(number)) => self.fraction(*number as f64),
            (ColumnKind::Text, Value::Text(text) | Value::Nested(text)) => self.text(text),
            // A column of texts holds what some of its values were as text; no other value comes to another column.
            (_, value) => {
                text_of(value, stamp, cell);
                self.text(cell);
            }
        }
    }

    fn fraction(&mut self, number: f64) {
        self.present.push(1);
        self.fractions.push(number);
    }

    fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let present = (self.repetition == Repetition::OPTIONAL).then_some(self.present.as_slice());
        match self.kind {
            ColumnKind::Text => {
                let bytes = Bytes::from(std::mem::take(&mut self.bytes));
                let texts: Vec<ByteArray> =
                    self.texts.drain(..).map(|(start, end)| bytes.slice(start..end).into()).collect();
                column.typed::<ByteArrayType>().write_batch(&texts, present, None)?;
            }
            ColumnKind::Int | ColumnKind::Time => {
                column.typed::<Int64Type>().write_batch(&self.whole, present, None)?;
            }
            ColumnKind::Float => {
                column.typed::<DoubleType>().write_batch(&self.fractions, present, None)?;
            }
            ColumnKind::Truth => {
                column.typed::<BoolType>().write_batch(&self.truths, present, None)?;
            }
        }
        self.present.clear();
        self.whole.clear();
        self.fractions.clear();
        self.truths.clear();
        Ok(())
    }
}
