//! What lies on the disk between the manifest and the result, for how long, and through a death.

use certs::{
    keys::{Algorithm, SigningKey},
    tls::{Anchors, Identity},
};
use gateway_tests::{
    client::Wire,
    torture::{
        process::Launch,
        site::{Site, binary, free_port},
    },
};
use insurance::{
    Insurance,
    registry::{Params, Registry},
};
use schemas::fault::FaultCode::{self, OutOfOrder};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn chunks_lie_encrypted_and_never_take_more_of_the_disk_than_agreed() {
    let house = House::plan()
        .replace(
            "gateway.toml",
            "path = \"bulk\"",
            "path = \"bulk\"\nbytes_max = 1048576",
        )
        .start()
        .await;
    let department = Department::of(&house, Kind::Person).await;
    let name = match &department.rows[department.rows.len() - 1] {
        schemas::wire::tax_records::Record::Person(person) => person.name.to_string(),
        schemas::wire::tax_records::Record::Employer(_) => unreachable!("persons were asked for"),
    };
    let sending = department.cut("encrypted-month", Form::Ndjson, Packing::Plain, 1_000);
    let announced = manifest(&house, &department, &sending).sign(&house.key("tax"));
    house.wire("tax").send(&announced).await.assert_ok();
    put(&house, &sending, 1).await.assert_ok();
    settled(&house, &sending, "done").await;
    let mut files = 0;
    let mut folders = vec![house.file("bulk")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            files += 1;
            let bytes = std::fs::read(entry.path()).unwrap();
            let found = bytes
                .windows(name.len())
                .any(|window| window == name.as_bytes());
            assert!(!found, "{} holds a name", entry.path().display());
        }
    }
    assert!(files > 4);
    let large = Sending {
        manifest: "too-large-month".into(),
        chunks: vec![(vec![b' '; 2 << 20], 1, 1)],
        ..sending
    };
    let announced = manifest(&house, &department, &large).sign(&house.key("tax"));
    house.wire("tax").send(&announced).await.assert_ok();
    // whoever waits to be told to go on hears the refusal before a byte of it is sent
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        path(&large, 1),
        2 << 20
    );
    let refused = house.wire("tax").raw(head.as_bytes()).await;
    let reply = refused.reply.unwrap();
    reply.assert_fault(FaultCode::Overloaded, "spool-full");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_never_sent_whole_is_over_after_its_time_and_holds_up_no_other() {
    let house = House::plan()
        .replace(
            "gateway.toml",
            "path = \"bulk\"",
            "path = \"bulk\"\nopen = 1\nwait_hours = 1",
        )
        .start()
        .await;
    let department = Department::of(&house, Kind::Employer).await;
    let half = department.cut("month-half-sent", Form::Ndjson, Packing::Gzip, 4);
    let other = Sending {
        manifest: "month-beside-it".into(),
        ..half.clone()
    };
    let announce = async |sending: &Sending| {
        let signed = manifest(&house, &department, sending).sign(&house.key("tax"));
        house.wire("tax").send(&signed).await
    };
    announce(&half).await.assert_ok();
    put(&house, &half, 1).await.assert_ok();
    let full = announce(&other).await;
    full.assert_fault(FaultCode::Overloaded, "reconciliations-open");
    house.clock.advance(jiff::SignedDuration::from_mins(61));
    let state = settled(&house, &half, "refused").await;
    assert_eq!(text_of(state.text(), "Reason"), Some("not-sent-in-time"));
    let before = house.fingerprint().await;
    let late = put(&house, &half, 2).await;
    late.assert_fault(OutOfOrder, "reconciliation-over");
    assert_eq!(house.fingerprint().await, before);
    put(&house, &half, 1).await.assert_ok();
    announce(&other).await.assert_ok();
}

/// A gateway in a process of its own, as the department sees it.
struct Far {
    wire: Wire,
    key: SigningKey,
}

impl Far {
    fn of(site: &Site) -> Self {
        let folder = site.layout.agency("tax");
        let identity = Identity::from_files(&folder.join("tls.pem"), &folder.join("tls.key"));
        let anchors = Anchors::from_file(&site.layout.gateway("ca.pem")).unwrap();
        let pem = std::fs::read(folder.join("sign.key")).unwrap();
        Self {
            wire: Wire::new(site.address, &anchors, Some(&identity.unwrap())),
            key: SigningKey::from_pem(&pem, Some(Algorithm::Es256)).unwrap(),
        }
    }

    async fn say(&self, operation: &str, body: String) -> Reply {
        let message = Tax::new(jiff::Timestamp::now(), operation, body);
        self.wire.send(&message.sign(&self.key)).await
    }

    async fn result(&self, manifest: &str, page: u32) -> Reply {
        let body = format!(
            "<ReconcileResult><Manifest>{manifest}</Manifest><Page>{page}</Page>\
             <Purpose>tax-compliance</Purpose></ReconcileResult>"
        );
        self.say("tax.reconcile-result", body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_killed_with_signal_nine_goes_on_where_it_stood() {
    let Ok(program) = binary() else {
        println!("not run: lienthong is not built beside this test");
        return;
    };
    let nobody = free_port(); // the simulated portal is not wanted here
    let site = Site::make(nobody, 0);
    let department = {
        let params = Params::synthetic(site.layout.gateway("registry.sqlite"));
        let registry = Registry::open(params, std::sync::Arc::new(jiff::Timestamp::now)).unwrap();
        let client = Insurance::embedded(registry);
        Department::beside(&client, &site.landmarks, Kind::Person).await
    };
    let sending = department.cut("killed-month", Form::Ndjson, Packing::Gzip, 30);
    let launch = Launch {
        program: Some(program),
        ..Launch::default()
    };
    let far = Far::of(&site);
    let begin = || async {
        let mut process = launch.serve(&site);
        process.ready(60 * SECOND).await.unwrap();
        process
    };
    let mut process = begin().await;
    let body = sending.xml(department.kind, &department.period, &[]);
    far.say("tax.reconcile", body).await.assert_ok();
    let mut receipts = Vec::new();
    for number in 1..=sending.chunks.len() {
        // killed while a chunk is on its way, then sent again until it is taken
        let (path, bytes) = (path(&sending, number), chunk(&sending, number));
        let cut = tokio::spawn({
            let (wire, path, bytes) = (far.wire.clone(), path.clone(), bytes.clone());
            async move { wire.put(&path, bytes, &[]).await }
        });
        tokio::time::sleep(Duration::from_millis(7 * number as u64)).await;
        process.kill();
        let _ = cut.await;
        process = begin().await;
        let mut reply = far.wire.put(&path, bytes.clone(), &[]).await;
        for _ in 0..60 {
            if reply.header("lienthong-fault") != "IN-PROGRESS" {
                break;
            }
            tokio::time::sleep(SECOND).await;
            reply = far.wire.put(&path, bytes.clone(), &[]).await;
        }
        receipts.push(reply.assert_ok().body.clone());
    }
    process.kill();
    let mut process = begin().await;
    let again = far
        .wire
        .put(&path(&sending, 1), chunk(&sending, 1), &[])
        .await;
    assert_eq!(again.assert_ok().body, receipts[0], "the stored receipt");
    let mut summary = far.result(&sending.manifest, 0).await;
    for _ in 0..60 {
        if text_of(summary.assert_ok().text(), "State") == Some("done") {
            break;
        }
        tokio::time::sleep(SECOND).await;
        summary = far.result(&sending.manifest, 0).await;
    }
    let page = far.result(&sending.manifest, 1).await;
    let found = findings(page.assert_ok().text());
    assert_eq!(found.len(), department.seeds.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), department.seeds);
    assert!(process.ended().is_none());
    process.kill();
    let verified = launch.verify(&site);
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
}
