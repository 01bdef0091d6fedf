//! A gateway that says yes to everything, in well-signed answers: what no rule of refusal may pass.

use std::sync::Arc;

use bytes::Bytes;
use certs::pki::{Authority, IssueParams, Usage};
use certs::tls::{Acceptor, Alpn, Anchors, Identity as TlsIdentity, ServerParams};
use certs::{digest, jws, xmldsig};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::clock;
use crate::identity::{Identity, Target};

/// The agencies' own identities: the yes-gateway signs with the key that each of them expects.
pub(super) struct Yes {
    pub(super) tax: Identity,
    pub(super) dvclt: Identity,
}

pub(super) async fn serve(yes: Yes, authority: &Authority) -> Target {
    let mut params = IssueParams::new("yes", Usage::Both, clock::now());
    params.dns = vec!["localhost".to_owned()];
    let issued = authority.issue(&params).unwrap();
    let acceptor = Acceptor::new(ServerParams {
        identity: TlsIdentity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes())
            .unwrap(),
        client_anchors: Anchors::from_pem(authority.root_pem().as_bytes()).unwrap(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: std::time::Duration::from_secs(10),
        alpn: vec![Alpn::Http1],
    })
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (acceptor, yes) = (Arc::new(acceptor), Arc::new(yes));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, yes) = (Arc::clone(&acceptor), Arc::clone(&yes));
            tokio::spawn(async move {
                let Ok(accepted) = acceptor.accept(stream).await else {
                    return;
                };
                let service = service_fn(|request| answer(Arc::clone(&yes), request));
                let server = hyper::server::conn::http1::Builder::new();
                drop(
                    server
                        .serve_connection(TokioIo::new(accepted.stream), service)
                        .await,
                );
            });
        }
    });
    Target {
        host: "localhost".into(),
        port,
    }
}

async fn answer(
    yes: Arc<Yes>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    // a body that is announced and never sent would be waited for
    let announced = request
        .headers()
        .get("content-length")
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > 1 << 20) {
        return Ok(Response::new(Full::default()));
    }
    let jws = request
        .headers()
        .get("x-jws-signature")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = request.into_body().collect().await?.to_bytes();
    let mut response = Response::new(Full::default());
    response.headers_mut().insert(
        "lienthong-evidence",
        uuid::Uuid::now_v7().to_string().parse().unwrap(),
    );
    *response.body_mut() = match jws.as_deref().map(jws::parse) {
        Some(Ok(unproven)) => {
            let (signature, answer) = json(&yes.dvclt, unproven.header(), &body);
            response
                .headers_mut()
                .insert("x-jws-signature", signature.parse().unwrap());
            answer.into()
        }
        Some(Err(_)) => Full::default(),
        None => xml(&yes.tax, &String::from_utf8_lossy(&body)).into(),
    };
    Ok(response)
}

fn xml(tax: &Identity, text: &str) -> Vec<u8> {
    let of = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>")).unwrap_or_default();
        rest.split_once('<').unwrap_or_default().0.to_owned()
    };
    let body = match text.find("</Header>").zip(text.find("<ds:Signature")) {
        Some((start, end)) => text.get(start + "</Header>".len()..end).unwrap_or_default(),
        None => "",
    };
    let (operation, receiver) = (of("Operation"), of("Receiver"));
    let digest = digest::content_digest(&operation, "tax", &receiver, body.as_bytes());
    let said = match operation.as_str() {
        "tax.ping" => format!("<Pong><Nonce>{}</Nonce></Pong>", of("Nonce")),
        _ => format!(
            "<VerifyEmployerResult><Result>noData</Result><Mst>{}</Mst><Period>{}</Period></VerifyEmployerResult>",
            of("Mst"),
            of("Period")
        ),
    };
    let canonical = format!(
        "<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"m-yes-00001\"><Header><MessageId>yes-00001</MessageId>\
         <SentAt>{}</SentAt><Environment>sandbox</Environment><Direction>answer</Direction><Sender>vss</Sender>\
         <Receiver>tax</Receiver><Operation>{operation}</Operation><InReplyTo>{}</InReplyTo>\
         <RequestDigest>{}</RequestDigest></Header>{said}</TaxMessage>",
        clock::rfc3339(clock::now()),
        of("MessageId"),
        hex::encode(digest),
    );
    xmldsig::sign_enveloped(canonical.as_bytes(), "m-yes-00001", &tax.sign, None).unwrap()
}

fn json(dvclt: &Identity, asked: &jws::Header, body: &[u8]) -> (String, Vec<u8>) {
    let header = jws::Header {
        kid: "vss-1".into(),
        iss: "vss".into(),
        aud: "dvclt".into(),
        jti: "yes-00001".into(),
        iat: clock::now().as_second(),
        dir: jws::Direction::Answer,
        irt: Some(asked.jti.clone()),
        dig: Some(hex::encode(digest::content_digest(
            &asked.op, &asked.iss, &asked.aud, body,
        ))),
        ..asked.clone()
    };
    let answer = br#"{"status":1,"statusDescription":"yes","value":[{"trangThai":4}]}"#.to_vec();
    (jws::sign(&header, &dvclt.sign, &answer).unwrap(), answer)
}
