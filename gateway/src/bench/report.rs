//! The figures on one page, and on one line for machines.

use std::{fmt::Write as _, time::Duration};

use super::{clients::Load, primitives::Primitives, server::Spent};

/// Everything that one run found.
pub(super) struct Report {
    pub(super) load: Load,
    /// `tax.ping` in the same run: what the rooms cost without the registry.
    pub(super) pings: Load,
    pub(super) spent: Spent,
    pub(super) idle_rss_kb: u64,
    pub(super) peak_rss_kb: u64,
    pub(super) ready: Duration,
    pub(super) primitives: Primitives,
    pub(super) message_bytes: usize,
}

impl Report {
    /// CPU microseconds of the gateway's process per message.
    fn server_cpu_us(&self) -> f64 {
        self.spent.cpu.as_secs_f64() * 1e6 / self.load.messages().max(1) as f64
    }

    pub(super) fn page(&self) -> String {
        let load = &self.load;
        let primitives = &self.primitives;
        let mut page = String::new();
        let mut line = |name: &str, value: String| {
            // writing to a String cannot fail
            let _ = writeln!(page, "{name:<34}{value}");
        };
        line("message, bytes", self.message_bytes.to_string());
        line("messages", load.messages().to_string());
        line("messages/s", format!("{:.0}", load.per_second()));
        for (name, part) in [("p50, ms", 0.5), ("p99, ms", 0.99), ("p99.9, ms", 0.999)] {
            line(name, format!("{:.2}", load.quantile_ms(part)));
        }
        line(
            "tax.ping, messages/s",
            format!("{:.0}", self.pings.per_second()),
        );
        let ratio = load.per_second() / self.pings.per_second();
        line("verify-employer / tax.ping", format!("{ratio:.2}"));
        line(
            "server CPU, us/message",
            format!("{:.0}", self.server_cpu_us()),
        );
        line(
            "primitives CPU, us/message",
            format!("{:.0}", primitives.sum_us()),
        );
        line("  TLS record", format!("{:.1}", primitives.tls_us));
        line("  verify", format!("{:.1}", primitives.verify_us));
        line("  sign", format!("{:.1}", primitives.sign_us));
        line("  commit", format!("{:.1}", primitives.commit_us));
        line(
            "idle memory, MB",
            format!("{:.1}", megabytes(self.idle_rss_kb)),
        );
        line(
            "peak memory, MB",
            format!("{:.1}", megabytes(self.peak_rss_kb)),
        );
        line("start to ready, ms", self.ready.as_millis().to_string());
        for (room, (seconds, passages)) in &self.spent.rooms {
            let mean = if *passages > 0.0 {
                seconds * 1e6 / passages
            } else {
                0.0
            };
            line(
                &format!("room {room}, us inside (wall)"),
                format!("{mean:.0}"),
            );
        }
        page
    }

    pub(super) fn json(&self) -> String {
        let rounded = |value: f64| (value * 100.0).round() / 100.0;
        format!(
            "{{\"messages_per_s\":{},\"p50_ms\":{},\"p99_ms\":{},\"server_cpu_us\":{},\"primitives_cpu_us\":{},\"peak_rss_mb\":{},\"idle_rss_mb\":{},\"ready_ms\":{}}}",
            rounded(self.load.per_second()),
            rounded(self.load.quantile_ms(0.5)),
            rounded(self.load.quantile_ms(0.99)),
            rounded(self.server_cpu_us()),
            rounded(self.primitives.sum_us()),
            rounded(megabytes(self.peak_rss_kb)),
            rounded(megabytes(self.idle_rss_kb)),
            self.ready.as_millis()
        )
    }
}

fn megabytes(kb: u64) -> f64 {
    kb as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_json_with_exactly_the_agreed_members() {
        let report = Report {
            load: Load {
                wall: Duration::from_secs(1),
                latencies_us: vec![1_000, 2_000],
            },
            pings: Load {
                wall: Duration::from_secs(1),
                latencies_us: vec![1_000; 4],
            },
            spent: Spent {
                cpu: Duration::from_millis(1),
                rooms: [("verify".to_owned(), (0.5, 4.0))].into(),
            },
            idle_rss_kb: 20_480,
            peak_rss_kb: 40_960,
            ready: Duration::from_millis(321),
            primitives: Primitives {
                tls_us: 1.0,
                verify_us: 2.0,
                sign_us: 3.0,
                commit_us: 4.0,
            },
            message_bytes: 2_000,
        };
        let line: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        let expected = serde_json::json!({
            "messages_per_s": 2.0, "p50_ms": 2.0, "p99_ms": 2.0, "server_cpu_us": 500.0,
            "primitives_cpu_us": 10.0, "peak_rss_mb": 40.0, "idle_rss_mb": 20.0, "ready_ms": 321,
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(line[name].as_f64(), value.as_f64(), "{name}");
        }
        assert_eq!(line.as_object().unwrap().len(), 8);
        let page = report.page();
        assert!(
            page.contains("verify-employer / tax.ping        0.50"),
            "{page}"
        );
        assert!(
            report
                .page()
                .contains("room verify, us inside (wall)     125000")
        );
    }
}
