//! What can be wrong with a part of a ledger.

/// Why something of a ledger cannot be read, made or believed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An entry is not what it should be.
    #[error("entry is not readable: {what}")]
    Entry {
        /// What is wrong.
        what: String,
    },
    /// An entry has more bytes than a bundle can hold.
    #[error("entry has {size} bytes, more than {most}")]
    EntryTooLarge {
        /// Its size.
        size: usize,
        /// The most that are possible.
        most: usize,
    },
    /// A key is not what it should be.
    #[error("key is not readable: {what}")]
    Key {
        /// What is wrong.
        what: &'static str,
    },
    /// A note is not what it should be.
    #[error("note is not readable: {what}")]
    Note {
        /// What is wrong.
        what: &'static str,
    },
    /// A signature of a known key does not fit its text.
    #[error("the signature of `{name}` does not fit the text")]
    Signature {
        /// The key's name.
        name: String,
    },
    /// No known key has signed.
    #[error("no key that is known has signed it")]
    Unsigned,
    /// A checkpoint is not what it should be.
    #[error("checkpoint is not readable: {what}")]
    Checkpoint {
        /// What is wrong.
        what: &'static str,
    },
    /// A tile or bundle is not what its place says.
    #[error("`{path}` is damaged: {what}")]
    Tile {
        /// Its path.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// A proof does not show what it should.
    #[error("the proof does not hold: {what}")]
    Proof {
        /// What is wrong.
        what: &'static str,
    },
    /// Something was asked for that the tree does not have.
    #[error("there is no {what} in a tree of {size} entries")]
    Range {
        /// What was asked for.
        what: String,
        /// How many entries there are.
        size: u64,
    },
    /// A change of keys cannot be believed.
    #[error("the change of keys does not hold: {what}")]
    KeyChange {
        /// What is wrong.
        what: String,
    },
    /// A timestamp does not have the form that RFC 3161 and the standards under it give it.
    #[error("timestamp is not readable: {what}")]
    TimestampForm {
        /// What is wrong.
        what: &'static str,
        /// Where the bytes do not fit.
        #[source]
        source: Option<der::Error>,
    },
    /// The authority answered, and gave no timestamp.
    #[error("the authority gave no timestamp: status {status}, `{says}`")]
    TimestampNotGranted {
        /// Its `PKIStatus`.
        status: u8,
        /// Its words and the failures that it names.
        says: String,
    },
    /// The timestamp is of something else.
    #[error("the timestamp is not of this checkpoint's text")]
    TimestampOfOther,
    /// The timestamp answers another request.
    #[error("the timestamp has {}, the request had `{expected:x}`", nonce(found.as_ref()))]
    TimestampNonce {
        /// The request's nonce.
        expected: u64,
        /// The timestamp's, in hexadecimal.
        found: Option<String>,
    },
    /// An algorithm is not accepted.
    #[error("{what} is not accepted: `{algorithm}`")]
    TimestampAlgorithm {
        /// What it is.
        what: &'static str,
        /// Its object identifier.
        algorithm: String,
    },
    /// The timestamp carries an extension that must be understood and is not.
    #[error("critical extension `{extension}` of the timestamp is not understood")]
    TimestampExtension {
        /// Its object identifier.
        extension: String,
    },
    /// What the signer signed about the timestamp does not fit it.
    #[error("the timestamp's signed attributes do not hold: {what}")]
    TimestampAttribute {
        /// What is wrong.
        what: &'static str,
    },
    /// Neither the timestamp nor the caller has the signer's certificate.
    #[error("the certificate that the timestamp was signed with is not there")]
    TimestampSigner,
    /// The timestamp was not signed with its signer's key.
    #[error("the timestamp's signature is not that of `{name}`")]
    TimestampSignature {
        /// The signer.
        name: String,
    },
    /// A certificate that is to be trusted cannot be read.
    #[error("certificate is not readable: {what}")]
    Certificate {
        /// What is wrong.
        what: &'static str,
        /// Where the bytes do not fit.
        #[source]
        source: Option<der::Error>,
    },
    /// A certificate was not valid when the timestamp was made.
    #[error("certificate `{name}` is valid from {from} until {until}, not at {at}")]
    CertificateExpired {
        /// Whose it is.
        name: String,
        /// When the timestamp was made.
        at: jiff::Timestamp,
        /// Its first instant.
        from: jiff::Timestamp,
        /// Its last instant.
        until: jiff::Timestamp,
    },
    /// A certificate may not be used for what it is used for here.
    #[error("certificate `{name}` may not be used here: {what}")]
    CertificatePurpose {
        /// Whose it is.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// No chain leads to a certificate that is trusted.
    #[error("nobody that is trusted has issued the certificate `{name}`")]
    CertificateUntrusted {
        /// The certificate with which the chain ends.
        name: String,
    },
    /// The caller's storage failed.
    #[error("failed to read `{path}`")]
    Storage {
        /// What was read.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// A nonce that may be missing, in words.
fn nonce(found: Option<&String>) -> String {
    found.map_or("no nonce".to_owned(), |found| format!("nonce `{found}`"))
}
