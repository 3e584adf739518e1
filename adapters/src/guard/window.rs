use tokio::time::Instant;

/// How long a call is counted, in seconds.
pub(super) const SECONDS: u32 = 10;

/// Counts over the last [`SECONDS`], to the second: of all calls, and of the marked ones among them.
#[derive(Debug)]
pub(super) struct Window {
    began: Instant,
    seconds: [Second; SECONDS as usize],
}

#[derive(Debug, Clone, Copy, Default)]
struct Second {
    number: u64,
    counted: Counted,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) all: u32,
    pub(super) marked: u32,
}

impl Window {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), seconds: [Second::default(); SECONDS as usize] }
    }

    /// One more call.
    pub(super) fn count(&mut self) {
        let all = &mut self.current().all;
        *all = all.saturating_add(1);
    }

    /// One of the counted calls is marked.
    pub(super) fn mark(&mut self) {
        let marked = &mut self.current().marked;
        *marked = marked.saturating_add(1);
    }

    /// The last seconds together.
    pub(super) fn sum(&self) -> Counted {
        let now = self.number();
        let recent = self.seconds.iter().filter(|second| second.number + u64::from(SECONDS) > now);
        recent.fold(Counted::default(), |sum, second| Counted {
            all: sum.all.saturating_add(second.counted.all),
            marked: sum.marked.saturating_add(second.counted.marked),
        })
    }

    fn current(&mut self) -> &mut Counted {
        let number = self.number();
        let place = usize::try_from(number % u64::from(SECONDS)).expect("it is less than ten");
        let second = &mut self.seconds[place];
        if second.number != number {
            *second = Second { number, counted: Counted::default() };
        }
        &mut second.counted
    }

    fn number(&self) -> u64 {
        self.began.elapsed().as_secs()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_older_is_not_counted() {
        let mut window = Window::new();
        for _ in 0..3 {
            window.count();
        }
        window.mark();
        tokio::time::advance(Duration::from_secs(9)).await;
        window.count();
        assert_eq!(window.sum(), Counted { all: 4, marked: 1 });
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(window.sum(), Counted { all: 1, marked: 0 });
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(window.sum(), Counted::default());
    }
}
