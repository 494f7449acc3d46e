"""What train and resume share: a run folder with its listeners, and the end of a run."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from policybudget.cli.optima import solving
from policybudget.problem import RepresentedMDP
from policybudget.runs import files
from policybudget.runs.result import Result
from policybudget.training.checkpoint import Checkpoints, reader
from policybudget.training.configuration import Configuration
from policybudget.training.listeners.metrics import Metrics, TensorBoard
from policybudget.training.listeners.progress import LiveProgress
from policybudget.training.train import Listener, train
from policybudget.welfare import Utilitarian
from policybudget.worlds.interface import World


def use_compilation_cache() -> None:
    """Keep compiled functions on disk, so that the next run of the same shape starts at once."""
    import jax

    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    settings = {
        "jax_compilation_cache_dir": os.environ.get("JAX_COMPILATION_CACHE_DIR", str(home / "policybudget")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in settings.items():
        jax.config.update(name, value)


def train_in(folder: Path, configuration: Configuration, problem: RepresentedMDP, quiet: bool, resume: bool) -> Result:
    """Train in a run folder, from its checkpoint if told so, and write everything that a run leaves.

    The manifest comes last: a run that has one is finished.
    """
    use_compilation_cache()
    widest = max(phase.budget for phase in configuration.phases(problem.population.size))
    try:
        with ExitStack() as stack:
            listeners: list[Listener] = [Metrics(folder, widest), TensorBoard(folder), Checkpoints(folder)]
            if not quiet:
                listeners.append(stack.enter_context(LiveProgress()))
            stack.enter_context(solving())
            result = train(
                problem,
                configuration.rule,
                ppo=configuration.ppo,
                transitions=configuration.transitions,
                seed=configuration.seed,
                listeners=listeners,
                resume=reader(folder) if resume else None,
            )
        pictures = draw(folder, problem, result)
        result.save(folder)
    except OSError as error:  # of a figure or of TensorBoard's events; all else names its file
        raise files.cannot_write(folder, error) from error
    if not quiet:
        show(folder, problem, result, pictures)
    return result


def draw(folder: Path, problem: RepresentedMDP, result: Result) -> list[Path]:
    """The figures of a run."""
    from policybudget.assessment import figures, grid_figures
    from policybudget.worlds.grid.resource_gathering import ResourceGathering

    drawn = [figures.save(figures.training_curve(folder / "metrics.csv"), folder / "figures" / "training.png")]
    world, population = problem.world, problem.population
    if isinstance(world, ResourceGathering):
        walks = grid_figures.greedy_paths(world, result.policies)
        paths = grid_figures.paths(world.side, world.home, walks, result.assignment)
        drawn.append(figures.save(paths, folder / "figures" / "paths.png"))
    if population.parameters is not None and population.parameters.shape[1] == 1:
        histogram = figures.assignment_histogram(
            population.parameters[:, 0], result.assignment, population.parameter_names[0]
        )
        drawn.append(figures.save(histogram, folder / "figures" / "assignment.png"))
    return drawn


def show(folder: Path, problem: RepresentedMDP, result: Result, pictures: list[Path]) -> None:
    """Table, drawing and the place of the run folder."""
    console = Console()
    table = Table(title=f"{result.algorithm}, {result.budget} policies for {len(result.agents)} users")
    for name in ("policy", "agents", "mean return", "episode length"):
        table.add_column(name, justify="right")
    sizes = result.assignment.sum(axis=1)
    for j in range(result.budget):
        value = (result.assignment[j] * result.returns[j]).sum() / sizes[j] if sizes[j] > 0 else float("nan")
        told = "-" if np.isnan(value) else f"{value:.2f}"
        table.add_row(str(j), f"{sizes[j]:.4g}", told, f"{result.lengths[j]:.1f}")
    console.print(table)
    _show_paths(console, problem.world, result)
    told = "mean over users" if problem.welfare == Utilitarian() else str(problem.welfare)
    console.print(f"welfare [bold]{result.welfare:.2f}[/] (greedy policies, fresh episodes, {told})", highlight=False)
    social = result.social
    if problem.welfare != Utilitarian():
        console.print(f"        mean {social['mean']:.2f}, worst {social['worst']:.2f}", highlight=False)
    if social["unserved"]:
        outside = f"{social['unserved']} of {len(result.agents)} users do better outside, served by none"
        console.print(f"        {outside}", highlight=False)
    for picture in pictures:
        console.print(f"figure  {picture}", soft_wrap=True, highlight=False)
    console.print(f"run     {folder}", soft_wrap=True, highlight=False)


def _show_paths(console: Console, world: World, result: Result) -> None:
    from policybudget.assessment import grid_figures as figures
    from policybudget.worlds.grid.resource_gathering import ResourceGathering

    if not isinstance(world, ResourceGathering):
        return
    drawings = [figures.drawing(world.side, world.home, walk) for walk in figures.greedy_paths(world, result.policies)]
    for first in range(0, len(drawings), 4):
        part = drawings[first : first + 4]
        console.print("   ".join(f"policy {first + i}".ljust(17) for i in range(len(part))), highlight=False)
        for lines in zip(*part, strict=True):
            console.print("   ".join(lines), highlight=False)
        console.print()
