//! A task can be awaited on any thread, whatever its result is: before that, no result exists.

use std::marker::PhantomData;
use std::rc::Rc;

type NotSend = PhantomData<Rc<()>>;

fn not_send(_: ()) -> NotSend {
    PhantomData
}

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[procpool::main]
async fn main() {
    let task: procpool::Task<NotSend> = assert_send(procpool::run_in_process(not_send, ()));
    assert_eq!(task.await.unwrap(), PhantomData);
}
