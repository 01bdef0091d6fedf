//! What changes while it runs.

use std::time::Duration;

use super::*;

#[test]
fn a_changed_partner_takes_effect_whole_and_a_broken_one_not_at_all() {
    let scene = Scene::new();
    let snapshot = scene.partners(&[]).unwrap();
    let watched = Arc::new(Watched::new(scene.config(), OPERATIONS.to_vec(), &snapshot));
    let tax = PartnerId::parse("tax").unwrap();
    let active = || watched.current().get(&tax).unwrap().active;
    assert!(matches!(watched.look(), Reload::Same));
    scene.write(
        "partners/tax.toml",
        &changed(TAX, &[("active = true ", "active = maybe ")]),
    );
    let Reload::Kept(problems) = watched.look() else {
        panic!("a broken file took effect");
    };
    assert!(!problems.is_empty() && active());
    scene.write(
        "partners/tax.toml",
        &changed(TAX, &[("active = true ", "active = false ")]),
    );
    assert!(matches!(watched.look(), Reload::Swapped));
    assert!(!active());
    assert!(matches!(watched.look(), Reload::Same));
}

#[test]
fn how_long_agreements_keep_what_they_permit_changes_with_the_files() {
    let scene = Scene::new();
    let snapshot = scene.partners(&[]).unwrap();
    let watched = Arc::new(Watched::new(scene.config(), OPERATIONS.to_vec(), &snapshot));
    let kept = watched.kept();
    assert!(kept.load().is_empty());
    let text = changed(TAX, &[("# retention_years = 10", "retention_years = 10")]);
    scene.write("partners/tax.toml", &text);
    assert!(matches!(watched.look(), Reload::Swapped));
    let years = Duration::from_secs(10 * 366 * 24 * 3_600);
    assert_eq!(kept.load().values().collect::<Vec<_>>(), [&years]);
}

#[test]
fn what_was_kept_back_is_read_again_when_a_file_that_it_named_appears_or_changes() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new();
    let delivery = "[delivery]\nuri = \"https://localhost:1/x\"\nprivate = true\nanchors = \"late.pem\"\n\
        username = \"vss\"\npassword_file = \"late.password\"\n";
    let text = format!("{}{delivery}", TAX.split("# [delivery]").next().unwrap());
    let text = changed(&text, &[("tax-sign.pem", "late-sign.pem")]);
    let watched = Watched::load(&scene.config(), &OPERATIONS).unwrap();
    scene.write("partners/tax.toml", &text);
    let kept = |count: usize| {
        let Reload::Kept(problems) = watched.look() else {
            panic!("a partner took effect whose files are not there");
        };
        assert_eq!(problems.len(), count, "{problems:#?}");
        assert!(matches!(watched.look(), Reload::Same), "told once");
    };
    kept(3);
    scene.write("partners/late.pem", scene.authority.root_pem());
    kept(2);
    scene.write("partners/late.password", "");
    kept(1 + 1);
    scene.write("partners/late.password", "s3cret\n");
    kept(1);
    scene.issue("partners/late-sign", KeyChoice::P256, Usage::Signing);
    assert!(matches!(watched.look(), Reload::Swapped));
    assert!(matches!(watched.look(), Reload::Same));
    // a changed mode is a change too: what could not be read may be readable now
    let key = scene.folder.path().join("partners/late-sign.pem");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(watched.look(), Reload::Swapped));
}
