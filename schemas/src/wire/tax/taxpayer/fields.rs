//! What becomes of every element of this profile; a document and a test hold it to the schema.

use super::super::fields::{Field, kept};

/// Every element of the profile, in the order of the schema. None reaches the insurance contract: what is answered is
/// told to whoever asked, and kept as evidence; what we tell comes from it.
pub const FIELDS: &[Field] = &[
    kept(
        "Header/MessageId",
        "the question's id; the outbox parcel is named after it",
        "own profile",
    ),
    kept(
        "Header/SentAt",
        "of an answer: not ahead of our clock by more than the window",
        "own profile",
    ),
    kept("Header/Environment", "must be ours", "own profile"),
    kept(
        "Header/Direction",
        "request of ours, answer of theirs",
        "own profile",
    ),
    kept(
        "Header/Sender",
        "us, or the department that was asked",
        "own profile",
    ),
    kept("Header/Receiver", "the department, or us", "own profile"),
    kept(
        "Header/Operation",
        "the answer's must be the question's",
        "own profile",
    ),
    kept(
        "Header/InReplyTo",
        "must be the question's id",
        "own profile",
    ),
    kept(
        "Header/RequestDigest",
        "must be the question's content digest",
        "own profile",
    ),
    kept(
        "VerifyEmployer/Mst",
        "who is asked about",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept("VerifyEmployer/Period", "the month", "form 05/KK-TNCN"),
    kept(
        "VerifyEmployer/Fields",
        "policy: no more than agreed is asked for",
        "Law 91/2025/QH15 art. 3; Decree 47/2020/NĐ-CP",
    ),
    kept(
        "VerifyEmployer/Purpose",
        "policy: the purpose agreed",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "VerifyIndividual/Mst",
        "who is asked about",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept(
        "VerifyIndividual/From",
        "the first month",
        "form 05/KK-TNCN",
    ),
    kept("VerifyIndividual/To", "the last month", "form 05/KK-TNCN"),
    kept(
        "VerifyIndividual/Fields",
        "policy: no more than agreed is asked for",
        "Law 91/2025/QH15 art. 3; Decree 47/2020/NĐ-CP",
    ),
    kept(
        "VerifyIndividual/Purpose",
        "policy: the purpose agreed",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "VerifyMany/Employers/Period",
        "the month",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyMany/Employers/Fields",
        "policy: no more than agreed is asked for",
        "Law 91/2025/QH15 art. 3; Decree 47/2020/NĐ-CP",
    ),
    kept(
        "VerifyMany/Employers/Mst",
        "who is asked about, in order",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept(
        "VerifyMany/Individuals/From",
        "the first month",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyMany/Individuals/To",
        "the last month",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyMany/Individuals/Fields",
        "policy: no more than agreed is asked for",
        "Law 91/2025/QH15 art. 3; Decree 47/2020/NĐ-CP",
    ),
    kept(
        "VerifyMany/Individuals/Mst",
        "who is asked about, in order",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept(
        "VerifyMany/Purpose",
        "policy: the purpose agreed",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "ChangeNotice/Mst",
        "whom it is about: EmployerChange.tax_code",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept(
        "ChangeNotice/UnitCode",
        "EmployerChange.unit_code",
        "own profile",
    ),
    kept("ChangeNotice/Kind", "EmployerChange.kind", "own profile"),
    kept(
        "ChangeNotice/EffectiveOn",
        "EmployerChange.effective_on",
        "own profile",
    ),
    kept("ChangeNotice/State", "EmployerChange.state", "own profile"),
    kept("ChangeNotice/Name", "EmployerChange.name", "own profile"),
    kept(
        "ChangeNotice/Address",
        "EmployerChange.address",
        "own profile",
    ),
    kept(
        "ChangeNotice/MergedInto",
        "EmployerChange.merged_into",
        "own profile",
    ),
    kept(
        "ChangeNotice/Period",
        "EmployerChange.period",
        "form D02-TS",
    ),
    kept(
        "ChangeNotice/ParticipantsBefore",
        "EmployerChange.participants_before",
        "form D02-TS",
    ),
    kept(
        "ChangeNotice/Participants",
        "EmployerChange.participants",
        "form D02-TS",
    ),
    kept(
        "ChangeNotice/Purpose",
        "policy: the purpose agreed",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "PersonNotice/Mst",
        "PersonChange.pin",
        "Circular 86/2024/TT-BTC art. 5",
    ),
    kept(
        "PersonNotice/NewMst",
        "PersonChange.new_pin",
        "Circular 86/2024/TT-BTC art. 5",
    ),
    kept(
        "PersonNotice/Name",
        "PersonChange.name",
        "Decree 123/2015/NĐ-CP",
    ),
    kept(
        "PersonNotice/BirthDate",
        "PersonChange.birth_date",
        "Decree 123/2015/NĐ-CP",
    ),
    kept(
        "PersonNotice/Sex",
        "PersonChange.sex",
        "Decree 123/2015/NĐ-CP",
    ),
    kept(
        "PersonNotice/CorrectedOn",
        "PersonChange.corrected_on",
        "own profile",
    ),
    kept(
        "PersonNotice/Purpose",
        "policy: the purpose agreed",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "LookUpNotices/Notice",
        "ids of notices receipted in the window",
        "own profile",
    ),
    kept(
        "LookUpNotices/From",
        "the window of the pull",
        "own profile",
    ),
    kept(
        "LookUpNotices/Until",
        "the window of the pull",
        "own profile",
    ),
    kept(
        "LookUpNotices/Purpose",
        "policy: the purpose agreed",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "ResendNotices/Notice",
        "ids that the department sent and that never came",
        "own profile",
    ),
    kept(
        "ResendNotices/Purpose",
        "policy: the purpose agreed",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "RequestMonth/Manifest",
        "the id of the manifest that is waited for",
        "own profile",
    ),
    kept(
        "RequestMonth/RecordKind",
        "employers or persons",
        "own profile",
    ),
    kept("RequestMonth/Period", "the month", "form 05/KK-TNCN"),
    kept(
        "RequestMonth/Province",
        "the scope of the manifest that is waited for",
        "own profile",
    ),
    kept(
        "RequestMonth/Purpose",
        "policy: the purpose agreed",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "Reconcile/Manifest",
        "the name of the run: taken once",
        "own profile",
    ),
    kept("Reconcile/Kind", "employers or persons", "own profile"),
    kept("Reconcile/Period", "the month", "form 05/KK-TNCN"),
    kept(
        "Reconcile/Province",
        "the provinces of its records, as agreed",
        "Decision 19/2025/QĐ-TTg",
    ),
    kept("Reconcile/Form", "how chunks are written", "own profile"),
    kept("Reconcile/Packing", "how chunks are packed", "own profile"),
    kept("Reconcile/Records", "the sum of the chunks", "own profile"),
    kept("Reconcile/Amount", "the sum of the chunks", "own profile"),
    kept(
        "Reconcile/Chunk/Sha256",
        "of the bytes as they are sent",
        "own profile",
    ),
    kept("Reconcile/Chunk/Bytes", "as they are sent", "own profile"),
    kept("Reconcile/Chunk/Records", "records in it", "own profile"),
    kept(
        "Reconcile/Chunk/Amount",
        "the sum of their amounts",
        "own profile",
    ),
    kept(
        "Reconcile/Purpose",
        "policy: the purpose agreed",
        "Law 91/2025/QH15 art. 3",
    ),
    kept("ReconcileResult/Manifest", "which month", "own profile"),
    kept(
        "ReconcileResult/Page",
        "0 for state and summary, then page by page",
        "own profile",
    ),
    kept(
        "ReconcileResult/Purpose",
        "policy: the purpose agreed",
        "Law 91/2025/QH15 art. 3",
    ),
    kept(
        "VerifyEmployerResult/Result",
        "told to whoever asked",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "VerifyEmployerResult/Mst",
        "must be the one asked about",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept(
        "VerifyEmployerResult/Period",
        "must be the one asked about",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyEmployerResult/Status/Code",
        "told where asked for",
        "Circular 105/2020/TT-BTC, 86/2024/TT-BTC, 90/2026/TT-BTC",
    ),
    kept(
        "VerifyEmployerResult/Status/Reason",
        "told where asked for",
        "Circular 105/2020/TT-BTC, 86/2024/TT-BTC, 90/2026/TT-BTC",
    ),
    kept(
        "VerifyEmployerResult/Status/Since",
        "told where asked for",
        "Circular 105/2020/TT-BTC, 86/2024/TT-BTC, 90/2026/TT-BTC",
    ),
    kept(
        "VerifyEmployerResult/Name",
        "told where asked for",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept(
        "VerifyEmployerResult/Address",
        "told where asked for",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept(
        "VerifyEmployerResult/Headcount",
        "told where asked for",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyEmployerResult/IncomePaid",
        "told where asked for",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyEmployerResult/NotDisclosed",
        "told",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "VerifyIndividualResult/Result",
        "told to whoever asked",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "VerifyIndividualResult/Mst",
        "must be the one asked about",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept(
        "VerifyIndividualResult/From",
        "must be the one asked about",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyIndividualResult/To",
        "must be the one asked about",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyIndividualResult/Name",
        "told where asked for",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept(
        "VerifyIndividualResult/MonthsPaid",
        "told where asked for",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyIndividualResult/IncomeTotal",
        "told where asked for",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyIndividualResult/Payers/Payer/Mst",
        "told where asked for",
        "Law 38/2019/QH14 art. 30; Circular 86/2024/TT-BTC",
    ),
    kept(
        "VerifyIndividualResult/Payers/Payer/Months",
        "told where asked for",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyIndividualResult/Payers/Payer/Income",
        "told where asked for",
        "form 05/KK-TNCN",
    ),
    kept(
        "VerifyIndividualResult/NotDisclosed",
        "told",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "VerifyManyResult/Line/VerifyEmployerResult",
        "must be of the key in its place; told as one alone",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "VerifyManyResult/Line/VerifyIndividualResult",
        "must be of the key in its place; told as one alone",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "VerifyManyResult/Line/Refused/Key",
        "must be the key in its place",
        "own profile",
    ),
    kept("VerifyManyResult/Line/Refused/Code", "told", "own profile"),
    kept(
        "VerifyManyResult/Line/Refused/Reason",
        "told",
        "own profile",
    ),
    kept(
        "ChangeNoticeReceipt/ReceivedAt",
        "kept with the receipt",
        "own profile",
    ),
    kept(
        "PersonNoticeReceipt/ReceivedAt",
        "kept with the receipt",
        "own profile",
    ),
    kept(
        "LookUpNoticesResult/Held",
        "what is not held goes again",
        "own profile",
    ),
    kept(
        "LookUpNoticesResult/Sent/Notice",
        "what no inbox row knows is asked for again",
        "own profile",
    ),
    kept(
        "LookUpNoticesResult/Sent/SentAt",
        "must lie in the window",
        "own profile",
    ),
    kept(
        "LookUpNoticesResult/SentTotal",
        "more than are named: the window is asked again in halves",
        "own profile",
    ),
    kept(
        "ResendNoticesReceipt/ReceivedAt",
        "kept with the receipt",
        "own profile",
    ),
    kept(
        "RequestMonthReceipt/ReceivedAt",
        "kept with the receipt",
        "own profile",
    ),
    kept(
        "ReconcileReceipt/Manifest",
        "held against what was announced",
        "own profile",
    ),
    kept(
        "ReconcileReceipt/Chunks",
        "held against what was announced",
        "own profile",
    ),
    kept(
        "ReconcileChunkReceipt/Manifest",
        "held against the chunk",
        "own profile",
    ),
    kept(
        "ReconcileChunkReceipt/Number",
        "held against the chunk",
        "own profile",
    ),
    kept(
        "ReconcileChunkReceipt/Records",
        "held against the chunk",
        "own profile",
    ),
    kept(
        "ReconcileChunkReceipt/Amount",
        "held against the chunk",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Manifest",
        "held against the question",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/State",
        "how far the department is",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Reason",
        "told with the run",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Progress",
        "told with the run",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Page",
        "held against the question",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Pages",
        "how many are asked for",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Found",
        "held against the pages",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Summary/Category",
        "held against the pages",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Summary/Province",
        "held against the pages",
        "Decision 19/2025/QĐ-TTg",
    ),
    kept(
        "ReconcileResultPage/Summary/Count",
        "held against the pages",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Finding/Category",
        "the ledger's row",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Finding/Field",
        "the ledger's row",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Finding/Mst",
        "the ledger's row",
        "Circular 86/2024/TT-BTC",
    ),
    kept(
        "ReconcileResultPage/Finding/Person",
        "the ledger's row",
        "Circular 86/2024/TT-BTC",
    ),
    kept(
        "ReconcileResultPage/Finding/Province",
        "the ledger's row",
        "Decision 19/2025/QĐ-TTg",
    ),
    kept(
        "ReconcileResultPage/Finding/Ours",
        "the ledger's row",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "ReconcileResultPage/Finding/Theirs",
        "the ledger's row",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "ReconcileResultPage/Finding/Expected",
        "the ledger's row",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Finding/Score",
        "kept with the receipt",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/Finding/Why",
        "kept with the receipt",
        "own profile",
    ),
    kept(
        "ReconcileResultPage/NotDisclosed",
        "kept with the receipt",
        "Circular 13/2017/TT-BTTTT",
    ),
    kept(
        "ReconcileResultPage/Chain",
        "held against the pages before",
        "own profile",
    ),
    kept(
        "Fault/Code",
        "UNAVAILABLE where a retry may help, else the refusal is told",
        "own profile",
    ),
    kept("Fault/Reason", "told", "own profile"),
    kept("Fault/Field", "kept with the receipt", "own profile"),
    kept("Fault/Blame", "kept with the receipt", "own profile"),
    kept(
        "Fault/Retry",
        "UNAVAILABLE where a retry may help, else the refusal is told",
        "own profile",
    ),
    kept("Fault/RetryAfter", "kept with the receipt", "own profile"),
    kept("Fault/TextVi", "kept with the receipt", "own profile"),
    kept("Fault/TextEn", "kept with the receipt", "own profile"),
];
