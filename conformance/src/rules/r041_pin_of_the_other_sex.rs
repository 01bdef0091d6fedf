//! The registration result contradicts itself; a person has to look.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "041-pin-of-the-other-sex",
    title: "A PIN whose century digit says the other sex is refused",
    citation: "Circular 07/2016/TT-BCA art. 7: the century digit carries the sex",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    let reply = bent_birth(registry, |form| {
        let pin = &mut form["ketQuaXuLy"]["soDinhDanh"];
        let text = pin.as_str().unwrap_or_default().to_owned();
        let digit = text.as_bytes().get(3).copied().unwrap_or(b'0') ^ 1;
        *pin = format!("{}{}{}", &text[..3], char::from(digit), &text[4..]).into();
    })
    .await?;
    refused(&reply, FaultCode::Invalid, &["pin-sex-mismatch"])?;
    about(&reply, "soDinhDanh")
}
