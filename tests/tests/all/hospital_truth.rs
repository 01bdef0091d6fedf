//! Births with a known truth, told by hospital and civil registry in any order, twice, by several ways and by lines
//! that break: at the end one person per child, one valid card per living one, none for others.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use gateway::admin::client;
use gateway_tests::{
    house::House,
    message::{
        Birth, Message, Notice,
        birth::pin,
        notice::{HOSPITAL, birth_paper, death_paper},
    },
    tape::tape,
    torture::random::Random,
};
use schemas::{
    proto::{
        admin::{
            DecideReviewRequest, ListReviewsRequest, ShowReviewRequest,
            decide_review_request::Decision,
        },
        insurance::{Context, FindRequest, InfoRequest, ListCardsRequest},
    },
    wire::hospital::BirthPaper,
};
use tokio::{io::AsyncWriteExt as _, time::Instant};

/// What is true of one child.
struct Child {
    number: u32,
    /// The first child of its birth, which gives mother and code.
    elder: u32,
    of_the_birth: u32,
    sex: u8,
    name: String,
    lives: bool,
    pin: String,
}

/// One thing to be told; what a hospital is answered is known only then.
#[derive(Clone, Copy)]
enum Told {
    Notice,
    /// The same notice as another document, in a packet.
    Again,
    Registration {
        names_the_notice: bool,
    },
    /// The notice, and then the death under the number that it gave.
    NoticeAndDeath,
}

/// Children by their kinds, the same every time, and what is told of each.
fn truth(house: &House, births: u32) -> (Vec<Child>, Vec<(usize, Told)>) {
    let (mut children, mut told) = (Vec::new(), Vec::new());
    let named = Told::Registration {
        names_the_notice: true,
    };
    for birth in 0..births {
        let elder = u32::try_from(children.len()).unwrap();
        let sexes: &[u8] = match birth % 9 {
            1 => &[1, 2],
            2 => &[2, 2],
            8 => &[2, 1, 2],
            _ => &[2],
        };
        for (at, &sex) in sexes.iter().enumerate() {
            let number = elder + u32::try_from(at).unwrap();
            let child = children.len();
            let kinds: &[Told] = match birth % 9 {
                3 => &[Told::NoticeAndDeath, named],
                4 => &[Told::Notice],
                5 => &[
                    Told::Notice,
                    Told::Registration {
                        names_the_notice: false,
                    },
                ],
                6 => &[named],
                7 => &[Told::Notice, Told::Again, named],
                _ => &[Told::Notice, named],
            };
            told.extend(kinds.iter().map(|kind| (child, *kind)));
            let born = ten_days_ago(house);
            children.push(Child {
                number,
                elder,
                of_the_birth: u32::try_from(sexes.len()).unwrap(),
                sex,
                name: name_of(number),
                lives: birth % 9 != 3,
                pin: pin(sex, born, house.landmarks.child_pin_serial_from + number),
            });
        }
    }
    (children, told)
}

fn ten_days_ago(house: &House) -> jiff::civil::Date {
    use jiff::ToSpan as _;
    schemas::date::day_in_viet_nam(house.now()).saturating_sub(10.days())
}

/// Names that no two children of a birth nearly share.
fn name_of(number: u32) -> String {
    const NAMES: [&str; 5] = [
        "Nguyễn Gia An",
        "Trần Khánh Phương",
        "Lê Bảo Uyên",
        "Đỗ Tuệ Minh",
        "Hồ Quỳnh Chi",
    ];
    NAMES[number as usize % NAMES.len()].to_owned()
}

impl Child {
    fn paper(&self, house: &House) -> BirthPaper {
        let mut paper = birth_paper(house.now(), &house.landmarks, self.elder + 1);
        paper.id = format!("Id-{}", self.number);
        paper.child_sex = Some(self.sex.to_string());
        paper.children = Some(self.of_the_birth.to_string());
        if self.of_the_birth > 1 {
            paper.paper = Some(format!("CT.{}", self.number));
        }
        paper
    }

    fn registration(&self, house: &House, names_the_notice: bool) -> Message {
        let birth = Birth::named(house.now(), &house.landmarks, self.number, &self.name);
        let paper = self.paper(house);
        let birth = birth
            .with("meSoDDCN", paper.carer_paper_number.unwrap())
            .with("nksGioiTinh", self.sex.to_string())
            .with("ketQuaXuLy.nksGioiTinh", self.sex)
            .with("ketQuaXuLy.soDinhDanh", self.pin.as_str());
        let birth = match names_the_notice {
            true => birth.with("maGCS", paper.code.unwrap()),
            false => birth,
        };
        birth.message(house.now()).sign(&house.key("dvclt"))
    }
}

/// The numbers that the hospital was told, by child.
type Numbers = Arc<Mutex<HashMap<usize, String>>>;

/// Sends until it is answered: some lines break before the answer, some messages go twice.
async fn send(
    house: &House,
    partner: &str,
    message: &Message,
    random: &mut Random,
) -> serde_json::Value {
    let wire = house.wire(partner);
    if random.percent(10) {
        let head = format!(
            "Host: localhost\r\nContent-Length: {}\r\n",
            message.body.len()
        );
        let (mut line, _) = wire.open().await.unwrap();
        let _ = line.write_all(&message.exact(&head)).await;
    }
    if random.percent(10) {
        wire.send(message).await;
    }
    for _ in 0..200 {
        let reply = wire.send(message).await;
        if matches!(reply.status, 409 | 429 | 503) && reply.reason() != "same-id-other-content" {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        }
        return reply.assert_ok().json();
    }
    panic!("never answered");
}

async fn tell(
    house: &House,
    children: &[Child],
    (at, told): (usize, Told),
    random: &mut Random,
    numbers: &Numbers,
) {
    let child = &children[at];
    let key = house.key(HOSPITAL);
    let paper = child.paper(house);
    let notice = match told {
        Told::Registration { names_the_notice } => {
            let message = child.registration(house, names_the_notice);
            send(house, "dvclt", &message, random).await;
            return;
        }
        Told::Notice | Told::NoticeAndDeath => Notice::birth(&paper),
        Told::Again => {
            let anew = BirthPaper {
                id: format!("Id-{}-2", child.number),
                ..paper
            };
            Notice::packet(&format!("Id-packet-{}", child.number), &[anew])
        }
    };
    let answer = send(house, HOSPITAL, &notice.sign(&key), random).await;
    let number = answer["dsTheTam"][0]["maSoBHXH"].as_str();
    if let Some(number) = number {
        let before = numbers.lock().unwrap().insert(at, number.to_owned());
        assert!(
            before.is_none_or(|before| before == number),
            "two numbers for one child"
        );
    }
    if matches!(told, Told::NoticeAndDeath) {
        let mut death = death_paper(house.now(), child.number, number.unwrap());
        death.name = Some(child.name.clone());
        send(house, HOSPITAL, &Notice::death(&death).sign(&key), random).await;
    }
}

/// A person who knows the truth decides what waits; says how many there were.
async fn decide(house: &House, children: &[Child], numbers: &Numbers) -> usize {
    let admin = house.gateway().admin();
    let mut decided = 0;
    loop {
        let waiting = client::reviews(admin, ListReviewsRequest::default()).await;
        let waiting = waiting.unwrap().reviews;
        if waiting.is_empty() {
            return decided;
        }
        for review in waiting {
            let (who, why) = ("an.operator".to_owned(), "asked the ward".to_owned());
            let request = ShowReviewRequest {
                id: review.id,
                who: who.clone(),
                why: why.clone(),
            };
            let shown = client::review(admin, request).await.unwrap();
            let pin = &shown.told.as_ref().unwrap().pin;
            let at = children.iter().position(|child| child.pin == *pin).unwrap();
            let number = numbers.lock().unwrap().get(&at).cloned();
            let position = shown
                .candidates
                .iter()
                .position(|one| Some(&one.si_number) == number.as_ref());
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

/// The one person of a child and its valid cards.
async fn seen(house: &House, number: &str) -> (String, bool, usize) {
    let insurance = &house.gateway().contract().client;
    let soon = || Instant::now() + Duration::from_secs(20);
    let context = || {
        Some(Context {
            sender: "vss".to_owned(),
            ..Context::default()
        })
    };
    let request = FindRequest {
        context: context(),
        number: number.to_owned(),
        ..FindRequest::default()
    };
    let found = insurance.find(soon(), request).await.unwrap().people;
    assert_eq!(found.len(), 1, "one child, one person");
    let request = ListCardsRequest {
        context: context(),
        si_number: found[0].si_number.clone(),
    };
    let cards = insurance.cards(soon(), request).await.unwrap().cards;
    let valid = cards.iter().filter(|card| card.state == 1).count();
    (found[0].si_number.clone(), found[0].dead, valid)
}

#[tokio::test(flavor = "multi_thread")]
async fn hospital_and_registry_in_any_order_make_one_person_and_one_card_of_each_child() {
    let house = Arc::new(House::start().await);
    let (children, mut told) = truth(&house, BIRTHS);
    let children = Arc::new(children);
    let insurance = &house.gateway().contract().client;
    let soon = || Instant::now() + Duration::from_secs(20);
    let before = insurance.info(soon(), InfoRequest {}).await.unwrap().people;
    Random::of(SEED, &[0]).shuffle(&mut told);
    let numbers = Numbers::default();
    let mut sending = Vec::new();
    for lane in 0..LANES {
        let mine: Vec<_> = told.iter().copied().skip(lane).step_by(LANES).collect();
        let (house, children, numbers) = (
            Arc::clone(&house),
            Arc::clone(&children),
            Arc::clone(&numbers),
        );
        sending.push(tokio::spawn(async move {
            let mut random = Random::of(SEED, &[1, lane as u64]);
            for one in mine {
                tell(&house, &children, one, &mut random, &numbers).await;
            }
        }));
    }
    for lane in sending {
        lane.await.unwrap();
    }
    let decided = decide(&house, &children, &numbers).await;
    assert!(decided > 0, "no doubt at all");

    let people = insurance.info(soon(), InfoRequest {}).await.unwrap().people;
    assert_eq!(people - before, children.len() as u64, "people");
    let mut seen_numbers = BTreeSet::new();
    for (at, child) in children.iter().enumerate() {
        let told = numbers.lock().unwrap().get(&at).cloned();
        let registered = told_of(&children, at, BIRTHS);
        let number = if registered {
            child.pin.clone()
        } else {
            told.clone().unwrap()
        };
        let (number, dead, valid) = seen(&house, &number).await;
        assert_eq!(
            (dead, valid),
            (!child.lives, usize::from(child.lives)),
            "child {at}"
        );
        assert!(
            told.is_none_or(|told| told == number),
            "child {at} has two numbers"
        );
        assert!(seen_numbers.insert(number), "two children, one number");
    }
    let log = tape().everything();
    for child in children.iter() {
        assert!(
            !log.contains(&child.pin) && !log.contains(&child.name),
            "the log names a child"
        );
    }
}

/// Whether a child is ever registered: those of the fifth kind only a hospital tells of.
fn told_of(children: &[Child], at: usize, births: u32) -> bool {
    let mut elders: Vec<u32> = children.iter().map(|child| child.elder).collect();
    elders.dedup();
    assert_eq!(elders.len(), births as usize);
    let birth = elders.iter().position(|elder| *elder == children[at].elder);
    birth.unwrap() % 9 != 4
}

const BIRTHS: u32 = 90;
const LANES: usize = 3;
const SEED: u64 = 20_261_123;
