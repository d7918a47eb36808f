//! Ids: each noun's own type, so that none is taken for another.

use serde::{Deserialize, Serialize};

/// What an asset's agent does, it does under this and the asset's id: nobody's id begins so.
pub const AGENT: &str = "agent/";

/// The id of the policy among the documents: it is there as soon as one is in force.
pub const POLICY: &str = "policy";

/// A text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no id: letters, digits and -._:/@, 128 at the most, without empty or `..` parts")]
pub struct NoId {
    /// The text.
    pub text: String,
}

/// The most bytes of an id.
const MOST_BYTES: usize = 128;
/// An agent acts under the id of its asset, with a word before it.
const MOST_PERSON_BYTES: usize = MOST_BYTES + AGENT.len();

/// Ids have letters, digits and `-._:/@`: they stand in addresses, file names and tables as they are.
fn is_id(text: &str, most: usize) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@".contains(&byte);
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    text.len() <= most && text.bytes().all(is_plain) && text.split('/').all(is_part)
}

macro_rules! ids {
    ($($(#[$words:meta])* $name:ident $most:ident),* $(,)?) => {$(
        $(#[$words])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes an id.
            ///
            /// # Errors
            /// If it is empty, too long, has other signs than letters, digits and `-._:/@`, or parts between slashes that are
            /// empty, `.` or `..`.
            pub fn new(text: impl Into<String>) -> Result<Self, NoId> {
                let text = text.into();
                if is_id(&text, $most) { Ok(Self(text)) } else { Err(NoId { text }) }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NoId;

            fn try_from(text: String) -> Result<Self, NoId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// An asset.
    AssetId MOST_BYTES,
    /// A person, or the system itself.
    PersonId MOST_PERSON_BYTES,
    /// A token.
    TokenId MOST_BYTES,
    /// A decision on findings.
    DecisionId MOST_BYTES,
    /// A feed.
    FeedId MOST_BYTES,
    /// A governing document.
    DocumentId MOST_BYTES,
    /// A version of a document.
    VersionId MOST_BYTES,
    /// A group of people.
    GroupId MOST_BYTES,
    /// A campaign.
    CampaignId MOST_BYTES,
    /// A change.
    ChangeId MOST_BYTES,
}

impl GroupId {
    /// The id of a group by its name: letters and digits in lower case, the rest as dashes; none where nothing is left.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let sign = |sign: char| if sign.is_ascii_alphanumeric() { sign.to_ascii_lowercase() } else { '-' };
        let word: String = name.chars().map(sign).collect();
        let parts: Vec<&str> = word.split('-').filter(|part| !part.is_empty()).collect();
        Self::new(parts.join("-")).ok()
    }
}

impl DocumentId {
    /// The policy.
    #[must_use]
    pub fn policy() -> Self {
        // INVARIANT: the word has letters alone.
        Self(POLICY.to_owned())
    }

    /// Whether it is the policy.
    #[must_use]
    pub fn is_policy(&self) -> bool {
        self.as_str() == POLICY
    }
}
