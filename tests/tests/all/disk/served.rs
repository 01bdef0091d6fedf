//! A disk is served by a process of its own. Whoever uses it may be killed, and it may be silent: no mount is left
//! behind, and nobody waits for ever.

use std::{
    io::{BufRead as _, BufReader},
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Command, Stdio},
    sync::mpsc,
};

use rustix::process::{Pid, Signal, kill_process};

use super::*;

#[test]
fn a_dropped_disk_leaves_neither_process_nor_mount() {
    let Some(scene) = Scene::make() else {
        return;
    };
    let (process, at) = (scene.disk.process(), scene.path(""));
    fs::write(scene.path("a"), b"here").unwrap();
    assert!(is_there(process) && is_mounted(&at));
    drop(scene);
    assert!(!is_there(process) && !is_mounted(&at));
}

#[test]
fn a_disk_whose_user_was_killed_goes_though_a_file_is_open() {
    if Scene::make().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut serving = Command::new(env!("CARGO_BIN_EXE_torture"));
    serving.arg("disk").arg(at);
    serving.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut serving = serving.spawn().unwrap();
    let mut said = BufReader::new(serving.stdout.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "\"Done\"");
    assert!(is_mounted(at));
    let open = fs::File::create(at.join("a")).unwrap();
    // what the system does for whoever is killed
    drop(serving.stdin.take());
    let begun = Instant::now();
    let ended = loop {
        match serving.try_wait().unwrap() {
            Some(ended) => break ended,
            None => assert!(begun.elapsed() < PATIENCE, "it serves on"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(ended.success(), "{ended}");
    assert!(said.next().is_none());
    assert!(!is_mounted(at));
    assert!(fs::read_dir(at).unwrap().next().is_none());
    open.sync_all().unwrap_err();
}

#[test]
fn a_disk_that_is_silent_is_ended_with_a_reason_and_whoever_waited_for_it_is_freed() {
    let Some(mut scene) = Scene::make() else {
        return;
    };
    let (process, at) = (scene.disk.process(), scene.path(""));
    stop(process);
    let (file, (waits, waiting)) = (scene.path("a"), mpsc::channel());
    let writer = std::thread::spawn(move || {
        waits.send(()).unwrap();
        fs::write(file, b"never")
    });
    waiting.recv().unwrap();
    scene.disk.wait_at_most(BOUND);
    let begun = Instant::now();
    let why = scene.disk.cut(&mut Random::of(1, &[])).unwrap_err();
    let took = begun.elapsed();
    assert!(took > BOUND && took < PATIENCE / 2, "{took:?}");
    let why = why.to_string();
    assert!(why.contains("did not answer in 2s: Cut("), "{why}");
    writer.join().unwrap().unwrap_err();
    assert!(!is_there(process) && !is_mounted(&at));
    // from now on at once; what cannot give an error ends whoever asks
    let again = scene.disk.load(&at).unwrap_err();
    assert_eq!(again.to_string(), why);
    let asked = catch_unwind(AssertUnwindSafe(|| scene.disk.sprung())).unwrap_err();
    assert_eq!(asked.downcast_ref::<String>(), Some(&why));
}

#[test]
fn a_silent_disk_is_ended_though_nobody_asks_it() {
    let Some(scene) = Scene::make() else {
        return;
    };
    let (process, at) = (scene.disk.process(), scene.path(""));
    scene.disk.wait_at_most(BOUND);
    stop(process);
    fs::write(scene.path("a"), b"never").unwrap_err();
    let why = scene.disk.load(&at).unwrap_err().to_string();
    assert!(why.contains("did not answer in 2s: Unsynced"), "{why}");
    assert!(!is_there(process) && !is_mounted(&at));
}

#[test]
fn a_disk_whose_process_died_says_so() {
    let Some(scene) = Scene::make() else {
        return;
    };
    let (process, at) = (scene.disk.process(), scene.path(""));
    signal(process, Signal::KILL);
    let why = scene.disk.load(Path::new("Cargo.toml")).unwrap_err();
    let why = why.to_string();
    assert!(why.contains("ended before it answered: Load("), "{why}");
    assert!(!is_there(process) && !is_mounted(&at));
}

#[test]
fn what_is_asked_and_cannot_be_done_is_told_and_the_disk_goes_on() {
    let Some(mut scene) = Scene::make() else {
        return;
    };
    let missing = scene.folder.path().join("missing");
    let why = scene.disk.load(&missing).unwrap_err().to_string();
    assert!(why.contains("No such file"), "{why}");
    let open = fs::File::create(scene.path("a")).unwrap();
    let why = scene.disk.cut(&mut Random::of(1, &[])).unwrap_err();
    assert!(why.to_string().contains("busy"), "{why}");
    assert!(is_mounted(&scene.path("")));
    open.sync_all().unwrap();
    assert_eq!(scene.disk.unsynced(), (0, 1));
}

#[test]
fn the_same_seed_forgets_the_same() {
    let left = || {
        let mut scene = Scene::make()?;
        fs::write(scene.path("a"), b"").unwrap();
        fs::File::open(scene.path("")).unwrap().sync_all().unwrap();
        fs::write(scene.path("a"), [7; 40_000]).unwrap();
        assert_eq!(scene.disk.unsynced().0, 79 * 512);
        let mut random = Random::of(GENTLE, &[]);
        scene.disk.cut(&mut random).unwrap();
        Some((fs::read(scene.path("a")).unwrap(), random.draw()))
    };
    let Some((first, next)) = left() else {
        return;
    };
    let kept = first.iter().filter(|byte| **byte == 7).count();
    assert!(kept > 0 && kept < 40_000, "{kept}: these dice keep some");
    assert_eq!(left(), Some((first, next)));
}

/// Its first number is a seed that keeps the size, and some of what was not synced.
const GENTLE: u64 = 3;
/// How long the silent disk is waited for; whoever writes to it has begun long before.
const BOUND: Duration = Duration::from_secs(2);

fn signal(process: u32, signal: Signal) {
    let id = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    kill_process(id, signal).unwrap();
}

/// Stops it, each of its threads.
fn stop(process: u32) {
    signal(process, Signal::STOP);
    let runs = |thread: std::io::Result<fs::DirEntry>| {
        let stat = fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
        !stat.rsplit_once(')').unwrap().1.starts_with(" T")
    };
    let begun = Instant::now();
    while fs::read_dir(format!("/proc/{process}/task"))
        .unwrap()
        .any(runs)
    {
        assert!(begun.elapsed() < PATIENCE, "it runs on");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn is_there(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

fn is_mounted(at: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let at = at.to_str().unwrap().trim_end_matches('/');
    mounts
        .lines()
        .any(|line| line.split(' ').nth(1) == Some(at))
}
