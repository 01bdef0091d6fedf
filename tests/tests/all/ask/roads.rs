//! By which road a question goes.

use conformance::{
    identity::Target,
    ngsp::{Application, Platform},
};
use schemas::id::PartnerId;

use super::*;

/// What stands for the department at the platform.
const API: &str = "/TraCuuThue/1.0";

/// At the national platform at this port; the department stands behind a resource of its API.
fn plan_behind(port: u16) -> Plan {
    let way = format!(
        "[delivery.ngsp]\ntoken = \"https://localhost:{port}/token\"\nclient = \"vss\"\n\
         secret_file = \"ngsp.secret\"\napi = \"{API}\"\nresource = \"/messages\"\n"
    );
    plan_by(&format!("https://localhost:{port}"), &way).secret("partners/ngsp.secret", "s3cret\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_behind_the_national_platform_is_asked_through_it() {
    let (platform, department) = (free().await, free().await);
    let port = platform.local_addr().unwrap().port();
    let house = plan_behind(port).start().await;
    let target = Target {
        host: "localhost".to_owned(),
        port: department.local_addr().unwrap().port(),
    };
    let application = Application {
        secret: "s3cret".to_owned(),
        apis: vec![API.to_owned()],
        quota: 100,
    };
    let folder = house.layout.agency("ngsp");
    let managed = Platform::open(
        &folder,
        crate::ngsp::server(&house),
        Duration::from_secs(3_600),
    );
    let managed = managed.unwrap().with_application("vss", application);
    let managed = managed.with_service(API, &target, "/taxpayer/v1").unwrap();
    let managed = Arc::new(managed);
    let _platform = managed.serve(platform).unwrap();
    let register = Register::open(&house.layout.agency("tax")).unwrap();
    register.stand_behind(PartnerId::parse("ngsp").unwrap());
    let known = Department::of(&house, Kind::Employer).await;
    let mut truth = Truth::default();
    for row in &known.rows {
        truth.add(known.period.parse().unwrap(), row);
    }
    register.learn(truth);
    let scene = Scene {
        serving: Some(register.serve(department).unwrap()),
        house,
        register,
        port,
    };
    let (mst, _) = seeded(&known, "E-STATUS-TAX");
    managed.lose(1); // what was lost on the way back is asked again under the same id
    let told = scene
        .ask(scene.employer("q-000001", mst, &["status"]))
        .await
        .unwrap();
    assert_eq!(value(&told, "status"), Some("03"));
    managed.forget_tokens();
    let told = scene
        .ask(scene.employer("q-000002", mst, &["status"]))
        .await
        .unwrap();
    assert_eq!(value(&told, "status"), Some("03"));
    let seen = managed.seen();
    assert_eq!((seen.tokens, seen.refused), (2, vec![900_901]));
    assert_eq!(seen.passed.len(), 3, "{:?}", seen.passed);
    assert_eq!(seen.passed[0], seen.passed[1], "the same question");
    assert_eq!(scene.register.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_road_that_is_not_agreed_takes_no_question() {
    let roads = ("roads = [\"direct\", \"ngsp\"]", "roads = [\"direct\"]");
    let plan = plan_behind(9).replace("partners/tax.toml", roads.0, roads.1);
    let house = plan.start().await;
    let register = Register::open(&house.layout.agency("tax")).unwrap();
    let scene = Scene {
        serving: None,
        house,
        register,
        port: 9,
    };
    let asked = scene.employer("q-000001", "0100109106", &["status"]);
    let refused = scene.ask(asked).await.unwrap_err();
    assert!(refused.contains("road-not-agreed"), "{refused}");
    let shown = client::parcel(scene.house.gateway().admin(), "ask.tax.q-000001").await;
    assert!(shown.is_err(), "nothing waits to be sent");
}

async fn free() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}
