"""Data-parallel training on several devices or machines with tf.distribute: each replica gets a part of every batch.

The result does not depend on the number of replicas. All of them get equally many images of the global batch, and the
loss of each is a mean over its images, so the mean over replicas is the loss on the global batch. The same holds for
gradients. Only the images with a mask may be distributed unevenly, see `rebalanced`.
"""

import contextlib
import json
import os
import signal
import socket
import time
import traceback
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from sdkd_tf.callbacks import heartbeat
from sdkd_tf.errors import UserError

_LOST = tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError, tf.errors.CancelledError


def make_strategy(distribute: str) -> tf.distribute.Strategy:
    """Makes the tf.distribute.Strategy in whose scope the networks are built and trained.

    Args:
      distribute: `none`; `mirrored`: all GPUs of this machine, or its logical CPUs if it has none; `multi_worker`: the
        processes listed in the environment variable TF_CONFIG. The call then waits until all of them have made it, and
        must precede any computation with TensorFlow.

    Raises:
      UserError: TF_CONFIG is missing or invalid, or the workers cannot connect.
    """
    if distribute == "none":
        return tf.distribute.get_strategy()
    tf.get_logger().setLevel("WARNING")  # otherwise it logs every reduction
    if distribute == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    addresses, own = _workers()
    _meet(addresses, own)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise UserError(f"worker {own}: cannot join the others ({error.message.splitlines()[0]})") from error
    # TensorFlow now treats SIGTERM as a preemption notice and continues; restore the handler that ends the process.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
    return strategy


def _workers() -> tuple[list[str], str]:
    """Reads TF_CONFIG: (`host:port` of all workers, that of this one). Raises UserError if it is missing or invalid."""
    given = os.environ.get("TF_CONFIG")
    try:
        config = json.loads(given or "{}")
        jobs, job, index = config["cluster"], config["task"]["type"], int(config["task"]["index"])
        addresses = [address for addresses in jobs.values() for address in addresses]
        ports = [int(address.rpartition(":")[2]) for address in addresses]
        if jobs.keys() <= {"chief", "worker"} and all(0 < port < 65536 for port in ports) and index >= 0:
            return addresses, jobs[job][index]
    except (ValueError, LookupError, TypeError, AttributeError):
        pass  # reported below
    raise UserError(
        f"the environment variable TF_CONFIG {f'is {given}' if given else 'is missing'}; expected something like "
        '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
    )


def _meet(addresses: list[str], own: str) -> None:
    """Waits until every worker is up. TensorFlow would wait as well, but silently and without reacting to signals."""

    def is_there(address: str) -> bool:
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError:
            return False
        return True

    try:
        listener = socket.create_server(("", int(own.rpartition(":")[2])))
    except OSError as error:
        raise UserError(f"TF_CONFIG: this worker cannot listen at {own} ({os.strerror(error.errno or 0)})") from error
    missing = [address for address in addresses if address != own]
    with listener, heartbeat(f"worker {own}: waiting for {', '.join(missing) or 'no other worker'}"):
        while missing := [address for address in missing if not is_there(address)]:
            time.sleep(0.2)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the files; with several workers, only the first one does."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec():
        return True
    return resolver.task_id == 0 and (resolver.task_type == "chief" or "chief" not in resolver.cluster_spec().jobs)


def wait_for_all(strategy: tf.distribute.Strategy, place: int = 0) -> None:
    """Waits until every worker has called this with the same number.

    Raises:
      UserError: the numbers differ.
    """
    if place != int(strategy.reduce("MEAN", tf.constant(place, tf.int64), axis=None)):
        raise UserError("the workers do not see the same run; expected the same flags and the same, shared run_dir")


@contextlib.contextmanager
def lost_worker_as_user_error() -> Iterator[None]:
    """Turns TensorFlow's error for a lost worker, which is raised within seconds, into a UserError."""
    try:
        yield
    except _LOST as error:
        # TensorFlow's frames hold a thread pool in a reference cycle with the error. Collected after its pipe, the pool
        # would print a stack trace below the one-line error.
        traceback.clear_frames(error.__traceback__)
        again = "run the same command on every worker to resume from the last finished epoch"
        raise UserError(f"another worker was lost; {again}") from error


def global_mean(values: Any) -> Any:
    """The mean of a structure of tensors over all replicas. To be called in replica context."""
    context = tf.distribute.get_replica_context()
    return values if context.num_replicas_in_sync == 1 else context.all_reduce("mean", values)


def rebalanced(mean: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Scales the weighted mean on a replica so that the mean over replicas is the weighted mean on the global batch.

    Args:
      mean: scalar, the weighted mean over the images of this replica; 0 if all weights are 0.
      weights: `[images]`, at least 0.
    """
    if tf.distribute.get_replica_context().num_replicas_in_sync == 1:
        return mean
    weight = tf.reduce_sum(weights)
    return mean * tf.math.divide_no_nan(weight, global_mean(weight))
