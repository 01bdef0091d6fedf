//! Files of dossiers and of births' cases, as officers read them. Whoever reads one says why, and is in the access ledger of the dossier's
//! applicant and of whom it is about, or of the child, before the first byte.

use futures_util::stream::{self, BoxStream, StreamExt as _};
use schemas::{
    fault::{Fault, FaultCode},
    id::PartnerId,
    proto::{
        admin::{PaperHead, PaperPart, ReadFileRequest, ReadPaperRequest, paper_part::Part},
        insurance as contract,
    },
};
use tonic::Status;

use super::{
    AdminParts, births,
    dossiers::{asking, enter, papers_of},
    office::said_why,
    reviews::{behind, said, soon},
};
use crate::papers::Blocks;

/// A file on its way: its head, then its bytes.
pub(super) type Parts = BoxStream<'static, Result<PaperPart, Status>>;

pub(super) async fn read(parts: &AdminParts, asked: ReadPaperRequest) -> Result<Parts, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let request = contract::ShowDossierRequest {
        context: Some(asking(parts, Vec::new())),
        code: asked.code,
    };
    let shown = behind(parts)?.show_dossier(soon(), request).await;
    let shown = shown.map_err(said)?;
    let dossier = shown.dossier.unwrap_or_default();
    let papers = papers_of(shown.papers, shown.supplements);
    let (_, paper) = numbered(&papers, asked.number, "papers")?;
    let mut sha256 = [0; 32];
    let place = match (
        &parts.papers,
        hex::decode_to_slice(&paper.sha256, &mut sha256),
    ) {
        (Some(place), Ok(())) => place,
        _ => return Err(Status::failed_precondition("the file stays at its sender")),
    };
    let owner = PartnerId::parse(&dossier.owner);
    let owner = owner.map_err(|_| Status::internal("a dossier of nobody"))?;
    let blocks = place
        .read(&owner, sha256)
        .await
        .map_err(|fault| refused(&fault))?;
    for number in [&dossier.applicant_pin, &shown.subject_si_number] {
        enter(parts, number, who.clone(), why.clone()).await?;
    }
    tracing::warn!(
        code = dossier.code,
        number = asked.number,
        "an operator reads a file of a dossier"
    );
    let head = PaperHead {
        file_name: paper.file_name.clone(),
        media_type: paper.media_type.clone(),
        bytes: paper.bytes,
        sha256: paper.sha256.clone(),
    };
    Ok(told(head, blocks))
}

pub(super) async fn read_file(parts: &AdminParts, asked: ReadFileRequest) -> Result<Parts, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let Some(place) = &parts.papers else {
        return Err(Status::failed_precondition("no files are kept here"));
    };
    let case = (asked.case_id.clone(), asked.sender);
    let (sender, files) = births::files_of(parts, case, (&who, &why)).await?;
    let file = numbered(&files, asked.number, "files")?;
    let refused = |fault: Fault| refused(&fault);
    let sha256 = place.digest(&sender, file).await.map_err(refused)?;
    let blocks = place.read(&sender, sha256).await.map_err(refused)?;
    tracing::warn!(
        case = asked.case_id,
        number = asked.number,
        "an operator reads a file of a birth"
    );
    let head = PaperHead {
        file_name: String::new(),
        media_type: file.media_type.clone(),
        bytes: file.bytes,
        sha256: hex::encode(sha256),
    };
    Ok(told(head, blocks))
}

/// One of them by its number, from 1.
fn numbered<'a, T>(all: &'a [T], number: u32, what: &str) -> Result<&'a T, Status> {
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    let one = index.checked_sub(1).and_then(|index| all.get(index));
    one.ok_or_else(|| Status::not_found(format!("it has {} {what}, numbered from 1", all.len())))
}

fn told(head: PaperHead, blocks: Blocks) -> Parts {
    let head = PaperPart {
        part: Some(Part::Head(head)),
    };
    stream::once(async { Ok(head) }).chain(data(blocks)).boxed()
}

fn data(blocks: Blocks) -> impl stream::Stream<Item = Result<PaperPart, Status>> {
    stream::unfold(blocks, |mut blocks| async {
        let block = blocks.recv().await?;
        let part = block.map(|bytes| PaperPart {
            part: Some(Part::Data(bytes)),
        });
        Some((part.map_err(|fault| refused(&fault)), blocks))
    })
}

fn refused(fault: &Fault) -> Status {
    match fault.code() {
        FaultCode::UnknownSubject => Status::not_found("the file is not kept any more"),
        _ => Status::data_loss(format!("the file cannot be read: {}", fault.reason())),
    }
}
