"""Frames as output: for rows only."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from .._core.sklearn_compat import _auto_wrap_is_configured, _get_output_config


def check_no_frame_output(estimator):
    """Refuse to put a panel into the frame that `set_output` asks for."""
    container = _get_output_config("transform", estimator)["dense"]
    if container != "default" and _auto_wrap_is_configured(estimator):
        raise ValueError(
            f"The output is set to transform={container!r}, but a {container} frame "
            "cannot hold a panel (a 3-D array or a list of 2-D arrays). Pass rows with "
            "groups or with an index of two levels (sequence, time), or call "
            f"{type(estimator).__name__}.set_output(transform='default')."
        )
