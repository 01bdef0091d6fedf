//! Both kinds in both forms: what is sent twice, lost on the way or met by a death is found once, and all of it.

use super::*;

/// Sends a chunk whose reply nobody hears, then twice more: the same receipt both times.
async fn lost_and_again(house: &House, sending: &Sending, number: usize) {
    let (wire, path, bytes) = (
        house.wire("tax"),
        path(sending, number),
        chunk(sending, number),
    );
    let lost = tokio::spawn({
        let (wire, path, bytes) = (wire.clone(), path.clone(), bytes.clone());
        async move { wire.put(&path, bytes, &[]).await }
    });
    tokio::time::sleep(Duration::from_millis(3 * number as u64)).await;
    lost.abort();
    let mut first = wire.put(&path, bytes.clone(), &[]).await;
    for _ in 0..60 {
        // the one that was let go is still being taken
        if first.header("lienthong-fault") != "IN-PROGRESS" {
            break;
        }
        tokio::time::sleep(SECOND / 4).await;
        first = wire.put(&path, bytes.clone(), &[]).await;
    }
    let again = wire.put(&path, bytes, &[]).await;
    assert_eq!(again.assert_ok().body, first.assert_ok().body);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missing_and_nothing_extra_of_both_kinds_in_both_forms_after_losses_and_deaths()
{
    let mut house = House::start().await;
    let key = house.key("tax");
    for (kind, form, packing, records, id) in [
        (
            Kind::Employer,
            Form::Ndjson,
            Packing::Zstd,
            5,
            "forms-employers-ndjson",
        ),
        (
            Kind::Person,
            Form::Xml,
            Packing::Gzip,
            60,
            "forms-persons-xml",
        ),
        (
            Kind::Person,
            Form::Ndjson,
            Packing::Plain,
            45,
            "forms-persons-ndjson",
        ),
        (
            Kind::Employer,
            Form::Xml,
            Packing::Plain,
            3,
            "forms-employers-xml",
        ),
    ] {
        let department = Department::of(&house, kind).await;
        let sending = department.cut(id, form, packing, records);
        let announced = manifest(&house, &department, &sending).sign(&key);
        let reply = house.wire("tax").send(&announced).await;
        let again = house.wire("tax").send(&announced).await;
        assert_eq!(again.body, reply.assert_ok().body, "the stored answer");
        let chunks = sending.chunks.len();
        assert!(chunks >= 2, "{id}");
        for number in 1..=chunks {
            lost_and_again(&house, &sending, number).await;
            if number == chunks / 2 || number == chunks {
                house.kill().await;
                house.open().await;
            }
        }
        let (found, pages) = told(&house, &sending).await;
        assert_eq!(found, department.seeds, "{id}");
        house.kill().await;
        house.open().await;
        let (again, _) = told(&house, &sending).await;
        assert_eq!(again, found, "{id}: told again after a death");
        assert!(!pages.is_empty());
    }
}
