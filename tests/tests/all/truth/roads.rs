//! The roads by which a truth is told: the civil registry's software, straight and through the platform, a hospital,
//! and a registry of the DCI kind; each over connections that are lost now and then.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use certs::tls::ClientStream;
use gateway_tests::{
    client::{Reply, read_reply},
    house::House,
    message::{
        Json, Message, Notice, Notify,
        dci::{CRVS, birth_event, death_event},
        notice::{HOSPITAL, birth_paper},
    },
    torture::random::Random,
};
use schemas::date::format_compact;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::Instant};

use super::Facts;

/// One thing that is told, by whom it is told.
#[derive(Clone)]
pub(super) enum Told {
    /// By the civil registry's software.
    Office(Json),
    /// By a hospital: who is answered with the child's number.
    Hospital(Notice),
    /// By a registry of the DCI kind: one record.
    Registry(Value),
}

impl Told {
    /// The notice of a hospital about a child that has no name yet.
    pub(super) fn notice(house: &House, facts: &Facts) -> Self {
        let mut paper = birth_paper(house.now(), &house.landmarks, facts.number);
        paper.code = Some(facts.notice.clone());
        paper.carer_paper_number = Some(facts.mother.clone());
        paper.residence_commune = Some(facts.home.commune.to_owned());
        paper.child_born = Some(format!("{}043000", format_compact(facts.born)));
        paper.issued_on = Some(format_compact(facts.born));
        Self::Hospital(Notice::birth(&paper))
    }

    /// The registry's record of a birth that has this PIN.
    pub(super) fn record(house: &House, facts: &Facts, pin: &str) -> Self {
        let mut event = birth_event(house.now(), &house.landmarks, facts.number);
        let words: Vec<&str> = facts.name.split(' ').collect();
        let record = &mut event["data"]["reg_records"][0];
        record["identifier"][0]["identifier_value"] = pin.into();
        record["name"] = json!({
            "surname": words[0],
            "second_name": words[1..words.len() - 1].join(" "),
            "given_name": words[words.len() - 1],
        });
        record["birth_date"] = facts.born.to_string().into();
        record["parent1_identifier"]["identifier_value"] = facts.mother.as_str().into();
        record["address"][0]["sub_region_code"] = facts.home.commune.into();
        record["address"][0]["region_code"] = facts.home.province.into();
        record["viet_nam"]["registration_place"] = facts.home.commune.into();
        Self::Registry(event)
    }

    /// The registry's record of the death of whom it has told before.
    pub(super) fn end(house: &House, facts: &Facts, pin: &str) -> Self {
        let Self::Registry(birth) = Self::record(house, facts, pin) else {
            unreachable!("a record is a registry's")
        };
        let mut event = death_event(house.now(), &birth, facts.number);
        let died = facts.born.saturating_add(jiff::ToSpan::days(2));
        event["data"]["reg_records"][0]["death_date"] = died.to_string().into();
        Self::Registry(event)
    }

    /// The case under which a registry's birth of this child stands here.
    pub(super) fn case_of(facts: &Facts) -> String {
        format!("dci-B{}/{}", facts.number, 2026)
    }
}

/// The numbers that the hospital was told, by child.
pub(super) type Numbers = Arc<Mutex<HashMap<usize, String>>>;

/// One sender's connections, lost now and then.
pub(super) struct Sender {
    house: Arc<House>,
    /// Who brings the messages of the civil registry's software.
    office: &'static str,
    random: Random,
    lines: HashMap<&'static str, ClientStream<TcpStream>>,
    numbers: Numbers,
}

impl Sender {
    pub(super) fn new(
        house: &Arc<House>,
        office: &'static str,
        random: Random,
        numbers: &Numbers,
    ) -> Self {
        Self {
            house: Arc::clone(house),
            office,
            random,
            lines: HashMap::new(),
            numbers: Arc::clone(numbers),
        }
    }

    /// Tells it until it is answered, signed now.
    pub(super) async fn tell(&mut self, child: usize, told: &Told) {
        let now = self.house.now();
        match told {
            Told::Office(message) => {
                let key = self.house.key("dvclt");
                let message = message.clone().with("iat", now.as_second()).sign(&key);
                self.send(self.office, &message).await;
            }
            Told::Registry(event) => {
                let notify = Notify::new(now, std::slice::from_ref(event));
                let message = notify.sign(&self.house.key(CRVS), now);
                let said = self.send(CRVS, &message).await.json();
                assert_eq!(said["message"]["ack_status"], "ACK", "{said}");
            }
            Told::Hospital(notice) => {
                let message = notice.sign(&self.house.key(HOSPITAL));
                let said = self.send(HOSPITAL, &message).await.json();
                let number = said["dsTheTam"][0]["maSoBHXH"].as_str();
                let number = number.unwrap_or_else(|| panic!("{said}")).to_owned();
                self.numbers.lock().unwrap().insert(child, number);
            }
        }
    }

    /// Sends until it is answered: some answers are lost, some messages are sent twice.
    async fn send(&mut self, peer: &'static str, message: &Message) -> Reply {
        let repeats = if self.random.percent(5) { 2 } else { 1 };
        let mut last = None;
        for _ in 0..repeats {
            let give_up = Instant::now() + Duration::from_secs(60);
            last = loop {
                match self.try_send(peer, message).await {
                    Some(reply) => break Some(reply),
                    None => assert!(Instant::now() < give_up, "never answered"),
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            };
        }
        last.unwrap()
    }

    async fn try_send(&mut self, peer: &'static str, message: &Message) -> Option<Reply> {
        let mut line = match self.lines.remove(peer) {
            Some(line) => line,
            None => self.house.wire(peer).open().await.unwrap().0,
        };
        let head = format!(
            "Host: localhost\r\nContent-Length: {}\r\n",
            message.body.len()
        );
        if line.write_all(&message.exact(&head)).await.is_err() || self.random.percent(3) {
            return None; // the answer is lost with the connection
        }
        let reply = read_reply(&mut line).await?;
        self.lines.insert(peer, line);
        assert!(matches!(reply.status, 200 | 409 | 503), "{}", reply.text());
        (reply.status == 200).then_some(reply)
    }
}
