//! The names that the profile knows: namespaces and algorithm URIs, by their standard.

/// XML Signature 1.1.
pub(super) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// XAdES 1.3.2 (ETSI EN 319 132-1).
pub(super) const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
/// The Type of the reference to XAdES SignedProperties.
pub(super) const XADES_PROPERTIES: &str = "http://uri.etsi.org/01903#SignedProperties";
/// The Type of a reference to a Manifest.
pub(super) const MANIFEST: &str = "http://www.w3.org/2000/09/xmldsig#Manifest";

/// Exclusive XML Canonicalization 1.0, without comments.
pub(super) const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// Canonical XML 1.0, without comments.
pub(super) const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
/// The enveloped-signature transform.
pub(super) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// Transforms that compute what is signed; refused by name.
pub(super) const XPATH: [&str; 2] = [
    "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "http://www.w3.org/2002/06/xmldsig-filter2",
];
/// The transform that runs a program; refused by name.
pub(super) const XSLT: &str = "http://www.w3.org/TR/1999/REC-xslt-19991116";

/// Digests.
pub(super) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub(super) const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
pub(super) const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";
pub(super) const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
/// The one SHA-1 signature that danger can allow.
pub(super) const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
