//! Event logs in XES (IEEE 1849), as a stream.

use super::{
    ATTRIBUTE_DEPTH_MAX, Attribute, CASE_BYTES_MAX, ELEMENT_BYTES_MAX, EVENTS_PER_CASE_MAX, Entry, ForeignCase,
    ForeignEvent, FormatError, Kind, LeftOut, Place, Reason, by_time, input::Input, timestamp,
};
use quick_xml::XmlVersion;
use quick_xml::errors::{Error as XmlError, IllFormedError, SyntaxError};
use quick_xml::events::{BytesStart, Event};
use std::collections::VecDeque;

/// Reads the traces of a log one at a time.
pub(crate) struct Reader {
    xml: quick_xml::Reader<Input>,
    buffer: Vec<u8>,
    /// Key and value of the element read last; reused, because most are looked at and not kept.
    key: String,
    value: String,
    tag: String,
    traces: u64,
    ready: VecDeque<Entry>,
    part: Part,
}

/// The part of the document that comes next.
enum Part {
    Prolog,
    Log,
    Epilog,
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    /// An element begins; its end will come.
    Open(Name),
    /// An element that is complete.
    Empty(Name),
    Close,
    /// Something between elements that means nothing here.
    Filler,
    Eof,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Trace,
    Event,
    String,
    Date,
    Int,
    Float,
    Boolean,
    Id,
    List,
    Values,
    /// Kept in `tag`.
    Other,
}

impl Reader {
    pub(crate) fn new(input: Input) -> Self {
        Self {
            xml: quick_xml::Reader::from_reader(input),
            buffer: Vec::new(),
            key: String::new(),
            value: String::new(),
            tag: String::new(),
            traces: 0,
            ready: VecDeque::new(),
            part: Part::Prolog,
        }
    }

    /// Reads up to the start of the log.
    fn prolog(&mut self) -> Result<(), FormatError> {
        match self.token()? {
            Token::Filler => (),
            Token::Open(Name::Other) if self.tag == "log" => self.part = Part::Log,
            Token::Empty(Name::Other) if self.tag == "log" => self.part = Part::Epilog,
            Token::Open(_) | Token::Empty(_) => return Err(self.not_a_log()),
            Token::Close | Token::Eof => return Err(FormatError::NotALog { found: "no root element".into() }),
        }
        Ok(())
    }

    /// Reads one element of the log: a trace, or something a reader of traces has no use for.
    fn log(&mut self) -> Result<(), FormatError> {
        match self.token()? {
            Token::Open(Name::Trace) => self.trace()?,
            Token::Empty(Name::Trace) => {
                self.traces += 1;
                self.leave_out(self.trace_place(), Reason::NoCaseId);
            }
            Token::Open(Name::Event) => {
                self.skip()?;
                self.leave_out(Place::Line(self.line()), Reason::OutsideACase);
            }
            Token::Empty(Name::Event) => self.leave_out(Place::Line(self.line()), Reason::OutsideACase),
            Token::Open(_) => self.skip()?,
            Token::Empty(_) | Token::Filler => (),
            Token::Close => self.part = Part::Epilog,
            Token::Eof => return Err(self.truncated("the log is not closed")),
        }
        Ok(())
    }

    /// Reads what follows the log. Nothing may, and in a packed file this is where its checksum is compared.
    fn epilog(&mut self) -> Result<(), FormatError> {
        match self.token()? {
            Token::Filler => (),
            Token::Eof => self.part = Part::Nothing,
            Token::Open(_) | Token::Empty(_) | Token::Close => return Err(self.broken("text after the end of the log")),
        }
        Ok(())
    }

    fn trace(&mut self) -> Result<(), FormatError> {
        self.traces += 1;
        self.xml.get_mut().allow("a trace", CASE_BYTES_MAX);
        let mut id = String::new();
        let mut attributes = Vec::new();
        let mut events = Vec::new();
        let mut events_seen = 0;
        loop {
            let token = self.token()?;
            match token {
                Token::Open(Name::Event) | Token::Empty(Name::Event) => {
                    events_seen += 1;
                    let draft = if token == Token::Empty(Name::Event) { Draft::default() } else { self.event()? };
                    match draft.finish() {
                        Ok(event) => events.push(event),
                        Err(reason) => {
                            let place = Place::Event { trace: self.traces, event: events_seen, line: self.line() };
                            self.leave_out(place, reason);
                        }
                    }
                    if events.len() > EVENTS_PER_CASE_MAX {
                        return Err(self.too_large(format!("a trace has more than {EVENTS_PER_CASE_MAX} events")));
                    }
                }
                Token::Empty(_) if self.key == "concept:name" => id.clone_from(&self.value),
                Token::Empty(name) => attributes.push(self.plain(name)),
                Token::Open(name) => {
                    let attribute = self.attribute(name, 1)?;
                    if attribute.key == "concept:name" {
                        id.clone_from(&attribute.value);
                    }
                    attributes.push(attribute);
                }
                Token::Filler => (),
                Token::Close => break,
                Token::Eof => return Err(self.truncated("a trace is not closed")),
            }
        }

        attributes.retain(|attribute| !attribute.key.is_empty());
        by_time(&mut events);
        match (id.is_empty(), events.is_empty()) {
            (true, _) => self.leave_out(self.trace_place(), Reason::NoCaseId),
            (false, true) => self.leave_out(self.trace_place(), Reason::NoEvents),
            (false, false) => self.ready.push_back(Entry::Case(ForeignCase { id, attributes, events })),
        }
        Ok(())
    }

    fn event(&mut self) -> Result<Draft, FormatError> {
        let mut draft = Draft::default();
        loop {
            match self.token()? {
                Token::Empty(name) => {
                    let known = draft.take(&self.key, &self.value);
                    if !known && !self.key.is_empty() {
                        draft.attributes.push(self.plain(name));
                    }
                }
                Token::Open(name) => {
                    let attribute = self.attribute(name, 1)?;
                    let known = draft.take(&attribute.key, &attribute.value);
                    let taken_whole = known && attribute.children.is_empty();
                    if !attribute.key.is_empty() && !taken_whole {
                        draft.attributes.push(attribute);
                    }
                }
                Token::Filler => (),
                Token::Close => return Ok(draft),
                Token::Eof => return Err(self.truncated("an event is not closed")),
            }
        }
    }

    /// Reads the rest of an attribute that may have attributes of its own.
    fn attribute(&mut self, name: Name, depth: usize) -> Result<Attribute, FormatError> {
        if depth > ATTRIBUTE_DEPTH_MAX {
            return Err(self.too_large(format!("attributes are nested deeper than {ATTRIBUTE_DEPTH_MAX}")));
        }
        let mut attribute = self.plain(name);
        loop {
            match self.token()? {
                // The values of a list stand in a bracket of their own, which means nothing.
                Token::Open(Name::Values) => {
                    let values = self.attribute(Name::Values, depth + 1)?;
                    attribute.children.extend(values.children);
                }
                Token::Open(name) => attribute.children.push(self.attribute(name, depth + 1)?),
                Token::Empty(Name::Values) | Token::Filler => (),
                Token::Empty(name) => attribute.children.push(self.plain(name)),
                Token::Close => break,
                Token::Eof => return Err(self.truncated("an attribute is not closed")),
            }
        }
        attribute.children.retain(|child| !child.key.is_empty());
        Ok(attribute)
    }

    /// Returns the element read last as an attribute without others in it.
    fn plain(&self, name: Name) -> Attribute {
        let kind = match name {
            Name::String => Kind::String,
            Name::Date => Kind::Date,
            Name::Int => Kind::Int,
            Name::Float => Kind::Float,
            Name::Boolean => Kind::Boolean,
            Name::Id => Kind::Id,
            Name::List | Name::Values => Kind::List,
            Name::Trace => Kind::Other("trace".into()),
            Name::Event => Kind::Other("event".into()),
            Name::Other => Kind::Other(self.tag.clone()),
        };
        Attribute { key: self.key.clone(), kind, value: self.value.clone(), children: Vec::new() }
    }

    /// Passes over the rest of an element, however deep.
    fn skip(&mut self) -> Result<(), FormatError> {
        let mut depth = 1;
        while depth > 0 {
            self.xml.get_mut().allow("an element", ELEMENT_BYTES_MAX);
            match self.token()? {
                Token::Open(_) => depth += 1,
                Token::Close => depth -= 1,
                Token::Empty(_) | Token::Filler => (),
                Token::Eof => return Err(self.truncated("an element is not closed")),
            }
        }
        Ok(())
    }

    fn token(&mut self) -> Result<Token, FormatError> {
        self.buffer.clear();
        let event = match self.xml.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(error) => return Err(xml_error(error, self.xml.get_ref())),
        };
        let outside = matches!(self.part, Part::Prolog | Part::Epilog);
        let token = match event {
            Event::Empty(tag) => look(&tag, &mut self.key, &mut self.value, &mut self.tag).map(Token::Empty),
            Event::Start(tag) => look(&tag, &mut self.key, &mut self.value, &mut self.tag).map(Token::Open),
            Event::End(_) => Ok(Token::Close),
            Event::Eof => Ok(Token::Eof),
            Event::Decl(declaration) => {
                let encoding = declaration.encoding().transpose().map_err(XmlError::from);
                return encoding.map_err(|error| xml_error(error, self.xml.get_ref())).and_then(
                    |encoding| match encoding {
                        Some(name) if !is_utf8(&name) => Err(other_encoding(&name)),
                        _ => Ok(Token::Filler),
                    },
                );
            }
            Event::Text(text) if outside && !text.trim_ascii().is_empty() => {
                return Err(self.broken("text outside of the log"));
            }
            Event::CData(_) | Event::GeneralRef(_) if outside => return Err(self.broken("text outside of the log")),
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => Ok(Token::Filler),
            Event::Comment(_) | Event::PI(_) | Event::DocType(_) => Ok(Token::Filler),
        };
        token.map_err(|error| xml_error(error, self.xml.get_ref()))
    }

    fn leave_out(&mut self, place: Place, reason: Reason) {
        self.ready.push_back(Entry::LeftOut(LeftOut { place, reason }));
    }

    fn trace_place(&self) -> Place {
        Place::Trace { trace: self.traces, line: self.line() }
    }

    fn line(&self) -> u64 {
        self.xml.get_ref().line()
    }

    fn not_a_log(&self) -> FormatError {
        let root = match self.tag.as_str() {
            "" => "another".to_owned(),
            tag => format!("<{tag}>"),
        };
        FormatError::NotALog { found: format!("the root element is {root}, not <log>") }
    }

    fn truncated(&self, detail: &str) -> FormatError {
        let input = self.xml.get_ref();
        FormatError::Truncated { line: input.line(), byte: input.byte(), detail: detail.into() }
    }

    fn broken(&self, detail: &str) -> FormatError {
        let input = self.xml.get_ref();
        FormatError::Broken { line: input.line(), byte: input.byte(), detail: detail.into() }
    }

    fn too_large(&self, detail: String) -> FormatError {
        let input = self.xml.get_ref();
        FormatError::TooLarge { line: input.line(), byte: input.byte(), detail }
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Some(Ok(entry));
            }
            // Inside a trace the allowance is the trace's.
            self.xml.get_mut().allow("an element", ELEMENT_BYTES_MAX);
            let read = match self.part {
                Part::Prolog => self.prolog(),
                Part::Log => self.log(),
                Part::Epilog => self.epilog(),
                Part::Nothing => return None,
            };
            if let Err(error) = read {
                self.part = Part::Nothing;
                return Some(Err(error));
            }
        }
    }
}

/// An event of which not everything is known yet.
#[derive(Default)]
struct Draft {
    activity: String,
    time: String,
    lifecycle: Option<String>,
    resource: Option<String>,
    group: Option<String>,
    role: Option<String>,
    attributes: Vec<Attribute>,
}

impl Draft {
    /// Takes an attribute that has a place of its own; tells whether it did. Of several, the last one counts.
    fn take(&mut self, key: &str, value: &str) -> bool {
        match key {
            "concept:name" => value.clone_into(&mut self.activity),
            "time:timestamp" => value.clone_into(&mut self.time),
            "lifecycle:transition" => self.lifecycle = Some(value.to_owned()),
            "org:resource" => self.resource = Some(value.to_owned()),
            "org:group" => self.group = Some(value.to_owned()),
            "org:role" => self.role = Some(value.to_owned()),
            _ => return false,
        }
        true
    }

    fn finish(self) -> Result<ForeignEvent, Reason> {
        let Self { activity, time, lifecycle, resource, group, role, attributes } = self;
        if activity.is_empty() {
            return Err(Reason::NoActivity);
        }
        if time.is_empty() {
            return Err(Reason::NoTime);
        }
        let Some(occurred_at) = timestamp::parse(&time) else { return Err(Reason::NotATime(time)) };
        Ok(ForeignEvent { activity, occurred_at, lifecycle, resource, group, role, attributes })
    }
}

/// Notes key and value of an element, and tells which it is.
fn look(tag: &BytesStart, key: &mut String, value: &mut String, other: &mut String) -> Result<Name, XmlError> {
    key.clear();
    value.clear();
    for attribute in tag.attributes() {
        let attribute = attribute?;
        let target = match attribute.key.as_ref() {
            "key" => &mut *key,
            "value" => &mut *value,
            _ => continue,
        };
        target.push_str(&attribute.normalized_value(XmlVersion::Implicit1_0)?);
    }
    Ok(match tag.local_name().as_ref() {
        "trace" => Name::Trace,
        "event" => Name::Event,
        "string" => Name::String,
        "date" => Name::Date,
        "int" => Name::Int,
        "float" => Name::Float,
        "boolean" => Name::Boolean,
        "id" => Name::Id,
        "list" => Name::List,
        "values" => Name::Values,
        name => {
            name.clone_into(other);
            Name::Other
        }
    })
}

fn is_utf8(encoding: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|name| encoding.eq_ignore_ascii_case(name))
}

fn other_encoding(name: &str) -> FormatError {
    FormatError::NotALog { found: format!("text in {name}; only UTF-8 is read (iconv -f {name} -t UTF-8 converts)") }
}

fn xml_error(error: XmlError, input: &Input) -> FormatError {
    let (line, byte) = (input.line(), input.byte());
    match error {
        XmlError::Io(error) => FormatError::of_input(&error, line, byte),
        // These are only told when the input has ended inside of markup.
        XmlError::Syntax(error) if !matches!(error, SyntaxError::InvalidBangMarkup) => {
            FormatError::Truncated { line, byte, detail: error.to_string() }
        }
        XmlError::IllFormed(IllFormedError::MissingEndTag(name)) => {
            FormatError::Truncated { line, byte, detail: format!("<{name}> is not closed") }
        }
        error => FormatError::Broken { line, byte, detail: error.to_string() },
    }
}
