//! Births with a known truth, told by the civil registry's software, straight and through the platform, by a hospital and by a
//! registry of the DCI kind, over real sockets, with losses, repeats and another order: at the end one person and one valid card per living child under six, none for others, every case answered, and every province's
//! report as it is true.

mod provinces;
mod roads;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use gateway::admin::client;
use gateway_tests::{
    client::read_reply,
    house::{House, Plan},
    message::{Birth, Json, birth::pin, dci::CRVS},
    tape::tape,
    torture::random::Random,
};
use jiff::{ToSpan as _, civil::Date};
use schemas::{
    date::{day_in_viet_nam, format_dotted},
    proto::{
        admin::{
            DecideReviewRequest, ListReviewsRequest, ShowReviewRequest,
            decide_review_request::Decision,
        },
        insurance::{Context, FindRequest, GetBirthCasesRequest, InfoRequest, ListCardsRequest},
    },
};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, time::Instant};

use provinces::{Counted, Home};
use roads::{Numbers, Sender, Told};

/// A child as it really is.
struct Child {
    /// Every PIN that offices gave it.
    pins: Vec<String>,
    name: String,
    lives: bool,
    /// What is told of it, in the order in which it is told.
    told: Vec<Told>,
}

/// The country: its children, and whose each case is.
struct Truth {
    children: Vec<Child>,
    of_case: HashMap<String, usize>,
    /// Cases of module LTKS.
    births: Vec<String>,
    /// Cases of the registry's births.
    records: Vec<String>,
    /// How many of them count for which month and province.
    counted: Counted,
}

/// One child's facts on their way into messages.
struct Facts {
    number: u32,
    name: String,
    born: Date,
    mother: String,
    notice: String,
    home: Home,
}

impl Facts {
    /// The birth under a case and a PIN of its own.
    fn birth(&self, house: &House, serial: u32) -> Birth {
        let landmarks = &house.landmarks;
        let birth = Birth::named(house.now(), landmarks, serial, &self.name);
        let pin = pin(2, self.born, landmarks.child_pin_serial_from + serial);
        let birth = birth
            .with("maGCS", self.notice.as_str())
            .with("meSoDDCN", self.mother.as_str())
            .with("nksNgaySinh", format_dotted(self.born))
            .with("ketQuaXuLy.nksNgaySinh", format_dotted(self.born))
            .with("ketQuaXuLy.soDinhDanh", pin.as_str());
        self.home.told_in(Birth { pin, ..birth })
    }
}

impl Truth {
    /// So many children, by their kinds; the same every time.
    fn of(house: &House, count: u32) -> Self {
        let mut truth = Self {
            children: Vec::new(),
            of_case: HashMap::new(),
            births: Vec::new(),
            records: Vec::new(),
            counted: Counted::default(),
        };
        for number in 0..count {
            truth.bear(house, number, count);
        }
        truth
    }

    fn bear(&mut self, house: &House, number: u32, count: u32) {
        let today = day_in_viet_nam(house.now());
        let (again, kind) = (count + number, number % 20);
        // the second of two children of one birth has its mother and notice
        let elder = if matches!(kind, 2 | 4) {
            number - 1
        } else {
            number
        };
        let days = match kind {
            6 => 1_000,
            16 => 60 + i64::from(number / 20 % 900),
            _ => 10 + i64::from(elder % 40),
        };
        let home = match kind {
            17..=19 => Home::before_the_merger(number / 20 * 3 + kind - 17),
            _ => Home::since(elder, today),
        };
        let name = match kind {
            4 => name_of(elder).replace("Thị", "Thi"),
            _ => name_of(number),
        };
        let facts = Facts {
            number,
            name,
            born: home.day.min(today).saturating_sub(days.days()),
            mother: format!("099193{:06}", 400_000 + elder),
            notice: format!("GCS.01001.26.{elder:06}"),
            home,
        };
        let birth = facts.birth(house, number);
        let mut told = match kind {
            // all three sources tell of it, in every order
            0 => {
                let all = [
                    Told::notice(house, &facts),
                    self.register(house, &facts, &birth),
                    self.record(house, &facts, &birth),
                ];
                ORDERS[number as usize / 20 % ORDERS.len()]
                    .map(|at| all[at].clone())
                    .to_vec()
            }
            // the registry of the DCI kind alone, after a hospital or not
            5 => {
                let record = self.record(house, &facts, &birth);
                match number / 20 % 2 {
                    0 => vec![record],
                    _ => vec![Told::notice(house, &facts), record],
                }
            }
            _ => vec![self.register(house, &facts, &birth)],
        };
        let mut name = facts.name.clone();
        let mut pins = vec![birth.pin.clone()];
        let mut lives = true;
        match kind {
            // registered again by another office, under the same PIN
            7 | 8 => {
                let mut moved = facts.birth(house, again);
                moved.form["ketQuaXuLy"]["soDinhDanh"] = birth.pin.as_str().into();
                told.push(self.register(house, &facts, &moved));
            }
            // and under another
            9 | 10 => {
                let twice = facts.birth(house, again);
                told.push(self.register(house, &facts, &twice));
                pins.push(twice.pin);
            }
            11 => {
                told.insert(0, Told::notice(house, &facts));
                told.push(end(house, &facts, &birth));
                lives = false;
            }
            12 => {
                told.push(Told::end(house, &facts, &birth.pin));
                lives = false;
            }
            // the death overtakes the birth
            13 => {
                told.insert(0, end(house, &facts, &birth));
                lives = false;
            }
            14 | 15 => {
                told.push(end(house, &facts, &birth));
                told.push(taken_back(house, &birth));
            }
            16 => {
                name = format!("{name} Thư");
                told.push(corrected(house, &birth, number, &name));
            }
            _ => {}
        }
        self.children.push(Child {
            pins,
            name,
            lives,
            told,
        });
    }

    /// The message of a birth; its case is this child's.
    fn register(&mut self, house: &House, facts: &Facts, birth: &Birth) -> Told {
        let child = self.children.len();
        self.counted.add(&facts.home);
        self.of_case.insert(birth.case_id.clone(), child);
        self.births.push(birth.case_id.clone());
        Told::Office(birth.message(house.now()))
    }

    /// The record of a birth in the registry of the DCI kind; its case is this child's.
    fn record(&mut self, house: &House, facts: &Facts, birth: &Birth) -> Told {
        let case = Told::case_of(facts);
        self.counted.add(&facts.home);
        self.of_case.insert(case.clone(), self.children.len());
        self.records.push(case);
        Told::record(house, facts, &birth.pin)
    }

    fn child_of_pin(&self) -> HashMap<&str, usize> {
        let pairs = self.children.iter().enumerate();
        pairs
            .flat_map(|(at, child)| child.pins.iter().map(move |pin| (pin.as_str(), at)))
            .collect()
    }
}

/// A name that few share, and no two of one mother.
fn name_of(number: u32) -> String {
    const GIVEN: [&str; 8] = [
        "An", "Bình", "Chi", "Duyên", "Giang", "Hạnh", "Khuê", "Ngọc",
    ];
    const MIDDLE: [&str; 5] = [
        "Thị Mai",
        "Thị Khánh",
        "Thị Phương",
        "Thị Tuyết",
        "Thị Quỳnh",
    ];
    let at = number as usize;
    format!("Nguyễn {} {}", MIDDLE[at / 8 % 5], GIVEN[at % 8])
}

/// The message that a child died two days after its birth.
fn end(house: &House, facts: &Facts, birth: &Birth) -> Told {
    let died = format_dotted(facts.born.saturating_add(2.days()));
    let today = format_dotted(day_in_viet_nam(house.now()));
    let form = json!({
        "noiDangKy": birth.envelope["maDonVi"], "gbtLoai": "1",
        "ketQuaXuLy": {
            "nktHoTen": facts.name, "nktGioiTinh": 2, "nktSoGiayTo": birth.pin, "nktNgayChet": died,
            "ngayDangKy": today, "soDangKy": facts.number.to_string(), "quyenSo": "01/2026",
        },
    });
    told(house, birth, "LTKT", "civil.death", &form)
}

fn taken_back(house: &House, birth: &Birth) -> Told {
    let form = json!({ "loai": "2", "moduleGoc": "LTKT", "maHoSoGoc": birth.case_id });
    told(house, birth, "LTCC", "civil.correction", &form)
}

/// The message under a case of its own that says another name.
fn corrected(house: &House, birth: &Birth, number: u32, name: &str) -> Told {
    let form = json!({
        "loai": "1", "moduleGoc": "LTKS", "maHoSoGoc": birth.case_id, "lyDo": "viết sai",
        "noiDung": { "nksHoTen": name },
    });
    let mut own = birth.clone();
    own.envelope["maHoSoLT"] = format!("G22.99.10-261123-{number:06}").into();
    told(house, &own, "LTCC", "civil.correction", &form)
}

fn told(house: &House, birth: &Birth, module: &str, operation: &str, form: &Value) -> Told {
    let mut envelope = birth.envelope.clone();
    envelope["module"] = module.into();
    envelope["data"] = form.to_string().into();
    let body = envelope.to_string().into_bytes();
    let path = "/civil/v1/NhanDKHT";
    Told::Office(Json::new(house.now(), "dvclt", operation, path, body))
}

/// Sends everything over several connections; the messages of one child keep their order, and nobody else's.
async fn tell(house: &Arc<House>, truth: &Arc<Truth>, seed: u64) -> Numbers {
    let numbers = Numbers::default();
    let mut lanes: Vec<Vec<usize>> = vec![Vec::new(); LANES];
    for (at, child) in truth.children.iter().enumerate() {
        lanes[at / 2 % LANES].extend(child.told.iter().map(|_| at));
    }
    let mut sending = Vec::new();
    for (number, mut lane) in lanes.into_iter().enumerate() {
        let mut random = Random::of(seed, &[number as u64]);
        random.shuffle(&mut lane);
        let truth = Arc::clone(truth);
        let mut sender = Sender::new(house, PEERS[number % PEERS.len()], random, &numbers);
        sending.push(tokio::spawn(async move {
            let mut steps: HashMap<usize, usize> = HashMap::new();
            for at in lane {
                let step = steps.entry(at).or_default();
                sender.tell(at, &truth.children[at].told[*step]).await;
                *step += 1;
            }
        }));
    }
    for sender in sending {
        sender.await.unwrap();
    }
    numbers
}

/// A person who knows the truth decides what waits; says how many there were.
async fn decide(house: &House, truth: &Truth, numbers: &Numbers) -> usize {
    let numbers = numbers.lock().unwrap().clone();
    let of_pin = truth.child_of_pin();
    let admin = house.gateway().admin();
    let mut decided = 0;
    loop {
        let waiting = client::reviews(admin, ListReviewsRequest::default()).await;
        let waiting = waiting.unwrap().reviews;
        if waiting.is_empty() {
            return decided;
        }
        for review in waiting {
            let child = truth.of_case[&review.case_id];
            let (who, why) = ("an.operator".to_owned(), "asked the ward".to_owned());
            let request = ShowReviewRequest {
                id: review.id,
                who: who.clone(),
                why: why.clone(),
            };
            let shown = client::review(admin, request).await.unwrap();
            let position = shown.candidates.iter().position(|one| {
                of_pin.get(one.pin.as_str()) == Some(&child)
                    || numbers.get(&child) == Some(&one.si_number)
            });
            let decision = match position.and_then(|at| u32::try_from(at + 1).ok()) {
                Some(position) => Decision::Candidate(position),
                None => Decision::NewPerson(true),
            };
            let request = DecideReviewRequest {
                id: review.id,
                decision: Some(decision),
                version: shown.version,
                who,
                why,
            };
            client::decide_review(admin, request).await.unwrap();
            decided += 1;
        }
    }
}

/// Every case has an answer that is final.
async fn all_answered(house: &Arc<House>, truth: &Truth) {
    let key = house.key("dvclt");
    let (mut line, _) = house.wire("dvclt").open().await.unwrap();
    for ids in truth.births.chunks(3) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let poll = Json::poll(house.now(), &ids).sign(&key);
        let head = format!("Host: localhost\r\nContent-Length: {}\r\n", poll.body.len());
        line.write_all(&poll.exact(&head)).await.unwrap();
        let reply = read_reply(&mut line).await.unwrap();
        for row in reply.assert_ok().json()["value"].as_array().unwrap() {
            assert_eq!(row["trangThai"], 4, "{row}");
        }
    }
    let insurance = &house.gateway().contract().client;
    for ids in truth.records.chunks(3) {
        let request = GetBirthCasesRequest {
            context: Some(Context {
                sender: CRVS.to_owned(),
                ..Context::default()
            }),
            case_ids: ids.to_vec(),
        };
        let soon = Instant::now() + std::time::Duration::from_secs(20);
        let cases = insurance.birth_cases(soon, request).await.unwrap().cases;
        assert_eq!(cases.len(), ids.len());
        for case in cases {
            assert!(!case.si_number.is_empty(), "{}", case.case_id);
        }
    }
}

/// One person per child under the number that a hospital was told, one valid card per living child, none for others.
async fn as_in_truth(house: &House, truth: &Truth, told: &Numbers, before: u64) {
    let told = told.lock().unwrap().clone();
    let insurance = &house.gateway().contract().client;
    let soon = || Instant::now() + std::time::Duration::from_secs(20);
    let context = || {
        Some(Context {
            sender: "vss".to_owned(),
            ..Context::default()
        })
    };
    let people = insurance.info(soon(), InfoRequest {}).await.unwrap().people;
    assert_eq!(people - before, truth.children.len() as u64, "people");
    let mut numbers = BTreeSet::new();
    for (at, child) in truth.children.iter().enumerate() {
        let mut of_child = BTreeSet::new();
        for pin in &child.pins {
            let request = FindRequest {
                context: context(),
                number: pin.clone(),
                ..FindRequest::default()
            };
            let found = insurance.find(soon(), request).await.unwrap().people;
            assert_eq!((found[0].dead, &found[0].name), (!child.lives, &child.name));
            of_child.insert(found[0].si_number.clone());
        }
        assert_eq!(of_child.len(), 1, "one child, one number");
        let number = of_child.pop_first().unwrap();
        assert!(numbers.insert(number.clone()), "two children, one number");
        let hospital = told.get(&at);
        assert!(
            hospital.is_none_or(|told| *told == number),
            "another number"
        );
        let request = ListCardsRequest {
            context: context(),
            si_number: number,
        };
        let cards = insurance.cards(soon(), request).await.unwrap().cards;
        let valid = cards.iter().filter(|card| card.state == 1).count();
        assert_eq!(valid, usize::from(child.lives), "{} cards", cards.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_persons_and_cards_as_children_whatever_was_lost_repeated_or_late() {
    let count: u32 = std::env::var("LIENTHONG_BIRTHS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(BIRTHS);
    let seed = 20_261_122;
    let house = Arc::new(plan().start().await);
    let truth = Arc::new(Truth::of(&house, count));
    let insurance = &house.gateway().contract().client;
    let soon = Instant::now() + std::time::Duration::from_secs(20);
    let before = insurance.info(soon, InfoRequest {}).await.unwrap().people;
    let numbers = tell(&house, &truth, seed).await;
    let decided = decide(&house, &truth, &numbers).await;
    assert!(
        decided >= truth.children.len() / 10,
        "only {decided} doubts"
    );
    // each source told of its share
    for told in [truth.records.len(), numbers.lock().unwrap().len()] {
        assert!(told >= truth.children.len() / 10, "only {told}");
    }
    all_answered(&house, &truth).await;
    as_in_truth(&house, &truth, &numbers, before).await;
    truth.counted.reported(&house).await;
    let log = tape().everything();
    for child in &truth.children[..40] {
        let told = child.pins.iter().chain([&child.name]);
        for word in told {
            assert!(!log.contains(word.as_str()), "the log names a child");
        }
    }
}

/// Limits are another test's.
fn plan() -> Plan {
    let operations = [
        ("partners/dvclt.toml", "civil.birth"),
        ("partners/dvclt.toml", "civil.death"),
        ("partners/dvclt.toml", "civil.correction"),
        ("partners/dvclt.toml", "civil.result"),
        ("partners/crvs.toml", "dci.notify"),
        ("partners/cskcb-01001.toml", "hospital.birth-notice"),
    ];
    operations
        .into_iter()
        .fold(House::plan(), |plan, (file, operation)| {
            let head = format!("[agreements.operations.\"{operation}\"]\n");
            let much = format!("{head}per_minute = 6000000\nburst = 100000\n");
            plan.replace(file, head, much)
        })
}

/// Births of a run in the suite; LIENTHONG_BIRTHS says another number.
const BIRTHS: u32 = 2_000;
/// Every order of three sources.
const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];
/// Who send at once.
const LANES: usize = 4;
/// Who brings their messages: an office itself, and the platform.
const PEERS: [&str; 2] = ["dvclt", "ngsp"];
