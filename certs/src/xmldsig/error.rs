//! Why an XML signature proves nothing.

/// Why a document is refused; every variant is one rule of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlSigError {
    /// Not UTF-8.
    #[error("the document is not UTF-8")]
    NotUtf8,
    /// Too many bytes, elements, attributes or levels.
    #[error("the document is over a limit of the profile")]
    OverLimit,
    /// A document type declaration.
    #[error("a DTD is refused")]
    Dtd,
    /// Not well-formed, or a namespace is wrong.
    #[error("the document is not well-formed")]
    Malformed,
    /// A comment, processing instruction or CDATA section, anywhere.
    #[error("comments, processing instructions and CDATA are refused")]
    ForbiddenNode,
    /// The same identifier twice, under whatever attribute name, or an empty one.
    #[error("an identifier is empty or stands twice")]
    DuplicateId,
    /// No signature.
    #[error("there is no signature")]
    NoSignature,
    /// More than one signature, anywhere.
    #[error("there is more than one signature")]
    SeveralSignatures,
    /// The signature is not the last child element of the root.
    #[error("the signature is not the last child of the root")]
    SignaturePosition,
    /// The signature has a child, attribute or text that the profile does not have.
    #[error("the signature's structure is not the profile's")]
    SignatureStructure,
    /// The canonicalisation is not exclusive C14N without a prefix list.
    #[error("the canonicalisation is refused")]
    Canonicalization,
    /// The signature algorithm is not in the list.
    #[error("the signature algorithm is refused")]
    AlgorithmRefused,
    /// The signature algorithm does not fit the sender's key.
    #[error("the signature algorithm does not fit the sender's key")]
    AlgorithmMismatch,
    /// The digest algorithm is not SHA-256.
    #[error("the digest algorithm is refused")]
    DigestRefused,
    /// None or several references.
    #[error("there must be exactly one reference")]
    ReferenceCount,
    /// The reference is not the root.
    #[error("the reference is not the root")]
    ReferenceNotRoot,
    /// The transforms are not exactly enveloped-signature and exclusive C14N.
    #[error("the transforms are refused")]
    Transforms,
    /// A digest or signature value is not plain base64 text.
    #[error("a value is not base64 text")]
    BadValue,
    /// KeyInfo holds something else than X.509 data or a name.
    #[error("the key information is refused")]
    KeyInfo,
    /// The certificate in KeyInfo is not the sender's.
    #[error("the certificate in the signature is not the sender's")]
    KeyInfoMismatch,
    /// The root does not hash to the digest.
    #[error("the digest does not match")]
    DigestMismatch,
    /// The signature was not made with the sender's key.
    #[error("the signature does not match")]
    SignatureMismatch,
    /// Canonicalisation gave nothing.
    #[error("the canonical form is empty")]
    EmptyCanonical,
}

impl XmlSigError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "not-utf8",
            Self::OverLimit => "over-limit",
            Self::Dtd => "dtd-refused",
            Self::Malformed => "xml-malformed",
            Self::ForbiddenNode => "forbidden-node",
            Self::DuplicateId => "duplicate-id",
            Self::NoSignature => "no-signature",
            Self::SeveralSignatures => "several-signatures",
            Self::SignaturePosition => "signature-position",
            Self::SignatureStructure => "signature-structure",
            Self::Canonicalization => "canonicalization-refused",
            Self::AlgorithmRefused => "algorithm-refused",
            Self::AlgorithmMismatch => "algorithm-mismatch",
            Self::DigestRefused => "digest-algorithm-refused",
            Self::ReferenceCount => "reference-count",
            Self::ReferenceNotRoot => "reference-not-root",
            Self::Transforms => "transforms-refused",
            Self::BadValue => "bad-value",
            Self::KeyInfo => "key-info-refused",
            Self::KeyInfoMismatch => "key-info-mismatch",
            Self::DigestMismatch => "digest-mismatch",
            Self::SignatureMismatch => "signature-mismatch",
            Self::EmptyCanonical => "empty-canonical",
        }
    }
}
