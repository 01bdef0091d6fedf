//! What a file is.
//!
//! Three signatures, each at byte 0, say it. The library that knows some hundred (`infer`) takes `%PDF` anywhere in the
//! first 1,024 bytes, as readers of PDF do: a page of HTML or a ZIP archive passes for a PDF there.

/// The kinds of files that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// PDF (ISO 32000-1, 7.5.2: the header is the first line).
    Pdf,
    /// JPEG (ISO/IEC 10918-1, B.1.1.3: start of image, then a marker).
    Jpeg,
    /// PNG (ISO/IEC 15948, 5.2 and 5.6: the signature, then the header chunk of 13 bytes).
    Png,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Pdf, Self::Jpeg, Self::Png];
    /// So many first bytes tell the kind.
    pub const HEAD_BYTES: usize = 16;

    /// What a file of this name says it is, by the ending of its name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let (stem, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            _ if stem.is_empty() => None,
            "pdf" => Some(Self::Pdf),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "png" => Some(Self::Png),
            _ => None,
        }
    }

    /// What a file is whose first bytes are these.
    #[must_use]
    pub fn of_bytes(head: &[u8]) -> Option<Self> {
        let begins = |signature: &[u8]| head.starts_with(signature);
        match () {
            () if begins(b"%PDF-1.") || begins(b"%PDF-2.") => Some(Self::Pdf),
            () if begins(&[0xff, 0xd8, 0xff]) => Some(Self::Jpeg),
            () if begins(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR") => Some(Self::Png),
            () => None,
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// The kind of a media type.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.media_type() == media_type)
    }
}
