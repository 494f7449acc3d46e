"""Three finite worlds that are small enough to be solved exactly and have more wishes than policies."""

from __future__ import annotations

import numpy as np

from policybudget.exact.tabular import FiniteRMDP


def two_rooms() -> FiniteRMDP:
    """A corridor of nine tiles between two rooms, where users are opposed; it starts in the middle.

    Left and right move. Stepping into the left room (beyond tile 0) or the right one (beyond tile 8) ends the episode
    and pays its feature; the third feature is paid for crossing the landing, tile 6, to the right. Every step costs.
    """
    tiles, left, right = 9, 9, 10
    transitions, features = np.zeros((11, 2, 11)), np.zeros((11, 2, 4))
    for tile in range(tiles):
        transitions[tile, 0, tile - 1 if tile > 0 else left] = 1.0
        transitions[tile, 1, tile + 1 if tile < tiles - 1 else right] = 1.0
        features[tile, :, 3] = -1.0
    transitions[[left, right], :, [left, right]] = 1.0
    features[0, 0, 0] = features[8, 1, 1] = features[6, 1, 2] = 1.0
    weights = np.array([[20, 0, 0, 0.5], [0, 22, 0, 0.5], [14, 9, 0, 1.0], [2, 16, 1, 0.2], [8, 0, 3, 0.1]]).T
    return FiniteRMDP(transitions, features, weights, np.eye(11)[4], discount=0.95)


def lake() -> FiniteRMDP:
    """A frozen lake of 4 x 4 tiles with six users: each is paid while the walker stands on tiles that it likes.

    A move goes where it should with probability 0.8 and to either side of that with 0.1; walls hold. Tiles 5 and 15
    are holes, which end the episode. Feature f is paid in the tile that it is for, whatever is done there.
    """
    side, holes, liked = 4, (5, 15), (0, 3, 7, 8, 12, 14)
    moves = ((-1, 0), (0, 1), (1, 0), (0, -1))
    transitions, features = np.zeros((16, 4, 16)), np.zeros((16, 4, len(liked)))
    for tile in range(side * side):
        for action in range(4):
            for turn, chance in ((-1, 0.1), (0, 0.8), (1, 0.1)):
                down, across = moves[(action + turn) % 4]
                row, column = np.clip([tile // side + down, tile % side + across], 0, side - 1)
                transitions[tile, action, tile if tile in holes else row * side + column] += chance
    features[list(liked), :, range(len(liked))] = 1.0
    distance = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    weights = np.eye(6) + 0.4 * (distance == 1)  # users like the tiles before and after their own in the list, too
    return FiniteRMDP(transitions, features, weights, np.eye(16)[10], discount=0.95)


def random_world() -> FiniteRMDP:
    """Six states, three actions, three features and five users, all drawn once."""
    rng = np.random.default_rng(7)
    transitions = rng.dirichlet(np.full(6, 0.3), (6, 3))
    features = rng.uniform(size=(6, 3, 3))
    weights = rng.dirichlet(np.full(3, 0.5), 5).T
    return FiniteRMDP(transitions, features, weights, np.full(6, 1 / 6), discount=0.9)


WORLDS = {"two-rooms": two_rooms, "lake": lake, "random": random_world}
