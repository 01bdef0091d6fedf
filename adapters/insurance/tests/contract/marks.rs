//! A registry restored from an old copy, whose numbers since the copy are known outside it only.

use std::fs;
use std::path::Path;

use insurance::registry::OpenError;
use insurance::{Insurance, Params, Place, Registry};

use crate::pg::Cluster;
use crate::scene::{Scene, copy, name_of, soon};

fn noted(scene: &Scene, place: &Place, marks: &Path) -> Insurance {
    let params = Params {
        marks: Some(marks.to_owned()),
        ..Params::synthetic_in(place.clone())
    };
    Insurance::embedded(Registry::open(params, scene.time.clock()).unwrap())
}

async fn number(insurance: &Insurance, scene: &Scene, n: u32) -> u64 {
    let birth = insurance.register_birth(soon(), scene.birth(n)).await;
    birth.unwrap().case.unwrap().si_number.parse().unwrap()
}

async fn code(insurance: &Insurance, scene: &Scene, n: u32) -> String {
    let dossier = insurance.submit_reissue(soon(), scene.reissue(n)).await;
    dossier.unwrap().dossier.unwrap().code
}

/// Gives numbers out, goes back to the copy that was taken before, and gives out more.
async fn restored(scene: &Scene, take: impl AsyncFnOnce() -> Place) {
    let marks = scene.folder.path().join("given");
    let insurance = noted(scene, &scene.place, &marks);
    number(&insurance, scene, 1).await;
    let old = take().await;
    let mut last = (0, String::new());
    for n in 2..6 {
        last = (
            number(&insurance, scene, n).await,
            code(&insurance, scene, n).await,
        );
    }
    drop(insurance);
    let insurance = noted(scene, &old, &marks);
    // what was forgotten gets its own numbers again, on another day too; what is new gets higher ones
    scene.time.pass(24 * 3600);
    assert_eq!(number(&insurance, scene, 5).await, last.0);
    assert_eq!(code(&insurance, scene, 5).await, last.1);
    assert_eq!(number(&insurance, scene, 7).await, last.0 + 1);
    assert!(code(&insurance, scene, 7).await > last.1);
}

#[tokio::test]
async fn a_restored_file_goes_on_above_the_numbers_that_it_has_forgotten() {
    let scene = Scene::embedded();
    let Place::File(path) = &scene.place else {
        unreachable!("an embedded scene lies in a file")
    };
    restored(&scene, async || {
        let old = scene.folder.path().join("old.sqlite");
        let file = rusqlite::Connection::open(path).unwrap();
        file.execute("VACUUM INTO ?1", [old.to_str().unwrap()])
            .unwrap();
        Place::File(old)
    })
    .await;
}

#[test]
fn a_restored_database_goes_on_above_the_numbers_that_it_has_forgotten() {
    let Some(scene) = Scene::on_postgresql() else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(restored(&scene, async || {
        // the copy sends everybody away, who then come back
        copy(Cluster::shared().unwrap(), &name_of(&scene.place))
    }));
}

#[tokio::test]
async fn a_number_is_not_given_out_where_it_cannot_be_noted() {
    let scene = Scene::embedded();
    let gone = scene.folder.path().join("gone");
    fs::create_dir(&gone).unwrap();
    let insurance = noted(&scene, &scene.place, &gone.join("given"));
    let before = scene.fingerprint().await;
    fs::remove_dir(&gone).unwrap();
    let fault = insurance
        .register_birth(soon(), scene.birth(1))
        .await
        .unwrap_err();
    assert!(!fault.is_final());
    assert_eq!(scene.fingerprint().await, before);
    fs::create_dir(&gone).unwrap();
    number(&insurance, &scene, 1).await;
    assert!(
        fs::read_to_string(gone.join("given"))
            .unwrap()
            .starts_with("si ")
    );
}

#[tokio::test]
async fn a_note_that_is_not_understood_keeps_the_registry_shut() {
    let scene = Scene::embedded();
    let marks = scene.folder.path().join("given");
    fs::write(&marks, "nonsense\n").unwrap();
    let params = Params {
        marks: Some(marks),
        ..Params::synthetic_in(scene.place.clone())
    };
    let refused = Registry::open(params, scene.time.clock());
    assert!(matches!(refused.err().unwrap(), OpenError::Marks(_)));
}
