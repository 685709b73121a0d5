"""Any transformer of rows, applied to the time steps of a panel."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from typing import Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._core.docs import documented
from .._core.documentation_link import DocumentationLink
from .._core.sklearn_compat import (
    HasMethods,
    _fit_context,
    _num_samples,
    _raise_for_params,
)
from .._core.version_stamp import VersionStamp
from .._reading.containers import as_plain
from .._reading.sequences_1d import as_columns
from ..base import SequenceEstimator
from ..sequences import is_ragged, read_layout
from ..targets import SEQUENCE, read_targets
from ._frame_output import check_no_frame_output


def _transformer_has(name):
    """Whether the transformer, fitted or not, has an attribute."""

    def check(self):
        getattr(getattr(self, "transformer_", self.transformer), name)
        return True

    return check


@documented
class PerTimestep(
    VersionStamp,
    DocumentationLink,
    MetaEstimatorMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Apply a transformer of rows to each time step of a panel.

    The time steps of all sequences are stacked to one 2-D array, transformed, and laid
    out as they came: a 3-D array becomes a 3-D array, a list an object array of 2-D
    arrays. Rows, frames included, are handed on as they are. The transformer has to
    treat rows one by one: it does not see where sequences begin.

    Parameters
    ----------
    transformer : object
        Any transformer of 2-D arrays that gives one dense row for each row, such as
        :class:`~sklearn.preprocessing.StandardScaler`,
        :class:`~sklearn.decomposition.PCA` or a pipeline of them. Its parameters are
        reached as ``transformer__…``.

    Attributes
    ----------
    transformer_ : object
        The fitted clone of `transformer`.

    %(n_features_in_)s

    %(feature_names_in_)s

    See Also
    --------
    DelayTaps : Rows with their predecessors; takes panels itself.

    Notes
    -----
    A supervised transformer is given one target for each time step: those of y, or,
    where y has one target for each sequence, that one for all of its time steps.

    With ``enable_metadata_routing=True``, methods take the metadata that the
    transformer requests. For a panel, metadata with one entry for each sequence (a
    `sample_weight`) are repeated for its time steps, metadata with one entry for each
    time step are stacked, and others are handed on as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import OneHotEncoder, StandardScaler
    >>> from sklearn_seq.autoregressive import ARRegressor
    >>> from sklearn_seq.preprocessing import PerTimestep
    >>> X = np.arange(12.0).reshape(2, 3, 2)
    >>> Xt = PerTimestep(StandardScaler()).fit_transform(X)
    >>> Xt.shape
    (2, 3, 2)
    >>> Xt.std(axis=(0, 1))
    array([1., 1.])
    >>> model = make_pipeline(PerTimestep(StandardScaler()), ARRegressor())
    >>> sequences = [[[1.0], [2.0], [4.0]], [[1.0], [2.0], [4.0], [8.0]]]
    >>> [y_pred.shape for y_pred in model.fit(sequences).predict(sequences)]
    [(3, 1), (4, 1)]

    Sparse output has no place in a panel:

    >>> PerTimestep(OneHotEncoder()).fit_transform(X)
    Traceback (most recent call last):
    ...
    ValueError: OneHotEncoder returned a sparse matrix, but PerTimestep needs ...
    """

    _parameter_constraints = {"transformer": [HasMethods(["fit", "transform"])]}

    def __init__(self, transformer):
        self.transformer = transformer

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params) -> Self:
        """Fit the transformer to all time steps.

        Parameters
        ----------
        X : array-like
            A 3-D array of shape (n_sequences, n_timesteps, n_features), a list of 2-D
            arrays, or rows.

        y : array-like, default=None
            Targets for a supervised transformer: one for each time step, or one for
            each sequence.

        **params : dict
            Metadata that the transformer's `fit` requests. Only with
            ``enable_metadata_routing=True``.

        Returns
        -------
        self : object
            With the fitted transformer.

        Raises
        ------
        ValueError
            If X is no panel and no rows, if y does not line up with it, or if the
            transformer is one that takes panels itself.
        """
        flat, args, params, _ = self._start_fit("fit", X, y, params)
        self.transformer_.fit(flat, *args, **params["fit"])
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_transform(self, X, y=None, **params):
        """Fit the transformer to all time steps and transform them.

        Parameters
        ----------
        X : array-like
            A panel or rows.

        y : array-like, default=None
            Targets for a supervised transformer: one for each time step, or one for
            each sequence.

        **params : dict
            Metadata that the transformer's `fit_transform` requests. Only with
            ``enable_metadata_routing=True``.

        Returns
        -------
        X_new : array-like
            As of `transform`.
        """
        flat, args, params, layout = self._start_fit("fit_transform", X, y, params)
        if hasattr(self.transformer_, "fit_transform"):
            out = self.transformer_.fit_transform(
                flat, *args, **params["fit_transform"]
            )
        else:
            self.transformer_.fit(flat, *args, **params["fit"])
            out = self.transformer_.transform(flat, **params["transform"])
        return self._lay_out(out, flat, layout)

    def transform(self, X, **params):
        """Transform each time step.

        Parameters
        ----------
        X : array-like
            A panel or rows, with the features seen during fit.

        **params : dict
            Metadata that the transformer's `transform` requests. Only with
            ``enable_metadata_routing=True``.

        Returns
        -------
        X_new : array-like
            In the layout of X: of shape (n_sequences, n_timesteps, n_features_out) for
            a 3-D array, an object array of 2-D arrays for a list, and what the
            transformer returns for rows.

        Raises
        ------
        ValueError
            If the transformer returns a sparse matrix or not one row for each row, or
            if a panel should become a frame.
        """
        return self._apply("transform", X, params)

    @available_if(_transformer_has("inverse_transform"))
    def inverse_transform(self, X, **params):
        """Transform each time step back.

        Parameters
        ----------
        X : array-like
            A panel or rows in the space of the transformed time steps.

        **params : dict
            Metadata that the transformer's `inverse_transform` requests. Only with
            ``enable_metadata_routing=True``.

        Returns
        -------
        X_original : array-like
            In the layout of X.
        """
        return self._apply("inverse_transform", X, params)

    def _start_fit(self, method, X, y, params):
        """Stacked time steps and targets, and a fresh clone to fit to them."""
        _raise_for_params(params, self, method)
        transformer = clone(self.transformer)
        check_takes_rows(transformer)
        flat, layout = stack_panel(X)
        if layout is not None and y is not None:
            y = one_per_row(y, layout)
        args = () if y is None else (y,)
        routed = self._route(method, params, layout)
        self.transformer_ = transformer
        return flat, args, routed, layout

    def _apply(self, method, X, params):
        _raise_for_params(params, self, method)
        check_is_fitted(self)
        flat, layout = stack_panel(X)
        routed = self._route(method, params, layout)[method]
        out = getattr(self.transformer_, method)(flat, **routed)
        return self._lay_out(out, flat, layout, frame=method == "transform")

    def _route(self, method, params, layout):
        """Metadata for the transformer's methods, one entry for each row."""
        if layout is not None:
            params = {
                name: metadata_per_row(value, layout) for name, value in params.items()
            }
        return process_routing(self, method, **params)["transformer"]

    def _lay_out(self, out, flat, layout, frame=True):
        """Check what the transformer returned, and lay it out as X was."""
        name = type(self.transformer_).__name__
        if issparse(out):
            raise ValueError(
                f"{name} returned a sparse matrix, but {type(self).__name__} needs a "
                "dense array. Set its parameter for that, for example "
                "OneHotEncoder(sparse_output=False), or append "
                "FunctionTransformer(lambda X: X.toarray(), accept_sparse=True)."
            )
        shape = np.shape(out)
        if len(shape) != 2 or shape[0] != _num_samples(flat):
            raise ValueError(
                f"{name} returned an array of shape {shape} for "
                f"{_num_samples(flat)} time steps, but {type(self).__name__} needs a "
                "2-D array with one row for each: a transformer must not drop, add or "
                "merge rows."
            )
        if layout is None:
            return out
        if frame:
            check_no_frame_output(self)
        return layout.restore(np.asarray(out))

    @available_if(_transformer_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features=None):
        """Names of the transformer's output features.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features.

        Returns
        -------
        feature_names_out : ndarray of str
            As the transformer names them.
        """
        check_is_fitted(self)
        return self.transformer_.get_feature_names_out(input_features)

    @property
    def n_features_in_(self):
        """Number of features seen during fit."""
        return self._fitted_transformer("n_features_in_").n_features_in_

    @property
    def feature_names_in_(self):
        """Names of the features seen during fit."""
        return self._fitted_transformer("feature_names_in_").feature_names_in_

    def _fitted_transformer(self, attribute):
        try:
            check_is_fitted(self)
        except NotFittedError as error:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {attribute!r}"
            ) from error
        return self.transformer_

    def get_metadata_routing(self):
        """Get metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            Which metadata reach which method of the transformer.
        """
        mapping = (
            MethodMapping()
            .add(caller="fit", callee="fit")
            .add(caller="transform", callee="transform")
            .add(caller="inverse_transform", callee="inverse_transform")
        )
        if hasattr(self.transformer, "fit_transform"):
            mapping.add(caller="fit_transform", callee="fit_transform")
        else:
            mapping.add(caller="fit_transform", callee="fit")
            mapping.add(caller="fit_transform", callee="transform")
        return MetadataRouter(owner=self).add(
            transformer=self.transformer, method_mapping=mapping
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.transformer)
        tags.input_tags = replace(inner.input_tags, three_d_array=True)
        tags.target_tags = inner.target_tags
        tags.transformer_tags = inner.transformer_tags
        tags.requires_fit = inner.requires_fit
        tags.non_deterministic = inner.non_deterministic
        return tags


def check_takes_rows(transformer):
    """Refuse transformers with a memory: stacked, sequences would run together."""
    for part in (transformer, *transformer.get_params().values()):
        if isinstance(part, SequenceEstimator):
            name = type(part).__name__
            raise ValueError(
                f"{name} tells sequences apart, but the time steps that PerTimestep "
                f"hands on have no boundaries. {name} takes panels itself: use it "
                "outside of PerTimestep."
            )


def stack_panel(X):
    """Time steps of a panel, stacked, and its layout; rows as they are, and None."""
    X, _ = as_columns(as_plain(X))
    if is_ragged(X) or getattr(X, "ndim", None) == 3:
        return read_layout(X)
    return X, None


def one_per_row(values, layout):
    """Stack values for each time step; repeat those for each sequence."""
    targets = read_targets(values, layout, numeric=False)
    values = targets.values[:, 0] if targets.one_dimensional else targets.values
    if targets.kind == SEQUENCE:
        return np.repeat(values, np.diff(layout.sequence_offsets), axis=0)
    return values


def metadata_per_row(value, layout):
    """The same for metadata; what has not one entry per sequence is left alone."""
    is_array = isinstance(value, list | tuple) or np.ndim(value) > 0
    if is_array and _num_samples(value) == layout.n_samples:
        return one_per_row(value, layout)
    return value
