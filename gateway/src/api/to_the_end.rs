//! Work that is done to its end, whoever waits for it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tracing::Instrument as _;

/// A future that goes on in a task of its own when it is dropped before its end. Until then it is part of the task that waits for
/// it, which costs less than a task for each.
pub(super) struct ToTheEnd<F: Future<Output: Send> + Send + 'static>(Option<Pin<Box<F>>>);

impl<F: Future<Output: Send> + Send + 'static> ToTheEnd<F> {
    pub(super) fn new(work: F) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for ToTheEnd<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let work = self.0.as_mut().expect("a future is not polled after its end");
        let output = ready!(work.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for ToTheEnd<F> {
    fn drop(&mut self) {
        // Without a runtime the process ends, and so does its work.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work.in_current_span());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_is_dropped_goes_on_and_what_has_ended_does_not() {
        assert_eq!(ToTheEnd::new(async { 7 }).await, 7);
        let ((begin, begun), (end, ended)) = (oneshot::channel::<()>(), oneshot::channel());
        let work = ToTheEnd::new(async move {
            begun.await.unwrap();
            end.send(()).unwrap();
        });
        tokio::time::timeout(Duration::from_millis(1), work).await.unwrap_err();
        begin.send(()).unwrap();
        ended.await.unwrap();
    }
}
