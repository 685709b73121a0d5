"""Each tool of scikit-learn, beside a loop written by hand.

A tool returns pairs of what it gave and what the loop gives. The loop takes the
sequences as a list, cut by hand where the rows of a sequence do not follow one another.
"""

import inspect
import io
import pickle

import joblib
import numpy as np
import pandas as pd
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    clone,
    is_classifier,
    is_regressor,
)
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state, estimator_html_repr, resample

from sklearn_seq.preprocessing import PerTimestep


class NotApplicable(Exception):
    """The tool is not for this kind of estimator or target."""


# The loop's pieces.


def fit(estimator, data, samples=None, **own):
    """A model of some samples; the same one whenever the same is asked for."""
    if own:
        return clone(estimator).fit(*data.listed(samples, **own))
    key = repr(estimator.get_params()), None if samples is None else tuple(samples)
    if key not in data.fitted:
        data.fitted[key] = clone(estimator).fit(*data.listed(samples))
    return data.fitted[key]


def fit_score(estimator, data, train, test):
    return fit(estimator, data, train).score(*data.listed(test))


def flat(outputs):
    """Outputs in any layout, one row after another."""
    if isinstance(outputs, np.ndarray) and outputs.dtype.kind == "O":
        return np.concatenate([np.asarray(part) for part in outputs])
    return np.asarray(outputs)


def output(fitted, data, samples=None, X=None, method=None):
    """What a model says of each row, or of each sequence."""
    method = method or ("predict" if hasattr(fitted, "predict") else "transform")
    outputs = flat(getattr(fitted, method)(data.listed(samples, X=X)[0]))
    if data.layout == "3-D, y per step" or data.case.is_density and data.panel:
        shape = (len(data.X) if samples is None else len(samples), -1)
        if data.layout != "list":
            return outputs.reshape(*shape, *outputs.shape[1:])
    return outputs


def grid(case):
    return {case.parameter: list(case.values)}


def candidates(data):
    """Estimators with each value of the parameter searched over."""
    case = data.case
    return [data.estimator.set_params(**{case.parameter: v}) for v in case.values]


def ask(method, data, *args):
    """Call a method of a meta-estimator, with groups where it takes them."""
    parameters = inspect.signature(method).parameters.values()
    takes = any(p.name == "groups" or p.kind == p.VAR_KEYWORD for p in parameters)
    return method(*args, **(data.fit_params if takes else {}))


# The tools.


def clones(data):
    fitted = data.estimator.fit(data.X, data.y, **data.fit_params)
    again = clone(fitted).fit(data.X, data.y, **data.fit_params)
    actual = again.score(data.X, data.y, **data.fit_params)
    yield actual, fit(data.estimator, data).score(*data.listed())


def saved(dump, load):
    def tool(data):
        fitted = data.estimator.fit(data.X, data.y, **data.fit_params)
        file = io.BytesIO()
        dump(fitted, file)
        file.seek(0)
        actual = load(file).score(data.X, data.y, **data.fit_params)
        yield actual, fit(data.estimator, data).score(*data.listed())

    return tool


def set_output(data):
    model = data.estimator
    if not hasattr(model, "transform"):
        raise NotApplicable
    model.fit(data.X, data.y, **data.fit_params)
    model.set_output(transform="pandas")
    frame = model.transform(data.X, **data.fit_params)
    values = output(fit(data.estimator, data), data, method="transform")
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == list(model.get_feature_names_out())
    if isinstance(data.X, pd.DataFrame):
        assert frame.index.equals(data.X.index)
    yield frame.to_numpy(), values


def html(data):
    model = data.estimator.fit(data.X, data.y, **data.fit_params)
    text = estimator_html_repr(model)
    yield data.case.name in text and data.case.parameter in text, True


def frozen(data):
    fitted = data.estimator.fit(data.X, data.y, **data.fit_params)
    model = FrozenEstimator(fitted).fit(data.X, data.y)
    actual = model.score(data.X, data.y, **data.fit_params)
    yield actual, fit(data.estimator, data).score(*data.listed())


def transformed(make):
    """A pipeline of a transformer and the model."""

    def tool(data):
        transformer = make(data.case.scaler)
        rows = data.values.reshape(-1, 2) if data.layout != "list" else None
        if data.layout == "list":
            rows = np.concatenate(data.X)
        values = clone(transformer).fit_transform(rows)
        if data.panel:
            transformer = PerTimestep(transformer)
            ends = np.cumsum([len(x) for x in data.X])[:-1]
            values = np.split(values, ends)
        model = make_pipeline(transformer, data.estimator)
        if data.layout == "indexed rows":
            model.set_output(transform="pandas")
        model.fit(data.X, data.y, **data.fit_params)
        expected = fit(data.estimator, data, X=values)
        actual = model.score(data.X, data.y, **data.fit_params)
        yield actual, expected.score(*data.listed(X=values))
        if hasattr(model, "predict"):
            actual = model.predict(data.X, **data.fit_params)
            yield flat(actual), output(expected, data, X=values)

    return tool


def two_columns(scaler):
    return ColumnTransformer([("first", scaler, [0])], remainder="passthrough")


def union(scaler):
    return FeatureUnion([("scaled", scaler), ("same", "passthrough")])


def scores_of(splits, data):
    return [[fit_score(c, data, *split) for split in splits] for c in candidates(data)]


def search(make):
    def tool(data):
        found = make(data.estimator, grid(data.case), cv=data.splitter)
        params = data.fit_params if not data.cv_params else {"groups": data.groups}
        found.fit(data.X, data.y, **params)
        expected = np.mean(scores_of(data.splits, data), axis=1)
        order = [params[data.case.parameter] for params in found.cv_results_["params"]]
        expected = expected[[data.case.values.index(value) for value in order]]
        yield found.cv_results_["mean_test_score"], expected
        best = candidates(data)[data.case.values.index(order[np.argmax(expected)])]
        actual = ask(found.score, data, data.X, data.y)
        yield actual, fit(best, data).score(*data.listed())

    return tool


def randomized(estimator, distributions, cv):
    return RandomizedSearchCV(estimator, distributions, n_iter=2, cv=cv, random_state=0)


def halving_samples(data):
    """The second round has all samples, in a random order."""
    found = HalvingGridSearchCV(
        data.estimator, grid(data.case), cv=data.splitter, factor=2, random_state=0
    )
    params = data.fit_params if not data.cv_params else {"groups": data.groups}
    found.fit(data.X, data.y, **params)
    for i, value in enumerate(found.cv_results_["params"]):
        size = found.cv_results_["n_resources"][i] / data.n_samples
        splits = [[drawn(part, size) for part in split] for split in data.splits]
        model = candidates(data)[data.case.values.index(value[data.case.parameter])]
        expected = np.mean([fit_score(model, data, *split) for split in splits])
        yield found.cv_results_["mean_test_score"][i], expected


def drawn(samples, fraction):
    return resample(
        samples, replace=False, random_state=0, n_samples=int(fraction * len(samples))
    )


def halving_iterations(data):
    case = data.case
    if case.resource is None:
        raise NotApplicable
    found = HalvingGridSearchCV(
        data.estimator,
        grid(case),
        cv=data.splitter,
        factor=2,
        resource=case.resource,
        min_resources=1,
        max_resources=2,
    )
    params = data.fit_params if not data.cv_params else {"groups": data.groups}
    found.fit(data.X, data.y, **params)
    for i, value in enumerate(found.cv_results_["params"]):
        expected = [
            fit_score(data.estimator.set_params(**value), data, *split)
            for split in data.splits
        ]
        yield found.cv_results_["mean_test_score"][i], np.mean(expected)


def validated(make_splitter, *, needs_groups=False, needs_labels=False):
    """Cross-validation with a given splitter."""

    def tool(data):
        splitter = data.splitter if make_splitter is None else make_splitter()
        groups = data.groups
        if needs_groups and len(np.unique(groups)) < 2:
            raise NotApplicable
        if needs_labels and (
            not is_classifier(data.estimator) or data.layout == "3-D, y per step"
        ):
            raise NotApplicable
        params = data.cv_params
        if needs_groups and data.panel:
            params = {"groups": groups}
        scores = cross_validate(
            data.estimator, data.X, data.y, cv=splitter, error_score="raise", **params
        )
        splits = splitter.split(data.X, data.y, groups)
        yield (
            scores["test_score"],
            [fit_score(data.estimator, data, *split) for split in splits],
        )

    return tool


def predicted(data):
    method = "predict" if hasattr(data.estimator, "predict") else "transform"
    actual = cross_val_predict(
        data.estimator,
        data.X,
        data.y,
        cv=data.splitter,
        method=method,
        **data.cv_params,
    )
    parts = [
        output(fit(data.estimator, data, train), data, test)
        for train, test in data.splits
    ]
    tests = [test for _, test in data.splits]
    if data.layout == "list" and not data.one_each or data.case.is_density:
        if data.panel:  # compare sequence by sequence
            models = [fit(data.estimator, data, train) for train, _ in data.splits]
            for model, test in zip(models, tests, strict=True):
                yield flat(actual[test]), flat(output(model, data, test))
            return
    expected = np.concatenate(parts)
    yield flat(actual)[np.concatenate(tests)], expected


def by_size(data):
    sizes, _, scores = learning_curve(
        data.estimator,
        data.X,
        data.y,
        cv=data.splitter,
        train_sizes=[0.5, 1.0],
        error_score="raise",
        **data.cv_params,
    )
    expected = [
        [
            fit_score(data.estimator, data, train[:n], test)
            for train, test in data.splits
        ]
        for n in sizes
    ]
    yield scores, expected


def by_value(data):
    _, scores = validation_curve(
        data.estimator,
        data.X,
        data.y,
        param_name=data.case.parameter,
        param_range=list(data.case.values),
        cv=data.splitter,
        error_score="raise",
        **data.cv_params,
    )
    yield scores, scores_of(data.splits, data)


def importance(data):
    fitted = data.estimator.fit(data.X, data.y, **data.fit_params)
    scoring = None
    if data.routed:

        def scoring(model, X, y=None):
            return model.score(X, y, groups=data.groups)

    result = permutation_importance(
        fitted, data.X, data.y, n_repeats=2, scoring=scoring, random_state=0
    )
    model = fit(data.estimator, data)
    baseline = model.score(*data.listed())
    seed = check_random_state(0).randint(np.iinfo(np.int32).max + 1)
    for column in range(2):
        random, order = np.random.RandomState(seed), np.arange(data.n_samples)
        X = data.values.copy()
        for repeat in range(2):
            random.shuffle(order)
            X[:, column] = X[order, column]
            expected = baseline - model.score(*data.listed(X=X))
            yield result.importances[column, repeat], expected


def needs_target(kind):
    """Leave out what is no regressor, or no classifier."""

    def decorate(tool):
        def guarded(data):
            if not kind(data.estimator):
                raise NotApplicable
            yield from tool(data)

        return guarded

    return decorate


def is_supervised(estimator):
    return is_classifier(estimator) or is_regressor(estimator)


def mean_output(models, data, *, columns=None, weights=None):
    """Average of predictions, or the most probable class on average."""
    method = "predict_proba" if is_classifier(data.estimator) else "predict"
    outputs = []
    for i, model in enumerate(models):
        X = None
        if columns is not None:
            values = data.values
            X = (
                [x[:, columns[i]] for x in values]
                if data.panel
                else values[:, columns[i]]
            )
        outputs.append(output(model, data, X=X, method=method))
    mean = np.mean(outputs, axis=0)
    return mean if method == "predict" else models[0].classes_[mean.argmax(axis=-1)]


def bag(**params):
    @needs_target(is_supervised)
    def tool(data):
        make = BaggingClassifier if is_classifier(data.estimator) else BaggingRegressor
        model = make(data.estimator, n_estimators=2, random_state=0, **params)
        model.fit(data.X, data.y, **data.fit_params)
        models = []
        parts = zip(
            model.estimators_,
            model.estimators_samples_,
            model.estimators_features_,
            strict=True,
        )
        for member, samples, columns in parts:
            X = data.values[..., columns]
            models.append(fit(clone(member), data, samples, X=X))
        actual = ask(model.predict, data, data.X)
        yield actual, mean_output(models, data, columns=model.estimators_features_)

    return tool


@needs_target(is_supervised)
def voting(data):
    classifier = is_classifier(data.estimator)
    make = VotingClassifier if classifier else VotingRegressor
    model = make([(str(i), member) for i, member in enumerate(candidates(data))])
    if classifier:
        model.set_params(voting="soft")
    model.fit(data.X, data.y, **data.fit_params)
    models = [fit(member, data) for member in candidates(data)]
    yield ask(model.predict, data, data.X), mean_output(models, data)


@needs_target(is_supervised)
def stacking(data):
    classifier = is_classifier(data.estimator)
    make = StackingClassifier if classifier else StackingRegressor
    final = LogisticRegression() if classifier else LinearRegression()
    members = [(str(i), member) for i, member in enumerate(candidates(data))]
    model = make(members, final_estimator=final, cv=data.splits)
    model.fit(data.X, data.y, **data.fit_params)
    method = "predict_proba" if classifier else "predict"

    def stacked(models, samples):
        columns = [
            output(member, data, samples, method=method).reshape(len(samples), -1)
            for member in models
        ]
        if classifier and columns[0].shape[1] == 2:
            columns = [column[:, 1:] for column in columns]
        return np.hstack(columns)

    inputs = np.empty((data.n_samples, 0))
    for train, test in data.splits:
        part = stacked([fit(m, data, train) for m in candidates(data)], test)
        if not inputs.shape[1]:
            inputs = np.empty((data.n_samples, part.shape[1]))
        inputs[test] = part
    final = clone(final).fit(inputs, data.y)
    models = [fit(m, data) for m in candidates(data)]
    expected = final.predict(stacked(models, np.arange(data.n_samples)))
    yield ask(model.predict, data, data.X), expected


@needs_target(is_regressor)
def scaled_target(data):
    y = data.y
    scaler = StandardScaler().fit(y.reshape(len(y), -1))
    model = TransformedTargetRegressor(data.estimator, transformer=StandardScaler())
    model.fit(data.X, y, **data.fit_params)
    scaled = scaler.transform(y.reshape(len(y), -1)).reshape(y.shape)
    expected = output(fit(data.estimator, data, y=scaled), data)
    expected = scaler.inverse_transform(expected.reshape(len(y), -1)).reshape(y.shape)
    yield ask(model.predict, data, data.X), expected


@needs_target(is_regressor)
def one_model_an_output(data):
    if data.layout == "3-D, y per step":
        raise NotApplicable
    outputs = [data.y, data.y**2]
    model = MultiOutputRegressor(data.estimator)
    model.fit(data.X, np.column_stack(outputs), **data.fit_params)
    models = [fit(data.estimator, data, y=y) for y in outputs]
    expected = np.column_stack([output(m, data) for m in models])
    yield ask(model.predict, data, data.X), expected


class Told(ClassifierMixin, BaseEstimator):
    """A classifier whose input is the probabilities of the classes."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return X

    def predict(self, X):
        return self.classes_[np.argmax(X, axis=1)]


@needs_target(is_classifier)
def calibrated(data):
    """Platt's sigmoid of the probabilities of models that have not seen the rows."""
    if data.layout == "3-D, y per step":
        raise NotApplicable
    model = CalibratedClassifierCV(data.estimator, cv=data.splits)
    model.fit(data.X, data.y, **data.fit_params)
    total = 0.0
    for train, test in data.splits:
        member = fit(data.estimator, data, train)
        told = output(member, data, test, method="predict_proba")
        sigmoids = CalibratedClassifierCV(
            FrozenEstimator(Told().fit(told, data.y[test])), cv=KFold(2)
        ).fit(told, data.y[test])
        everywhere = output(member, data, method="predict_proba")
        total = total + sigmoids.predict_proba(everywhere)
    yield ask(model.predict_proba, data, data.X), total / len(data.splits)


@needs_target(is_classifier)
def one_versus_rest(data):
    if data.layout == "3-D, y per step":
        raise NotApplicable
    model = OneVsRestClassifier(data.estimator)
    model.fit(data.X, data.y, **data.fit_params)
    classes = np.unique(data.y)
    if len(classes) == 2:
        expected = output(fit(data.estimator, data), data)
    else:
        rest = [fit(data.estimator, data, y=(data.y == c) * 1) for c in classes]
        shares = [output(m, data, method="predict_proba")[:, 1] for m in rest]
        expected = classes[np.argmax(shares, axis=0)]
    yield ask(model.predict, data, data.X), expected


TOOLS = {
    "clone": clones,
    "pickle": saved(pickle.dump, pickle.load),
    "joblib.dump": saved(joblib.dump, joblib.load),
    "set_output": set_output,
    "HTML representation": html,
    "FrozenEstimator": frozen,
    "Pipeline": transformed(lambda scaler: scaler),
    "ColumnTransformer": transformed(two_columns),
    "FeatureUnion": transformed(union),
    "cross_validate": validated(None),
    "cross_val_predict": predicted,
    "learning_curve": by_size,
    "validation_curve": by_value,
    "permutation_importance": importance,
    "TimeSeriesSplit": validated(lambda: TimeSeriesSplit(2)),
    "GroupKFold": validated(lambda: GroupKFold(3), needs_groups=True),
    "LeaveOneGroupOut": validated(LeaveOneGroupOut, needs_groups=True),
    "StratifiedKFold": validated(lambda: StratifiedKFold(2), needs_labels=True),
    "GridSearchCV": search(GridSearchCV),
    "RandomizedSearchCV": search(randomized),
    "HalvingGridSearchCV, iterations": halving_iterations,
    "HalvingGridSearchCV, samples": halving_samples,
    "Bagging, columns": bag(bootstrap=False, max_features=1),
    "Bagging, samples": bag(),
    "Voting": voting,
    "Stacking": stacking,
    "TransformedTargetRegressor": scaled_target,
    "MultiOutputRegressor": one_model_an_output,
    "CalibratedClassifierCV": calibrated,
    "OneVsRestClassifier": one_versus_rest,
}
