//! The older software of hospitals: it signs nothing, and shows a token that it got for the MD5 of a password.

use bytes::Bytes;
use http::{Request, header};
use serde_json::{Value, json};

use super::{Hospital, TOKEN, answer, paper::Draft};
use crate::call::{self, Exchange, Prepared, Trouble};

/// Both halves of a token, and how long it is good for. `Debug` shows neither half.
pub struct Token {
    access: String,
    id: String,
    /// Seconds.
    pub lives: u64,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({} s)", self.lives)
    }
}

impl Hospital {
    /// Asks for a token; the MD5 is kept nowhere.
    pub async fn log_in(&self, username: &str, md5: &str) -> Result<Token, Trouble> {
        let body = json!({ "username": username, "password": md5 }).to_string();
        let request = Request::builder()
            .method("POST")
            .uri(TOKEN)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .map_err(|error| Trouble::Params(error.to_string()))?;
        let reply = self.client().send(request).await?;
        if let Some(fault) = call::fault(&reply)? {
            return Err(Trouble::Fault(fault));
        }
        let answer: Value =
            serde_json::from_slice(&reply.body).map_err(|_| Trouble::answer("not JSON"))?;
        let key = &answer["APIKey"];
        let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
        let token = Token {
            access: text("access_token"),
            id: text("id_token"),
            lives: text("expires_in").parse().unwrap_or_default(),
        };
        let holds = answer["maKetQua"] == "200"
            && key["username"] == username
            && token.access.len() >= LENGTH_MIN
            && token.id.len() >= LENGTH_MIN
            && token.access != token.id
            && token.lives > 0;
        match holds {
            true => Ok(token),
            false => Err(Trouble::answer(
                "no token that could not be guessed, or of another",
            )),
        }
    }

    /// Tells of a birth that was never told, without a signature and under the token; the card that comes back is judged as
    /// any other.
    pub async fn tell_birth_under(&self, token: &Token) -> Result<(Exchange, Prepared), Trouble> {
        let birth = self.next_birth()?;
        let mut draft = Draft::birth(&birth);
        draft.others = vec![
            ("token", token.access.clone()),
            ("id_token", token.id.clone()),
        ];
        let sent = draft.with_signature(self.identity(), "");
        let told = self.send(&sent).await?;
        let given = answer::given(&told.body)?;
        let [card] = given.as_slice() else {
            return Err(Trouble::answer("one notice is answered with one row"));
        };
        card.judge(&birth)?;
        Ok((told, sent))
    }
}

/// 256 bits in base64url.
const LENGTH_MIN: usize = 43;
