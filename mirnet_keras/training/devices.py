"""Several devices and several hosts: each takes its part of every batch.

On TensorFlow the devices of one machine, by `MirroredStrategy`; on JAX those of one machine or of
several, by `keras.distribution`. Weights are the same everywhere.
"""

import contextlib
from collections.abc import Callable, Iterator

import keras

from mirnet_keras.recipes import RecipeError


def join_hosts(hosts: int, rank: int | None = None, coordinator: str | None = None) -> None:
    """Makes this process one of several that train together; call it before all else, on JAX.

    Args:
        hosts: how many processes there are.
        rank: number of this one, from 0; None: as the scheduler (Slurm, Open MPI, Kubernetes)
            says in its environment.
        coordinator: `HOST:PORT` of the process of rank 0; None: the scheduler's.

    Raises:
        RecipeError: on another backend than JAX, and for a rank without coordinator or the reverse.
    """
    if (rank is None) != (coordinator is None):
        raise RecipeError(
            "The rank of a host and its coordinator go together: give both, or none under a "
            f"scheduler. Received rank={rank}, coordinator={coordinator}."
        )
    if keras.backend.backend() != "jax":
        raise RecipeError(
            "Several hosts train together on the JAX backend alone: set KERAS_BACKEND=jax. "
            f"Received KERAS_BACKEND={keras.backend.backend()}."
        )
    import jax

    if hosts == 1:
        return
    jax.config.update("jax_cpu_collectives_implementation", "gloo")  # for hosts without GPUs
    jax.distributed.initialize(coordinator, hosts, rank, heartbeat_timeout_seconds=30)


def this_host() -> tuple[int, int]:
    """The number of this process and how many there are; (0, 1) for one alone."""
    if keras.backend.backend() != "jax":
        return 0, 1
    import jax

    return jax.process_index(), jax.process_count()


def wait_for_all_hosts(moment: str) -> None:
    """Returns when every process has come to `moment`."""
    if this_host()[1] > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(moment)


def same_on_all_hosts(number: int) -> bool:
    """Whether every process calls it with the same number."""
    if this_host()[1] == 1:
        return True
    from jax.experimental import multihost_utils

    return len(set(multihost_utils.process_allgather(number).tolist())) == 1


@contextlib.contextmanager
def distributed(all_devices: bool) -> Iterator[Callable]:
    """Lets what is built in it train on several devices, or on all hosts.

    Args:
        all_devices: whether to take all GPUs of this machine, or, where it has none, all logical
            processors. Several hosts always take all theirs.

    Yields:
        A function that gives the context in which to build and compile a model.
    """
    if keras.backend.backend() == "tensorflow":
        yield _mirrored if all_devices else contextlib.nullcontext
    elif all_devices or this_host()[1] > 1:
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )
        try:
            yield contextlib.nullcontext
        finally:
            keras.distribution.set_distribution(None)
    else:
        yield contextlib.nullcontext


def _mirrored():
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices]).scope()


def is_distributed(model: keras.Model) -> bool:
    """Whether a model's weights lie on several devices."""
    if keras.backend.backend() == "tensorflow":
        return model.distribute_strategy.num_replicas_in_sync > 1
    return keras.distribution.distribution() is not None


@contextlib.contextmanager
def on_one_device() -> Iterator[None]:
    """Lets what is built and called in it stay on one device of this host."""
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)
