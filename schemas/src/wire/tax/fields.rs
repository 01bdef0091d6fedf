//! What becomes of every element of this profile; a document and a test hold it to the schema.

/// Whether an element reaches the inside contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// It is mapped, both ways where the contract has it.
    Mapped,
    /// It stays with the message; the canonical column says where.
    NotCarried,
}

/// One element of the wire and its place inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The element, with its parent.
    pub wire: &'static str,
    /// The field of `insurance.v1`, or what else the gateway does with it.
    pub canonical: &'static str,
    /// Whether it reaches the inside contract.
    pub carried: Carried,
    /// The law, form or decision that it comes from.
    pub source: &'static str,
}

const fn mapped(wire: &'static str, canonical: &'static str, source: &'static str) -> Field {
    Field {
        wire,
        canonical,
        carried: Carried::Mapped,
        source,
    }
}

/// An element that does not reach the insurance contract.
pub(super) const fn kept(
    wire: &'static str,
    canonical: &'static str,
    source: &'static str,
) -> Field {
    Field {
        wire,
        canonical,
        carried: Carried::NotCarried,
        source,
    }
}

/// Every element of the profile, in the order of the schema.
pub const FIELDS: &[Field] = &[
    kept(
        "Header/MessageId",
        "inbox id; with sender and operation the effect's key",
        "own profile",
    ),
    kept("Header/SentAt", "freshness", "own profile"),
    kept("Header/Environment", "must be ours", "own profile"),
    kept("Header/Direction", "must be request", "own profile"),
    mapped("Header/Sender", "Context.sender", "own profile"),
    kept("Header/Receiver", "must be us", "own profile"),
    kept(
        "Header/Operation",
        "chooses the contract call",
        "own profile",
    ),
    kept(
        "Header/InReplyTo",
        "answers only: the request's id",
        "own profile",
    ),
    kept(
        "Header/RequestDigest",
        "answers only: the request's content digest",
        "own profile",
    ),
    mapped(
        "VerifyEmployer/Mst",
        "GetParticipationRequest.tax_code",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept(
        "VerifyEmployer/Parent",
        "must be the branch's own enterprise",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    mapped(
        "VerifyEmployer/Period",
        "GetParticipationRequest.period",
        "form C12-TS, month MMYYYY",
    ),
    kept(
        "VerifyEmployer/Fields",
        "policy: fields asked",
        "Law 91/2025/QH15 art. 3; Decree 47/2020/NĐ-CP",
    ),
    mapped(
        "VerifyEmployer/Purpose",
        "Context.purpose",
        "Law 91/2025/QH15 art. 3",
    ),
    mapped(
        "VerifyIndividual/Subject/Pin",
        "GetContributionsRequest.pin",
        "Circular 86/2024/TT-BTC; Decree 43/2021/NĐ-CP",
    ),
    mapped(
        "VerifyIndividual/Subject/Mst",
        "GetContributionsRequest.tax_code",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    mapped(
        "VerifyIndividual/Subject/SiNumber",
        "GetContributionsRequest.si_number",
        "Law 41/2024/QH15; Decree 43/2021/NĐ-CP",
    ),
    mapped(
        "VerifyIndividual/Year",
        "GetContributionsRequest.from, to",
        "own profile",
    ),
    mapped(
        "VerifyIndividual/From",
        "GetContributionsRequest.from",
        "own profile",
    ),
    mapped(
        "VerifyIndividual/To",
        "GetContributionsRequest.to",
        "own profile",
    ),
    kept(
        "VerifyIndividual/Fields",
        "policy: fields asked",
        "Law 91/2025/QH15 art. 3; Decree 47/2020/NĐ-CP",
    ),
    kept(
        "VerifyIndividual/Claim/Name",
        "compared with GetContributionsResponse.name",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "VerifyIndividual/Claim/BirthDate",
        "compared with GetContributionsResponse.birth_date",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "VerifyIndividual/Claim/MonthsContributed",
        "compared with GetContributionsResponse.months",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "VerifyIndividual/Claim/BaseTotal",
        "compared with GetContributionsResponse.base_total_vnd",
        "Law 91/2025/QH15 art. 3",
    ),
    mapped(
        "VerifyIndividual/Purpose",
        "Context.purpose",
        "Law 91/2025/QH15 art. 3",
    ),
    mapped(
        "VerifyMany/Employers/Period",
        "GetParticipationRequest.period of every line",
        "form C12-TS",
    ),
    kept(
        "VerifyMany/Employers/Fields",
        "policy: fields asked",
        "Law 91/2025/QH15 art. 3; Decree 47/2020/NĐ-CP",
    ),
    mapped(
        "VerifyMany/Employers/Mst",
        "GetParticipationRequest.tax_code, one call a line",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    mapped(
        "VerifyMany/Individuals/Year",
        "GetContributionsRequest.from, to of every line",
        "own profile",
    ),
    mapped(
        "VerifyMany/Individuals/From",
        "GetContributionsRequest.from of every line",
        "own profile",
    ),
    mapped(
        "VerifyMany/Individuals/To",
        "GetContributionsRequest.to of every line",
        "own profile",
    ),
    kept(
        "VerifyMany/Individuals/Fields",
        "policy: fields asked",
        "Law 91/2025/QH15 art. 3; Decree 47/2020/NĐ-CP",
    ),
    mapped(
        "VerifyMany/Individuals/Pin",
        "GetContributionsRequest.pin, one call a line",
        "Circular 86/2024/TT-BTC",
    ),
    mapped(
        "VerifyMany/Individuals/Mst",
        "GetContributionsRequest.tax_code, one call a line",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    mapped(
        "VerifyMany/Individuals/SiNumber",
        "GetContributionsRequest.si_number, one call a line",
        "Law 41/2024/QH15",
    ),
    mapped(
        "VerifyMany/Purpose",
        "Context.purpose",
        "Law 91/2025/QH15 art. 3",
    ),
    mapped(
        "ChangeNotice/Mst",
        "Notice.tax_code",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    mapped(
        "ChangeNotice/Kind",
        "Notice.kind",
        "5423/QCPH-BHXH-TCT; own profile",
    ),
    mapped(
        "ChangeNotice/EffectiveOn",
        "Notice.effective_on",
        "5423/QCPH-BHXH-TCT; own profile",
    ),
    mapped(
        "ChangeNotice/Status",
        "Notice.status",
        "Circular 86/2024/TT-BTC; Circular 90/2026/TT-BTC",
    ),
    mapped(
        "ChangeNotice/StatusReason",
        "Notice.status_reason",
        "Circular 90/2026/TT-BTC",
    ),
    mapped(
        "ChangeNotice/Name",
        "Notice.name",
        "5423/QCPH-BHXH-TCT; own profile",
    ),
    mapped(
        "ChangeNotice/Address",
        "Notice.address",
        "5423/QCPH-BHXH-TCT; own profile",
    ),
    mapped(
        "ChangeNotice/MergedInto",
        "Notice.merged_into",
        "5423/QCPH-BHXH-TCT; own profile",
    ),
    mapped(
        "ChangeNotice/HeadcountBefore",
        "Notice.headcount_before",
        "5423/QCPH-BHXH-TCT; own profile",
    ),
    mapped(
        "ChangeNotice/Headcount",
        "Notice.headcount",
        "5423/QCPH-BHXH-TCT; own profile",
    ),
    mapped(
        "ChangeNotice/Purpose",
        "Context.purpose",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "LookUpNotices/Notice",
        "ids of the sender's messages in the inbox",
        "own profile",
    ),
    kept(
        "LookUpNotices/From",
        "receipts of the outbox from then on",
        "own profile",
    ),
    kept(
        "LookUpNotices/Until",
        "receipts of the outbox before then",
        "own profile",
    ),
    mapped(
        "LookUpNotices/Purpose",
        "Context.purpose",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "ResendNotices/Notice",
        "outbox parcels that go again",
        "own profile",
    ),
    mapped(
        "ResendNotices/Purpose",
        "Context.purpose",
        "Law 91/2025/QH15 art. 3",
    ),
    mapped(
        "Dispute/Discrepancy",
        "MoveDiscrepancyRequest.id",
        "own profile",
    ),
    mapped(
        "Dispute/Reason",
        "MoveDiscrepancyRequest.reason",
        "5423/QCPH-BHXH-TCT; own profile",
    ),
    mapped(
        "Dispute/Purpose",
        "Context.purpose",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "Reconcile/Manifest",
        "inbox id of the manifest and, with a number, of each chunk",
        "own profile",
    ),
    kept(
        "Reconcile/Kind",
        "reconcile::Manifest.kind",
        "5423/QCPH-BHXH-TCT; own profile",
    ),
    kept(
        "Reconcile/Period",
        "reconcile::Manifest.period",
        "Law 41/2024/QH15 art. 34",
    ),
    kept(
        "Reconcile/Province",
        "policy: provinces agreed; reconcile::Manifest.scope",
        "Decision 19/2025/QĐ-TTg; own profile",
    ),
    kept("Reconcile/Form", "how chunks are read", "own profile"),
    kept(
        "Reconcile/Packing",
        "how chunks are unpacked",
        "RFC 1952; RFC 8878",
    ),
    kept(
        "Reconcile/Records",
        "policy: lines agreed; held against the chunks",
        "own profile",
    ),
    kept("Reconcile/Amount", "held against the chunks", "own profile"),
    kept(
        "Reconcile/Chunk/Sha256",
        "the proof of the chunk",
        "own profile",
    ),
    kept(
        "Reconcile/Chunk/Bytes",
        "the bound of the chunk's spool",
        "own profile",
    ),
    kept(
        "Reconcile/Chunk/Records",
        "held against the chunk",
        "own profile",
    ),
    kept(
        "Reconcile/Chunk/Amount",
        "held against the chunk",
        "own profile",
    ),
    kept(
        "Reconcile/Purpose",
        "StreamRecordsRequest.context.purpose",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "ReconcileResult/Manifest",
        "which reconciliation",
        "own profile",
    ),
    kept(
        "ReconcileResult/Page",
        "which page of findings",
        "own profile",
    ),
    kept(
        "ReconcileResult/Purpose",
        "policy: purpose",
        "Law 91/2025/QH15 art. 3",
    ),
    kept("Ping/Nonce", "given back", "own profile"),
    mapped(
        "VerifyEmployerResult/Result",
        "GetParticipationResponse.found, incomplete",
        "Circular 13/2017/TT-BTTTT",
    ),
    mapped(
        "VerifyEmployerResult/Mst",
        "GetParticipationRequest.tax_code",
        "Law 38/2019/QH14 art. 30",
    ),
    mapped(
        "VerifyEmployerResult/Period",
        "GetParticipationRequest.period",
        "form C12-TS",
    ),
    mapped(
        "VerifyEmployerResult/ParticipationState",
        "GetParticipationResponse.state",
        "Law 41/2024/QH15 art. 2, 28; Decree 43/2021/NĐ-CP",
    ),
    mapped(
        "VerifyEmployerResult/Participants",
        "GetParticipationResponse.participants",
        "form C12-TS line A.1",
    ),
    mapped(
        "VerifyEmployerResult/Fund",
        "GetParticipationResponse.fund_vnd",
        "form C12-TS line B.2; Law 41/2024/QH15 art. 31",
    ),
    mapped(
        "VerifyEmployerResult/Due",
        "GetParticipationResponse.due_vnd",
        "form C12-TS line B.3; Law 41/2024/QH15 art. 34",
    ),
    mapped(
        "VerifyEmployerResult/Paid",
        "GetParticipationResponse.paid_vnd",
        "form C12-TS part C",
    ),
    mapped(
        "VerifyEmployerResult/Arrears",
        "GetParticipationResponse.arrears_vnd",
        "form C12-TS line Đ.2; Law 41/2024/QH15 art. 38, 39",
    ),
    mapped(
        "VerifyEmployerResult/Name",
        "GetParticipationResponse.name",
        "form TK3-TS",
    ),
    mapped(
        "VerifyEmployerResult/UnitCode",
        "GetParticipationResponse.unit_code",
        "form TK3-TS; VSS unit codes",
    ),
    mapped(
        "VerifyEmployerResult/RegisteredFrom",
        "GetParticipationResponse.registered_from",
        "form TK3-TS",
    ),
    mapped(
        "VerifyEmployerResult/Units/Count",
        "Units.count",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    mapped(
        "VerifyEmployerResult/Units/Unit/Mst",
        "Unit.tax_code",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    mapped(
        "VerifyEmployerResult/Units/Unit/UnitCode",
        "Unit.unit_code",
        "form TK3-TS; VSS unit codes",
    ),
    mapped(
        "VerifyEmployerResult/Units/Unit/ParticipationState",
        "Unit.state",
        "Law 41/2024/QH15 art. 2, 28",
    ),
    mapped(
        "VerifyEmployerResult/Ageing/Current",
        "ArrearsAge.current_vnd",
        "Law 41/2024/QH15 art. 38, 39",
    ),
    mapped(
        "VerifyEmployerResult/Ageing/Months1",
        "ArrearsAge.months_1_vnd",
        "Law 41/2024/QH15 art. 38, 39",
    ),
    mapped(
        "VerifyEmployerResult/Ageing/Months3",
        "ArrearsAge.months_3_vnd",
        "Law 41/2024/QH15 art. 38, 39",
    ),
    mapped(
        "VerifyEmployerResult/Ageing/Months6",
        "ArrearsAge.months_6_vnd",
        "Law 41/2024/QH15 art. 38, 39",
    ),
    mapped(
        "VerifyEmployerResult/Ageing/Months12",
        "ArrearsAge.months_12_vnd",
        "Law 41/2024/QH15 art. 38, 39",
    ),
    mapped(
        "VerifyEmployerResult/LastD02/Period",
        "D02Change.period",
        "form D02-TS",
    ),
    mapped(
        "VerifyEmployerResult/LastD02/SubmittedOn",
        "D02Change.submitted_on",
        "form D02-TS",
    ),
    mapped(
        "VerifyEmployerResult/LastD02/Plan",
        "D02Change.plan",
        "form D02-TS",
    ),
    mapped(
        "VerifyEmployerResult/LastD02/Joined",
        "D02Change.joined",
        "form D02-TS",
    ),
    mapped(
        "VerifyEmployerResult/LastD02/Gone",
        "D02Change.gone",
        "form D02-TS",
    ),
    kept(
        "VerifyEmployerResult/NotDisclosed",
        "policy: fields withheld",
        "Circular 13/2017/TT-BTTTT",
    ),
    mapped(
        "VerifyIndividualResult/Result",
        "GetContributionsResponse.found, incomplete",
        "Circular 13/2017/TT-BTTTT",
    ),
    mapped(
        "VerifyIndividualResult/Subject",
        "GetContributionsRequest.number",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    mapped(
        "VerifyIndividualResult/From",
        "GetContributionsRequest.from",
        "own profile",
    ),
    mapped(
        "VerifyIndividualResult/To",
        "GetContributionsRequest.to",
        "own profile",
    ),
    mapped(
        "VerifyIndividualResult/Name",
        "GetContributionsResponse.name",
        "form TK1-TS",
    ),
    mapped(
        "VerifyIndividualResult/BirthDate",
        "GetContributionsResponse.birth_date",
        "form TK1-TS",
    ),
    mapped(
        "VerifyIndividualResult/Pin",
        "GetContributionsResponse.pin",
        "Circular 86/2024/TT-BTC",
    ),
    mapped(
        "VerifyIndividualResult/SiNumber",
        "GetContributionsResponse.si_number",
        "Law 41/2024/QH15",
    ),
    mapped(
        "VerifyIndividualResult/MonthsContributed",
        "GetContributionsResponse.months",
        "Law 41/2024/QH15 art. 31; form D02-TS",
    ),
    mapped(
        "VerifyIndividualResult/BaseTotal",
        "GetContributionsResponse.base_total_vnd",
        "Law 41/2024/QH15 art. 31; form D02-TS",
    ),
    mapped(
        "VerifyIndividualResult/Employments/Employment/Mst",
        "Stretch.tax_code",
        "Law 41/2024/QH15 art. 31; form D02-TS",
    ),
    mapped(
        "VerifyIndividualResult/Employments/Employment/From",
        "Stretch.from",
        "Law 41/2024/QH15 art. 31; form D02-TS",
    ),
    mapped(
        "VerifyIndividualResult/Employments/Employment/To",
        "Stretch.to",
        "Law 41/2024/QH15 art. 31; form D02-TS",
    ),
    mapped(
        "VerifyIndividualResult/Employments/Employment/Base",
        "Stretch.base_vnd",
        "Law 41/2024/QH15 art. 31; form D02-TS",
    ),
    kept(
        "VerifyIndividualResult/NotDisclosed",
        "policy: fields withheld",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "VerifyManyResult/Line/Refused/Key",
        "the key as it was asked",
        "own profile",
    ),
    mapped(
        "VerifyManyResult/Line/Refused/Code",
        "the contract's refusal of this line, or INVALID",
        "own profile",
    ),
    kept(
        "VerifyManyResult/Line/Refused/Reason",
        "fault: reason",
        "own profile",
    ),
    mapped(
        "ChangeNoticeReceipt/ReceivedAt",
        "RecordNoticeResponse.received_at",
        "own profile",
    ),
    kept(
        "LookUpNoticesResult/Held",
        "ids that the inbox knows of the sender",
        "own profile",
    ),
    kept(
        "LookUpNoticesResult/Sent/Notice",
        "id of an outbox parcel with a receipt",
        "own profile",
    ),
    kept(
        "LookUpNoticesResult/Sent/SentAt",
        "when its receipt was written down",
        "own profile",
    ),
    kept(
        "LookUpNoticesResult/SentTotal",
        "how many such parcels there are",
        "own profile",
    ),
    kept(
        "ResendNoticesReceipt/ReceivedAt",
        "when they were put in again",
        "own profile",
    ),
    mapped(
        "DisputeReceipt/Discrepancy",
        "Discrepancy.id",
        "own profile",
    ),
    mapped(
        "DisputeReceipt/DisputedAt",
        "Discrepancy.moved_at",
        "own profile",
    ),
    kept(
        "ReconcileReceipt/Manifest",
        "the manifest's id",
        "own profile",
    ),
    kept("ReconcileReceipt/Chunks", "chunks awaited", "own profile"),
    kept(
        "ReconcileChunkReceipt/Manifest",
        "the manifest's id",
        "own profile",
    ),
    kept(
        "ReconcileChunkReceipt/Number",
        "the chunk's number",
        "own profile",
    ),
    kept(
        "ReconcileChunkReceipt/Records",
        "records taken",
        "own profile",
    ),
    kept(
        "ReconcileChunkReceipt/Amount",
        "sum of their amounts",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Manifest",
        "the manifest's id",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/State",
        "state of the job",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Reason",
        "why what was sent contradicts itself",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Progress",
        "share of the job that is done",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Page",
        "the page asked for",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Pages",
        "pages there are",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Found",
        "findings on all pages",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Summary/Category",
        "compare::Category",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Summary/Province",
        "province that findings are counted in",
        "Decision 19/2025/QĐ-TTg",
    ),
    kept(
        "ReconcileResultPage/Summary/Count",
        "findings of the category in the province",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Finding/Category",
        "compare::Category",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Finding/Field",
        "the field that differs",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Finding/Mst",
        "PersonMonth.tax_code, EmployerMonth.tax_code, or the chunk's",
        "Law 38/2019/QH14 art. 30",
    ),
    kept(
        "ReconcileResultPage/Finding/Person",
        "PersonMonth.pin, or the chunk's",
        "Law 41/2024/QH15 art. 31",
    ),
    kept(
        "ReconcileResultPage/Finding/Province",
        "PersonMonth.province, EmployerMonth.province, or the chunk's",
        "Decision 19/2025/QĐ-TTg",
    ),
    kept(
        "ReconcileResultPage/Finding/Ours",
        "the registry's value, where the field is granted",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "ReconcileResultPage/Finding/Theirs",
        "the chunk's value, where the field is granted",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "ReconcileResultPage/Finding/Expected",
        "the month's figures, where the field is granted",
        "Law 41/2024/QH15 art. 31",
    ),
    kept(
        "ReconcileResultPage/Finding/Score",
        "schemas::name::score",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Finding/Why",
        "schemas::name::score",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/NotDisclosed",
        "policy: fields withheld",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept("Pong/Nonce", "the ping's nonce", "own profile"),
    kept("Fault/Code", "fault table: code", "own profile"),
    kept("Fault/Reason", "fault: reason", "own profile"),
    kept("Fault/Field", "fault: field", "own profile"),
    kept("Fault/Blame", "fault table: blame", "own profile"),
    kept("Fault/Retry", "fault table: retry", "own profile"),
    kept("Fault/RetryAfter", "fault: wait, seconds", "own profile"),
    kept(
        "Fault/TextVi",
        "fault table: Vietnamese text",
        "own profile",
    ),
    kept("Fault/TextEn", "fault table: English text", "own profile"),
];
