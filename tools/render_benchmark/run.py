"""Renders the sequences of a benchmark in several processes."""

import concurrent.futures
import multiprocessing
import pathlib
from concurrent.futures import process

from tqdm import tqdm

from sdkd_tf.data.layouts.listing import SPLITS
from sdkd_tf.deploy.child import die_with_parent
from sdkd_tf.errors import UserError
from tools.render_benchmark import attribution, levels, models, output, parts, sequence


def list_jobs(settings: dict) -> list[sequence.Job]:
    """Returns the sequences of a benchmark, task by task.

    Args:
      settings: objects, first, image_size, train, validation, test, seed and quality, as the flags of the same names.
    """
    common = {key: settings[key] for key in ("image_size", "seed", "quality")}
    return [
        sequence.Job(split=split, task=task, object=name, count=settings[split], **common)
        for task in range(1, len(levels.TASKS) + 1)
        for split in SPLITS
        for name in _objects(settings)
    ]


def _objects(settings: dict) -> list[str]:
    start = settings["first"] - 1
    return list(models.OBJECTS)[start : start + settings["objects"]]


def render_one(out: pathlib.Path, job: sequence.Job, cache: pathlib.Path) -> None:
    """Renders and saves a sequence."""
    output.save(out, job, sequence.render(job, cache))


def render(out: pathlib.Path, settings: dict, workers: int) -> None:
    """Renders the sequences that a folder lacks, and the files that describe it.

    Args:
      out: the folder; it is created if need be.
      settings: see `list_jobs`.
      workers: number of processes.

    Raises:
      UserError: the folder holds something else or cannot be written, models are missing, or a worker was killed.
    """
    text = attribution.table(_objects(settings))
    output.claim(out, settings)
    jobs = list_jobs(settings)
    left = [job for job in jobs if not output.is_finished(out, job)]
    cache = parts.parts_folder()
    # Forking a process with several threads is unsafe, so workers are spawned.
    context = multiprocessing.get_context("spawn")
    with tqdm(total=sum(job.count for job in jobs), unit="image") as bar:
        bar.update(bar.total - sum(job.count for job in left))
        if left:
            with concurrent.futures.ProcessPoolExecutor(workers, context, die_with_parent) as pool:
                futures = {pool.submit(render_one, out, job, cache): job for job in left}
                try:
                    for future in concurrent.futures.as_completed(futures):
                        future.result()
                        bar.update(futures[future].count)
                except process.BrokenProcessPool:
                    raise UserError(
                        "a worker was killed; repeat the command with a smaller --workers to resume"
                    ) from None
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
    output.finish(out, jobs)
    output.write(out / "ATTRIBUTION.md", text)
