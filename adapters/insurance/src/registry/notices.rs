//! What the tax department told unasked, kept for the officer and for the comparison of a month.

use jiff::civil::Date;
use schemas::codes::taxpayer_statuses;
use schemas::id::TaxId;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    ListNoticesRequest, ListNoticesResponse, Notice, NoticeKind, RecordNoticeRequest,
    RecordNoticeResponse,
};

use super::effects::Asked;
use super::{Error, Registry, facts};
use crate::sql::values;

impl Registry {
    /// Keeps one notice; the same key gives the same answer again.
    ///
    /// The employer need not be known here: that it is not is what the notice may be about.
    ///
    /// # Errors
    /// `INVALID`; nothing is kept then.
    pub async fn record_notice(
        &self,
        mut request: RecordNoticeRequest,
    ) -> Result<RecordNoticeResponse, Error> {
        let context = facts::context(request.context.take())?;
        let notice = request
            .notice
            .take()
            .ok_or_else(|| facts::invalid("missing", "notice"))?;
        let effective_on = check(&notice)?.to_string();
        let asked = Asked::new("Employers.RecordNotice", &context, notice.encode_to_vec())?;
        self.effect(asked, move |tx, facts| {
            let received_at = facts::instant(tx.now);
            tx.sql.execute(
                "INSERT INTO tax_notices (sender, tax_code, kind, effective_on, facts, received_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                values![
                    context.sender,
                    notice.tax_code,
                    i64::from(notice.kind),
                    effective_on,
                    facts,
                    received_at
                ],
            )?;
            Ok(RecordNoticeResponse { received_at })
        })
        .await
    }

    /// The notices about one tax code, newest first, at most 100: for the officer who follows them up.
    ///
    /// # Errors
    /// `INVALID` where the context or tax code is malformed.
    pub async fn notices(&self, request: ListNoticesRequest) -> Result<ListNoticesResponse, Error> {
        facts::context(request.context)?;
        let code = TaxId::parse(&request.tax_code)
            .map_err(|_| facts::invalid("malformed-tax-code", "tax_code"))?;
        self.read("notices", move |sql| {
            let rows: Vec<Vec<u8>> = sql.query(
                "SELECT facts FROM tax_notices WHERE tax_code = ?1 ORDER BY seq DESC LIMIT 100",
                values![code.as_str()],
                |row| row.get(0),
            )?;
            let decode = |row: &Vec<u8>| {
                Notice::decode(row.as_slice()).map_err(|_| Error::Corrupt("a stored notice"))
            };
            let notices: Result<Vec<Notice>, Error> = rows.iter().map(decode).collect();
            Ok(ListNoticesResponse { notices: notices? })
        })
        .await
    }
}

fn check(notice: &Notice) -> Result<Date, Error> {
    let code = |text: &str, field| {
        TaxId::parse(text).map_err(|_| facts::invalid("malformed-tax-code", field))
    };
    code(&notice.tax_code, "tax_code")?;
    if notice.kind() == NoticeKind::Merged {
        code(&notice.merged_into, "merged_into")?;
    }
    if notice.kind() == NoticeKind::Unspecified {
        return Err(facts::invalid("unknown-code", "kind"));
    }
    let effective_on = facts::date(&notice.effective_on, "effective_on")?;
    match notice.status.as_str() {
        "" => Ok(effective_on),
        status if taxpayer_statuses::LIST.holds(status, effective_on) => Ok(effective_on),
        _ => Err(facts::invalid("unknown-code", "status")),
    }
}
