use super::*;

const TYPE: &str = "multipart/related; boundary=\"b-1\"; type=\"text/xml\"; start=\"<root>\"";

fn part(head: &str, content: &str) -> String {
    format!("--b-1\r\n{head}\r\n\r\n{content}\r\n")
}

fn root() -> String {
    part(
        "Content-Type: text/xml; charset=UTF-8\r\nContent-ID: <root>\r\nContent-Transfer-Encoding: 8bit",
        "<a/>",
    )
}

fn file(id: &str) -> String {
    part(
        &format!("Content-Type: application/pdf\r\nContent-ID: <{id}>"),
        "%PDF",
    )
}

fn body(parts: &[String]) -> String {
    format!("{}--b-1--\r\n", parts.concat())
}

fn why(kind: &str, body: &str) -> (&'static str, FaultCode) {
    let error = Related::read(kind, body.as_bytes()).unwrap_err();
    (error.reason, Fault::from(error).code())
}

#[test]
fn an_envelope_alone_or_with_files_is_read() {
    for kind in [
        "text/xml",
        "Text/XML; charset=utf-8",
        "text/xml;charset=\"UTF-8\"",
    ] {
        let read = Related::read(kind, b"<a/>").unwrap();
        assert_eq!(
            (read.soap, read.attachments.len()),
            (&b"<a/>"[..], 0),
            "{kind}"
        );
    }
    let base64 = part(
        "content-id: <b@x>\r\nContent-Transfer-Encoding: BASE64",
        "JVBE\r\nRg==",
    );
    let binary = part(
        "Content-ID: <c>\r\nContent-Disposition: attachment",
        "\r\n--b-\r\n\0\r",
    );
    let text = body(&[root(), file("a"), base64, binary]);
    for text in [
        text.clone(),
        format!("\r\n{text}"),
        text.trim_end().to_owned(),
    ] {
        let read = Related::read(TYPE, text.as_bytes()).unwrap();
        assert_eq!(read.soap, b"<a/>");
        let files: Vec<_> = read
            .attachments
            .iter()
            .map(|one| (one.id, one.content.as_ref()))
            .collect();
        assert_eq!(
            files,
            [
                ("a", &b"%PDF"[..]),
                ("b@x", b"%PDF"),
                ("c", b"\r\n--b-\r\n\0\r")
            ]
        );
        assert_eq!(read.attachments[0].media_type, "application/pdf");
    }
}

#[test]
fn every_other_media_type_is_refused_by_its_name() {
    for (kind, reason) in [
        ("application/soap+xml", "soap-12"),
        ("application/xop+xml", "mtom"),
        (
            "multipart/related; boundary=b-1; type=\"application/xop+xml\"",
            "mtom",
        ),
        (
            "multipart/related; boundary=b-1; start-info=\"text/xml\"",
            "mtom",
        ),
        (
            "multipart/related; boundary=b-1; type=\"application/soap+xml\"",
            "soap-12",
        ),
        ("multipart/form-data; boundary=b-1", "media-type"),
        ("application/json", "media-type"),
        ("", "media-type"),
        ("text", "media-type"),
        ("text/xml; charset=utf-16", "media-type-parameter"),
        ("text/xml; action=a", "media-type-parameter"),
        ("text/xml; charset=\"utf-8", "media-type"),
        (
            "multipart/related; boundary=b-1; boundary=b-2",
            "media-type-parameter",
        ),
        (
            "multipart/related; boundary=b-1; x=y",
            "media-type-parameter",
        ),
    ] {
        assert_eq!(
            why(kind, &body(&[root()])),
            (reason, FaultCode::UnsupportedMediaType),
            "{kind}"
        );
    }
    let xop = part("Content-Type: application/xop+xml", "<a/>");
    assert_eq!(
        why("multipart/related; boundary=b-1", &body(&[xop])).0,
        "mtom"
    );
}

#[test]
fn a_body_that_could_be_read_in_two_ways_is_refused_by_its_name() {
    let start = |body: &str| body.to_owned();
    for (text, reason) in [
        (start(""), "mime-boundary"),
        (start("--b-1--\r\n"), "mime-empty"),
        (start("--b-2\r\n"), "mime-boundary"),
        (format!("preamble\r\n{}", body(&[root()])), "mime-boundary"),
        (root(), "mime-truncated"),
        (format!("{}epilogue", body(&[root()])), "mime-epilogue"),
        (
            body(&[root()]).replacen("--b-1\r\n", "--b-1 \r\n", 1),
            "mime-boundary",
        ),
        (body(&[root(), part("Content-Type: a/b", "x")]), "mime-id"),
        (body(&[root(), part("Content-ID: a", "x")]), "mime-id"),
        (body(&[root(), part("Content-ID: <>", "x")]), "mime-id"),
        (body(&[root(), file("a"), file("a")]), "mime-id-twice"),
        (
            body(&[root(), part("Content-ID: <a>\r\nContent-Id: <b>", "x")]),
            "mime-header-twice",
        ),
        (body(&[root(), part("Content-ID <a>", "x")]), "mime-header"),
        (
            body(&[root(), part("Content-ID: <a>\r\n folded", "x")]),
            "mime-header",
        ),
        (body(&[root(), part("Content-ID: <ả>", "x")]), "mime-header"),
        (
            body(&[root(), "--b-1\r\nContent-ID: <a>\r\n".to_owned()]),
            "mime-header",
        ),
        (
            body(&[
                root(),
                part(
                    "Content-ID: <a>\r\nContent-Type: multipart/mixed; boundary=c",
                    "x",
                ),
            ]),
            "mime-nested",
        ),
        (
            body(&[
                root(),
                part("Content-ID: <a>\r\nContent-Type: Message/rfc822", "x"),
            ]),
            "mime-nested",
        ),
        (
            body(&[
                root(),
                part(
                    "Content-ID: <a>\r\nContent-Transfer-Encoding: quoted-printable",
                    "x",
                ),
            ]),
            "mime-encoding",
        ),
        (
            body(&[
                root(),
                part("Content-ID: <a>\r\nContent-Transfer-Encoding: base64", "x"),
            ]),
            "mime-encoding",
        ),
        (
            body(&[part(
                "Content-Type: text/xml\r\nContent-ID: <root>\r\nContent-Transfer-Encoding: base64",
                "PGEvPg==",
            )]),
            "mime-encoding",
        ),
        (body(&[file("a"), root()]), "mime-root-type"),
        (
            body(&[part(
                "Content-Type: text/xml\r\nContent-ID: <other>",
                "<a/>",
            )]),
            "mime-start",
        ),
        (
            body(&[part("Content-Type: text/xml", "<a/>")]),
            "mime-start",
        ),
        (
            body(&[part("Content-ID: <root>", "<a/>")]),
            "mime-root-type",
        ),
    ] {
        let (found, _) = why(TYPE, &text);
        assert_eq!(found, reason, "{text}");
    }
    for boundary in ["", "b 1 ", "b\u{1ea3}", &"b".repeat(71)] {
        let kind = format!("multipart/related; boundary=\"{boundary}\"");
        assert_eq!(why(&kind, "").0, "mime-boundary", "{boundary}");
    }
}

#[test]
fn parts_lines_and_names_are_bounded() {
    let files = |count: usize| {
        let all = (0..count).map(|number| file(&number.to_string()));
        body(&std::iter::once(root()).chain(all).collect::<Vec<_>>())
    };
    assert!(Related::read(TYPE, files(ATTACHMENTS_MAX).as_bytes()).is_ok());
    assert_eq!(
        why(TYPE, &files(ATTACHMENTS_MAX + 1)),
        ("attachments", FaultCode::TooLarge)
    );

    let lines = |count: usize| {
        let more = (1..count)
            .map(|number| format!("\r\nX-{number}: y"))
            .collect::<String>();
        body(&[root(), part(&format!("Content-ID: <a>{more}"), "x")])
    };
    assert!(Related::read(TYPE, lines(LINES_MAX).as_bytes()).is_ok());
    assert_eq!(
        why(TYPE, &lines(LINES_MAX + 1)),
        ("mime-header-lines", FaultCode::TooLarge)
    );

    let line = |bytes: usize| {
        let padding = "y".repeat(bytes - "X: ".len());
        body(&[
            root(),
            part(&format!("Content-ID: <a>\r\nX: {padding}"), "x"),
        ])
    };
    assert!(Related::read(TYPE, line(LINE_BYTES_MAX).as_bytes()).is_ok());
    assert_eq!(
        why(TYPE, &line(LINE_BYTES_MAX + 1)),
        ("mime-header-lines", FaultCode::TooLarge)
    );
    let endless = body(&[root(), part(&"X: y\r\n".repeat(10_000), "x")]);
    assert_eq!(why(TYPE, &endless).0, "mime-header-lines");

    let id = |bytes: usize| body(&[root(), file(&"i".repeat(bytes))]);
    assert!(Related::read(TYPE, id(ID_BYTES_MAX).as_bytes()).is_ok());
    assert_eq!(why(TYPE, &id(ID_BYTES_MAX + 1)).0, "mime-id");
}
