//! One test for each rule, named after what it promises.

mod bench;
mod broadcasts;
mod capacity;
mod deaths;
mod dispatch;
mod ends;
mod held_back;
mod limits;
mod reservations;
mod sizes;
mod starts;
