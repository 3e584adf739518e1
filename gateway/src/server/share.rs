//! How much of something one may have at once: a caller its calls and connections, an address its handshakes.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

/// The shares of everyone. Clones count together; whoever has nothing taken is not remembered.
#[derive(Debug)]
pub(super) struct Shares<K: Eq + Hash> {
    max: usize,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self { max: self.max, taken: self.taken.clone() }
    }
}

impl<K: Eq + Hash + Clone> Shares<K> {
    /// Shares of at most `max` each.
    pub(super) fn of(max: usize) -> Self {
        Self { max, taken: Arc::default() }
    }

    /// One more for `whose`, until what is returned is dropped; `None` when they have all that one may have.
    pub(super) fn take(&self, whose: &K) -> Option<Share<K>> {
        let mut taken = locked(&self.taken);
        match taken.get_mut(whose) {
            Some(count) if *count >= self.max => return None,
            Some(count) => *count += 1,
            None if self.max == 0 => return None,
            None => drop(taken.insert(whose.clone(), 1)),
        }
        Some(Share { whose: whose.clone(), taken: self.taken.clone() })
    }
}

/// One that is taken; given back when dropped.
#[derive(Debug)]
pub(super) struct Share<K: Eq + Hash> {
    whose: K,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut taken = locked(&self.taken);
        match taken.get_mut(&self.whose) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.whose)),
        }
    }
}

/// The address for which handshakes are counted: a site of IPv6 has 2^64 addresses in its one network (RFC 4291, 2.5.4).
pub(super) fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().expect("nothing panics while it holds this lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_share_of_its_own_and_gives_it_back() {
        let shares = Shares::of(2);
        let held = [shares.take(&"a").unwrap(), shares.clone().take(&"a").unwrap()];
        assert!(shares.take(&"a").is_none(), "clones count together");
        let other = shares.take(&"b").unwrap();
        drop(held);
        assert!(shares.take(&"a").is_some());
        drop(other);
        assert!(locked(&shares.taken).is_empty(), "whoever has nothing is not remembered");
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let of = |text: &str| site(text.parse().unwrap());
        assert_eq!(of("2001:db8:0:1::5"), of("2001:db8:0:1:ffff::6"));
        assert_ne!(of("2001:db8:0:1::5"), of("2001:db8:0:2::5"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
