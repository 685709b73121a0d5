"""Gradient training on one flat parameter vector, shared by all networks."""

from ._hessian_free import train_hessian_free
from ._initializers import gaussian, glorot_uniform, orthogonal
from ._interrupts import train_until_interrupt
from ._losses import LOSSES, cross_entropy, squared_error
from ._objective import Objective, predict, row_taker, rows_of_sequences
from ._optimizers import OPTIMIZERS, SGD, Adam, RMSprop, clip_norm, learns_online
from ._parameters import ParameterVector
from ._training import (
    ShuffledBatches,
    TrainingResult,
    train_lbfgs,
    train_minibatches,
)

__all__ = [
    "LOSSES",
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "Objective",
    "ParameterVector",
    "RMSprop",
    "ShuffledBatches",
    "TrainingResult",
    "clip_norm",
    "cross_entropy",
    "gaussian",
    "glorot_uniform",
    "learns_online",
    "orthogonal",
    "predict",
    "row_taker",
    "rows_of_sequences",
    "squared_error",
    "train_hessian_free",
    "train_lbfgs",
    "train_minibatches",
    "train_until_interrupt",
]
