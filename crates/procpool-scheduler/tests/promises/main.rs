//! One test for each rule, named after what it promises.

mod affinities;
mod bench;
mod broadcasts;
mod capacity;
mod deaths;
mod dispatch;
mod ends;
mod held_back;
mod items;
mod levels;
mod limits;
mod reservations;
mod shares;
mod sizes;
mod starts;
