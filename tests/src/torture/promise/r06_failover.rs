//! R6: the primary of the database is killed and its synchronous standby promoted. Not there yet.

use super::Plan;
use crate::torture::report::Line;

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let why = "the gateway's store on PostgreSQL is not driven by this bench yet";
    vec![Line::not_run("R6", "database fail-over", why, plan.seed)]
}
