"""Transformers that respect boundaries of sequences, or make others do so."""

from ._delay_taps import DelayTaps
from ._per_timestep import PerTimestep

__all__ = ["DelayTaps", "PerTimestep"]
