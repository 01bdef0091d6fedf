use std::sync::Arc;

use gateway_core::{Direction, partner::Environment};
use jiff::Timestamp;
use schemas::{
    id::{MessageId, PartnerId},
    procedure::Catalog,
    proto::insurance::GetDossierRequest,
    wire::portal::{self, Submission},
};

use super::*;
use crate::{Dossiers, papers::NoFiles};

fn envelope(service: &str, namespace: &str, body: &str) -> String {
    let member = "<i:xRoadInstance>VN</i:xRoadInstance><i:memberClass>GOV</i:memberClass>";
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" \
         xmlns:i=\"http://x-road.eu/xsd/identifiers\"><s:Header>\
         <x:client i:objectType=\"MEMBER\">{member}<i:memberCode>portal</i:memberCode></x:client>\
         <x:service i:objectType=\"SERVICE\">{member}<i:memberCode>vss</i:memberCode><i:serviceCode>{service}</i:serviceCode></x:service>\
         <x:id>message-1</x:id><x:protocolVersion>4.0</x:protocolVersion></s:Header>\
         <s:Body><{service} xmlns=\"{namespace}\">{body}</{service}></s:Body></s:Envelope>"
    )
}

const REISSUE: &str = "<MaThamChieu>DVC-1</MaThamChieu><MaTTHC>9.000001</MaTTHC><ChuHoSo><HoVaTen>Lê Văn Mẫu</HoVaTen>\
    <SoDinhDanh>099090000001</SoDinhDanh><NgayThangNamSinh>17/05/1990</NgayThangNamSinh></ChuHoSo>\
    <ToKhai><MaThe>DN4019912345678</MaThe><LyDoCapLai>MAT</LyDoCapLai></ToKhai><NgayNopHoSo>20261122115959</NgayNopHoSo>";

fn claims(operation: &str) -> Claims {
    Claims {
        sender: PartnerId::parse("portal").unwrap(),
        receiver: PartnerId::parse("vss").unwrap(),
        environment: Environment::Sandbox,
        direction: Direction::Request,
        id: MessageId::parse("message-1").unwrap(),
        sent_at: Timestamp::from_second(1_795_000_000).unwrap(),
        operation: operation.to_owned(),
    }
}

struct Nobody;

impl Dossiers for Nobody {
    fn submit_reissue(
        &self,
        _: Context,
        _: schemas::proto::insurance::SubmitReissueRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>> {
        unreachable!("nobody performs here")
    }

    fn submit(
        &self,
        _: Context,
        _: schemas::proto::insurance::SubmitDossierRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>> {
        unreachable!("nobody performs here")
    }

    fn supplement(
        &self,
        _: Context,
        _: schemas::proto::insurance::SupplementDossierRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>> {
        unreachable!("nobody performs here")
    }

    fn withdraw(
        &self,
        _: Context,
        _: schemas::proto::insurance::WithdrawDossierRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>> {
        unreachable!("nobody performs here")
    }

    fn status(&self, _: Context, _: GetDossierRequest) -> BoxFuture<'_, Result<Dossier, Fault>> {
        unreachable!("nobody performs here")
    }
}

/// What a body of this media type asks.
fn read(kind: &str, body: &str) -> Result<Decoded<Asks>, Fault> {
    let brought = Brought::of(kind, body.as_bytes())?;
    let operation = operation(&brought)?;
    let claims = claims(operation.name);
    match operation.effect {
        Effect::Change => PortalSoap::new(Portal::new(Arc::new(Nobody), Arc::new(NoFiles)))
            .submission(claims, &brought),
        Effect::Read => status(claims, &brought),
    }
}

fn submitted(body: &str) -> Result<Decoded<Asks>, Fault> {
    read("text/xml", &envelope(SUBMIT_SERVICE, NAMESPACE, body))
}

fn why(read: Result<Decoded<Asks>, Fault>) -> (FaultCode, &'static str, Option<&'static str>) {
    let fault = read.unwrap_err();
    (fault.code(), fault.reason(), fault.wrong_field())
}

#[test]
fn a_dossier_says_in_xml_what_it_says_in_json() {
    let json = serde_json::json!({"MaThamChieu": "DVC-1", "MaTTHC": "9.000001",
        "ChuHoSo": {"HoVaTen": "Lê Văn Mẫu", "SoDinhDanh": "099090000001", "NgayThangNamSinh": "17/05/1990"},
        "ToKhai": {"MaThe": "DN4019912345678", "LyDoCapLai": "MAT"}, "NgayNopHoSo": "20261122115959"});
    let said = decode::decode(
        Catalog::embedded(),
        claims(SUBMIT.name),
        json.to_string().as_bytes(),
    )
    .unwrap();
    let soap = submitted(REISSUE).unwrap();
    let Asks::Submit(submit) = &soap.request else {
        panic!("no dossier")
    };
    assert_eq!(**submit, said.request);
    assert_eq!(
        (
            soap.operation.name,
            soap.purpose,
            soap.persons,
            soap.synthetic
        ),
        (SUBMIT.name, said.purpose, said.persons, said.synthetic)
    );
    // the same id in JSON and in SOAP is not the same message
    assert_ne!(soap.payload, said.payload);
}

#[test]
fn lines_of_a_table_and_sums_are_what_the_procedure_asks_for() {
    let catalog = Catalog::embedded();
    let row = catalog
        .rows()
        .find(|row| {
            let table = row.form.lines.as_ref();
            table.is_some_and(|table| {
                table.fields.iter().any(|field| {
                    matches!(
                        field.kind,
                        schemas::procedure::Kind::Vnd | schemas::procedure::Kind::Count
                    )
                })
            })
        })
        .expect("a procedure with a sum in its table");
    let table = row.form.lines.as_ref().unwrap();
    let counted = table.fields.iter().find(|field| {
        matches!(
            field.kind,
            schemas::procedure::Kind::Vnd | schemas::procedure::Kind::Count
        )
    });
    let name = counted.unwrap().name;
    for lines in [1, 2] {
        let line = format!("<{0}><{name}>12</{name}></{0}>", table.name);
        let text = envelope(
            SUBMIT_SERVICE,
            NAMESPACE,
            &format!("<ToKhai>{}</ToKhai>", line.repeat(lines)),
        );
        let brought = Brought::of("text/xml", text.as_bytes()).unwrap();
        let mut members = body::members(&brought.message.wrapper).unwrap();
        let form = members.get_mut("ToKhai").unwrap().as_object_mut().unwrap();
        body::numbers(row, form);
        let said = form[table.name].as_array().unwrap();
        assert_eq!(said.len(), lines);
        assert_eq!(said[0][name], 12);
    }
}

#[test]
fn an_element_that_is_not_of_the_form_is_refused_by_its_name() {
    let bent = |from: &str, to: &str| {
        assert!(REISSUE.contains(from), "{from}");
        submitted(&REISSUE.replacen(from, to, 1))
    };
    let reference = "<MaThamChieu>DVC-1</MaThamChieu>";
    for (read, reason) in [
        (
            bent(reference, &format!("{reference}{reference}")),
            "element-twice",
        ),
        (
            bent(
                reference,
                "<MaThamChieu xmlns=\"urn:x\">DVC-1</MaThamChieu>",
            ),
            "element-namespace",
        ),
        (
            bent("<MaThamChieu>", "<MaThamChieu k=\"1\">"),
            "element-attribute",
        ),
        (bent("<ChuHoSo>", "<ChuHoSo>text"), "element-text"),
        (bent(reference, "text"), "element-text"),
        (bent(reference, ""), "element"),
        (
            bent(reference, "<MaThamChieu>a</MaThamChieu><Khac>1</Khac>"),
            "element",
        ),
        (
            bent(reference, "<MaThamChieu><b>a</b></MaThamChieu>"),
            "element",
        ),
        (bent("<ToKhai>", "<TaiLieuNop/><ToKhai>"), "element"),
        (bent("MAT", "ROI"), "unknown-code"),
        (bent("<MaThe>", "<Khac>1</Khac><MaThe>"), "unknown-field"),
        (bent("DVC-1", "a b"), "bad-reference"),
    ] {
        let (code, found, _) = why(read);
        assert_eq!((code, found), (FaultCode::Invalid, reason));
    }
}

/// A change of details with one paper whose file is attached, as the root and files of a multipart body.
fn attached(paper: &str, files: &[&str]) -> (String, String) {
    let body = format!(
        "<MaThamChieu>DVC-1</MaThamChieu><MaTTHC>9.000007</MaTTHC><ChuHoSo><HoVaTen>Lê Văn Mẫu</HoVaTen>\
         <SoDinhDanh>099090000001</SoDinhDanh><NgayThangNamSinh>17/05/1990</NgayThangNamSinh></ChuHoSo>\
         <ToKhai><MaBHXH>9912345678</MaBHXH><HoVaTen>Lê Văn Mới</HoVaTen><LyDo>Sai tên</LyDo></ToKhai>\
         <TaiLieuNop><MaThanhPhanHoSo>GIAY-TO</MaThanhPhanHoSo><TepDinhKemId>tep-1</TepDinhKemId>\
         <TenTepDinhKem>khai-sinh.pdf</TenTepDinhKem>{paper}</TaiLieuNop><NgayNopHoSo>20261122115959</NgayNopHoSo>"
    );
    let soap = envelope(SUBMIT_SERVICE, NAMESPACE, &body);
    let mut text = format!("--b\r\nContent-Type: text/xml\r\n\r\n{soap}\r\n");
    for file in files {
        text += &format!(
            "--b\r\nContent-ID: <{file}>\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7 {file}\r\n"
        );
    }
    (
        "multipart/related; boundary=b; type=\"text/xml\"".to_owned(),
        text + "--b--\r\n",
    )
}

#[test]
fn each_attachment_is_one_papers_and_each_named_one_is_there() {
    let named = |id: &str| format!("<TepDinhKem>cid:{id}</TepDinhKem>");
    for (paper, files) in [(String::new(), &[][..]), (named("a@portal"), &["a@portal"])] {
        let (kind, text) = attached(&paper, files);
        let Asks::Submit(submit) = read(&kind, &text).unwrap().request else {
            panic!("no dossier")
        };
        let crate::Asks::Form(_, papers) = &submit.asks else {
            panic!("no form")
        };
        // the file is the paper's content, as if it stood in the dossier
        let content = papers[0].content.as_ref();
        let bytes = content.and_then(|content| content.bytes.as_deref());
        let file = files.first().map(|file| format!("%PDF-1.7 {file}"));
        assert_eq!(bytes, file.as_deref().map(str::as_bytes));
    }
    let (kind, text) = attached(&named("a"), &["a"]);
    let lying = text.replace("%PDF-1.7", "PK\u{3}\u{4}");
    let why_not = why(read(&kind, &lying));
    assert_eq!(
        (why_not.0, why_not.1),
        (FaultCode::Invalid, "file-type-not-taken")
    );
    let twice = text.replace(
        "<TepDinhKem>",
        "<DuLieuTepDinhKem>JVBERi0xLjc=</DuLieuTepDinhKem><TepDinhKem>",
    );
    assert_eq!(why(read(&kind, &twice)).1, "field-twice");
    for (paper, files, reason) in [
        (String::new(), &["a"][..], "attachment-not-named"),
        (named("a"), &[], "attachment-missing"),
        (named("a"), &["a", "b"], "attachment-not-named"),
        (
            "<TepDinhKem>a</TepDinhKem>".to_owned(),
            &["a"],
            "attachment-name",
        ),
    ] {
        let (kind, text) = attached(&paper, files);
        assert_eq!(
            why(read(&kind, &text)),
            (FaultCode::Invalid, reason, Some("TepDinhKem"))
        );
    }
    // another file under the same id is another message, another line between the parts is not
    let (kind, text) = attached(&named("a"), &["a"]);
    let payload = |text: &str, kind: &str| Brought::of(kind, text.as_bytes()).unwrap().payload();
    let other = text.replace("%PDF-1.7 a", "%PDF-1.7 b");
    let elsewhere = (text.replace("--b", "--c"), kind.replace("=b", "=c"));
    assert_ne!(payload(&text, &kind), payload(&other, &kind));
    assert_eq!(payload(&text, &kind), payload(&elsewhere.0, &elsewhere.1));
}

#[test]
fn a_service_that_is_not_ours_is_unknown() {
    let status =
        |namespace: &str, body: &str| read("text/xml", &envelope(STATUS_SERVICE, namespace, body));
    let good = "<MaHoSo>X99.01-261122-000001</MaHoSo>";
    assert!(matches!(
        status(NAMESPACE, good).unwrap().request,
        Asks::Status(_)
    ));
    let version = envelope(STATUS_SERVICE, NAMESPACE, good).replacen(
        "</i:serviceCode>",
        "</i:serviceCode><i:serviceVersion>v2</i:serviceVersion>",
        1,
    );
    for (read, code, reason) in [
        (
            read("text/xml", &envelope("Khac", NAMESPACE, good)),
            FaultCode::UnknownRoute,
            "soap-service",
        ),
        (
            status("urn:x", good),
            FaultCode::UnknownRoute,
            "soap-service-namespace",
        ),
        (
            read("text/xml", &version),
            FaultCode::UnknownRoute,
            "soap-service-version",
        ),
        (
            status(NAMESPACE, "<MaHoSo>x</MaHoSo>"),
            FaultCode::Invalid,
            "bad-reference",
        ),
        (status(NAMESPACE, ""), FaultCode::Invalid, "element"),
    ] {
        let (found, why, _) = why(read);
        assert_eq!((found, why), (code, reason));
    }
}

#[test]
fn answers_have_the_members_of_their_tables_and_the_description_names_them() {
    let dossier = Dossier {
        code: "X99.01-261122-000001".into(),
        foreign_id: "DVC-1".into(),
        state: 4,
        received_at: "2026-11-22T05:00:00Z".into(),
        due_at: "2026-11-27T10:00:00Z".into(),
        ..Dossier::default()
    };
    let code = DossierCode::parse(&dossier.code).unwrap();
    let said = accepted(&encode::acceptance("DVC-1", &dossier).unwrap());
    let stands_so = stands(&encode::told(&code, Some(&dossier)).unwrap());
    let nothing = stands(&encode::told(&code, None).unwrap());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert_eq!(
        text(nothing),
        "<TraCuuTrangThaiHoSoResponse xmlns=\"urn:vn:lienthong:portal:v1\"><MaHoSo>X99.01-261122-000001</MaHoSo>\
         <TimThay>0</TimThay></TraCuuTrangThaiHoSoResponse>"
    );
    let wsdl = include_str!("../../portal.wsdl");
    let parsed = schemas::xml::prescan(wsdl.as_bytes(), &schemas::xml::Limits::default());
    assert_eq!(parsed, Ok(()));
    let described = |table: &[schemas::wire::object::Field]| {
        let names = table.iter().map(|field| format!("name=\"{}\"", field.wire));
        names
            .filter(|name| !wsdl.contains(name))
            .collect::<Vec<_>>()
    };
    for (said, table) in [
        (text(said), Acceptance::FIELDS),
        (text(stands_so), StatusTold::FIELDS),
    ] {
        let names: Vec<&str> = table.iter().map(|field| field.wire).collect();
        let element = schemas::xml::Element::parse(said.as_bytes(), &wire::LIMITS).unwrap();
        let found: Vec<&str> = element.children.iter().map(|one| one.local).collect();
        assert_eq!(found, names);
        assert_eq!(described(table), Vec::<String>::new());
    }
    for table in [
        Submission::FIELDS,
        portal::Applicant::FIELDS,
        portal::SubmittedPaper::FIELDS,
        StatusAsked::FIELDS,
    ] {
        assert_eq!(described(table), Vec::<String>::new());
    }
}
