//! A table for people and their spreadsheets.

use serde::{Serialize, Serializer};

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing to tell.
    Nothing,
    /// A text.
    Text(String),
    /// A count.
    Whole(i64),
    /// A figure, with two digits after the point.
    Real(f64),
}

impl Cell {
    /// Returns a cell with a text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// Returns a cell with a figure.
    #[must_use]
    pub fn real(figure: f64) -> Self {
        Self::Real((figure * 100.0).round() / 100.0)
    }

    /// Returns a cell with a share, in percent.
    #[must_use]
    pub fn percent(share: f64) -> Self {
        Self::real(share * 100.0)
    }

    fn written(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => field(text),
            Self::Whole(count) => count.to_string(),
            Self::Real(figure) => format!("{figure:.2}"),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Whole(count) => serializer.serialize_i64(*count),
            Self::Real(figure) => serializer.serialize_f64(*figure),
        }
    }
}

/// A column: its name for programs, and for people in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// For programs.
    pub key: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Columns and rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Returns an empty table with its first columns.
    #[must_use]
    pub fn new<const N: usize>(columns: [(&str, &str, &str); N]) -> Self {
        let mut table = Self { columns: Vec::new(), rows: Vec::new() };
        for (key, zh, en) in columns {
            table.column(key, zh, en);
        }
        table
    }

    /// Adds a column.
    pub fn column(&mut self, key: &str, zh: &str, en: &str) -> &mut Self {
        self.columns.push(Column { key: key.to_owned(), zh: zh.to_owned(), en: en.to_owned() });
        self
    }

    /// Adds the three columns of a rate: how many, out of how many, in percent.
    pub fn rate(&mut self, key: &str, zh: &str, en: &str) -> &mut Self {
        self.column(key, &format!("{zh}数"), en)
            .column(&format!("{key}_of"), &format!("{zh}应计"), &format!("{en}, out of"))
            .column(&format!("{key}_rate"), &format!("{zh}率%"), &format!("{en}, percent"))
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a row has a cell for every column");
        self.rows.push(cells);
    }

    /// Returns the table as CSV (RFC 4180), in UTF-8 with Chinese headings; the mark in front is for spreadsheets.
    #[must_use]
    pub fn csv(&self, byte_order_mark: bool) -> String {
        let mut text = if byte_order_mark { "\u{feff}".to_owned() } else { String::new() };
        let heading: Vec<String> = self.columns.iter().map(|column| field(&column.zh)).collect();
        text += &heading.join(",");
        text += "\r\n";
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(Cell::written).collect();
            text += &cells.join(",");
            text += "\r\n";
        }
        text
    }
}

/// Writes a text so that no spreadsheet takes it for a formula, and quotes it where it must be.
fn field(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
        || text.starts_with(['\t', '\r', '\n']);
    let harmless = if formula { format!("'{text}") } else { text.to_owned() };
    match harmless.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", harmless.replace('"', "\"\"")),
        false => harmless,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Table {
        let mut table = Table::new([("name", "名称", "name"), ("n", "数", "count"), ("share", "率%", "percent")]);
        table.row(vec![Cell::text(name), Cell::Whole(-3), Cell::percent(0.98765)]);
        table
    }

    #[test]
    fn a_table_is_written_with_chinese_headings_and_crlf() {
        assert_eq!(table("琴城镇").csv(false), "名称,数,率%\r\n琴城镇,-3,98.77\r\n");
        assert_eq!(table("琴城镇").csv(true).as_bytes().first_chunk(), Some(b"\xef\xbb\xbf"));
    }

    #[test]
    fn no_text_becomes_a_formula() {
        for evil in ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\u{ff1d}1"] {
            assert!(table(evil).csv(false).contains('\''), "{evil:?}");
        }
        assert!(table("=HYPERLINK(\"a\",\"b\")").csv(false).contains("\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\""));
        assert!(table("a-b").csv(false).contains("\r\na-b,"), "a hyphen within a text is one");
    }

    #[test]
    fn quotes_commas_and_lines_stay_within_their_cell() {
        assert_eq!(field("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
    }

    #[test]
    fn nothing_is_empty_in_a_table_and_null_in_json() {
        assert_eq!(serde_json::to_value([Cell::Nothing, Cell::real(1.005)]).unwrap(), serde_json::json!([null, 1.0]));
    }
}
