"""E copies of Meta-World, each playing for an agent, whose task it acts in: steps, resets, and their state.

Copies of a task are stepped by one call. Tasks are stepped side by side in threads, so that one task's physics runs
while another's rewards are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from policybudget.errors import WorldError
from policybudget.worlds.interface import HostStep
from policybudget.worlds.metaworld.objects import FRAME
from policybudget.worlds.metaworld.physics import OBSERVED, Ints, TaskPhysics
from policybudget.worlds.metaworld.starts import GOALS, Starts
from policybudget.worlds.mujoco.vector_support import generator_from_words, generator_words, matching

Group = tuple[int, Ints, Ints]
"""A task, the copies that play it, and their rows in its physics, in ascending order."""
STEPS = 500
"""Of an episode, always."""
PERFECT = 100.0
"""What an episode is worth in which every step has the package's highest reward, 10, and what a success is worth."""
UNIT = PERFECT / (10.0 * STEPS)


class MetaworldCopies:
    """E copies; see :class:`~policybudget.worlds.interface.Copies`.

    Args:
        tasks: names of the tasks of n agents, without the version.
        number: E.
        threads: that step them.

    Raises:
        PolicyBudgetError: MuJoCo or Meta-World is not installed.
    """

    def __init__(self, tasks: tuple[str, ...], number: int, threads: int) -> None:
        self._names = tuple(dict.fromkeys(tasks))
        self._task_of = np.array([self._names.index(task) for task in tasks])
        self.number, self._threads = number, threads
        self._pool = ThreadPoolExecutor(max(1, threads - 1))
        self._starts = dict[int, Starts]()
        self._physics = dict[int, TaskPhysics]()
        self._free = dict[int, list[int]]()
        self._rng = np.random.default_rng()
        self._whom = np.zeros(number, np.int64)
        self._row, self._goal, self._elapsed = (np.full(number, -1) for _ in range(3))
        self._solved = np.zeros(number, bool)
        self._groups: list[Group] = []

    def reset(self, seed: int, whom: np.ndarray | None = None) -> NDArray[np.float32]:
        """Begin fresh episodes with goals drawn at random.

        Args:
            seed: of all goals from here on.
            whom: (E,) agents.

        Returns:
            (E, 39) observations.
        """
        assert whom is not None  # agents have dynamics of their own
        self._rng = np.random.default_rng(seed)
        self._clear()
        everyone = np.arange(self.number)
        return self._begin(everyone, whom).astype(np.float32)

    def step(self, actions: np.ndarray, following: np.ndarray | None = None) -> HostStep:
        """Step every copy; those whose episode ends begin the next one at once.

        Args:
            actions: (E, 4).
            following: (E,) the agents that copies play for next; as before if None.

        Returns:
            What came of it; outcomes are (reward, first success), each from 0 to 100 in an episode.

        Raises:
            WorldError: an action is not finite, or MuJoCo reported an error.
        """
        given = np.asarray(actions, np.float64)
        if not np.isfinite(given).all():
            raise WorldError(f"actions must be finite, got {given[~np.isfinite(given).all(axis=1)][0].tolist()}")
        reached, outcome = np.empty((self.number, OBSERVED)), np.zeros((self.number, 2), np.float32)
        success = np.zeros(self.number, bool)

        def play(group: Group) -> None:
            task, copies, rows = group
            moment = self._physics[task].step(rows, given[copies])
            reached[copies], success[copies] = moment.observation, moment.success
            outcome[copies, 0] = moment.reward * UNIT

        self._everywhere(play, self._groups)
        self._elapsed += 1
        outcome[:, 1] = PERFECT * (success & ~self._solved)
        self._solved |= success
        ended = self._elapsed >= STEPS
        observation = reached
        if ended.any():
            observation = reached.copy()
            copies = np.flatnonzero(ended)
            whom = self._whom if following is None else following
            observation[copies] = self._begin(copies, np.asarray(whom)[copies])
        seen, led = observation.astype(np.float32), reached.astype(np.float32)
        never = np.zeros(self.number, bool)
        return HostStep(seen, led, outcome, never, ended, ~never)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the future depends on, in rows of E."""
        widest = max((physics.state.shape[1] for physics in self._physics.values()), default=0)
        physical, frame, part = (np.zeros((self.number, size)) for size in (widest, FRAME, 3))
        for task, copies, rows in self._groups:
            physics = self._physics[task]
            physical[copies, : physics.state.shape[1]] = physics.state[rows]
            frame[copies], part[copies] = physics.frame[rows], physics.part[rows]
        return {
            "physics": physical,
            "frame": frame,
            "part": part,
            "whom": self._whom.copy(),
            "goal": self._goal.copy(),
            "elapsed": self._elapsed.copy(),
            "solved": self._solved.copy(),
            "generator": generator_words(self._rng),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a saved state, bit for bit.

        Args:
            state: as :meth:`state` gave it.

        Raises:
            WorldError: an array is missing, or of another shape or type.
        """
        like = self.state() | {"physics": state.get("physics", np.zeros((0, 0)))}
        given = matching(state, like)
        self._clear()
        self._rng = generator_from_words(given["generator"])
        self._enter(np.arange(self.number), given["whom"])
        self._goal, self._elapsed, self._solved = given["goal"], given["elapsed"], given["solved"]

        def go_on(group: Group) -> None:
            for copy, row in zip(*group[1:], strict=True):
                saved = given["physics"][copy], given["frame"][copy], given["part"][copy]
                self._physics[group[0]].go_on(int(row), int(self._goal[copy]), saved)

        self._everywhere(go_on, self._groups)

    def close(self) -> None:
        """Let go of the physics and its threads."""
        self._pool.shutdown()
        self._physics.clear()

    def _everywhere(self, do: Callable[[Group], None], groups: list[Group]) -> None:
        """Something for every task: this thread does it, and others of the pool that wake up in time."""
        waiting = iter(groups)  # each thread takes the next one

        def work() -> None:
            for group in waiting:
                do(group)

        helpers = [self._pool.submit(work) for _ in range(min(self._threads, len(groups)) - 1)]
        work()
        for helper in helpers:
            if not helper.cancel():
                helper.result()

    def _clear(self) -> None:
        """No copy is in any row."""
        self._row[:] = -1
        self._free = {task: list(range(physics.room))[::-1] for task, physics in self._physics.items()}

    def _begin(self, copies: Ints, whom: np.ndarray) -> NDArray[np.float64]:
        """Let copies begin episodes of some agents; gives observations (r, 39)."""
        self._enter(copies, whom)
        self._goal[copies] = self._rng.integers(GOALS, size=len(copies))
        self._elapsed[copies], self._solved[copies] = 0, False
        seen, place = np.empty((self.number, OBSERVED)), np.zeros(self.number, bool)
        place[copies] = True

        def begin(group: Group) -> None:
            task, theirs, rows = group
            for copy, row in zip(theirs[place[theirs]], rows[place[theirs]], strict=True):
                seen[copy] = self._physics[task].begin(int(row), int(self._goal[copy]))

        self._everywhere(begin, self._groups)
        fresh: NDArray[np.float64] = seen[copies]
        return fresh

    def _enter(self, copies: Ints, whom: np.ndarray) -> None:
        """Give copies rows in the tasks of some agents."""
        for copy in copies[self._row[copies] >= 0]:
            self._free[int(self._task_of[self._whom[copy]])].append(int(self._row[copy]))
        self._whom[copies] = whom
        tasks = self._task_of[self._whom]
        for task in np.unique(tasks[copies]):
            self._make_room(int(task), int((tasks == task).sum()))
        for copy in copies:
            self._row[copy] = self._free[int(tasks[copy])].pop()
        self._groups = []
        for task in np.unique(tasks):
            theirs = np.flatnonzero(tasks == task)
            theirs = theirs[np.argsort(self._row[theirs])]
            self._groups.append((int(task), theirs, self._row[theirs]))

    def _make_room(self, task: int, needed: int) -> None:
        """At least so many rows for a task."""
        if task not in self._physics:
            starts = self._starts.setdefault(task, Starts(self._names[task]))
            threads = max(1, self._threads // len(self._names))
            self._physics[task], self._free[task] = TaskPhysics(starts, needed, threads), list(range(needed))[::-1]
        elif self._physics[task].room < needed:
            before = self._physics[task].room
            room = max(needed, 2 * before)
            self._physics[task] = self._physics[task].larger(room)
            self._free[task] += range(before, room)
