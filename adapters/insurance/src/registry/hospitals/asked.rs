//! Facts of a birth, asked by the code of the hospital's notice and the mother's number: as little as a registration needs.
//!
//! A code that nobody told and one of another mother are one answer, so that nobody can try mothers or codes.

use schemas::proto::Message as _;
use schemas::proto::insurance::{
    BirthFacts, BirthNotice, GetBirthFactsRequest, GetBirthFactsResponse,
};

use super::super::{Error, Registry, facts, people};
use super::CODE_CHARS_MAX;
use crate::sql::{Sql, values};

impl Registry {
    /// The children of a birth notice whose mother has this PIN; none where there is no such notice of her.
    ///
    /// # Errors
    /// `INVALID` where the context, the code or the PIN is malformed.
    pub async fn birth_facts(
        &self,
        request: GetBirthFactsRequest,
    ) -> Result<GetBirthFactsResponse, Error> {
        facts::context(request.context)?;
        let code = facts::word(&request.code, CODE_CHARS_MAX, "code")?;
        let mother = facts::pin(&request.mother_pin, self.population(), "mother.pin")?;
        self.read("births.facts", move |sql| {
            let told: Vec<(Vec<u8>, Option<i64>)> = sql.query(
                "SELECT facts, person FROM birth_notices WHERE code = ?1 AND withdrawn_by IS NULL ORDER BY sender, paper LIMIT 20",
                values![code],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let mut children = Vec::new();
            for (facts, person) in told {
                let notice = BirthNotice::decode(facts.as_slice())
                    .map_err(|_| Error::Corrupt("a stored notice"))?;
                let of_mother = notice.mother.as_ref();
                if of_mother.is_some_and(|known| known.pin == mother.as_str()) {
                    children.push(child(sql, notice, person)?);
                }
            }
            Ok(GetBirthFactsResponse { children })
        })
        .await
    }
}

fn child(sql: &Sql, notice: BirthNotice, person: Option<i64>) -> Result<BirthFacts, Error> {
    let si_number = match person {
        Some(person) => people::number_of(sql, person, "si")?.unwrap_or_default(),
        None => String::new(),
    };
    Ok(BirthFacts {
        paper: notice.paper,
        children: notice.children,
        name: notice.name,
        sex: notice.sex,
        birth_date: notice.birth_date,
        issued_on: notice.issued_on,
        si_number,
    })
}
