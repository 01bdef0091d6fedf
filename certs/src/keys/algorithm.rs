//! The closed list of signature algorithms, for XML and JWS alike.

/// A signature algorithm that a partner may use; anything not listed here is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256, signature as r||s (P1363).
    Es256,
    /// ECDSA over P-384 with SHA-384, signature as r||s (P1363).
    Es384,
    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a 32-byte salt.
    Ps256,
    /// RSASSA-PSS with SHA-384, MGF1-SHA-384 and a 48-byte salt.
    Ps384,
    /// RSASSA-PSS with SHA-512, MGF1-SHA-512 and a 64-byte salt; XML only.
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256, for older tokens.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384, for older tokens; XML only.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512, for older tokens; XML only.
    Rs512,
    /// Ed25519.
    EdDsa,
}

/// The kind of a key: what it can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// An elliptic-curve key on P-256.
    P256,
    /// An elliptic-curve key on P-384.
    P384,
    /// An RSA key of at least 2,048 bits.
    Rsa,
    /// An Ed25519 key.
    Ed25519,
}

impl Algorithm {
    /// Every algorithm, in the order of preference.
    pub const ALL: [Self; 9] = [
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// Those that a JWS may name.
    pub const JWS: [Self; 6] = [
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
        Self::Ps256,
        Self::Ps384,
        Self::Rs256,
    ];

    /// The `alg` value (RFC 7518 §3.1, RFC 8037 §3.1), which is also its name in config.
    pub const fn jws_name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm with exactly this name, for XML or JWS; letter case counts.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.jws_name() == name)
    }

    /// The algorithm with exactly this `alg` value in a JWS; letter case counts.
    pub fn from_jws_name(name: &str) -> Option<Self> {
        Self::JWS.into_iter().find(|known| known.jws_name() == name)
    }

    /// The SignatureMethod URI (RFC 9231 §2.3).
    pub const fn xml_uri(self) -> &'static str {
        match self {
            Self::Es256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Self::Es384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            Self::Rs256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Self::Rs384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            Self::Rs512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
            Self::Ps256 => "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
            Self::Ps384 => "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
            Self::Ps512 => "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
            Self::EdDsa => "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
        }
    }

    /// The algorithm with exactly this SignatureMethod URI.
    pub fn from_xml_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.xml_uri() == uri)
    }

    /// The kind of key that this algorithm needs.
    pub const fn key_kind(self) -> KeyKind {
        match self {
            Self::Es256 => KeyKind::P256,
            Self::Es384 => KeyKind::P384,
            Self::Ps256 | Self::Ps384 | Self::Ps512 | Self::Rs256 | Self::Rs384 | Self::Rs512 => {
                KeyKind::Rsa
            }
            Self::EdDsa => KeyKind::Ed25519,
        }
    }
}

impl KeyKind {
    /// The algorithm that a key of this kind signs with unless told otherwise.
    pub const fn preferred(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::Rsa => Algorithm::Ps256,
            Self::Ed25519 => Algorithm::EdDsa,
        }
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.jws_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_algorithm() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.jws_name()), Some(algorithm));
            assert_eq!(
                Algorithm::from_xml_uri(algorithm.xml_uri()),
                Some(algorithm)
            );
        }
        for algorithm in Algorithm::JWS {
            let name = algorithm.jws_name();
            assert_eq!(Algorithm::from_jws_name(name), Some(algorithm));
        }
    }

    #[test]
    fn names_outside_the_list_are_unknown_even_by_case() {
        for name in ["none", "None", "HS256", "es256", "ES512", ""] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
        for name in ["PS512", "RS384", "RS512"] {
            assert_eq!(Algorithm::from_jws_name(name), None, "{name} is XML only");
        }
        let sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
        assert_eq!(Algorithm::from_xml_uri(sha1), None);
    }
}
