//! Employers.RecordNotice and ListNotices.

use schemas::fault::FaultCode;
use schemas::proto::insurance::{
    ListNoticesRequest, Notice, NoticeKind, RecordNoticeRequest, RecordNoticeResponse,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_notice_is_kept_once_under_its_key
    notices_are_listed_newest_first
    malformed_notices_are_refused_and_keep_nothing
}

fn notice(scene: &Scene) -> Notice {
    Notice {
        tax_code: scene.marks.employer.mst.clone(),
        kind: NoticeKind::Suspended.into(),
        effective_on: "2026-11-01".into(),
        status: "05".into(),
        status_reason: "1".into(),
        ..Notice::default()
    }
}

fn record(notice: Notice, key: &str) -> RecordNoticeRequest {
    RecordNoticeRequest {
        context: Some(context("tax", key)),
        notice: Some(notice),
    }
}

async fn keep(scene: &Scene, notice: Notice, key: &str) -> RecordNoticeResponse {
    let request = record(notice, key);
    scene
        .insurance
        .record_notice(soon(), request)
        .await
        .unwrap()
}

async fn list(scene: &Scene, tax_code: &str) -> Vec<Notice> {
    let request = ListNoticesRequest {
        context: Some(context("tax", "list")),
        tax_code: tax_code.into(),
    };
    scene
        .insurance
        .notices(soon(), request)
        .await
        .unwrap()
        .notices
}

async fn a_notice_is_kept_once_under_its_key(scene: Scene) {
    let notice = notice(&scene);
    let first = keep(&scene, notice.clone(), "one").await;
    let again = keep(&scene, notice.clone(), "one").await;
    assert_eq!(first, again);
    assert!(first.received_at.ends_with('Z'));
    assert_eq!(list(&scene, &notice.tax_code).await, [notice]);
}

async fn notices_are_listed_newest_first(scene: Scene) {
    let paused = notice(&scene);
    let back = Notice {
        kind: NoticeKind::Resumed.into(),
        status: "00".into(),
        ..paused.clone()
    };
    // nobody here has this code: that is no reason to lose the notice
    let stranger = Notice {
        tax_code: scene.marks.unregistered_mst.clone(),
        kind: NoticeKind::Registered.into(),
        name: "Công ty Mới".into(),
        ..paused.clone()
    };
    for (notice, key) in [(&paused, "1"), (&back, "2"), (&stranger, "3")] {
        keep(&scene, notice.clone(), key).await;
    }
    assert_eq!(list(&scene, &paused.tax_code).await, [back, paused]);
    assert_eq!(list(&scene, &stranger.tax_code).await, [stranger]);
}

async fn malformed_notices_are_refused_and_keep_nothing(scene: Scene) {
    let good = notice(&scene);
    let cases = [
        (
            Notice {
                tax_code: "1".into(),
                ..good.clone()
            },
            "malformed-tax-code",
            "tax_code",
        ),
        (
            Notice {
                kind: 0,
                ..good.clone()
            },
            "unknown-code",
            "kind",
        ),
        (
            Notice {
                effective_on: "1/11/2026".into(),
                ..good.clone()
            },
            "malformed-date",
            "effective_on",
        ),
        // the list of the day: 04 is no longer used since 2026-07-01
        (
            Notice {
                status: "04".into(),
                ..good.clone()
            },
            "unknown-code",
            "status",
        ),
        (
            Notice {
                kind: NoticeKind::Merged.into(),
                merged_into: "x".into(),
                ..good.clone()
            },
            "malformed-tax-code",
            "merged_into",
        ),
    ];
    for (notice, reason, field) in cases {
        let call = scene.insurance.record_notice(soon(), record(notice, "bad"));
        scene.refuses(call, FaultCode::Invalid, reason, field).await;
    }
    let missing = RecordNoticeRequest {
        context: Some(context("tax", "bad")),
        notice: None,
    };
    let call = scene.insurance.record_notice(soon(), missing);
    scene
        .refuses(call, FaultCode::Invalid, "missing", "notice")
        .await;
    assert!(list(&scene, &good.tax_code).await.is_empty());
}
