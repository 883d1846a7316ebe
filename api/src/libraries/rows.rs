//! Rows, cut out of a body as it comes: a table (CSV) with a header, JSON objects one after the other, or in one list.
//! Memory holds one row.

use super::{COLUMNS, Row};
use crate::problem::Text;
use serde_json::{Map, Value};

/// The longest row, in bytes. One that goes on beyond it has no end, such as a quote that was never closed.
const ROW_BYTES_MAX: usize = 16 * 1024;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// `text/csv`, UTF-8, with a header of the columns' names.
    Csv,
    /// `application/json` or `application/x-ndjson`: objects, in a list or one after the other.
    Json,
}

impl RowFormat {
    /// Returns the format of a media type.
    #[must_use]
    pub fn of(media_type: &str) -> Option<Self> {
        match media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/csv" => Some(Self::Csv),
            "application/json" | "application/x-ndjson" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The body cannot be read on: not a matter of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsError {
    /// On which line.
    pub line: u64,
    /// Why.
    pub detail: Text,
}

/// Cuts rows out of bytes.
#[derive(Debug)]
pub struct Splitter {
    format: RowFormat,
    columns: Option<Vec<String>>,
    row: Vec<u8>,
    /// The line of the next byte, and the line on which the row began.
    line: u64,
    began: u64,
    quoted: bool,
    escaped: bool,
    depth: usize,
}

impl Splitter {
    /// Begins at the beginning of a body.
    #[must_use]
    pub fn new(format: RowFormat) -> Self {
        Self { format, columns: None, row: Vec::new(), line: 1, began: 1, quoted: false, escaped: false, depth: 0 }
    }

    /// Takes the next bytes, and appends the rows that end in them.
    ///
    /// # Errors
    /// It is no table of these columns, no JSON, or a row has no end.
    pub fn push(&mut self, bytes: &[u8], rows: &mut Vec<Row>) -> Result<(), RowsError> {
        for byte in bytes {
            let line = self.line;
            if *byte == b'\n' {
                self.line += 1;
            }
            let ended = match self.format {
                RowFormat::Csv => self.table_byte(*byte, line),
                RowFormat::Json => self.json_byte(*byte, line)?,
            };
            if ROW_BYTES_MAX < self.row.len() {
                return Err(self.broken(
                    "这一行没有结束（引号或括号未闭合？）",
                    "the row has no end; is a quote or bracket open?",
                ));
            }
            if ended {
                self.end_row(rows)?;
            }
        }
        Ok(())
    }

    /// Takes the end of the body.
    ///
    /// # Errors
    /// It ends within a row, or there was no header.
    pub fn finish(mut self, rows: &mut Vec<Row>) -> Result<(), RowsError> {
        if self.quoted || 0 < self.depth {
            return Err(self.broken("文件在一行中间结束", "the file ends within a row"));
        }
        if !self.row.is_empty() {
            self.end_row(rows)?;
        }
        if self.format == RowFormat::Csv && self.columns.is_none() {
            return Err(self.broken("缺少表头", "there is no header"));
        }
        Ok(())
    }

    fn table_byte(&mut self, byte: u8, line: u64) -> bool {
        if self.row.is_empty() {
            self.began = line;
        }
        // A doubled quote inside quotes closes and opens again, which is the same.
        self.quoted ^= byte == b'"';
        if byte == b'\n' && !self.quoted {
            return true;
        }
        self.row.push(byte);
        false
    }

    fn json_byte(&mut self, byte: u8, line: u64) -> Result<bool, RowsError> {
        if self.depth == 0 {
            return match byte {
                b'{' => {
                    self.began = line;
                    self.depth = 1;
                    self.row.push(byte);
                    Ok(false)
                }
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | 0xef | 0xbb | 0xbf => Ok(false),
                _ => Err(self.broken("应为 JSON 对象", "a JSON object is expected here")),
            };
        }
        self.row.push(byte);
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.quoted => self.escaped = true,
            b'"' => self.quoted = !self.quoted,
            b'{' | b'[' if !self.quoted => self.depth += 1,
            b'}' | b']' if !self.quoted => self.depth -= 1,
            _ => (),
        }
        Ok(self.depth == 0)
    }

    fn end_row(&mut self, rows: &mut Vec<Row>) -> Result<(), RowsError> {
        let row = std::mem::take(&mut self.row);
        match self.format {
            RowFormat::Json => rows.push(Row { number: self.began, fields: object(&row) }),
            RowFormat::Csv => match (cells(&row), &self.columns) {
                (Ok(cells), _) if cells.iter().all(|cell| cell.trim().is_empty()) => (),
                (Ok(cells), None) => self.columns = Some(self.header(cells)?),
                (Ok(cells), Some(columns)) => rows.push(Row { number: self.began, fields: named(columns, cells) }),
                (Err(detail), None) => return Err(RowsError { line: self.began, detail }),
                (Err(detail), Some(_)) => rows.push(Row { number: self.began, fields: Err(detail) }),
            },
        }
        Ok(())
    }

    fn header(&self, cells: Vec<String>) -> Result<Vec<String>, RowsError> {
        let columns: Vec<String> =
            cells.iter().map(|cell| cell.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        let unknown: Vec<&str> =
            columns.iter().map(String::as_str).filter(|column| !COLUMNS.contains(column)).collect();
        if unknown.is_empty() {
            return Ok(columns);
        }
        let (unknown, known) = (unknown.join(", "), COLUMNS.join(", "));
        let detail = Text::new(
            format!("没有这些列：{unknown}；可用的列：{known}"),
            format!("there are no such columns: {unknown}; the columns are {known}"),
        );
        Err(RowsError { line: self.began, detail })
    }

    fn broken(&self, zh: &str, en: &str) -> RowsError {
        RowsError { line: self.began.max(1), detail: Text::new(zh, en) }
    }
}

fn cells(row: &[u8]) -> Result<Vec<String>, Text> {
    let mut table = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(row);
    match table.records().next() {
        Some(Ok(record)) => Ok(record.iter().map(str::to_owned).collect()),
        Some(Err(_)) => Err(Text::new("不是 UTF-8 文本", "is not UTF-8")),
        None => Ok(Vec::new()),
    }
}

fn named(columns: &[String], cells: Vec<String>) -> Result<Map<String, Value>, Text> {
    if columns.len() != cells.len() {
        let (expected, found) = (columns.len(), cells.len());
        return Err(Text::new(
            format!("应有{expected}列，实有{found}列"),
            format!("it should have {expected} columns, and has {found}"),
        ));
    }
    let told = columns.iter().zip(cells).filter(|(_, cell)| !cell.trim().is_empty());
    Ok(told.map(|(column, cell)| (column.clone(), Value::from(cell.trim()))).collect())
}

fn object(row: &[u8]) -> Result<Map<String, Value>, Text> {
    // Where, but not what: the text around it may be somebody's name.
    serde_json::from_slice(row).map_err(|error| {
        Text::new(
            format!("第{}个字符附近不是有效的 JSON", error.column()),
            format!("no valid JSON at column {}", error.column()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row by its line, or what is wrong with it.
    type Row = (u64, Result<Value, String>);

    /// The rows that a text gives, however it is cut into pieces.
    fn rows(format: RowFormat, text: &str) -> Result<Vec<Row>, (u64, String)> {
        let cut = |size: usize| {
            let (mut splitter, mut rows) = (Splitter::new(format), Vec::new());
            let read = text.as_bytes().chunks(size).try_for_each(|piece| splitter.push(piece, &mut rows));
            read.and_then(|()| splitter.finish(&mut rows)).map_err(|error| (error.line, error.detail.en))?;
            let told = rows.into_iter().map(|row| (row.number, row.fields.map(Value::Object).map_err(|text| text.en)));
            Ok(told.collect::<Vec<_>>())
        };
        let whole = cut(text.len().max(1));
        assert_eq!(cut(1), whole, "byte by byte");
        assert_eq!(cut(7), whole, "in pieces");
        whole
    }

    #[test]
    fn a_table_gives_its_rows_with_the_lines_they_began_on() {
        let text = "\u{feff}kind,number,issuer\r\nDIS,1,\"a, \"\"b\"\"\nc\"\r\n\r\nHK,2\r\nID,3,x";
        let told = rows(RowFormat::Csv, text).unwrap();
        assert_eq!(told[0], (2, Ok(serde_json::json!({"kind": "DIS", "number": "1", "issuer": "a, \"b\"\nc"}))));
        assert_eq!(told[1], (5, Err("it should have 3 columns, and has 2".into())));
        assert_eq!(told[2].0, 6);
    }

    #[test]
    fn objects_come_in_a_list_or_one_after_the_other() {
        for text in ["[{\"kind\": \"}\"},\n{\"a\": {\"b\": [1]}}]", "{\"kind\": \"}\"}\n{\"a\": {\"b\": [1]}}\n"] {
            let told = rows(RowFormat::Json, text).unwrap();
            let expected = [(1, Ok(serde_json::json!({"kind": "}"}))), (2, Ok(serde_json::json!({"a": {"b": [1]}})))];
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn what_cannot_be_read_on_says_where() {
        assert_eq!(rows(RowFormat::Csv, "kind,nonsense\n").unwrap_err().0, 1);
        assert_eq!(rows(RowFormat::Csv, "").unwrap_err().1, "there is no header");
        assert_eq!(rows(RowFormat::Csv, "kind\nID\n\"HK\n").unwrap_err(), (3, "the file ends within a row".into()));
        assert_eq!(rows(RowFormat::Json, "{}\nx").unwrap_err().1, "a JSON object is expected here");
        let endless = format!("kind\n\"{}", "x".repeat(ROW_BYTES_MAX + 2));
        assert!(rows(RowFormat::Csv, &endless).unwrap_err().1.contains("has no end"));
    }

    #[test]
    fn an_object_that_is_no_json_is_one_bad_row() {
        let told = rows(RowFormat::Json, "{\"a\": nothing}\n{\"a\": 1}").unwrap();
        assert!(told[0].1.as_ref().is_err_and(|detail| detail.contains("no valid JSON")));
        assert!(told[1].1.is_ok());
    }
}
