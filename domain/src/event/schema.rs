//! The table's machinery: from one declaration per event come the enums, the list of schemas, encoding and decoding.

/// One body version of one event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Schema {
    /// The permanent wire name.
    pub name: &'static str,
    /// The version of the body, from 1.
    pub version: u16,
}

/// The log holds something this program cannot read; it is never skipped.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A newer program wrote it.
    #[error("unknown event type {kind:?} version {schema}; a newer program wrote it, use that one")]
    UnknownSchema {
        /// The wire name.
        kind: String,
        /// The version of the body.
        schema: u16,
    },
    /// The body does not have the shape that its schema says.
    #[error("cannot read the body of a {kind:?} event, version {schema}")]
    Body {
        /// The wire name.
        kind: String,
        /// The version of the body.
        schema: u16,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
}

/// Declares the log's vocabulary. Names are wire names, permanent; a body's version grows with a change that a serde
/// default cannot carry, and the old body then stays readable through `From<Old>`.
macro_rules! events {
    ($(
        $(#[$family_doc:meta])*
        $variant:ident: $family:ident {
            $(
                $(#[$doc:meta])*
                $event:ident = $name:literal { $version:literal $(, $old_version:literal: $old:ty)* }
            )*
        }
    )*) => {
        /// Anything that may have happened, by family.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $( $(#[$family_doc])* $variant($family), )*
        }

        $(
            $(#[$family_doc])*
            #[derive(Debug, Clone, PartialEq)]
            #[allow(clippy::large_enum_variant, reason = "events live briefly, in a page; a box each costs more than the copy")]
            pub enum $family {
                $( $(#[$doc])* $event($event), )*
            }

            impl $family {
                /// Returns the wire name and body version under which this event is written.
                #[must_use]
                pub fn schema(&self) -> Schema {
                    match self {
                        $( Self::$event(_) => Schema { name: $name, version: $version }, )*
                    }
                }
            }

            impl From<$family> for Event {
                fn from(event: $family) -> Self {
                    Self::$variant(event)
                }
            }

            $(
                impl From<$event> for $family {
                    fn from(body: $event) -> Self {
                        Self::$event(body)
                    }
                }
            )*
        )*

        /// Every schema ever written, current and superseded.
        pub const SCHEMAS: &[Schema] = &[
            $($(
                Schema { name: $name, version: $version },
                $( Schema { name: $name, version: $old_version }, )*
            )*)*
        ];

        /// Who reads which body: found at once, where a match would compare a name with all there are, one by one.
        static DECODERS: LazyLock<HashMap<(&str, u16), schema::Decoder>> = LazyLock::new(|| {
            let decoders: &[((&str, u16), schema::Decoder)] = &[
                $($(
                    (($name, $version), |body| {
                        schema::read::<$event>(body).map(|body| Event::$variant($family::$event(body)))
                    }),
                    $( (($name, $old_version), |body| {
                        schema::read::<$old>(body).map(|old| Event::$variant($family::$event(old.into())))
                    }), )*
                )*)*
            ];
            decoders.iter().copied().collect()
        });

        impl Event {
            /// Returns the wire name and body version under which this event is written.
            #[must_use]
            pub fn schema(&self) -> Schema {
                match self {
                    $( Self::$variant(event) => event.schema(), )*
                }
            }

            /// Returns the JSON body.
            ///
            /// # Errors
            /// Never for the bodies of the table; a map with keys that are not text would be the only cause.
            pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
                match self {
                    $($( Self::$variant($family::$event(body)) => serde_json::to_vec(body), )*)*
                }
            }

            /// Reads a body back into the current form of its event.
            ///
            /// # Errors
            /// The type or version is unknown, or the body does not fit it.
            pub fn decode(kind: &str, schema: u16, body: &[u8]) -> Result<Self, DecodeError> {
                let Some(decoder) = DECODERS.get(&(kind, schema)) else {
                    return Err(DecodeError::UnknownSchema { kind: kind.to_owned(), schema });
                };
                decoder(body).map_err(|source| DecodeError::Body { kind: kind.to_owned(), schema, source })
            }
        }
    };
}

/// Reads the body of one schema.
pub(super) type Decoder = fn(&[u8]) -> Result<super::Event, serde_json::Error>;

/// Reads a body. Text is checked for UTF-8 as a whole, which costs a fraction of checking each string on the way.
pub(super) fn read<'de, T: serde::Deserialize<'de>>(body: &'de [u8]) -> Result<T, serde_json::Error> {
    match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        // Refuses it as well, and says where.
        Err(_) => serde_json::from_slice(body),
    }
}

pub(super) use events;
