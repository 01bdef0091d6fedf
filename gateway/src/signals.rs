//! When to stop: Ctrl-C or SIGTERM.

/// Resolves at the first Ctrl-C or SIGTERM.
pub async fn stop() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    else {
        // without a SIGTERM handler Ctrl-C still works
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
}
