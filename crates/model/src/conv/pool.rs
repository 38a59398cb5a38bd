//! Buffers that are used again: fresh pages cost as much as a third of a convolution.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use burn_flex::FlexTensor;

/// A stack of layers frees two buffers per layer in its backward pass; more than this are given back to the system.
const MAX_BUFFERS: usize = 64;

/// Memory that may lie unused in the pool, in values (512 MiB).
const MAX_VALUES: usize = 1 << 27;

/// A buffer that so many requests passed over is of a size that is not used any more.
const MAX_AGE: u64 = 512;

static POOL: Mutex<Pool> = Mutex::new(Pool {
    free: VecDeque::new(),
    values: 0,
    requests: 0,
    leases: 0,
});

struct Pool {
    /// Free buffers and the number of the request before which they were freed, the most recent last.
    free: VecDeque<(u64, Vec<f32>)>,
    /// Values of all free buffers.
    values: usize,
    requests: u64,
    leases: usize,
}

impl Pool {
    fn take(&mut self, len: usize) -> Option<Vec<f32>> {
        self.requests += 1;
        let found = self.free.iter().rposition(|(_, buffer)| buffer.len() == len);
        let taken = found
            .and_then(|index| self.free.remove(index))
            .map(|(_, buffer)| buffer);
        self.values -= taken.as_ref().map_or(0, Vec::len);
        taken
    }

    fn give(&mut self, buffer: Vec<f32>) {
        self.values += buffer.len();
        self.free.push_back((self.requests, buffer));
        let old = |freed: u64| self.requests - freed > MAX_AGE;
        while self.free.len() > MAX_BUFFERS
            || self.values > MAX_VALUES
            || self.free.front().is_some_and(|(freed, _)| old(*freed))
        {
            self.values -= self.free.pop_front().map_or(0, |(_, buffer)| buffer.len());
        }
    }
}

/// Keeps the pool for as long as it lives: with the last lease, all free buffers go back to the system. What denoises or
/// trains for a while holds one.
#[derive(Debug)]
pub struct Lease(());

impl Lease {
    /// One more.
    pub fn new() -> Self {
        lock().leases += 1;
        Self(())
    }
}

impl Clone for Lease {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut pool = lock();
        pool.leases -= 1;
        if pool.leases == 0 {
            (pool.free, pool.values) = (VecDeque::new(), 0);
        }
    }
}

fn lock() -> std::sync::MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A buffer of `len` values, with whatever was in it before.
pub fn take(len: usize) -> Vec<f32> {
    let free = lock().take(len);
    free.unwrap_or_else(|| vec![0.0; len])
}

/// Keeps the buffer of a tensor that nobody else holds.
pub fn recycle(tensor: FlexTensor) {
    if tensor.is_unique()
        && tensor.is_contiguous()
        && let Ok(buffer) = tensor.into_data().try_into_vec::<f32>()
    {
        lock().give(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool {
        Pool {
            free: VecDeque::new(),
            values: 0,
            requests: 0,
            leases: 0,
        }
    }

    #[test]
    fn buffers_come_back_until_their_size_is_out_of_use() {
        let mut pool = pool();
        pool.give(vec![1.0; 7]);
        pool.give(vec![2.0; 5]);
        assert_eq!(pool.take(7), Some(vec![1.0; 7]));
        assert_eq!((pool.take(7), pool.values), (None, 5));
        pool.give(vec![0.0; 3]);
        for _ in 0..=MAX_AGE {
            let buffer = pool.take(3).expect("in use");
            pool.give(buffer);
        }
        assert!(pool.take(5).is_none());
        assert_eq!(
            pool.values,
            pool.free.iter().map(|(_, buffer)| buffer.len()).sum::<usize>()
        );
    }

    #[test]
    fn the_pool_is_bounded() {
        let mut pool = pool();
        for _ in 0..2 * MAX_BUFFERS {
            pool.give(vec![0.0; 4]);
        }
        assert_eq!((pool.free.len(), pool.values), (MAX_BUFFERS, 4 * MAX_BUFFERS));
    }
}
