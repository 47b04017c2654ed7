"""Fitted features → what training saw of each input. See :mod:`sqlrec.spec.profile`."""

from __future__ import annotations

from sqlrec.features.columns import Bag, Category, Feature, Number
from sqlrec.features.encoder import Encoder
from sqlrec.spec.profile import MOST_VALUES, InputProfile, Profile


def profile_of(encoder: Encoder) -> Profile:
    """The profile of an encoder's inputs. A number that training never had has no bounds."""
    return Profile(inputs={feature.config.name: _input(feature) for feature in encoder.features})


def _input(feature: Feature) -> InputProfile:
    match feature:
        case Category(vocabulary=vocabulary) | Bag(vocabulary=vocabulary):
            known = sorted(vocabulary.values)
            return InputProfile(values=tuple(known) if len(known) <= MOST_VALUES else None)
        case Number(numeric=numeric) if numeric.low <= numeric.high:
            return InputProfile(low=numeric.low, high=numeric.high)
        case _:
            return InputProfile()
