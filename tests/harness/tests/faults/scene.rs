//! How a scene goes: everybody buys, something breaks, everybody buys on, and the books are audited.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use uraiden_harness::audit::{Interruptions, Report, collect};
use uraiden_harness::{EnvoyConfig, Options, Stack};

use crate::chance::Chance;
use crate::crowd::{Crowd, Habits, IN_FLIGHT};

/// What a request costs.
pub(crate) const PRICE: u64 = 1000;

/// So many requests are served before, between and after the faults.
pub(crate) const SOME: usize = 60;

/// The stack's options in these scenes: a service that hangs is given up after a second, and so is a held stream after
/// three.
pub(crate) fn options() -> Options {
    let change = |config: &mut EnvoyConfig| {
        (crate::parts().change)(config);
        for route in config.routes() {
            route["route"]["timeout"] = json!("1s");
            route["route"]["idle_timeout"] = json!("3s");
        }
    };
    Options { change, ..crate::parts() }
}

/// Runs a scene to its end. `fault` breaks something, lets it heal, and says what that may cost; between its steps
/// it can wait for customers by [`Scene::some`].
pub(crate) async fn play(
    name: &str,
    options: Options,
    habits: Habits,
    fault: impl AsyncFnOnce(&mut Scene) -> Result<Interruptions>,
) -> Result<Report> {
    let mut chance = Chance::of(name);
    let stack = Stack::start(options).await?;
    let crowd = Crowd::open(&stack).await?;
    let doors = stack.doors();
    let shopping = crowd.shop(&doors, habits, &mut chance);
    let mut scene = Scene { stack, chance, shopping };
    scene.some().await?;
    let interruptions = match fault(&mut scene).await {
        Ok(interruptions) => interruptions,
        Err(error) => return Err(error.context(scene.stack.log_tails())),
    };
    let interruptions = Interruptions { in_flight: IN_FLIGHT, ..interruptions };
    scene.some().await?;
    let Scene { mut stack, shopping, .. } = scene;
    shopping.end(&doors).await?;
    stack.check()?;
    audit(name, &stack, &crowd, interruptions).await
}

/// Compares the books, prints the table, and fails unless everything agrees.
pub(crate) async fn audit(
    name: &str,
    stack: &Stack,
    crowd: &Crowd,
    interruptions: Interruptions,
) -> Result<Report> {
    let report = collect(stack, crowd.books(), interruptions).await?.audit();
    println!("{name}: {report}");
    assert!(report.passes(), "{name}: {report}");
    Ok(report)
}

/// A scene that is under way.
pub(crate) struct Scene {
    pub(crate) stack: Stack,
    pub(crate) chance: Chance,
    shopping: crate::crowd::Shopping,
}

impl Scene {
    /// Waits until some more requests were served, and a random moment longer.
    pub(crate) async fn some(&mut self) -> Result<()> {
        self.shopping.served(SOME).await?;
        self.chance.wait(Duration::from_millis(300)).await;
        Ok(())
    }
}
