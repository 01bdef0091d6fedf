//! Who an operator is, by its certificate, and what its role allows.

use std::{fs, path::Path, time::Duration};

use certs::tls::{
    Acceptor, Alpn, Anchors, Identity, Judged, PeerCertificate, ServerParams, ServerStream,
    TlsConfigError,
};
use gateway_core::ports::{Act, Deed};
use tokio::net::TcpStream;
use tonic::Status;

use super::AdminParts;
use crate::{
    config::{Config, Role},
    gateway::StartError,
    revocation::Keeper,
};

/// Whoever may connect, and the TLS that proves it.
pub struct Operators {
    acceptor: Acceptor,
    keeper: Keeper,
    known: Vec<Known>,
}

/// An operator's connection, proven.
pub(super) struct LetIn {
    pub(super) stream: ServerStream<TcpStream>,
    pub(super) caller: Caller,
    pub(super) certificate: PeerCertificate,
    pub(super) judged: Judged,
}

#[derive(Debug, Clone)]
struct Known {
    name: String,
    peer: Peer,
    role: Role,
}

/// How an operator's certificate is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Peer {
    Uri(String),
    Spki([u8; 32]),
}

/// Who is at the other end.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// Without TLS: whoever can reach a loopback address. May everything and says who they are.
    OnThisMachine,
    /// By certificate.
    Operator {
        /// As it is registered.
        name: String,
        /// What it may do.
        role: Role,
    },
}

/// Reads how a certificate is recognised: a URI, or `spki:` and 64 hex digits.
pub(crate) fn peer(text: &str) -> Option<Peer> {
    if let Some(pin) = text.strip_prefix("spki:") {
        let mut bytes = [0; 32];
        hex::decode_to_slice(pin, &mut bytes).ok()?;
        return Some(Peer::Spki(bytes));
    }
    text.starts_with("urn:").then(|| Peer::Uri(text.to_owned()))
}

impl Operators {
    /// As the config names them, judged by what `keeper` knows; none without TLS.
    ///
    /// # Errors
    /// Where a file is refused.
    pub fn of(config: &Config, keeper: &Keeper) -> Result<Option<Self>, StartError> {
        let Some(params) = Self::params(config)? else {
            return Ok(None);
        };
        let acceptor = Acceptor::judged_by(params, keeper.known())
            .map_err(|error| StartError::Key("admin.tls".into(), error.to_string()))?;
        let known = config.operators.iter().filter_map(|line| {
            Some(Known {
                name: line.name.clone(),
                peer: peer(&line.peer)?,
                role: line.role,
            })
        });
        Ok(Some(Self {
            acceptor,
            keeper: keeper.clone(),
            known: known.collect(),
        }))
    }

    /// What the files say now, checked whole.
    pub(crate) fn params(config: &Config) -> Result<Option<ServerParams>, StartError> {
        let Some(tls) = &config.admin.tls else {
            return Ok(None);
        };
        let refused =
            |path: &Path, error: &dyn ToString| StartError::Key(path.to_owned(), error.to_string());
        let identity = Identity::from_files(&tls.cert, &tls.key)
            .map_err(|error| refused(&tls.cert, &error))?;
        let anchors = fs::read(&tls.anchors).map_err(|error| refused(&tls.anchors, &error))?;
        let client_anchors =
            Anchors::from_pem(&anchors).map_err(|error| refused(&tls.anchors, &error))?;
        let params = ServerParams {
            identity,
            client_anchors,
            crls: Vec::new(),
            tls12: false,
            handshake_deadline: HANDSHAKE,
            alpn: vec![Alpn::H2, Alpn::Http1],
        };
        Acceptor::new(params.clone()).map_err(|error| refused(&tls.cert, &error))?;
        Ok(Some(params))
    }

    /// New keys and anchors take the place of the old ones; open connections are judged by them.
    pub(crate) fn replace(&self, params: ServerParams) -> Result<(), TlsConfigError> {
        self.acceptor.replace(params)
    }

    /// Makes the handshake; whoever is no operator, or was taken back, is refused with a word.
    pub(super) async fn accept(&self, stream: TcpStream) -> Result<LetIn, &'static str> {
        let accepted = self.acceptor.accept(stream).await;
        let accepted = accepted.map_err(|error| error.reason())?;
        self.keeper.confirm(&accepted.peer.der).await?;
        let caller = self.caller(&accepted.peer).ok_or("no-operator")?;
        Ok(LetIn {
            stream: accepted.stream,
            caller,
            certificate: accepted.peer,
            judged: accepted.judged,
        })
    }

    /// Waits until the certificate would no longer be let in: taken back, of an anchor that has gone, or ended.
    pub(super) async fn outlived(&self, certificate: &PeerCertificate, mut judged: Judged) {
        while self.acceptor.still(certificate, &mut judged).is_ok() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A certificate with several URIs belongs to nobody.
    fn caller(&self, peer: &PeerCertificate) -> Option<Caller> {
        let is = |known: &&Known| match (&known.peer, peer.san_uris.as_slice()) {
            (Peer::Uri(uri), [only]) => uri == only,
            (Peer::Uri(_), _) => false,
            (Peer::Spki(pin), _) => *pin == peer.spki_sha256,
        };
        let known = self.known.iter().find(is)?;
        Some(Caller::Operator {
            name: known.name.clone(),
            role: known.role,
        })
    }
}

impl std::fmt::Debug for Operators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.known).finish()
    }
}

/// The least role that each call, and each deed of `act`, needs.
pub(super) const NEEDED: [(&str, Role); 56] = [
    ("status", Role::Viewer),
    ("list-parcels", Role::Viewer),
    ("show-parcel", Role::Viewer),
    ("terms", Role::Viewer),
    ("list-pulls", Role::Viewer),
    ("list-reviews", Role::Viewer),
    ("lawful-times", Role::Viewer),
    ("show-review", Role::Operator),
    ("show-birth", Role::Operator),
    ("read-file", Role::Operator),
    ("decide-review", Role::Operator),
    ("list-dossiers", Role::Viewer),
    ("show-dossier", Role::Operator),
    ("read-paper", Role::Operator),
    ("decide-dossier", Role::Operator),
    ("certify-group", Role::Operator),
    ("take-back-group", Role::Operator),
    ("record-representation", Role::Operator),
    ("end-representation", Role::Operator),
    ("list-representations", Role::Operator),
    ("list-payments", Role::Viewer),
    ("show-payment", Role::Viewer),
    ("refund-payment", Role::Operator),
    ("reconcile-payments", Role::Viewer),
    ("list-discrepancies", Role::Viewer),
    ("show-discrepancy", Role::Operator),
    ("dispute-discrepancy", Role::Operator),
    ("settle-discrepancy", Role::Operator),
    ("recheck-ledger", Role::Operator),
    ("list-notices", Role::Operator),
    ("ask-tax", Role::Operator),
    ("record-employer", Role::Operator),
    ("list-schedules", Role::Viewer),
    ("start-schedule", Role::Operator),
    ("pause-schedule", Role::Operator),
    ("resume-schedule", Role::Operator),
    ("show-pull", Role::Operator),
    ("explain", Role::Operator),
    ("list-acts", Role::Operator),
    ("pause-lane", Role::Operator),
    ("resume-lane", Role::Operator),
    ("replay", Role::Operator),
    ("cancel", Role::Operator),
    ("recover", Role::Operator),
    ("suspend-partner", Role::Operator),
    ("suspend-operation", Role::Operator),
    ("access", Role::SecurityOfficer),
    ("resume-partner", Role::SecurityOfficer),
    ("resume-operation", Role::SecurityOfficer),
    ("retire-partner", Role::SecurityOfficer),
    ("release", Role::SecurityOfficer),
    ("hold", Role::SecurityOfficer),
    ("unhold", Role::SecurityOfficer),
    ("erase", Role::SecurityOfficer),
    ("export", Role::SecurityOfficer),
    ("accept-clock", Role::SecurityOfficer),
];

impl Caller {
    /// Lets the call through, or refuses it, which is written down.
    pub(super) async fn may(&self, parts: &AdminParts, what: &str) -> Result<(), Status> {
        let Self::Operator { name, role } = self else {
            return Ok(());
        };
        let needed = NEEDED.iter().find(|(call, _)| *call == what);
        if needed.is_some_and(|(_, needed)| role >= needed) {
            return Ok(());
        }
        let (call, why) = match needed {
            Some((call, needed)) => (
                *call,
                format!("a {} may not: it needs a {}", role.word(), needed.word()),
            ),
            None => (
                "unknown",
                format!("a {} asked for what is not there", role.word()),
            ),
        };
        let denied = Act {
            who: name.clone(),
            why: why.clone(),
            deed: Deed::Denied(call.to_owned()),
        };
        tracing::warn!(call, "an operator was refused");
        // what cannot be written down is refused all the same
        if let Err(error) = parts.office.act(denied).await {
            tracing::error!(%error, call, "the refusal of an operator was not written down");
        }
        Err(Status::permission_denied(why))
    }

    /// In whose name something is done: by a certificate the registered one, whatever was said.
    pub(super) fn name(&self, said: String) -> String {
        match self {
            Self::OnThisMachine => said,
            Self::Operator { name, .. } => name.clone(),
        }
    }
}

const HANDSHAKE: Duration = Duration::from_secs(5);
/// How often an open connection is looked at.
const LOOK: Duration = Duration::from_millis(500);
