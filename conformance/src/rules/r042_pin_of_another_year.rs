//! The registration result contradicts itself; a person has to look.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "042-pin-of-another-year",
    title: "A PIN whose year is not the year of birth is refused",
    citation: "Circular 07/2016/TT-BCA art. 7: digits 5 and 6 are the year of birth",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    let reply = bent_birth(registry, |form| {
        let pin = &mut form["ketQuaXuLy"]["soDinhDanh"];
        let text = pin.as_str().unwrap_or_default().to_owned();
        *pin = format!("{}{}{}", &text[..4], "01", &text[6..]).into();
    })
    .await?;
    refused(&reply, FaultCode::Invalid, &["pin-year-mismatch"])?;
    about(&reply, "soDinhDanh")
}
