//! What is remembered of a partner outlives the process, and changes only for whoever has seen it as it stands.

use gateway_core::ports::{Note, Notes as _};

use crate::scene::{Scene, partner};

fn note(name: &str, version: u64, content: &str) -> Note {
    Note {
        name: name.to_owned(),
        version,
        content: content.to_owned(),
    }
}

#[tokio::test]
async fn a_note_is_written_by_whoever_has_seen_it_and_by_nobody_else() {
    let scene = Scene::new();
    let (crvs, portal) = (partner("crvs"), partner("portal"));
    let store = scene.open();
    assert_eq!(store.notes(&crvs).await.unwrap(), []);
    assert!(
        !store
            .write(&crvs, note("follow/death", 1, "x"))
            .await
            .unwrap()
    );
    assert!(
        store
            .write(&crvs, note("follow/death", 0, "asked"))
            .await
            .unwrap()
    );
    // another replica, which has seen nothing
    assert!(
        !store
            .write(&crvs, note("follow/death", 0, "late"))
            .await
            .unwrap()
    );
    assert!(
        store
            .write(&crvs, note("follow/death", 1, "stands"))
            .await
            .unwrap()
    );
    assert!(
        !store
            .write(&crvs, note("follow/death", 1, "late"))
            .await
            .unwrap()
    );
    assert!(
        store
            .write(&portal, note("follow/death", 0, "its own"))
            .await
            .unwrap()
    );
    drop(store);
    let store = scene.open();
    assert_eq!(
        store.notes(&crvs).await.unwrap(),
        [note("follow/death", 2, "stands")]
    );
    assert_eq!(
        store.notes(&portal).await.unwrap(),
        [note("follow/death", 1, "its own")]
    );
}
