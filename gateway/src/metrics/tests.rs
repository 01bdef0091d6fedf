use gateway_core::ports::{Census, Delivery, LaneCensus};
use schemas::id::PartnerId;

use super::*;

fn metrics() -> Metrics {
    Metrics::started_at(Timestamp::from_second(1_790_000_000).unwrap())
}

#[test]
fn every_metric_has_its_name_type_and_help() {
    let metrics = metrics();
    metrics.room(
        "verify",
        "/tax/v1/messages",
        "ok",
        Duration::from_micros(70),
    );
    metrics.refused("verify", "tax", "BAD-SIGNATURE");
    metrics.answered("tax", "tax.ping", "done");
    metrics.refused_connection("no-certificate");
    metrics.connection_opened();
    let receipt = Delivery::Delivered {
        receipt: gateway_core::ports::Receipt::plain(bytes::Bytes::new(), None),
    };
    metrics.delivered(&PartnerId::parse("portal").unwrap(), &receipt);
    let ends = Timestamp::from_second(1_800_000_000).unwrap();
    metrics.certificates_end([("tls.cert".to_owned(), ends)].into());
    let text = metrics.text();
    for line in [
        "# TYPE lienthong_room_duration_seconds histogram",
        "# UNIT lienthong_room_duration_seconds seconds",
        "lienthong_room_duration_seconds_count{room=\"verify\",route=\"/tax/v1/messages\",outcome=\"ok\"} 1",
        "lienthong_refusals_total{room=\"verify\",partner=\"tax\",code=\"BAD-SIGNATURE\"} 1",
        "lienthong_answers_total{partner=\"tax\",operation=\"tax.ping\",outcome=\"done\"} 1",
        "lienthong_connections_refused_total{reason=\"no-certificate\"} 1",
        "lienthong_connections 1",
        "lienthong_deliveries_total{partner=\"portal\",outcome=\"delivered\"} 1",
        "lienthong_certificate_not_after_seconds{file=\"tls.cert\"} 1800000000",
        "lienthong_process_start_time_seconds 1790000000",
        "lienthong_messages_inside 0",
        "lienthong_body_bytes_inside 0",
        "lienthong_ready 0",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn strangers_names_cannot_fill_the_memory() {
    let metrics = metrics();
    for number in 0..LABEL_SETS_MAX * 2 {
        metrics.refused("verify", &format!("stranger-{number}"), "UNAUTHENTICATED");
    }
    let text = metrics.text();
    let sets = text
        .lines()
        .filter(|line| line.starts_with("lienthong_refusals_total{"))
        .count();
    assert_eq!(sets, LABEL_SETS_MAX + 1);
    assert!(text.contains("partner=\"other\",code=\"UNAUTHENTICATED\"} 1024"));
}

#[test]
fn the_census_becomes_gauges() {
    let metrics = metrics();
    let now = Timestamp::from_second(1_790_000_060).unwrap();
    let lane = LaneCensus {
        partner: PartnerId::parse("portal").unwrap(),
        waiting: 3,
        dead: 1,
        poison: 0,
        oldest: Some(Timestamp::from_second(1_790_000_000).unwrap()),
    };
    let census = Census {
        journal_records: 7,
        in_progress: 2,
        quarantined: 0,
        refusals: 0,
        lanes: vec![lane],
        halted: None,
    };
    metrics.census(&census, now);
    let text = metrics.text();
    for line in [
        "lienthong_journal_records 7",
        "lienthong_inbox_in_progress 2",
        "lienthong_outbox_parcels{partner=\"portal\",state=\"waiting\"} 3",
        "lienthong_outbox_parcels{partner=\"portal\",state=\"dead\"} 1",
        "lienthong_outbox_oldest_seconds{partner=\"portal\"} 60",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_partners_counts_are_kept_for_the_status_page() {
    let metrics = metrics();
    metrics.answered("tax", "tax.ping", "done");
    metrics.answered("tax", "tax.verify-employer", "done");
    metrics.refused("permit", "tax", "FORBIDDEN");
    assert_eq!(metrics.of_partner("tax"), (2, 1));
    assert_eq!(metrics.of_partner("portal"), (0, 0));
}
