"""The benchmarks' workloads on Python's process pools.

    python3 peers.py CLASS WORKERS

CLASS is `asyncio` (ProcessPoolExecutor, awaited by asyncio), `executor` (ProcessPoolExecutor alone) or
`pool` (multiprocessing.Pool). Each line of standard input is a workload and its numbers; for each, a
line of figures comes back, in microseconds, or one that begins with `error`. The program that asks is
benches/src/python.rs.
"""

import asyncio
import hashlib
import multiprocessing
import os
import signal
import statistics
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor


# ---- what the workers run --------------------------------------------------------------------

def increment(number):
    return number + 1


def same(data):
    return data


def burn(steps):
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", steps)


def process_id(_):
    return os.getpid()


def hang(_):
    time.sleep(3600)


def steps_per_micro():
    """How many steps of `burn` a microsecond has when nothing disturbs them."""
    steps = 2_000

    def once():
        began = time.perf_counter()
        burn(steps)
        return time.perf_counter() - began

    return steps / (min(once() for _ in range(50)) * 1e6)


# ---- the three ways to call them -------------------------------------------------------------

class Executor:
    """ProcessPoolExecutor, whose futures are waited for."""

    def __init__(self, workers):
        self.workers = workers
        self.pool = ProcessPoolExecutor(workers)

    def call(self, function, argument):
        return self.pool.submit(function, argument).result()

    def call_all(self, function, arguments):
        calls = [self.pool.submit(function, argument) for argument in arguments]
        return [call.result() for call in calls]

    def map(self, function, arguments, chunk):
        return list(self.pool.map(function, arguments, chunksize=chunk))

    def close(self):
        self.pool.shutdown()


class Asyncio(Executor):
    """ProcessPoolExecutor, awaited in an event loop."""

    def __init__(self, workers):
        super().__init__(workers)
        self.loop = asyncio.new_event_loop()

    def call(self, function, argument):
        async def one():
            return await self.loop.run_in_executor(self.pool, function, argument)

        return self.loop.run_until_complete(one())

    def call_in_turn(self, function, argument, times, take):
        async def all_of_them():
            value = argument
            for _ in range(times):
                began = time.perf_counter()
                value = await self.loop.run_in_executor(self.pool, function, value)
                take(time.perf_counter() - began)

        self.loop.run_until_complete(all_of_them())

    def call_all(self, function, arguments):
        async def all_of_them():
            calls = (self.loop.run_in_executor(self.pool, function, argument) for argument in arguments)
            return await asyncio.gather(*calls)

        return self.loop.run_until_complete(all_of_them())


class Pool:
    """multiprocessing.Pool."""

    def __init__(self, workers):
        self.workers = workers
        self.pool = multiprocessing.Pool(workers)

    def call(self, function, argument):
        return self.pool.apply(function, (argument,))

    def call_all(self, function, arguments):
        # One task a chunk, as the others have it; `map` has the chunks.
        return self.pool.map(function, arguments, chunksize=1)

    def map(self, function, arguments, chunk):
        return self.pool.map(function, arguments, chunksize=chunk)

    def close(self):
        self.pool.terminate()
        self.pool.join()


CLASSES = {"asyncio": Asyncio, "executor": Executor, "pool": Pool}


# ---- workloads -------------------------------------------------------------------------------

def micros(seconds):
    return seconds * 1e6


def timed(work):
    began = time.perf_counter()
    work()
    return micros(time.perf_counter() - began)


def in_turn(pool, function, argument, times):
    """The median of calls that are made one after the other."""
    samples = []
    if isinstance(pool, Asyncio):
        pool.call_in_turn(function, argument, times, samples.append)
    else:
        for _ in range(times):
            began = time.perf_counter()
            argument = pool.call(function, argument)
            samples.append(time.perf_counter() - began)
    return micros(statistics.median(samples))


def round_trip(pool, times):
    return [in_turn(pool, increment, 0, times)]


def echo(pool, size, times):
    return [in_turn(pool, same, bytes([0xA5]) * size, times)]


def fan_out(pool, tasks):
    return [timed(lambda: pool.call_all(increment, range(tasks))) / tasks]


def map_chunks(pool, items, *chunks):
    """The best of several chunk sizes, for each item."""
    return [min(timed(lambda: pool.map(increment, range(items), chunk)) for chunk in chunks) / items]


def burn_all(pool, *durations):
    """As many calls as there are durations, in microseconds."""
    steps = [max(1, round(duration * PER_MICRO)) for duration in durations]
    return [timed(lambda: pool.call_all(burn, steps))]


def start(pool, workers):
    """From a new pool to its first result."""
    def first_result():
        new = type(pool)(workers)
        new.call(increment, 0)
        fresh.append(new)

    fresh = []
    took = timed(first_result)
    fresh.pop().close()
    return [took]


def crash(pool):
    """From the kill of the only worker to the error of its call, and to the next queued result."""
    if isinstance(pool, Pool):
        raise RuntimeError("multiprocessing.Pool never answers a call whose worker was killed")
    new = Executor(1)
    worker = new.call(process_id, None)
    ended = threading.Event()
    running = new.pool.submit(hang, None)
    queued = new.pool.submit(increment, 0)
    running.add_done_callback(lambda _: ended.set())
    while not running.running():
        time.sleep(0.001)
    began = time.perf_counter()
    os.kill(worker, signal.SIGKILL)
    ended.wait()
    error = micros(time.perf_counter() - began)
    # The executor is broken, and has failed what was queued: it takes a new one.
    assert queued.exception() is not None
    again = Executor(1)
    again.call(increment, 0)
    done = micros(time.perf_counter() - began)
    again.close()
    return [error, done]


WORKLOADS = {
    "round_trip": round_trip,
    "echo": echo,
    "fan_out": fan_out,
    "map": map_chunks,
    "burn": burn_all,
    "start": start,
    "crash": crash,
}


def main():
    global PER_MICRO
    name, workers = sys.argv[1:]
    PER_MICRO = steps_per_micro()
    pool = CLASSES[name](int(workers))
    pool.call(increment, 0)
    for line in sys.stdin:
        workload, *numbers = line.split()
        try:
            figures = WORKLOADS[workload](pool, *map(int, numbers))
            print(*figures, flush=True)
        except Exception as error:
            print("error", repr(error), flush=True)
    pool.close()


if __name__ == "__main__":
    main()
