//! R14: backup and restore under load. Not there yet.

use super::Plan;
use crate::torture::report::Line;

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let why = "lienthong has no backup and restore yet";
    vec![Line::not_run("R14", "backup and restore", why, plan.seed)]
}
