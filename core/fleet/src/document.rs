//! Documents: what lies beside the ledger under its digest and tells what changed, as JSON.

use crate::error::Error;
use crate::judgement::{Judgement, Signals};
use crate::thing::Thing;
use serde::{Deserialize, Serialize};

/// The version of the form that is written.
const VERSION: u32 = 1;

/// What changed on an asset against its inventory before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct InventoryDocument {
    /// The form's version.
    pub version: u32,
    /// Things that no asset had before; they are numbered in this order, after all that were known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<Thing>,
    /// Numbers of the things that it has now and had not, in rising order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<u32>,
    /// Numbers of the things that it had and has no longer, in rising order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<u32>,
    /// The asset's operating system, in words; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub platform: String,
    /// What could not be read, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// What changed in what the advisories say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct JudgedDocument {
    /// The form's version.
    pub version: u32,
    /// Whether a catalogue of what is exploited was among the feeds.
    pub has_catalogue: bool,
    /// Things by their numbers, in rising order, with what is said of them now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub judgements: Vec<(u32, Judgement)>,
    /// Vulnerabilities with what is known of them now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Signals>,
}

/// Looks whether the document that an event names can be read, where it is written by hand: a policy.
///
/// # Errors
/// If it cannot.
pub fn check_document(event: &lifecycle::Event, bytes: &[u8]) -> Result<(), Error> {
    match event {
        lifecycle::Event::PolicyAdopted { rule, .. } => {
            let read = policy::Policy::parse(&String::from_utf8_lossy(bytes));
            let policy = read.map_err(|source| Error::Policy { source })?;
            let own = lifecycle::PolicyRule::of(&policy);
            // Entries of older programs say less of it.
            let is_own = *rule == own || own.earlier_forms().contains(rule);
            if is_own { Ok(()) } else { Err(Error::OtherRule) }
        }
        _ => Ok(()),
    }
}

macro_rules! document {
    ($name:ident) => {
        impl $name {
            /// The bytes that lie beside the ledger.
            ///
            /// # Errors
            /// If a number in it is none that JSON can hold.
            pub fn write(&self) -> Result<Vec<u8>, Error> {
                let versioned = Self { version: VERSION, ..self.clone() };
                serde_json::to_vec(&versioned).map_err(|source| Error::Document { source })
            }

            /// Reads the bytes.
            ///
            /// # Errors
            /// If they are none of this kind, or of a version that is not known.
            pub fn read(bytes: &[u8]) -> Result<Self, Error> {
                let read: Self = serde_json::from_slice(bytes).map_err(|source| Error::Document { source })?;
                match read.version {
                    VERSION => Ok(read),
                    version => Err(Error::Version { version }),
                }
            }
        }
    };
}

document!(InventoryDocument);
document!(JudgedDocument);
