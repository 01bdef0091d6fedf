//! Where the envelope of each road comes from: one table, printed in the README and tested against it.

/// One way for a message to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The road.
    pub road: &'static str,
    /// The form of the message.
    pub form: &'static str,
    /// Who may hold the other end.
    pub peer: &'static str,
    /// Where the id comes from.
    pub id: &'static str,
    /// Where the time comes from.
    pub time: &'static str,
    /// Where the sender comes from.
    pub sender: &'static str,
    /// Where the receiver comes from.
    pub receiver: &'static str,
    /// Where the signature is.
    pub signature: &'static str,
}

const XML_DIRECT: Source = Source {
    road: "direct",
    form: "signed XML",
    peer: "the sender itself",
    id: "Header/MessageId",
    time: "Header/SentAt",
    sender: "Header/Sender",
    receiver: "Header/Receiver",
    signature: "ds:Signature, last child of the root",
};

const JWS_DIRECT: Source = Source {
    road: "direct",
    form: "JSON with detached JWS",
    peer: "the sender itself",
    id: "jti; civil.birth: module + maHoSoLT; civil.result: none, fresh each time",
    time: "iat",
    sender: "iss",
    receiver: "aud",
    signature: "header X-JWS-Signature",
};

const EGW_DIRECT: Source = Source {
    road: "direct",
    form: "form of the hospitals' gateway",
    peer: "the sender itself",
    id: "loaiHs + MA_GCS (and MA_CT of several children) or MA_GBT + Id of the signed notice, or the packet's Id",
    time: "its arrival",
    sender: "maCskcb, whose key has signed the notice",
    receiver: "us, since it came to us",
    signature: "ds:Signature in CHUKYDONVI, over the notice by its Id",
};

const DCI_DIRECT: Source = Source {
    road: "direct",
    form: "DCI's JSON",
    peer: "the sender itself",
    id: "header.message_id",
    time: "header.message_ts",
    sender: "header.sender_id, as registered",
    receiver: "header.receiver_id, as the sender is registered to call us",
    signature: "the member signature, or the header field Signature, x-HMAC or X-JWS-Signature: the sender's registered dialect says which",
};

const XROAD_PEER: &str = "the sender's registered security server";

/// Every way in. On a relayed road the signer is still the sender; only the peer differs.
pub const SOURCES: &[Source] = &[
    XML_DIRECT,
    JWS_DIRECT,
    Source {
        road: "ngsp",
        peer: "the sender's registered relay",
        ..XML_DIRECT
    },
    Source {
        road: "ngsp",
        peer: "the sender's registered relay",
        ..JWS_DIRECT
    },
    EGW_DIRECT,
    Source {
        road: "ngsp",
        peer: "the sender's registered relay",
        ..EGW_DIRECT
    },
    DCI_DIRECT,
    Source {
        road: "ngsp",
        peer: "the sender's registered relay",
        ..DCI_DIRECT
    },
    Source {
        road: "direct",
        form: "webhook of OpenCRVS",
        peer: "the sender itself",
        id: "topic and registration number",
        time: "timestamp",
        sender: "the peer",
        receiver: "us, since it came to us",
        signature: "header X-Hub-Signature: a keyed hash in the one form that is registered",
    },
    Source {
        road: "direct",
        form: "trigger of OpenCRVS",
        peer: "the sender itself",
        id: "actionId of its token",
        time: "iat of its token",
        sender: "the peer",
        receiver: "us, since it came to us",
        signature: "none: the peer's certificate, and a token of the sender's for this one action",
    },
    Source {
        road: "xroad",
        peer: XROAD_PEER,
        id: "Header/MessageId, the same as X-Road-Id",
        ..XML_DIRECT
    },
    Source {
        road: "xroad",
        peer: XROAD_PEER,
        id: "jti, the same as X-Road-Id; civil.birth: module + maHoSoLT; civil.result: none, fresh each time",
        ..JWS_DIRECT
    },
    Source {
        road: "xroad",
        form: "JSON without signature, where the agreement takes it",
        peer: XROAD_PEER,
        id: "X-Road-Id",
        time: "its arrival",
        sender: "X-Road-Client, as registered behind this server",
        receiver: "us, since it came to us",
        signature: "none: the server's certificate and its word",
    },
    Source {
        road: "xroad",
        form: "SOAP 4.0, where the agreement takes it",
        peer: XROAD_PEER,
        id: "id of the header block",
        time: "its arrival",
        sender: "client of the header block, as registered behind this server",
        receiver: "us, since it came to us",
        signature: "none: the server's certificate and its word",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../README.md");

    #[test]
    fn the_readme_shows_the_table_as_it_is() {
        for one in SOURCES {
            let row = [
                one.road,
                one.form,
                one.peer,
                one.id,
                one.time,
                one.sender,
                one.receiver,
                one.signature,
            ]
            .join(" | ");
            assert!(README.contains(&format!("| {row} |")), "| {row} |");
        }
        let rows = README.lines().filter(|line| {
            let starts = |road: &str| line.starts_with(&format!("| {road} |"));
            ["direct", "ngsp", "xroad"].into_iter().any(starts)
        });
        assert_eq!(rows.count(), SOURCES.len());
    }
}
