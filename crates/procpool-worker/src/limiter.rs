//! The limits of memory and CPU time that the worker sets for itself and for each task.

use std::io;
use std::process;
use std::time::Instant;

use procpool_os::limits::{CpuAlarm, MemoryLimit, resident_memory};
use procpool_wire::{Limits, Setup};

use crate::tuning::MEMORY_CHECK_INTERVAL;

/// Sets the limits of each task, and removes them after it.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory: MemoryLimit,
    /// The worker's own limit, for all tasks.
    worker_memory: Option<u64>,
    /// Created with the first task that has a limit.
    cpu: Option<CpuAlarm>,
    growth: Option<Growth>,
}

/// The growth of the worker's memory since it started.
#[derive(Debug)]
struct Growth {
    most: u64,
    looked: Instant,
    is_over: bool,
}

impl Limiter {
    /// Sets the worker's own limit.
    pub(crate) fn set_up(setup: &Setup) -> io::Result<Self> {
        let memory = MemoryLimit::current();
        memory.set(setup.memory_limit)?;
        let growth = match setup.max_growth {
            Some(most) => Some(Growth {
                most: most.saturating_add(resident_memory(process::id())?),
                looked: Instant::now(),
                is_over: false,
            }),
            None => None,
        };
        Ok(Limiter {
            memory,
            worker_memory: setup.memory_limit,
            cpu: None,
            growth,
        })
    }

    /// Sets the limits of a task that starts now.
    pub(crate) fn begin(&mut self, limits: Limits) -> io::Result<()> {
        if let Some(bytes) = limits.memory {
            let least = self.worker_memory.map_or(bytes, |most| most.min(bytes));
            self.memory.set(Some(least))?;
        }
        if limits.cpu_time.is_some() {
            let alarm = match &mut self.cpu {
                Some(alarm) => alarm,
                none => none.insert(CpuAlarm::new()?),
            };
            alarm.set(limits.cpu_time)?;
        }
        Ok(())
    }

    /// Removes the limits of the task that has ended.
    pub(crate) fn end(&mut self, limits: Limits) -> io::Result<()> {
        if let Some(alarm) = self.cpu.as_ref().filter(|_| limits.cpu_time.is_some()) {
            alarm.set(None)?;
        }
        if limits.memory.is_some() {
            self.memory.set(self.worker_memory)?;
        }
        Ok(())
    }

    /// Whether the worker has grown past its limit, so that the parent should replace it.
    pub(crate) fn needs_recycle(&mut self) -> bool {
        let Some(growth) = &mut self.growth else {
            return false;
        };
        if !growth.is_over && growth.looked.elapsed() >= MEMORY_CHECK_INTERVAL {
            growth.looked = Instant::now();
            let resident = resident_memory(process::id()).unwrap_or(0);
            growth.is_over = resident > growth.most;
        }
        growth.is_over
    }
}
