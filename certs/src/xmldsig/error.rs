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
    /// A comment, anywhere.
    #[error("a comment is refused")]
    Comment,
    /// A processing instruction, anywhere.
    #[error("a processing instruction is refused")]
    Instruction,
    /// A CDATA section or another declaration, anywhere.
    #[error("a CDATA section is refused")]
    Cdata,
    /// The same identifier twice, under whatever attribute name, or an empty one.
    #[error("an identifier is empty or stands twice")]
    DuplicateId,
    /// No signature.
    #[error("there is no signature")]
    NoSignature,
    /// More than one signature, anywhere.
    #[error("there is more than one signature")]
    SeveralSignatures,
    /// More than one SignedInfo in the signature.
    #[error("there is more than one SignedInfo")]
    SeveralSignedInfo,
    /// The element that the message type wants signed is missing or stands twice.
    #[error("the element that must be signed is not there exactly once")]
    SignedElement,
    /// The signature is not the last child element of the root or of the signed element.
    #[error("the signature is not the last child of the root")]
    SignaturePosition,
    /// The signature has a child, attribute or text that the profile does not have.
    #[error("the signature's structure is not the profile's")]
    SignatureStructure,
    /// An Object that is not the XAdES properties of this signature.
    #[error("an Object is refused")]
    Object,
    /// A Manifest, or a reference to one.
    #[error("a Manifest is refused")]
    Manifest,
    /// A key that is to be fetched.
    #[error("a RetrievalMethod is refused")]
    RetrievalMethod,
    /// The canonicalisation is not in the profile's list.
    #[error("the canonicalisation is refused")]
    Canonicalization,
    /// The signature algorithm is not in the list.
    #[error("the signature algorithm is refused")]
    AlgorithmRefused,
    /// A signature by a shared secret.
    #[error("HMAC is refused")]
    Hmac,
    /// SHA-1, in a signature or a digest.
    #[error("SHA-1 is refused")]
    Sha1,
    /// The signature algorithm does not fit the sender's key.
    #[error("the signature algorithm does not fit the sender's key")]
    AlgorithmMismatch,
    /// The digest algorithm is not SHA-2.
    #[error("the digest algorithm is refused")]
    DigestRefused,
    /// None or several references, the one to XAdES properties not counted.
    #[error("there must be exactly one reference")]
    ReferenceCount,
    /// The reference is not the signed element.
    #[error("the reference is not the root")]
    ReferenceNotRoot,
    /// The reference leads out of the document.
    #[error("a reference to another document is refused")]
    ReferenceExternal,
    /// The reference is an XPointer expression.
    #[error("an XPointer is refused")]
    XPointer,
    /// The transforms are not enveloped-signature and a canonicalisation of the list.
    #[error("the transforms are refused")]
    Transforms,
    /// A transform that selects by XPath.
    #[error("XPath is refused")]
    XPath,
    /// A transform that runs a stylesheet.
    #[error("XSLT is refused")]
    Xslt,
    /// A digest or signature value is not plain base64 text.
    #[error("a value is not base64 text")]
    BadValue,
    /// KeyInfo holds something else than X.509 data or a name.
    #[error("the key information is refused")]
    KeyInfo,
    /// KeyInfo holds a bare key: keys come from the registration.
    #[error("a key in the signature is refused")]
    KeyValue,
    /// The certificate in KeyInfo is not the sender's.
    #[error("the certificate in the signature is not the sender's")]
    KeyInfoMismatch,
    /// The root does not hash to the digest.
    #[error("the digest does not match")]
    DigestMismatch,
    /// The signature was not made with the sender's key.
    #[error("the signature does not match")]
    SignatureMismatch,
    /// XAdES properties in another form than ours.
    #[error("the XAdES properties are refused")]
    XadesRefused,
    /// SigningTime is no time, or the signing certificate was not valid then.
    #[error("the XAdES signing time is refused")]
    XadesSigningTime,
    /// SigningCertificateV2 is not about the sender's certificate.
    #[error("the XAdES signing certificate is not the sender's")]
    XadesCertificate,
    /// The XAdES properties do not hash to their digest.
    #[error("the digest of the XAdES properties does not match")]
    XadesDigest,
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
            Self::Comment => "comment-refused",
            Self::Instruction => "instruction-refused",
            Self::Cdata => "cdata-refused",
            Self::DuplicateId => "duplicate-id",
            Self::NoSignature => "no-signature",
            Self::SeveralSignatures => "several-signatures",
            Self::SeveralSignedInfo => "several-signed-info",
            Self::SignedElement => "signed-element",
            Self::SignaturePosition => "signature-position",
            Self::SignatureStructure => "signature-structure",
            Self::Object => "object-refused",
            Self::Manifest => "manifest-refused",
            Self::RetrievalMethod => "retrieval-method-refused",
            Self::Canonicalization => "canonicalization-refused",
            Self::AlgorithmRefused => "algorithm-refused",
            Self::Hmac => "hmac-refused",
            Self::Sha1 => "sha1-refused",
            Self::AlgorithmMismatch => "algorithm-mismatch",
            Self::DigestRefused => "digest-algorithm-refused",
            Self::ReferenceCount => "reference-count",
            Self::ReferenceNotRoot => "reference-not-root",
            Self::ReferenceExternal => "reference-external",
            Self::XPointer => "xpointer-refused",
            Self::Transforms => "transforms-refused",
            Self::XPath => "xpath-refused",
            Self::Xslt => "xslt-refused",
            Self::BadValue => "bad-value",
            Self::KeyInfo => "key-info-refused",
            Self::KeyValue => "key-value-refused",
            Self::KeyInfoMismatch => "key-info-mismatch",
            Self::DigestMismatch => "digest-mismatch",
            Self::SignatureMismatch => "signature-mismatch",
            Self::XadesRefused => "xades-refused",
            Self::XadesSigningTime => "xades-signing-time",
            Self::XadesCertificate => "xades-certificate",
            Self::XadesDigest => "xades-digest-mismatch",
            Self::EmptyCanonical => "empty-canonical",
        }
    }
}
