//! A chunk on its way in: hashed and spooled piece by piece, so that what goes on is its ticket.

use bytes::Bytes;
use certs::digest::Sha256;
use http::header;
use http_body_util::BodyExt;
use schemas::{
    fault::{Fault, FaultCode},
    id::PartnerId,
};

use super::{Parts, announced_size, read, unreadable};
use crate::{
    adapter::{Claims, Direction, Envelope, Operation, Road, Route, SignatureForm},
    bulk::{Announced, Spool, Ticket},
    head::{Body, Head},
};

/// By which a relay says whose chunk it carries; without it the sender is the peer. The manifest proves it.
pub(super) const SENDER_HEADER: &str = "lienthong-on-behalf-of";

/// One chunk in the receive room.
pub(super) struct Bulky<'a> {
    pub(super) parts: &'a Parts,
    pub(super) head: &'a Head,
    pub(super) route: &'static Route,
    pub(super) operation: &'static Operation,
}

impl Bulky<'_> {
    /// The chunk's ticket, and the envelope that the door makes for it: a chunk has none of its own.
    pub(super) async fn receive(&self, body: Body, max: usize) -> Result<(Bytes, Envelope), Fault> {
        let (ticket, announced) = match self.head.passing.resumed {
            true => self.again(body).await?,
            false => self.first(body, max).await?,
        };
        let text = ticket.text();
        self.envelope(ticket, announced)
            .map(|envelope| (text, envelope))
    }

    /// Taken up again: the journal kept the ticket, and the bytes lie where they were put before T1.
    async fn again(&self, body: Body) -> Result<(Ticket, Announced), Fault> {
        let text = read(body, TICKET_BYTES_MAX, None).await?;
        let ticket = Ticket::parse(&text)
            .ok_or_else(|| Fault::new(FaultCode::Internal, "ticket-of-a-chunk"))?;
        let announced = self.parts.bulk.announced(&ticket.sender, &ticket.chunk);
        let announced = announced.await?;
        Ok((ticket, announced))
    }

    async fn first(&self, body: Body, max: usize) -> Result<(Ticket, Announced), Fault> {
        let unknown = || Fault::new(FaultCode::UnknownRoute, "route");
        let chunk = self.route.chunk(&self.head.path).ok_or_else(unknown)?;
        octets(self.head)?;
        announced_size(&self.head.headers, max)?;
        let sender = self.sender()?;
        let (announced, spool) = self.parts.bulk.spool(&sender, &chunk).await?;
        let (sha256, bytes) = pour(body, announced, spool).await?;
        let ticket = Ticket {
            sender,
            chunk,
            sha256,
            bytes,
        };
        Ok((ticket, announced))
    }

    /// Whose chunk it is said to be, where this peer may carry that sender's messages.
    fn sender(&self) -> Result<PartnerId, Fault> {
        let peer = self.head.peer.partner();
        let sender = match self.head.headers.get(SENDER_HEADER) {
            None => peer.clone(),
            Some(named) => named
                .to_str()
                .ok()
                .and_then(|named| PartnerId::parse(named).ok())
                .ok_or_else(|| Fault::new(FaultCode::Malformed, "sender-header"))?,
        };
        let partners = self.parts.partners.load();
        let road = road(peer, &sender);
        match partners.get(&sender) {
            Some(partner) if partner.may_arrive(peer, road) => Ok(sender),
            // the same words for one that is not registered
            _ => Err(Fault::new(
                FaultCode::Unauthenticated,
                "peer-may-not-carry-sender",
            )),
        }
    }

    fn envelope(&self, ticket: Ticket, announced: Announced) -> Result<Envelope, Fault> {
        let partners = self.parts.partners.load();
        let unknown = || Fault::new(FaultCode::UnknownRoute, "route");
        Ok(Envelope {
            road: road(self.head.peer.partner(), &ticket.sender),
            claims: Claims {
                sender: ticket.sender.clone(),
                receiver: partners.us().clone(),
                environment: partners.environment(),
                direction: Direction::Request,
                id: ticket.chunk.id().ok_or_else(unknown)?,
                sent_at: self.head.arrived_at,
                operation: self.operation.name.to_owned(),
            },
            key_hint: None,
            signature: SignatureForm::Manifest { announced, ticket },
        })
    }
}

fn road(peer: &PartnerId, sender: &PartnerId) -> Road {
    match peer == sender {
        true => Road::Direct,
        false => Road::Ngsp,
    }
}

/// Octets as they are: how they are packed is announced, and no coding is undone on the way.
fn octets(head: &Head) -> Result<(), Fault> {
    let refused = |reason| Err(Fault::new(FaultCode::UnsupportedMediaType, reason));
    let mut said = head.headers.get_all(header::CONTENT_TYPE).iter();
    let (one, more) = (said.next(), said.next());
    if more.is_some() || one.is_none_or(|one| one.as_bytes() != b"application/octet-stream") {
        return refused("media-type");
    }
    match head.headers.contains_key(header::CONTENT_ENCODING) {
        true => refused("content-coding"),
        false => Ok(()),
    }
}

/// Pours a body into the spool, piece by piece, and counts and hashes it; kept where it is what was announced.
async fn pour(
    mut body: Body,
    announced: Announced,
    mut spool: Box<dyn Spool>,
) -> Result<([u8; 32], u64), Fault> {
    let (mut hash, mut bytes, mut pieces) = (Sha256::new(), 0_u64, 0_u64);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unreadable(&error))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        bytes = bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if bytes > announced.bytes {
            return Err(Fault::new(
                FaultCode::TooLarge,
                "chunk-longer-than-announced",
            ));
        }
        pieces += 1;
        if pieces > PIECES + bytes / PIECE_BYTES {
            return Err(Fault::new(FaultCode::Framing, "body-in-crumbs"));
        }
        hash.update(&piece);
        spool.write(piece).await?;
    }
    let sha256 = hash.finish();
    // others are refused in the verify room, and nothing of them stays
    if (sha256, bytes) == (announced.sha256, announced.bytes) {
        spool.finish().await?;
    }
    Ok((sha256, bytes))
}

/// Pieces that may be as small as they like; then they have to have this many bytes on average.
const PIECES: u64 = 1_024;
const PIECE_BYTES: u64 = 1_024;
const TICKET_BYTES_MAX: usize = 1_024;
